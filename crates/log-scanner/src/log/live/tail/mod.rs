//! A file that is read on as it grows, and what becomes of its name meanwhile.
//!
//! A log is put aside by a new name, or copied and emptied. Either way what was written before is
//! read first, in the file that has another name now or in the copy, and what comes after that under
//! the old name. What a rotation takes away before it was read cannot be read; that is told.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::super::lines::Lines;
use crate::log::rotated::{Identity, identity, with_suffix};

/// Bytes before the place that was read to, by which a file is known that was emptied or written
/// anew, and its copy: a whole line, with its time, of the kernel's longest.
const KNOWN: usize = 1024;
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;
/// Files that were put aside and are looked at all the same: who writes a log opens it anew only
/// when he is told to.
const ASIDE: usize = 4;
/// How many names of rotated logs are looked at: PATH.1 to PATH.16.
const GENERATIONS: u32 = 16;

/// A log that is followed by its name.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    /// Whether `PATH.1` is of the log.
    rotated: bool,
    /// The files that were put aside, the oldest first, and behind them the one that has the name.
    files: Vec<Growing>,
    /// The last file that has the name is not among them, because there is none.
    is_missing: bool,
    /// Files that need not be read, because they were.
    read: Vec<Known>,
    warnings: Vec<String>,
}

/// A file, and how far it was read.
#[derive(Debug)]
struct Growing {
    file: File,
    identity: Identity,
    offset: u64,
    /// The last bytes before that, at most [`KNOWN`].
    last: Vec<u8>,
    lines: Lines,
    buffer: Vec<u8>,
}

/// A file that was read. Its number may be that of another once it is gone, so its begin has to be
/// the same, too.
#[derive(Debug)]
struct Known {
    identity: Identity,
    begin: Vec<u8>,
}

/// What there was to read.
enum Piece {
    Some,
    /// Not yet more.
    End,
    /// The file is not what was read so far: it was emptied, or written anew.
    Cut,
}

