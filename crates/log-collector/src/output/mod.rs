//! The log file: appended to, rotated, and opened again when it has been moved.

mod place;
mod rotate;

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use self::place::Disk;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot open {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot log to {}: it is not a regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("cannot log to {}: it is a symbolic link; name the file that it leads to", path.display())]
    Link { path: PathBuf },
    #[error(
        "cannot log to {}: others can write it (mode {mode:04o}), and a scan would believe them: chmod go-w {}",
        path.display(),
        path.display()
    )]
    SharedFile { path: PathBuf, mode: u32 },
    #[error(
        "cannot log to {}: others can write {} (mode {mode:04o}) and put a file there that a scan would believe; \
         log to a directory of mode 0755 (a tmpfs is mounted with mode=0755)",
        path.display(),
        directory.display()
    )]
    Shared {
        path: PathBuf,
        directory: PathBuf,
        mode: u32,
    },
    #[error(
        "cannot log to {}: {} belongs to user {owner}, who could put a file there that a scan would believe",
        path.display(),
        directory.display()
    )]
    Foreign {
        path: PathBuf,
        directory: PathBuf,
        owner: u32,
    },
    #[error(transparent)]
    TooSmall(Box<place::TooSmall>),
}

/// A file that whole lines are appended to.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    file: File,
    max_size: u64,
    keep: u8,
    /// How large the file may become: `max_size`, or less while the disk has no room for so much.
    limit: u64,
    /// The file ends within a line.
    torn: bool,
}

/// What has become of some lines.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// How many are in the file.
    pub(crate) lines: u64,
    /// How many are not, and why.
    pub(crate) dropped: Option<(u64, io::Error)>,
    /// How many older ones went because the disk was full.
    pub(crate) given_up: u64,
    /// The file is larger than it should be, because of this.
    pub(crate) not_rotated: Option<io::Error>,
}

impl Output {
    /// Refuses a place where others could write, and a disk that is too small.
    pub(crate) fn open(path: &Path, max_size: u64, keep: u8) -> Result<Self, Error> {
        let fail = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        place::check(path)?;
        let disk = Disk::of(path).map_err(fail)?;
        disk.check(path, max_size, keep)?;
        let file = place::open(path)?;
        place::check_file(path, &file.metadata().map_err(fail)?)?;
        let mut output = Self {
            torn: false,
            file,
            path: path.to_owned(),
            max_size,
            keep,
            limit: max_size,
        };
        output.find_end();
        output.find_limit();
        Ok(output)
    }

    /// How many bytes less than it should the file holds, since the disk has no more room now.
    pub(crate) fn cramped(&self) -> Option<u64> {
        (self.limit < self.max_size).then_some(self.limit)
    }

