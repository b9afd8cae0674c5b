//! The logs of one run: opened all before the first is read.

mod content;
mod live;
mod packets;
mod rotated;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

pub(crate) use live::Live;
pub(crate) use packets::Packets;
use rotated::Opened;

use crate::error::Fatal;
use crate::progress::Progress;

/// Bytes of a log read at a time.
pub(crate) const BUFFER: usize = 256 * 1024;

/// Bytes of the begin of each log that are kept, to look at its prefixes afterwards.
const SAMPLE: usize = 64 * 1024;

/// A log that is open.
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    /// Its text, unbuffered unless it is compressed.
    pub(crate) text: Text,
    /// The file of a log that is read as it is, and its length when it was opened.
    file: Option<(File, u64)>,
    /// A file that shows that lines before its first were rotated away: `iptables.log.1.gz`.
    pub(crate) older: Option<PathBuf>,
}

/// The text of a log, of which the begin is kept.
pub(crate) struct Text {
    inner: Box<dyn Read + Send>,
    begin: Vec<u8>,
}

impl Text {
    fn new(inner: impl Read + Send + 'static) -> Self {
        Self {
            inner: Box::new(inner),
            begin: Vec::new(),
        }
    }

    /// The first bytes, as far as they have been read.
    pub(crate) fn begin(&self) -> &[u8] {
        &self.begin
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let wanted = SAMPLE.saturating_sub(self.begin.len()).min(length);
        self.begin
            .extend_from_slice(buffer.get(..wanted).unwrap_or_default());
        Ok(length)
    }
}

impl Log {
    /// The path as text, of which nothing is kept but characters.
    pub(crate) fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Whether the file was cut before it was read to its end, after so many bytes, as logrotate's
    /// copytruncate does; the rest is elsewhere then.
    pub(crate) fn is_cut(&self, read: u64) -> bool {
        self.file.as_ref().is_some_and(|(file, length)| {
            // What the kernel makes up as it is read, as under /proc, has no length.
            let shrunk = || file.metadata().is_ok_and(|now| now.len() < read);
            *length > 0 && (read < *length || shrunk())
        })
    }

    /// The error of a read that failed after so many lines.
    pub(crate) fn unreadable(&self, line: u64, source: io::Error) -> Fatal {
        Fatal::ReadLog {
            path: self.path.clone(),
            line,
            source,
        }
    }
}

/// Opens all logs. `-` is standard input; what is compressed by gzip is decompressed. `rotated`:
/// whether `PATH.1`, where it is a file, is read before `PATH`.
///
/// # Errors
///
/// A log cannot be opened, is given twice, or is compressed by something else than gzip.
pub(crate) fn open(
    paths: &[PathBuf],
    rotated: bool,
    progress: &Progress,
) -> Result<Vec<Log>, Fatal> {
    let opened = rotated::open(paths, rotated)?;
    opened
        .into_iter()
        .map(|opened| begin(opened, progress))
        .collect()
}

fn begin(opened: Opened, progress: &Progress) -> Result<Log, Fatal> {
    let Opened {
        path,
        file,
        length,
        most,
        older,
        ..
    } = opened;
    let text = file.try_clone().map_err(|source| Fatal::OpenLog {
        path: path.clone(),
        source,
    })?;
    let watched = progress.watch(text, length);
    let text = watched.take(most);
    let named = path.as_os_str().as_encoded_bytes().ends_with(b".gz");
    let seen = length.map(|_| &file);
    let (text, is_compressed) = content::read(&path, text, seen, named)?;
    let length = length.filter(|_| !is_compressed);
    Ok(Log {
        text,
        file: length.map(|length| (file, length)),
        older,
        path,
    })
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Standard input as a file of its own.
fn standard_input() -> io::Result<File> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(File::from(stdin))
}
