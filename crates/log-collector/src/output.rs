//! The log file: appended to, rotated, and opened again when it has been moved.

mod rotate;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// As rsyslog's log files: its owner writes, its group reads.
const MODE: u32 = 0o640;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot open {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot log to {}: it is not a regular file", path.display())]
    NotAFile { path: PathBuf },
}

/// A file that whole lines are appended to.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    file: File,
    max_size: u64,
    keep: u8,
}

/// What has become of some lines.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// How many are in the file.
    pub(crate) lines: u64,
    /// How many are not, and why.
    pub(crate) dropped: Option<(u64, io::Error)>,
    /// The file is larger than it should be, because of this.
    pub(crate) not_rotated: Option<io::Error>,
}

impl Output {
    pub(crate) fn open(path: &Path, max_size: u64, keep: u8) -> Result<Self, Error> {
        Ok(Self {
            file: open(path)?,
            path: path.to_owned(),
            max_size,
            keep,
        })
    }

    /// Opens the file again by its name.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        self.file = open(&self.path)?;
        Ok(())
    }

    /// Appends `lines`, each with its line end, and rotates between two of them where that is due.
    ///
    /// A line is in the file whole or not at all, also when the disk is full.
    pub(crate) fn write(&mut self, mut lines: &[u8]) -> Written {
        let mut written = Written::default();
        while !lines.is_empty() {
            if let Err(error) = self.write_some(&mut lines, &mut written) {
                written.dropped = Some((count(lines), error));
                return written;
            }
        }
        written
    }

    /// Appends what fits into the present file, at least one line.
    fn write_some(&mut self, lines: &mut &[u8], written: &mut Written) -> io::Result<()> {
        let mut size = self.size()?;
        let mut fits = fitting(lines, self.max_size.saturating_sub(size));
        if fits == 0 && size > 0 {
            match rotate::rotate(&self.path, &self.file, self.keep) {
                Ok(()) => {
                    size = self.size()?;
                    fits = fitting(lines, self.max_size.saturating_sub(size));
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
    fn cut(&self, lines: &[u8], written: usize, size: u64) -> usize {
        let part = lines.get(..written).unwrap_or_default();
        let whole = end_of_line(part.iter().rposition(|byte| *byte == b'\n'), 0);
        if whole < written {
            let kept = size.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX));
            // A torn line is read as one that is not well formed; that is all the harm if this fails.
            let _ = self.file.set_len(kept);
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
        self.reopen().map_err(io::Error::other)?;
        Ok(self.file.metadata()?.len())
    }
}

fn open(path: &Path) -> Result<File, Error> {
    let fail = |source| Error::Open {
        path: path.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(MODE)
        // A pipe without a reader would otherwise keep us waiting here.
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)
        .map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile {
            path: path.to_owned(),
        });
    }
    let mut last = *b"\n";
    let end = metadata.len().saturating_sub(1);
    // Whoever wrote here before may have been stopped within a line, which must not swallow our first.
    if file.read_at(&mut last, end).is_ok() && last != *b"\n" {
        let _ = file.write(b"\n");
    }
    Ok(file)
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
