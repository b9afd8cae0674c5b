//! Old files: `PATH.1` is the newest.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Moves the file at `path` away, and with it those that are older; the oldest goes. With `keep` 0 there are no old files
/// and `file`, which is open at `path`, is emptied.
pub(super) fn rotate(path: &Path, file: &File, keep: u8) -> io::Result<()> {
    if keep == 0 {
        return file.set_len(0);
    }
    for number in (1..keep).rev() {
        match fs::rename(old(path, number), old(path, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, old(path, 1))
}

fn old(path: &Path, number: u8) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}
