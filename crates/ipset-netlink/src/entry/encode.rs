//! Entries as attributes of a message, in the order `ipset` writes them.

use netlink_packet_core::{NlasIterator, Parseable};

use crate::{
    Comment, Counters, DecodeError, Entry, Key, SetType, Timeout,
    packet::{EntryAttribute, IPSET_FLAG_NOMATCH},
};

impl Key {
    /// The attributes of the key alone.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = EntryAttribute> + '_ {
        let (address, prefix_length, raw) = match self {
            Self::Ip(address) => (Some(*address), None, &[][..]),
            Self::Net(network) => (
                Some(network.address()),
                Some(network.prefix_length()),
                &[][..],
            ),
            Self::Other(raw) => (None, None, raw.attributes()),
        };
        let raw = NlasIterator::new(raw).filter_map(|nla| EntryAttribute::parse(&nla.ok()?).ok());
        address
            .map(EntryAttribute::Ip)
            .into_iter()
            .chain(prefix_length.map(EntryAttribute::Cidr))
            .chain(raw)
    }
}

impl Entry {
    /// All its attributes.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = EntryAttribute> + '_ {
        let extensions = [
            self.timeout
                .map(|timeout| EntryAttribute::Timeout(timeout.as_secs())),
            self.nomatch
                .then_some(EntryAttribute::CadtFlags(IPSET_FLAG_NOMATCH)),
            self.counters
                .map(|counters| EntryAttribute::Bytes(counters.bytes)),
            self.counters
                .map(|counters| EntryAttribute::Packets(counters.packets)),
            self.comment
                .as_ref()
                .map(|text| EntryAttribute::Comment(text.as_str().into())),
        ];
        self.key
            .attributes()
            .chain(extensions.into_iter().flatten())
    }

    /// Reads an entry of a set of this type.
    pub(crate) fn decode(
        set_type: &SetType,
        attributes: impl Iterator<Item = Result<EntryAttribute, netlink_packet_core::DecodeError>>,
        key: &mut Vec<EntryAttribute>,
    ) -> Result<Self, DecodeError> {
        key.clear();
        let mut timeout = None;
        let mut comment = None;
        let mut counters: Option<Counters> = None;
        let mut nomatch = false;
        for attribute in attributes {
            match attribute? {
                EntryAttribute::Timeout(seconds) => timeout = Some(Timeout::from_kernel(seconds)),
                EntryAttribute::Comment(text) => comment = Some(Comment::from_kernel(text)),
                EntryAttribute::Packets(n) => counters.get_or_insert_default().packets = n,
                EntryAttribute::Bytes(n) => counters.get_or_insert_default().bytes = n,
                // In types that are not known here the flags are part of what the entry matches.
                EntryAttribute::CadtFlags(flags) if set_type.definition().is_some() => {
                    nomatch = flags & IPSET_FLAG_NOMATCH != 0;
                }
                EntryAttribute::LineNumber(_) => {}
                other => key.push(other),
            }
        }
        Ok(Self {
            key: set_type.decode_key(key)?,
            timeout,
            comment,
            counters,
            nomatch,
        })
    }
}
