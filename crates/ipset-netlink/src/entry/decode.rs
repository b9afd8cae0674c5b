use std::net::IpAddr;

use super::{Comment, Counters, Entry, SkbInfo, SkbMark};
use crate::{
    DecodeError, MacAddress, Timeout,
    packet::{EntryAttribute, IPSET_FLAG_NOMATCH, append_attribute, attributes},
    set_type::Definition,
};

/// The attributes of an entry, each at most once: what lies between an [`Entry`] and its bytes. Text
/// stays where it is, so that a million of them cost no allocation here.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) ip_to: Option<IpAddr>,
    pub(crate) cidr: Option<u8>,
    pub(crate) port: Option<u16>,
    pub(crate) port_to: Option<u16>,
    pub(crate) proto: Option<u8>,
    pub(crate) mark: Option<u32>,
    pub(crate) ether: Option<MacAddress>,
    pub(crate) name: Option<&'a str>,
    pub(crate) ip2: Option<IpAddr>,
    pub(crate) cidr2: Option<u8>,
    pub(crate) ip2_to: Option<IpAddr>,
    pub(crate) iface: Option<&'a str>,
    /// Bits `IPSET_FLAG_*`.
    pub(crate) flags: u32,
    timeout: Option<Timeout>,
    nameref: Option<&'a str>,
    bytes: Option<u64>,
    packets: Option<u64>,
    comment: Option<&'a str>,
    skbinfo: SkbInfo,
}

impl<'a> Fields<'a> {
    /// Takes in an attribute of a key; one that has no place here is left out.
    fn read(&mut self, attribute: &EntryAttribute<&'a str>) {
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
            EntryAttribute::Name(name) => self.name = Some(name),
            EntryAttribute::NameRef(name) => self.nameref = Some(name),
            EntryAttribute::Ip2(address) => self.ip2 = Some(address),
            EntryAttribute::Cidr2(bits) => self.cidr2 = Some(bits),
            EntryAttribute::Ip2To(address) => self.ip2_to = Some(address),
            EntryAttribute::Iface(name) => self.iface = Some(name),
            _ => {}
        }
    }

    /// Takes in what a set keeps with its entries; gives back an attribute of a key.
    fn read_extension(
        &mut self,
        attribute: EntryAttribute<&'a str>,
    ) -> Option<EntryAttribute<&'a str>> {
        match attribute {
            EntryAttribute::Timeout(seconds) => self.timeout = Some(Timeout::from_kernel(seconds)),
            EntryAttribute::Bytes(n) => self.bytes = Some(n),
            EntryAttribute::Packets(n) => self.packets = Some(n),
            EntryAttribute::Comment(text) => self.comment = Some(text),
            EntryAttribute::SkbMark(both) => {
                self.skbinfo.mark = Some(SkbMark {
                    value: u32::try_from(both >> 32).unwrap_or_default(),
                    mask: u32::try_from(both & u64::from(u32::MAX)).unwrap_or_default(),
                });
            }
            EntryAttribute::SkbPrio(class) => self.skbinfo.priority = Some(class),
            EntryAttribute::SkbQueue(queue) => self.skbinfo.queue = Some(queue),
            EntryAttribute::LineNumber(_) => {}
            of_key => return Some(of_key),
        }
        None
    }
}

impl Entry {
    /// Reads an entry of a set of this type from its attributes; without a definition, of one that is not known.
    pub(crate) fn decode(
        definition: Option<&Definition>,
        bytes: &[u8],
    ) -> Result<Self, DecodeError> {
        let mut fields = Fields::default();
        let mut raw = Vec::new();
        for attribute in attributes(bytes) {
            let Some(attribute) = fields.read_extension(attribute?) else {
                continue;
            };
            if definition.is_some() {
                fields.read(&attribute);
            } else {
                append_attribute(&mut raw, &attribute);
            }
        }
        let nomatch = definition.is_some() && fields.flags & IPSET_FLAG_NOMATCH != 0;
        let counters = (fields.packets.is_some() || fields.bytes.is_some()).then(|| Counters {
            packets: fields.packets.unwrap_or(0),
            bytes: fields.bytes.unwrap_or(0),
        });
        let skbinfo = (!fields.skbinfo.is_empty()).then_some(fields.skbinfo);
        Ok(Self {
            timeout: fields.timeout,
            counters,
            skbinfo,
            nomatch,
            position: None,
            comment: fields.comment.map(Comment::from_kernel),
            key: match definition {
                Some(definition) => fields.take_key(definition.dimensions)?,
                None => crate::RawKey::new(raw).into(),
            },
        })
    }
}
