//! Logs that go on: lines as they are written, for as long as anybody writes.

mod stream;
mod tail;
mod watch;

use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use self::stream::Stream;
use self::tail::Tail;
use self::watch::Watch;
use super::{content, is_standard_input, rotated};
use crate::error::Fatal;
use crate::words::plain;

/// Bytes of one log that are read before others, and bans, have their turn.
const AT_ONCE: usize = 4 << 20;

/// The logs of a run that does not end with them.
#[derive(Debug)]
pub(crate) struct Live {
    tails: Vec<Tail>,
    streams: Vec<Stream>,
    /// `None` where the system does not tell what happens to files.
    watch: Option<Watch>,
    /// What was read at the begin and is no file that grows.
    history: Vec<Vec<u8>>,
    warnings: Vec<String>,
}

impl Live {
    /// Opens what is there. `rotated`: whether `PATH.1` is read before `PATH`.
    ///
    /// # Errors
    ///
    /// A log is given twice, cannot be opened, or is no text that can be followed.
    pub(crate) fn open(paths: &[PathBuf], rotated: bool) -> Result<Self, Fatal> {
        let mut live = Self {
            tails: Vec::new(),
            streams: Vec::new(),
            watch: None,
            history: Vec::new(),
            warnings: Vec::new(),
        };
        for path in paths {
            if !is_file_or_nothing(path) {
                let stream = Stream::start(path).map_err(|source| failed(path, source))?;
                live.streams.push(stream);
            }
        }
        live.open_files(paths, rotated)?;
        live.watch = Watch::of(live.tails.iter().map(Tail::path));
        Ok(live)
    }

    /// Reads all files again from their begin.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open); the files are read on then.
    pub(crate) fn rewind(&mut self, paths: &[PathBuf], rotated: bool) -> Result<(), Fatal> {
        let tails = std::mem::take(&mut self.tails);
        let opened = self.open_files(paths, rotated);
        if opened.is_err() {
            self.tails = tails;
        }
        opened
    }

    fn open_files(&mut self, paths: &[PathBuf], rotated: bool) -> Result<(), Fatal> {
        let files: Vec<_> = paths
            .iter()
            .filter(|path| is_file_or_nothing(path))
            .cloned()
            .collect();
        let (there, missing): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.exists());
        let mut opened = rotated::open(&there, rotated)?.into_iter().peekable();
        let mut tails = Vec::new();
        for path in there {
            let mut files = Vec::new();
            let mut read = Vec::new();
            let before = rotated::with_suffix(&path, ".1");
            for one in
                std::iter::from_fn(|| opened.next_if(|one| one.path == path || one.path == before))
            {
                let is_log = one.path == path;
                let named = one.path.as_os_str().as_encoded_bytes().ends_with(b".gz");
                let text = one
                    .file
                    .try_clone()
                    .map_err(|source| failed(&one.path, source))?;
                let (mut text, is_other) = content::read(&one.path, text, Some(&one.file), named)?;
                if !is_other {
                    files.push(one.file);
                    continue;
                }
                if is_log {
                    return Err(Fatal::NotFollowed { path });
                }
                let mut whole = Vec::new();
                text.read_to_end(&mut whole)
                    .map_err(|source| Fatal::ReadLog {
                        path: one.path.clone(),
                        line: 0,
                        source,
                    })?;
                self.history.push(whole);
                read.push(one.file);
            }
            let tail = Tail::new(&path, rotated, files, false);
            let mut tail = tail.map_err(|source| failed(&path, source))?;
            for file in read {
                tail.is_read(file).map_err(|source| failed(&path, source))?;
            }
            tails.push(tail);
        }
        for path in missing {
            let tail = Tail::new(&path, rotated, Vec::new(), true);
            tails.push(tail.map_err(|source| failed(&path, source))?);
        }
        self.tails = tails;
        Ok(())
    }

    /// Gives on lines that have come; whether there may be more at once.
    pub(crate) fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> bool {
        if let Some(watch) = &mut self.watch {
            // Before they are read: what is written meanwhile wakes again.
            watch.rest();
            watch.look();
        }
        for text in self.history.drain(..) {
            each(&text);
        }
        let mut more = false;
        for tail in &mut self.tails {
            match tail.read(AT_ONCE, each) {
                Ok(has_more) => more |= has_more,
                Err(error) => self.warnings.push(format!(
                    "cannot read log \"{}\": {error}",
                    plain(tail.path().as_os_str().as_encoded_bytes())
                )),
            }
            self.warnings.extend(tail.take_warnings());
        }
        for stream in &mut self.streams {
            if stream.has_ended() {
                continue;
            }
            match stream.read(each) {
                Ok(has_more) => more |= has_more,
                Err(why) => self.warnings.push(why),
            }
        }
        more
    }

    /// Gives on what there is of lines that have not ended.
    pub(crate) fn end(&mut self, each: &mut dyn FnMut(&[u8])) {
        for tail in &mut self.tails {
            tail.end(each);
        }
        for stream in &mut self.streams {
            stream.end(each);
        }
    }

    /// What can be waited for.
    pub(crate) fn files(&self) -> Vec<BorrowedFd<'_>> {
        let streams = self.streams.iter().filter(|stream| !stream.has_ended());
        let streams = streams.map(Stream::file);
        streams
            .chain(self.watch.as_ref().map(Watch::file))
            .collect()
    }

    /// How long to wait for them before the logs are looked at all the same.
    pub(crate) fn patience(&self) -> Duration {
        if self.watch.is_some() || self.tails.is_empty() {
            Duration::from_secs(1)
        } else {
            Duration::from_millis(50)
        }
    }

    /// Whether nothing comes any more.
    pub(crate) fn is_over(&self) -> bool {
        self.tails.is_empty() && self.streams.iter().all(Stream::has_ended)
    }

    /// What was lost since this was asked last, and why.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// The logs that are not there yet.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &Path> {
        let missing = self.tails.iter().filter(|tail| tail.is_missing());
        missing.map(Tail::path)
    }
}

/// Whether a path can be read on by its name.
fn is_file_or_nothing(path: &Path) -> bool {
    !is_standard_input(path) && fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

fn failed(path: &Path, source: io::Error) -> Fatal {
    Fatal::OpenLog {
        path: path.to_owned(),
        source,
    }
}
