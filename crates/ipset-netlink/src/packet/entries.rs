use std::borrow::Borrow;

use netlink_packet_core::{
    DecodeError, Emitable, NLA_F_NESTED, NLA_HEADER_SIZE, NlasIterator, Parseable,
};

use super::{EntryAttribute, attribute::IPSET_ATTR_DATA};

/// Many entries, as bytes.
///
/// A set can have millions of entries, so they are not kept as trees of attributes: they are
/// written into one run of bytes and read back from it one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedEntries {
    bytes: Vec<u8>,
}

impl EncodedEntries {
    /// The bytes of entries that are encoded already. What is not well formed among them is an error
    /// when it is read.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The entries as bytes: nested attributes of kind `IPSET_ATTR_DATA`, one after the other.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends an entry, or nothing and `false` if it is longer than an attribute can be (64 KiB).
    pub fn push(&mut self, attributes: impl IntoIterator<Item: Borrow<EntryAttribute>>) -> bool {
        let start = self.bytes.len();
        self.bytes.extend([0; NLA_HEADER_SIZE]);
        for attribute in attributes {
            let attribute = attribute.borrow();
            let from = self.bytes.len();
            self.bytes.resize(from + attribute.buffer_len(), 0);
            if let Some(room) = self.bytes.get_mut(from..) {
                attribute.emit(room);
            }
        }
        let Ok(length) = u16::try_from(self.bytes.len() - start) else {
            self.bytes.truncate(start);
            return false;
        };
        let [low, high] = length.to_ne_bytes();
        let [kind_low, kind_high] = (NLA_F_NESTED | IPSET_ATTR_DATA).to_ne_bytes();
        if let Some(header) = self.bytes.get_mut(start..start + NLA_HEADER_SIZE) {
            header.copy_from_slice(&[low, high, kind_low, kind_high]);
        }
        true
    }

    /// Forgets them, and keeps the room they took.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The entries, each as its attributes.
    pub fn iter(
        &self,
    ) -> impl Iterator<
        Item = Result<impl Iterator<Item = Result<EntryAttribute, DecodeError>> + '_, DecodeError>,
    > {
        NlasIterator::new(self.bytes.as_slice()).map(|entry| {
            let entry = entry?;
            if entry.kind() != IPSET_ATTR_DATA {
                return Err(format!("attribute {} where an entry should be", entry.kind()).into());
            }
            let length = usize::from(entry.length());
            let attributes = entry
                .into_inner()
                .get(NLA_HEADER_SIZE..length)
                .unwrap_or_default();
            Ok(NlasIterator::new(attributes).map(|attribute| EntryAttribute::parse(&attribute?)))
        })
    }
}