    /// Opens the file again by its name.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        place::check(&self.path)?;
        self.open_anew()?;
        self.find_limit();
        Ok(())
    }

    /// The same where nobody would hear of a refusal: a log in a place that has become unsafe is
    /// better than none.
    fn open_anew(&mut self) -> Result<(), Error> {
        self.file = place::open(&self.path)?;
        self.find_end();
        Ok(())
    }

    /// Whoever wrote here before may have been stopped within a line, which must not swallow our
    /// first.
    fn find_end(&mut self) {
        let mut last = *b"\n";
        let end = self.file.metadata().map_or(0, |metadata| metadata.len());
        let read = self.file.read_at(&mut last, end.saturating_sub(1));
        self.torn = read.is_ok() && last != *b"\n";
    }

    /// Asks the disk how large the file may become.
    fn find_limit(&mut self) {
        let ours = self.file.metadata().map_or(0, |metadata| metadata.len());
        let ours = ours.saturating_add(rotate::size_of_old(&self.path, self.keep));
        self.limit = Disk::of(&self.path).map_or(self.max_size, |disk| {
            disk.limit(ours, self.max_size, self.keep)
        });
    }

    /// Appends `lines`, each with its line end, and rotates between two of them where that is due.
    /// On a full disk the oldest file goes first, and at last this one.
    ///
    /// A line is in the file whole or not at all, also when the disk is full.
    pub(crate) fn write(&mut self, mut lines: &[u8]) -> Written {
        let mut written = Written::default();
        while !lines.is_empty() {
            let Err(error) = self.write_some(&mut lines, &mut written) else {
                continue;
            };
            let full = matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            );
            if let Some(Ok(Some(given_up))) = full.then(|| self.give_up()) {
                written.given_up += given_up;
            } else {
                written.dropped = Some((count(lines), error));
                return written;
            }
        }
        written
    }

    /// Makes room at the cost of the oldest lines, and tells how many those were; `None` if there
    /// is nothing that could go.
    fn give_up(&mut self) -> io::Result<Option<u64>> {
        self.find_limit();
        if let Some(lines) = rotate::remove_oldest(&self.path, self.keep)? {
            return Ok(Some(lines));
        }
        if self.size()? == 0 {
            return Ok(None);
        }
        let mut lines = 0;
        if self.keep == 0 {
            (&self.file).rewind()?;
            lines = rotate::lines(&self.file);
        }
        // What is moved away now goes next if that is not enough, but whoever waits for it has been
        // told.
        rotate::rotate(&self.path, &self.file, self.keep)?;
        Ok(Some(lines))
    }

    /// Appends what fits into the present file, at least one line.
    fn write_some(&mut self, lines: &mut &[u8], written: &mut Written) -> io::Result<()> {
        let mut size = self.size()?;
        let mut fits = fitting(lines, self.limit.saturating_sub(size));
        if fits == 0 && size > 0 && self.limit < self.max_size {
            // There may be more room by now.
            self.find_limit();
            fits = fitting(lines, self.limit.saturating_sub(size));
        }
        if fits == 0 && size > 0 {
            match rotate::rotate(&self.path, &self.file, self.keep) {
                Ok(()) => {
                    size = self.size()?;
                    fits = fitting(lines, self.limit.saturating_sub(size));
                }
                Err(error) => {
                    // A log that is too large is better than none; the disk sets the limit.
                    written.not_rotated = Some(error);
                    fits = lines.len();
                }
            }
        }
        if fits == 0 {
            fits = end_of_line(lines.iter().position(|byte| *byte == b'\n'), lines.len());
        }
        let (done, result) = self.append(lines.get(..fits).unwrap_or_default(), size);
        written.lines += count(lines.get(..done).unwrap_or_default());
        *lines = lines.get(done..).unwrap_or_default();
        result
    }

    /// Appends to a file of `size` bytes; tells how many bytes are in it, which end with a line.
    fn append(&mut self, lines: &[u8], size: u64) -> (usize, io::Result<()>) {
        if self.torn {
            if let Err(error) = self.file.write_all(b"\n") {
                return (0, Err(error));
            }
            self.torn = false;
            return self.append(lines, size.saturating_add(1));
        }
        let mut written = 0;
        while let Some(rest) = lines.get(written..).filter(|rest| !rest.is_empty()) {
            let error = match self.file.write(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(bytes) => {
                    written += bytes;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            return (self.cut(lines, written, size), Err(error));
        }
        (written, Ok(()))
    }

    /// Takes back the part of a line at the end of what was written.
    fn cut(&mut self, lines: &[u8], written: usize, size: u64) -> usize {
        let part = lines.get(..written).unwrap_or_default();
        let whole = end_of_line(part.iter().rposition(|byte| *byte == b'\n'), 0);
        if whole < written {
            let kept = size.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX));
            self.torn = self.file.set_len(kept).is_err();
        }
        whole
    }

    /// The size of the file that has our name, which is opened if it is not the one we have.
    fn size(&mut self) -> io::Result<u64> {
        let ours = self.file.metadata()?;
        let named = fs::metadata(&self.path);
        if named.is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
            return Ok(ours.len());
        }
        self.open_anew().map_err(|error| match error {
            Error::Open { source, .. } => source,
            error => io::Error::other(error),
        })?;
        self.find_limit();
        Ok(self.file.metadata()?.len())
    }
}

/// How many bytes of whole lines fit into `room`.
fn fitting(lines: &[u8], room: u64) -> usize {
    let room = usize::try_from(room).unwrap_or(usize::MAX).min(lines.len());
    let some = lines.get(..room).unwrap_or_default();
    end_of_line(some.iter().rposition(|byte| *byte == b'\n'), 0)
}

fn end_of_line(at: Option<usize>, otherwise: usize) -> usize {
    at.map_or(otherwise, |at| at + 1)
}

fn count(lines: &[u8]) -> u64 {
    let count = lines.split_inclusive(|byte| *byte == b'\n').count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
