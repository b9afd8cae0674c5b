//! A file that is there whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process;

/// Writes a new file beside `path` and puts it into its place: a reader sees the old one or the new
/// one, and a link at `path` is replaced and not followed.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut begun = std::ffi::OsString::from(".");
    begun.push(name);
    begun.push(format!(".{}", process::id()));
    let begun = path.with_file_name(begun);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&begun)?;
    let done = file
        .write_all(bytes)
        .and_then(|()| fs::rename(&begun, path));
    if done.is_err() {
        // It is ours; the error that matters is the first one.
        let _ = fs::remove_file(&begun);
    }
    done
}
