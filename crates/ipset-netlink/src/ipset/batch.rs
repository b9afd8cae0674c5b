//! Many entries in one message.

use netlink_packet_core::{NLA_HEADER_SIZE, NlaBuffer};

use super::exchange::{Failure, serialize};
use crate::error::InputError;
use crate::packet::{Command, EncodedEntries, IpSetAttribute, entries};
use crate::{Entry, SetName};

/// Entries that are to be sent with one command, written where they are sent from.
///
/// Some of them can be sent again without the others: their request begins with a copy of the head,
/// which is written over entries that had their turn.
pub(super) struct Batch {
    /// What a request begins with. Its end is the header of the attribute that holds the entries.
    head: Vec<u8>,
    /// The head and the entries.
    bytes: Vec<u8>,
    /// Where each of the entries ends in the bytes.
    ends: Vec<usize>,
}

impl Batch {
    pub(super) fn new(command: Command, set: &SetName, flags: u16) -> Result<Self, Failure> {
        let attributes = vec![
            IpSetAttribute::SetName(set.as_bytes().into()),
            // The kernel writes the line of the refused entry over this.
            IpSetAttribute::LineNumber(0),
            IpSetAttribute::Entries(EncodedEntries::default()),
        ];
        let head = serialize(command, attributes, flags)?;
        let mut bytes = Vec::with_capacity(ENOUGH_BYTES + 1024);
        bytes.extend_from_slice(&head);
        Ok(Self {
            head,
            bytes,
            ends: Vec::new(),
        })
    }

    /// Appends an entry, whose line is its place, from 1.
    pub(super) fn push(&mut self, entry: &Entry) -> Result<(), InputError> {
        let line = u32::try_from(self.ends.len() + 1).unwrap_or(u32::MAX);
        if !entry.append(&mut self.bytes, Some(line)) {
            return Err(InputError::EntryTooLong);
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has grown so long that it should be sent.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= ENOUGH_BYTES
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&self.head);
        self.ends.clear();
    }

    /// The request that sends entries `from..to`. Those before them are lost.
    pub(super) fn request(&mut self, from: usize, to: usize) -> &mut [u8] {
        let (start, end) = (self.start(from), self.start(to));
        let head = start.saturating_sub(self.head.len());
        let Some(request) = self.bytes.get_mut(head..end) else {
            return &mut [];
        };
        if let Some((room, _)) = request.split_at_mut_checked(self.head.len()) {
            room.copy_from_slice(&self.head);
            let attribute = room.len() - NLA_HEADER_SIZE;
            let length = u16::try_from(end - start + NLA_HEADER_SIZE).unwrap_or(u16::MAX);
            if let Some(header) = room.get_mut(attribute..) {
                NlaBuffer::new(header).set_length(length);
            }
        }
        request
    }

    /// The attributes of an entry.
    pub(super) fn entry(&self, index: usize) -> Option<&[u8]> {
        let bytes = self.bytes.get(self.start(index)..self.start(index + 1))?;
        entries(bytes).next()?.ok()
    }

    /// Where an entry begins, and the one before it ends.
    fn start(&self, index: usize) -> usize {
        let before = index.checked_sub(1).and_then(|n| self.ends.get(n));
        before.copied().unwrap_or(self.head.len())
    }
}

/// A message is sent when it has grown to this: about 1250 IPv4 or 830 IPv6 entries, of the 500 to
/// 2700 that are equally fast.
const ENOUGH_BYTES: usize = 30 * 1024;