impl Tail {
    /// Of a path and the files that are read of it first, the oldest first; `is_missing` says that
    /// none of them has the path's name, because nothing has.
    pub(super) fn new(
        path: &Path,
        rotated: bool,
        files: Vec<File>,
        is_missing: bool,
    ) -> io::Result<Self> {
        let files = files.into_iter().map(Growing::new);
        Ok(Self {
            path: path.to_owned(),
            rotated,
            files: files.collect::<io::Result<_>>()?,
            is_missing,
            read: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// A file that is of the log and need not be read.
    pub(super) fn is_read(&mut self, file: File) -> io::Result<()> {
        self.read.push(Growing::new(file)?.known()?);
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads on, at most about so many bytes; whether there may be more.
    pub(super) fn read(&mut self, most: usize, each: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        let mut pieces = most.div_ceil(PIECE);
        loop {
            // It may have been emptied before: what it held is read before what it holds now.
            if self.files.last().is_none_or(|current| current.offset == 0) {
                self.look()?;
            }
            if !self.read_files(&mut pieces, each)? {
                return Ok(true);
            }
            if !self.look()? {
                return Ok(false);
            }
        }
    }

    /// Reads the files to their ends, in order; `false` if there were too many pieces.
    fn read_files(&mut self, pieces: &mut usize, each: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        let mut place = 0;
        while let Some(file) = self.files.get_mut(place) {
            match file.read(each)? {
                Piece::End => place += 1,
                Piece::Some => {
                    *pieces = pieces.saturating_sub(1);
                    if *pieces == 0 {
                        return Ok(false);
                    }
                }
                Piece::Cut if place + 1 < self.files.len() => {
                    // One that was put aside is no log any more. It may be the copy of another.
                    let other = self.files.remove(place);
                    self.read.push(other.known()?);
                }
                Piece::Cut => self.was_cut(place, each)?,
            }
        }
        Ok(true)
    }

    /// A file was emptied: what it held is read on in its copy, where there is one, and the file
    /// from its begin.
    fn was_cut(&mut self, place: usize, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let copy = with_suffix(&self.path, ".1");
        let Some(file) = self.files.get_mut(place) else {
            return Ok(());
        };
        let copied = if self.rotated { open(&copy)? } else { None };
        let mut is_copied = false;
        if let Some(copied) = copied {
            let mut copied = Growing::new(copied)?;
            self.read.push(copied.known()?);
            std::mem::swap(&mut copied.lines, &mut file.lines);
            copied.offset = file.offset;
            copied.last.clone_from(&file.last);
            while let Piece::Some = copied.read(each)? {
                is_copied = true;
            }
            is_copied |= matches!(copied.read(each)?, Piece::End);
        }
        if !is_copied {
            self.warnings.push(format!(
                "log {} was emptied; what was written to it before that and not yet read is gone",
                self.path.display()
            ));
        }
        file.offset = 0;
        file.last.clear();
        file.lines.forget();
        Ok(())
    }

    /// Looks what has the name now; `true` if there is a file that was not read yet. Where nothing
    /// has the name, who wrote the log goes on with the file that he has open.
    fn look(&mut self) -> io::Result<bool> {
        let new = open(&self.path)?.map(Growing::new).transpose()?;
        self.is_missing = new.is_none();
        let is = |file: &Growing| {
            new.as_ref()
                .is_some_and(|new| new.identity == file.identity)
        };
        let current = self.files.last().filter(|current| is(current));
        // One that was emptied before anything of it was read looks like one that is new.
        if current.is_some_and(|current| current.offset > 0) {
            return Ok(false);
        }
        let is_current = current.is_some();
        let mut between = self.between(is, is_current || new.is_none())?;
        let is_read = between.is_empty() && (is_current || new.is_none());
        let place = self.files.len() - usize::from(is_current);
        self.files.splice(place..place, between.drain(..));
        self.files.extend(new.filter(|_| !is_current));
        while self.files.len() > ASIDE + 1 {
            self.read.push(self.files.remove(0).known()?);
        }
        let more = self.read.len().saturating_sub(REMEMBERED);
        self.read.drain(..more);
        Ok(!is_read)
    }

    /// The files that had the name since it was looked at last, the oldest first. `is_new` tells of
    /// one whether it has it now, `is_quiet` that it is not said that there may be more.
    fn between(
        &mut self,
        is_new: impl Fn(&Growing) -> bool,
        is_quiet: bool,
    ) -> io::Result<Vec<Growing>> {
        let mut between = Vec::new();
        if !self.rotated {
            return Ok(between);
        }
        let is_first = self.files.is_empty();
        let mut is_whole = is_quiet || is_first;
        for generation in 1..=if is_first { 1 } else { GENERATIONS } {
            let Some(older) = open(&with_suffix(&self.path, &format!(".{generation}")))? else {
                break;
            };
            let older = Growing::new(older)?;
            let mut files = self.files.iter();
            if files.any(|file| file.identity == older.identity) || self.knows(&older)? {
                is_whole = true;
                break;
            }
            if !is_new(&older) {
                between.push(older);
            }
        }
        if !is_whole && !between.is_empty() {
            self.warnings.push(format!(
                "log {} was put aside more than once before it was read; lines may be missing",
                self.path.display()
            ));
        }
        between.reverse();
        Ok(between)
    }

    fn knows(&self, file: &Growing) -> io::Result<bool> {
        for known in &self.read {
            let is_same = known.identity == file.identity && !known.begin.is_empty();
            if is_same && file.begin(known.begin.len())? == known.begin {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives on what there is of lines that have not ended.
    pub(super) fn end(&mut self, each: &mut dyn FnMut(&[u8])) {
        for file in &mut self.files {
            file.lines.end(each);
        }
    }

    /// What was lost since this was asked last.
    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Whether nothing has the name.
    pub(super) fn is_missing(&self) -> bool {
        self.is_missing
    }
}

/// Files that are known to have been read.
const REMEMBERED: usize = 16;

impl Growing {
    fn new(file: File) -> io::Result<Self> {
        Ok(Self {
            identity: identity(&file.metadata()?),
            file,
            offset: 0,
            last: Vec::new(),
            lines: Lines::default(),
            buffer: Vec::new(),
        })
    }

    /// As one that was read.
    fn known(&self) -> io::Result<Known> {
        Ok(Known {
            identity: self.identity,
            begin: self.begin(KNOWN)?,
        })
    }

    /// So many of its first bytes, as far as there are as many.
    fn begin(&self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let length = self.file.read_at(&mut bytes, 0)?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Reads a piece, with the bytes before it.
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<Piece> {
        self.buffer.resize(KNOWN + PIECE, 0);
        let from = self.offset - self.last.len() as u64;
        let mut length = 0;
        while let Some(room) = self
            .buffer
            .get_mut(length..)
            .filter(|room| !room.is_empty())
        {
            match self.file.read_at(room, from + length as u64) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let bytes = self.buffer.get(..length).unwrap_or_default();
        let Some(new) = bytes.strip_prefix(self.last.as_slice()) else {
            return Ok(Piece::Cut);
        };
        if new.is_empty() {
            return Ok(Piece::End);
        }
        self.offset += new.len() as u64;
        self.lines.add(new, each);
        let last = bytes.get(length.saturating_sub(KNOWN)..);
        self.last = last.unwrap_or_default().to_vec();
        Ok(Piece::Some)
    }
}

/// Opens a file; `None` where there is none, or something else.
fn open(path: &Path) -> io::Result<Option<File>> {
    let opened = fs::metadata(path)
        .and_then(|metadata| metadata.is_file().then(|| File::open(path)).transpose());
    match opened {
        Err(error) if is_gone(&error) => Ok(None),
        opened => opened,
    }
}

/// Whether a path leads to nothing.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests;
