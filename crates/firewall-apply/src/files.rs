//! Files are read without waiting for anybody, and only up to a size that there is reason for.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

/// Opens a regular file of at most `limit` bytes; `/dev/null` stands for an empty one.
///
/// # Errors
///
/// Those of the system, and for anything else: a pipe that nobody writes to would keep the firewall
/// down, a device that has no end would fill the memory.
pub(crate) fn open(path: &Path, limit: u64) -> io::Result<File> {
    // Not to wait for a writer; for a regular file it means nothing.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)?;
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    if kind.is_char_device() && metadata.rdev() == NULL {
        return Ok(file);
    }
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > limit {
        return Err(io::Error::other(format!(
            "it has {} bytes, and no more than {limit} are read",
            metadata.len()
        )));
    }
    Ok(file)
}

/// Reads the whole of such a file.
///
/// # Errors
///
/// Those of [`open`].
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path, limit)?;
    let size = file.metadata()?.len().min(limit);
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // It may have grown since.
    file.take(limit).read_to_end(&mut content)?;
    Ok(content)
}

/// `MEM_MAJOR`, linux/major.h, and the minor number of null, `drivers/char/mem.c`, as `st_rdev` has
/// them.
const NULL: u64 = (1 << 8) | 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_bounded_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let why = |path: &Path| read(path, 4).unwrap_err().to_string();
        assert_eq!(why(&path), "it has 5 bytes, and no more than 4 are read");
        assert!(why(directory.path()).contains("directory"));
        assert_eq!(why(Path::new("/dev/zero")), "it is not a regular file");
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(why(&fifo), "it is not a regular file");
        assert_eq!(read(Path::new("/dev/null"), 0).unwrap(), b"");
        let missing = read(&directory.path().join("missing"), 4).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
