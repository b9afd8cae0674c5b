//! The logs of one run: opened all before the first is read.

mod content;
mod lines;
mod live;
mod packets;
mod rotated;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

pub(crate) use lines::Lines;
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
    /// Who is shown what is read.
    watcher: Option<Watcher>,
}

/// Is shown what is read of a log, piece by piece; an empty piece is its end.
type Watcher = Box<dyn FnMut(&[u8]) + Send>;

impl Text {
    fn new(inner: impl Read + Send + 'static) -> Self {
        Self {
            inner: Box::new(inner),
            begin: Vec::new(),
            watcher: None,
        }
    }

    /// Shows what is read from now on to somebody else, too; an empty piece is the end.
    pub(crate) fn watch(&mut self, watcher: impl FnMut(&[u8]) + Send + 'static) {
        self.watcher = Some(Box::new(watcher));
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
        if let Some(watcher) = self.watcher.as_mut().filter(|_| !buffer.is_empty()) {
            watcher(buffer.get(..length).unwrap_or_default());
        }
        Ok(length)
    }
}

impl Log {
    /// Shows each line that is read from now on to somebody else, with its number, from 1, and without
    /// its end. Of one that is longer than a reader takes it is the begin.
    pub(crate) fn each_line(&mut self, mut take: impl FnMut(u64, &[u8]) + Send + 'static) {
        let (mut lines, mut number) = (Lines::default(), 0);
        self.text.watch(move |piece| {
            let mut each = |whole: &[u8]| {
                for line in whole.split_inclusive(|byte| *byte == b'\n') {
                    // NUL bytes before a line are what is left of one that was emptied under its writer.
                    let begin = line.iter().position(|byte| *byte != 0);
                    let line = begin.and_then(|begin| line.get(begin..));
                    let Some(line) = line else { continue };
                    let line = line.strip_suffix(b"\n").unwrap_or(line);
                    number += 1;
                    take(number, line.strip_suffix(b"\r").unwrap_or(line));
                }
            };
            match piece {
                [] => lines.end(&mut each),
                piece => lines.add(piece, &mut each),
            }
        });
    }

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
