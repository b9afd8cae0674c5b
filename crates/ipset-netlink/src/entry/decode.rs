//! Entries from the attributes of a listing.

use std::borrow::Cow;
use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, Nla};

use super::{Comment, Counters, Entry, SkbInfo, SkbMark};
use crate::packet::{
    EntryAttribute, IPSET_ATTR_COMMENT, IPSET_ATTR_IFACE, IPSET_ATTR_NAME, IPSET_FLAG_NOMATCH,
    append_attribute, attributes, lone_ipv4,
};
use crate::set_type::{Definition, Dimension};
use crate::{DecodeError, Key, MacAddress, RawKey, Timeout};

/// The attributes of an entry, each at most once: what lies between an [`Entry`] and its bytes.
/// Text stays where it is, so that a million of them cost no allocation here.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) ip: Option<IpAddr>,
    pub(super) ip_to: Option<IpAddr>,
    pub(super) cidr: Option<u8>,
    pub(super) port: Option<u16>,
    pub(super) port_to: Option<u16>,
    pub(super) proto: Option<u8>,
    pub(super) mark: Option<u32>,
    pub(super) ether: Option<MacAddress>,
    pub(super) name: Option<Cow<'a, [u8]>>,
    pub(super) ip2: Option<IpAddr>,
    pub(super) cidr2: Option<u8>,
    pub(super) ip2_to: Option<IpAddr>,
    pub(super) iface: Option<Cow<'a, [u8]>>,
    /// Bits `IPSET_FLAG_*`.
    pub(super) flags: u32,
    timeout: Option<Timeout>,
    counters: Option<Counters>,
    comment: Option<Cow<'a, [u8]>>,
    skbinfo: Option<SkbInfo>,
}

impl<'a> Fields<'a> {
    /// Takes in an attribute; one that has no place here is left out.
    #[inline]
    fn read(&mut self, attribute: &EntryAttribute<&'a [u8]>) {
        match *attribute {
            EntryAttribute::Ip(address) => self.ip = Some(address),
            EntryAttribute::IpTo(address) => self.ip_to = Some(address),
            EntryAttribute::Cidr(bits) => self.cidr = Some(bits),
            EntryAttribute::Port(port) => self.port = Some(port),
            EntryAttribute::PortTo(port) => self.port_to = Some(port),
            EntryAttribute::Proto(number) => self.proto = Some(number),
            EntryAttribute::CadtFlags(flags) => self.flags = flags,
            EntryAttribute::Mark(mark) => self.mark = Some(mark),
            EntryAttribute::Ether(address) => self.ether = Some(MacAddress(address)),
            EntryAttribute::Name(name) => self.name = Some(name.into()),
            EntryAttribute::Ip2(address) => self.ip2 = Some(address),
            EntryAttribute::Cidr2(bits) => self.cidr2 = Some(bits),
            EntryAttribute::Ip2To(address) => self.ip2_to = Some(address),
            EntryAttribute::Iface(name) => self.iface = Some(name.into()),
            EntryAttribute::Timeout(seconds) => self.timeout = Some(Timeout::from_kernel(seconds)),
            EntryAttribute::Bytes(n) => self.counters.get_or_insert_default().bytes = n,
            EntryAttribute::Packets(n) => self.counters.get_or_insert_default().packets = n,
            EntryAttribute::Comment(text) => self.comment = Some(text.into()),
            EntryAttribute::SkbMark(both) => {
                self.skbinfo.get_or_insert_default().mark = Some(SkbMark {
                    value: u32::try_from(both >> 32).unwrap_or_default(),
                    mask: u32::try_from(both & u64::from(u32::MAX)).unwrap_or_default(),
                });
            }
            EntryAttribute::SkbPrio(class) => {
                self.skbinfo.get_or_insert_default().priority = Some(class);
            }
            EntryAttribute::SkbQueue(queue) => {
                self.skbinfo.get_or_insert_default().queue = Some(queue);
            }
            EntryAttribute::Other(ref nla) => self.read_other(nla),
            EntryAttribute::NameRef(_) | EntryAttribute::LineNumber(_) => {}
        }
    }

