//! Many entries as bytes, and the attributes of each.

use netlink_packet_core::{
    DecodeError, NLA_ALIGNTO, NLA_F_NESTED, NLA_HEADER_SIZE, Nla, NlaBuffer, Parseable,
};

use super::EntryAttribute;
use super::attribute::IPSET_ATTR_DATA;
use super::codec::{Attributes, attributes_of, value};

/// Many entries, as bytes.
///
/// A set can have millions of entries, so they are not kept as trees of attributes: they are
/// written into one run of bytes and read back from it one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedEntries {
    bytes: Vec<u8>,
}

impl EncodedEntries {
    /// The bytes of entries that are encoded already. What is not well formed among them is an
    /// error when it is read.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The entries as bytes: nested attributes of kind `IPSET_ATTR_DATA`, one after the other.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends an entry, or nothing and `false` if it is longer than an attribute can be (64 KiB).
    pub fn push(&mut self, attributes: &[EntryAttribute]) -> bool {
        append_entry(&mut self.bytes, |bytes| {
            for attribute in attributes {
                append_attribute(bytes, attribute);
            }
        })
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
        entries(&self.bytes).map(|entry| entry.map(attributes))
    }
}

/// The entries in these bytes, each as the bytes of its attributes.
pub(crate) fn entries(bytes: &[u8]) -> Entries<'_> {
    Entries(attributes_of(bytes))
}

pub(crate) struct Entries<'a>(Attributes<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = Result<&'a [u8], DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.0.next()? {
            Ok(entry) if entry.kind() == IPSET_ATTR_DATA => Ok(value(&entry)),
            Ok(other) => Err(not_an_entry(&other)),
            Err(error) => Err(error),
        })
    }
}

#[cold]
fn not_an_entry(attribute: &NlaBuffer<&[u8]>) -> DecodeError {
    format!("attribute {} where an entry should be", attribute.kind()).into()
}

/// The attributes of an entry in these bytes.
pub(crate) fn attributes<'a, T: From<&'a [u8]>>(
    bytes: &'a [u8],
) -> impl Iterator<Item = Result<EntryAttribute<T>, DecodeError>> {
    attributes_of(bytes).map(|attribute| EntryAttribute::parse(&attribute?))
}

/// Appends an entry to these bytes, or nothing and `false` if it is longer than an attribute can
/// be.
pub(crate) fn append_entry(bytes: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) -> bool {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; NLA_HEADER_SIZE]);
    fill(bytes);
    let Ok(length) = u16::try_from(bytes.len() - start) else {
        bytes.truncate(start);
        return false;
    };
    let [low, high] = length.to_ne_bytes();
    let [kind_low, kind_high] = (NLA_F_NESTED | IPSET_ATTR_DATA).to_ne_bytes();
    if let Some(header) = bytes.get_mut(start..start + NLA_HEADER_SIZE) {
        header.copy_from_slice(&[low, high, kind_low, kind_high]);
    }
    true
}

/// Appends an attribute to these bytes.
#[expect(
    clippy::inline_always,
    reason = "where the kind of the attribute is known, all its lengths are; a million entries take a third of the time"
)]
#[inline(always)]
pub(crate) fn append_attribute<T: AsRef<[u8]>>(bytes: &mut Vec<u8>, attribute: &EntryAttribute<T>) {
    let start = bytes.len();
    let length = NLA_HEADER_SIZE + attribute.value_len();
    let end = start + length.next_multiple_of(NLA_ALIGNTO);
    // All of the room at once, because its size is known: what is too much is cut off again.
    bytes.extend_from_slice(&[0; LONGEST_NUMBER]);
    bytes.resize(end, 0);
    if let Some((header, value)) = bytes
        .get_mut(start..start + length)
        .and_then(<[u8]>::split_first_chunk_mut)
    {
        // A length that does not fit makes the entry too long, which is noticed when it is
        // complete.
        let [low, high] = u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes();
        let [kind_low, kind_high] = attribute.kind().to_ne_bytes();
        *header = [low, high, kind_low, kind_high];
        attribute.emit_value(value);
    }
}

/// The attribute of an IPv6 address, in its nest; the longest that is not text.
const LONGEST_NUMBER: usize = 2 * NLA_HEADER_SIZE + 16;
