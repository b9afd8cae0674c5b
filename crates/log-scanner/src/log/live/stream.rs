//! Standard input, a pipe, a device: read by a thread, because nothing else can wait for it.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use super::super::lines::Lines;
use crate::error::{Fatal, chain};
use crate::log::{content, rotated};

/// Pieces that wait to be looked at.
const WAITING: usize = 16;
/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// A log that is no file.
#[derive(Debug)]
pub(super) struct Stream {
    pieces: Receiver<Result<Vec<u8>, Fatal>>,
    woken: UnixStream,
    lines: Lines,
    has_ended: bool,
}

impl Stream {
    /// Begins to read; opening it may take until somebody writes.
    pub(super) fn start(path: &Path) -> io::Result<Self> {
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        let (send, pieces) = sync_channel(WAITING);
        let of = path.to_owned();
        thread::Builder::new().spawn(move || {
            if let Err(error) = read(&of, &send, &wake) {
                // Nobody listens any more when this fails.
                let _ = send.send(Err(error));
            }
            drop(send);
            drop(wake);
        })?;
        Ok(Self {
            pieces,
            woken,
            lines: Lines::default(),
            has_ended: false,
        })
    }

    /// Gives on what came; whether there may be more at once.
    ///
    /// # Errors
    ///
    /// It cannot be read any further, and has ended.
    pub(super) fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<bool, String> {
        let mut bytes = [0; 64];
        while matches!(self.woken.read(&mut bytes), Ok(read) if read == bytes.len()) {}
        for _ in 0..WAITING {
            match self.pieces.try_recv() {
                Ok(Ok(piece)) => self.lines.add(&piece, each),
                Ok(Err(error)) => {
                    self.has_ended = true;
                    self.lines.end(each);
                    return Err(chain(&error));
                }
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => {
                    self.has_ended = true;
                    self.lines.end(each);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether nothing comes any more.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Gives on what there is of a line that has not ended.
    pub(super) fn end(&mut self, each: &mut dyn FnMut(&[u8])) {
        self.lines.end(each);
    }

    /// Readable when something came, or when it has ended.
    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

fn read(
    path: &Path,
    to: &SyncSender<Result<Vec<u8>, Fatal>>,
    wake: &UnixStream,
) -> Result<(), Fatal> {
    let file = rotated::other_file(path)?;
    let (mut text, _) = content::read(path, file, None, false)?;
    loop {
        let mut piece = vec![0; PIECE];
        let length = match text.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(source) => {
                return Err(Fatal::ReadLog {
                    path: path.to_owned(),
                    line: 0,
                    source,
                });
            }
        };
        piece.truncate(length);
        if to.send(Ok(piece)).is_err() {
            return Ok(());
        }
        // When there is no more room it has been woken already.
        let _ = (&*wake).write(&[0]);
    }
}
