//! The logs of one run: opened all before the first is read.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::Fatal;
use crate::progress::Progress;

/// Bytes of a compressed log read at a time.
pub(crate) const BUFFER: usize = 256 * 1024;

/// A log that is open.
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    /// Its text, unbuffered unless it is compressed.
    pub(crate) text: Box<dyn Read + Send>,
    /// The file of a log that is read as it is, and its length when it was opened.
    file: Option<(File, u64)>,
}

impl Log {
    /// The path as text, of which nothing is kept but characters.
    pub(crate) fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Whether the file was cut before it was read to its end, after so many bytes, as logrotate's copytruncate does; the rest
    /// is elsewhere then.
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

/// Opens all of them. `-` is standard input; a name ending in `.gz` is decompressed.
pub(crate) fn open(paths: &[PathBuf], progress: &Progress) -> Result<Vec<Log>, Fatal> {
    let mut seen = HashSet::new();
    paths
        .iter()
        .map(|path| open_one(path, &mut seen, progress))
        .collect()
}

fn open_one(
    path: &Path,
    seen: &mut HashSet<Option<(u64, u64)>>,
    progress: &Progress,
) -> Result<Log, Fatal> {
    let failed = |source| Fatal::OpenLog {
        path: path.to_owned(),
        source,
    };
    let (identity, file, text): (_, _, Box<dyn Read + Send>) = if path.as_os_str() == "-" {
        (None, None, Box::new(progress.watch(io::stdin(), None)))
    } else {
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let identity = Some(identity(&metadata));
        let length = metadata.is_file().then_some(metadata.len());
        if is_compressed(path) {
            let compressed = BufReader::with_capacity(BUFFER, progress.watch(file, length));
            (identity, None, Box::new(MultiGzDecoder::new(compressed)))
        } else {
            let text = file.try_clone().map_err(failed)?;
            let text = progress.watch(text, length);
            (
                identity,
                length.map(|length| (file, length)),
                Box::new(text),
            )
        }
    };
    if !seen.insert(identity) {
        return Err(Fatal::SameLog {
            path: path.to_owned(),
        });
    }
    Ok(Log {
        path: path.to_owned(),
        text,
        file,
    })
}

/// What makes two paths one file.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn is_compressed(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b".gz")
}