    /// Text without a NUL at its end: an entry with it is still an entry.
    #[cold]
    fn read_other(&mut self, nla: &DefaultNla) {
        let field = match nla.kind() {
            IPSET_ATTR_NAME => &mut self.name,
            IPSET_ATTR_IFACE => &mut self.iface,
            IPSET_ATTR_COMMENT => &mut self.comment,
            _ => return,
        };
        let mut text = vec![0; nla.value_len()];
        nla.emit_value(&mut text);
        *field = Some(text.into());
    }

    /// The entry with this key.
    #[inline]
    fn entry(&self, key: Key) -> Entry {
        Entry {
            key,
            timeout: self.timeout,
            comment: self.comment.as_deref().map(Comment::from_kernel),
            counters: self.counters,
            skbinfo: self.skbinfo,
            nomatch: self.flags & IPSET_FLAG_NOMATCH != 0,
            position: None,
        }
    }
}

impl Entry {
    /// Reads an entry of a set of this type from its attributes; without a definition, of one that
    /// is not known.
    pub(crate) fn decode(
        definition: Option<&Definition>,
        bytes: &[u8],
    ) -> Result<Self, DecodeError> {
        let Some(definition) = definition else {
            return Self::decode_raw(bytes);
        };
        let mut fields = Fields::default();
        for attribute in attributes(bytes) {
            fields.read(&attribute?);
        }
        let key = fields.take_key(definition.dimensions)?;
        Ok(fields.entry(key))
    }

    /// The same of an IPv4 address with nothing that is kept with it.
    #[inline]
    pub(crate) fn of_address(definition: &Definition, bytes: &[u8]) -> Option<Self> {
        match definition.dimensions {
            [Dimension::Ip | Dimension::SingleIp | Dimension::Net] => {
                lone_ipv4(bytes).map(|address| Self::new(address.into()))
            }
            _ => None,
        }
    }

    /// What no set keeps with its entries belongs to the key.
    fn decode_raw(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::default();
        let mut key = Vec::new();
        for attribute in attributes(bytes) {
            let attribute = attribute?;
            if attribute.is_extension() {
                fields.read(&attribute);
            } else {
                append_attribute(&mut key, &attribute);
            }
        }
        Ok(fields.entry(RawKey::new(key).into()))
    }
}

impl EntryAttribute<&[u8]> {
    /// Whether it is what sets of any type can keep with their entries.
    fn is_extension(&self) -> bool {
        matches!(
            self,
            Self::Timeout(_)
                | Self::Bytes(_)
                | Self::Packets(_)
                | Self::Comment(_)
                | Self::SkbMark(_)
                | Self::SkbPrio(_)
                | Self::SkbQueue(_)
                | Self::LineNumber(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SetType;

    /// `ipset add x 1.2.3.4`, as the kernel lists it.
    const LISTED: &[u8] = b"\x0c\0\x01\x80\x08\0\x01\0\x01\x02\x03\x04";

    #[test]
    #[cfg(target_endian = "little")]
    fn an_address_alone_is_read_as_any_other_entry_is() {
        for set_type in [SetType::HashIp, SetType::HashNet, SetType::BitmapIp] {
            let definition = set_type.definition().unwrap();
            let entry = Entry::of_address(definition, LISTED).unwrap();
            assert_eq!(entry.key.to_string(), "1.2.3.4");
            assert_eq!(Entry::decode(Some(definition), LISTED).unwrap(), entry);
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_address_is_not_an_address_alone() {
        let hash_ip = SetType::HashIp.definition().unwrap();
        let bitmap_ip_mac = SetType::BitmapIpMac.definition().unwrap();
        assert_eq!(Entry::of_address(bitmap_ip_mac, LISTED), None);
        for length in 0..LISTED.len() {
            assert_eq!(Entry::of_address(hash_ip, &LISTED[..length]), None);
        }
        let with_timeout = [LISTED, b"\x08\0\x06\x40\0\0\0\x3c"].concat();
        assert_eq!(Entry::of_address(hash_ip, &with_timeout), None);
        let other_kind = [&LISTED[..2], b"\x02", &LISTED[3..]].concat();
        assert_eq!(Entry::of_address(hash_ip, &other_kind), None);
    }
}
