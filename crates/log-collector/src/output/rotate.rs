//! Old files: `PATH.1` is the newest.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

/// Moves the file at `path` away, and with it those that are older; the oldest goes. With `keep` 0
/// there are no old files and `file`, which is open at `path`, is emptied.
///
/// By renaming, the last of them onto `PATH.1`: whoever reads a file reads on to its end, and
/// whoever watches the directory sees `PATH.1` appear whole.
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

/// Removes the oldest of the old files, and tells how many lines were in it; `None` if there is
/// none.
pub(super) fn remove_oldest(path: &Path, keep: u8) -> io::Result<Option<u64>> {
    for number in (1..=keep).rev() {
        let old = old(path, number);
        match fs::symlink_metadata(&old) {
            Ok(metadata) => {
                let lines = if metadata.is_file() {
                    File::open(&old).map_or(0, lines)
                } else {
                    0
                };
                fs::remove_file(&old)?;
                return Ok(Some(lines));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// How many lines are in a file, as far as it can be read.
pub(super) fn lines(file: impl io::Read) -> u64 {
    let mut file = BufReader::with_capacity(64 << 10, file);
    let mut lines = 0;
    while matches!(file.skip_until(b'\n'), Ok(length) if length > 0) {
        lines += 1;
    }
    lines
}

/// How many bytes all of them take.
pub(super) fn size_of_old(path: &Path, keep: u8) -> u64 {
    (1..=keep)
        .filter_map(|number| fs::symlink_metadata(old(path, number)).ok())
        .map(|metadata| metadata.len())
        .fold(0, u64::saturating_add)
}

fn old(path: &Path, number: u8) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}
