//! A file of another firewall, as lines with their places.

use std::io;
use std::path::Path;
use std::rc::Rc;

use jiff::Timestamp;

use super::place::Place;
use crate::files;
use crate::findings::Problem;

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Source {
    path: Rc<Path>,
    text: String,
}

impl Source {
    /// Reads a file that has to be there.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        Self::open(path).map_err(|error| cannot(path, &error))
    }

    /// Reads a file that may be missing.
    pub(crate) fn read_if_there(path: &Path) -> Result<Option<Self>, Problem> {
        match Self::open(path) {
            Ok(source) => Ok(Some(source)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(cannot(path, &error)),
        }
    }

    fn open(path: &Path) -> io::Result<Self> {
        let bytes = files::read(path, MAX_SIZE)?;
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
        Ok(Self {
            path: path.into(),
            // A comment of another encoding is no reason to lose the line.
            text: String::from_utf8_lossy(bytes).into_owned(),
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// When it was written last.
    pub(crate) fn written(&self) -> Option<Timestamp> {
        let written = std::fs::metadata(&self.path).and_then(|metadata| metadata.modified());
        Timestamp::try_from(written.ok()?).ok()
    }

    /// Its lines as they are, each with whether a blank begins it.
    pub(crate) fn lines_as_they_are(&self) -> impl Iterator<Item = (Place, &str, bool)> {
        (1..).zip(self.text.lines()).map(|(line, text)| {
            let path = Rc::clone(&self.path);
            let is_indented = text.starts_with([' ', '\t']);
            (Place { path, line }, text, is_indented)
        })
    }

    /// Its lines without blanks around them, each with its place.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (Place, &str)> {
        self.lines_as_they_are()
            .map(|(place, text, _)| (place, text.trim()))
    }
}

fn cannot(path: &Path, error: &io::Error) -> Problem {
    format!("cannot read {}: {error}", path.display()).into()
}

/// Bytes of a file: some eight million lines.
const MAX_SIZE: u64 = 128 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
