//! The next parts of a long dump, read while one is looked at.
//!
//! The kernel makes a part of a dump inside `recv`. In a thread of its own that goes on while
//! the part before is decoded and written.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR};

use crate::messages;

/// A thread that reads up to the end of a dump.
#[derive(Debug)]
pub(super) struct ReadAhead {
    parts: Receiver<io::Result<Vec<u8>>>,
    used: SyncSender<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl ReadAhead {
    /// Begins to read with `receive`, which fills a buffer with a datagram.
    pub(super) fn start(
        mut receive: impl FnMut(&mut Vec<u8>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (send_part, parts) = sync_channel(MOST_PARTS);
        let (used, buffers) = sync_channel::<Vec<u8>>(MOST_PARTS + 1);
        let thread = thread::Builder::new().spawn(move || {
            loop {
                let mut part = buffers.try_recv().unwrap_or_default();
                let received = receive(&mut part);
                let last = received.is_err() || ends_dump(&part);
                if send_part.send(received.map(|()| part)).is_err() || last {
                    return;
                }
            }
        })?;
        Ok(Self {
            parts,
            used,
            thread,
        })
    }

    /// Replaces `datagram` with the next part; `None` when the dump has been read to its end.
    pub(super) fn next(&mut self, datagram: &mut Vec<u8>) -> Option<io::Result<()>> {
        let part = self.parts.recv().ok()?;
        Some(part.map(|part| {
            let used = std::mem::replace(datagram, part);
            // Where there are enough buffers this one is not needed.
            let _ = self.used.try_send(used);
        }))
    }

    /// Waits for the thread, which has come to its end when [`ReadAhead::next`] has, or comes to it
    /// with the next part because nobody takes it.
    pub(super) fn finish(self) {
        drop(self.parts);
        let _ = self.thread.join();
    }
}

/// Whether a message of the datagram says that no other follows.
pub(super) fn ends_dump(datagram: &[u8]) -> bool {
    messages(datagram)
        .map_while(Result::ok)
        .any(|message| matches!(message.message_type(), NLMSG_ERROR | NLMSG_DONE))
}

/// So many parts of 32 KiB wait to be looked at.
const MOST_PARTS: usize = 4;
