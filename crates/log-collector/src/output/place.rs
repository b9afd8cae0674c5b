//! Where the log lies: nobody else may put another file there, and the disk has room for it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::statvfs::statvfs;
use nix::unistd::geteuid;

use super::Error;

/// As rsyslog's log files: its owner writes, its group reads.
const MODE: u32 = 0o640;
/// Who is in the group or is somebody else may write.
const OTHERS_WRITE: u32 = 0o022;
/// Others' files in a directory can neither be moved nor removed.
const STICKY: u32 = 0o1000;

/// The directory of `path`.
pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

/// Makes sure that nobody but root and we can put another file in the place of `path`, or of an old
/// one beside it: a scan believes what stands there, and whoever could write there could have
/// anybody banned.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let fail = |source| Error::Open {
        path: path.to_owned(),
        source,
    };
    let directory = fs::canonicalize(directory(path)).map_err(fail)?;
    // In a user namespace everything of the real root belongs to nobody, as does the root
    // directory.
    let root = fs::metadata("/").map_err(fail)?.uid();
    let trusted = [0, root, geteuid().as_raw()];
    for (above, directory) in directory.ancestors().enumerate() {
        let metadata = fs::metadata(directory).map_err(fail)?;
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        let (path, directory) = (path.to_owned(), directory.to_owned());
        if !trusted.contains(&owner) {
            return Err(Error::Foreign {
                path,
                directory,
                owner,
            });
        }
        // What is ours in it stays where it is then; but others can make files that are not there
        // yet.
        let keeps_ours = above > 0 && mode & STICKY != 0;
        if mode & OTHERS_WRITE != 0 && !keeps_ours {
            return Err(Error::Shared {
                path,
                directory,
                mode,
            });
        }
    }
    Ok(())
}

/// Opens the file at `path`, which is made if it is not there.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    let fail = |source: io::Error| {
        let path = path.to_owned();
        match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ELOOP) => Error::Link { path },
            _ => Error::Open { path, source },
        }
    };
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(MODE)
        // A pipe without a reader would otherwise keep us waiting here.
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits())
        .open(path)
        .map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    let path = path.to_owned();
    if !metadata.is_file() {
        return Err(Error::NotAFile { path });
    }
    Ok(file)
}

/// Makes sure that others cannot write into the file.
pub(super) fn check_file(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(Error::SharedFile {
        path: path.to_owned(),
        mode,
    })
}

/// The disk that a file is on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk {
    /// In bytes; `None` if the file system does not say, as ramfs.
    size: Option<u64>,
    free: u64,
    block: u64,
}

impl Disk {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let disk = statvfs(directory(path))?;
        let block = disk.fragment_size().max(1);
        let bytes = |blocks: u64| blocks.saturating_mul(block);
        let free = if geteuid().is_root() {
            disk.blocks_free()
        } else {
            disk.blocks_available()
        };
        Ok(Self {
            size: Some(bytes(disk.blocks())).filter(|size| *size > 0),
            free: bytes(free),
            block,
        })
    }

    /// What `files` files of `max_size` bytes take, with a block more for each: a file is cut off
    /// in the middle of one.
    fn needed(self, max_size: u64, files: u64) -> u64 {
        let size = max_size
            .checked_next_multiple_of(self.block)
            .and_then(|size| size.checked_add(self.block));
        size.unwrap_or(u64::MAX).saturating_mul(files)
    }

    /// How large each of so many files can be in `room` bytes.
    fn share(self, room: u64, files: u64) -> u64 {
        let share = room / files.max(1);
        (share - share % self.block).saturating_sub(self.block)
    }

    /// Refuses what can never fit.
    pub(super) fn check(self, path: &Path, max_size: u64, keep: u8) -> Result<(), Error> {
        let files = u64::from(keep) + 1;
        let needed = self.needed(max_size, files);
        match self.size {
            Some(size) if size < needed => Err(Error::TooSmall(Box::new(TooSmall {
                path: path.to_owned(),
                files,
                max_size,
                needed,
                size,
                fits: self.share(size, files),
            }))),
            _ => Ok(()),
        }
    }

    /// How large a file may become so that it and the old ones fit, if they are to take no more
    /// than what is free now and the `ours` bytes that they take already.
    pub(super) fn limit(self, ours: u64, max_size: u64, keep: u8) -> u64 {
        let files = u64::from(keep) + 1;
        let room = self.free.saturating_add(ours);
        if self.size.is_none() || room >= self.needed(max_size, files) {
            return max_size;
        }
        // Less than a block is of no use to anybody.
        self.share(room, files).max(self.block).min(max_size)
    }
}

/// Files that are larger than their disk.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot log to {path}: {files} files of --max-size {max_size} bytes need {needed} bytes, and the file system has {size}; \
     use --max-size {fits} or less, a smaller --keep, or a larger file system",
    path = path.display()
)]
pub(crate) struct TooSmall {
    path: PathBuf,
    files: u64,
    max_size: u64,
    needed: u64,
    size: u64,
    fits: u64,
}
