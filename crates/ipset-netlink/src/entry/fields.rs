use std::net::IpAddr;

use netlink_packet_core::{Emitable, NlasIterator, Parseable};

use super::{Comment, Counters, Entry, Position, SkbInfo, SkbMark};
use crate::{
    DecodeError, Interface, MacAddress, SetName, Timeout,
    packet::{EntryAttribute, IPSET_FLAG_BEFORE, IPSET_FLAG_NOMATCH},
    set_type::Definition,
};

/// The attributes of an entry, each at most once: what lies between an [`Entry`] and its bytes.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) ip_to: Option<IpAddr>,
    pub(crate) cidr: Option<u8>,
    pub(crate) port: Option<u16>,
    pub(crate) port_to: Option<u16>,
    pub(crate) proto: Option<u8>,
    pub(crate) mark: Option<u32>,
    pub(crate) ether: Option<MacAddress>,
    pub(crate) name: Option<SetName>,
    pub(crate) ip2: Option<IpAddr>,
    pub(crate) cidr2: Option<u8>,
    pub(crate) ip2_to: Option<IpAddr>,
    pub(crate) iface: Option<Interface>,
    /// Bits `IPSET_FLAG_*`.
    pub(crate) flags: u32,
    timeout: Option<Timeout>,
    nameref: Option<SetName>,
    bytes: Option<u64>,
    packets: Option<u64>,
    comment: Option<Comment>,
    skbinfo: SkbInfo,
}

impl Fields {
    pub(crate) fn of(entry: &Entry) -> Self {
        let mut fields = Self {
            timeout: entry.timeout,
            bytes: entry.counters.map(|counters| counters.bytes),
            packets: entry.counters.map(|counters| counters.packets),
            comment: entry.comment.clone(),
            skbinfo: entry.skbinfo.unwrap_or_default(),
            ..Self::default()
        };
        if entry.nomatch {
            fields.flags |= IPSET_FLAG_NOMATCH;
        }
        match &entry.position {
            None => {}
            Some(Position::Before(set)) => {
                fields.flags |= IPSET_FLAG_BEFORE;
                fields.nameref = Some(set.clone());
            }
            Some(Position::After(set)) => fields.nameref = Some(set.clone()),
        }
        fields.put_key(&entry.key);
        fields
    }

    /// Appends the attributes in the order `ipset` writes them.
    pub(crate) fn write(self, out: &mut Vec<EntryAttribute>) {
        out.extend(self.ip.map(EntryAttribute::Ip));
        out.extend(self.ip_to.map(EntryAttribute::IpTo));
        out.extend(self.cidr.map(EntryAttribute::Cidr));
        out.extend(self.port.map(EntryAttribute::Port));
        out.extend(self.port_to.map(EntryAttribute::PortTo));
        out.extend(self.timeout.map(|t| EntryAttribute::Timeout(t.as_secs())));
        out.extend(self.proto.map(EntryAttribute::Proto));
        out.extend((self.flags != 0).then_some(EntryAttribute::CadtFlags(self.flags)));
        out.extend(self.mark.map(EntryAttribute::Mark));
        out.extend(self.ether.map(|mac| EntryAttribute::Ether(mac.0)));
        out.extend(
            self.name
                .map(|set| EntryAttribute::Name(set.as_str().into())),
        );
        out.extend(
            self.nameref
                .map(|set| EntryAttribute::NameRef(set.as_str().into())),
        );
        out.extend(self.ip2.map(EntryAttribute::Ip2));
        out.extend(self.cidr2.map(EntryAttribute::Cidr2));
        out.extend(self.ip2_to.map(EntryAttribute::Ip2To));
        out.extend(
            self.iface
                .map(|iface| EntryAttribute::Iface(iface.name().into())),
        );
        out.extend(self.bytes.map(EntryAttribute::Bytes));
        out.extend(self.packets.map(EntryAttribute::Packets));
        out.extend(
            self.comment
                .map(|text| EntryAttribute::Comment(text.as_str().into())),
        );
        let SkbInfo {
            mark,
            priority,
            queue,
        } = self.skbinfo;
        out.extend(mark.map(|SkbMark { value, mask }| {
            EntryAttribute::SkbMark(u64::from(value) << 32 | u64::from(mask))
        }));
        out.extend(priority.map(EntryAttribute::SkbPrio));
        out.extend(queue.map(EntryAttribute::SkbQueue));
    }

    /// Takes an attribute in; gives back one that has no place here.
    fn read(&mut self, attribute: EntryAttribute) -> Option<EntryAttribute> {
        match attribute {
            EntryAttribute::Ip(address) => self.ip = Some(address),
            EntryAttribute::IpTo(address) => self.ip_to = Some(address),
            EntryAttribute::Cidr(bits) => self.cidr = Some(bits),
            EntryAttribute::Port(port) => self.port = Some(port),
            EntryAttribute::PortTo(port) => self.port_to = Some(port),
            EntryAttribute::Proto(number) => self.proto = Some(number),
            EntryAttribute::CadtFlags(flags) => self.flags = flags,
            EntryAttribute::Mark(mark) => self.mark = Some(mark),
            EntryAttribute::Ether(address) => self.ether = Some(MacAddress(address)),
            EntryAttribute::Name(name) => self.name = Some(SetName::from_kernel(&name)),
            EntryAttribute::NameRef(name) => self.nameref = Some(SetName::from_kernel(&name)),
            EntryAttribute::Ip2(address) => self.ip2 = Some(address),
            EntryAttribute::Cidr2(bits) => self.cidr2 = Some(bits),
            EntryAttribute::Ip2To(address) => self.ip2_to = Some(address),
            EntryAttribute::Iface(name) => self.iface = Some(Interface::from_kernel(&name)),
            other => return Some(other),
        }
        None
    }

    /// As [`Fields::read`], for what a set keeps with its entries.
    fn read_extension(&mut self, attribute: EntryAttribute) -> Option<EntryAttribute> {
        match attribute {
            EntryAttribute::Timeout(seconds) => self.timeout = Some(Timeout::from_kernel(seconds)),
            EntryAttribute::Bytes(n) => self.bytes = Some(n),
            EntryAttribute::Packets(n) => self.packets = Some(n),
            EntryAttribute::Comment(text) => self.comment = Some(Comment::from_kernel(text)),
            EntryAttribute::SkbMark(both) => {
                let [a, b, c, d, e, f, g, h] = both.to_be_bytes();
                self.skbinfo.mark = Some(SkbMark {
                    value: u32::from_be_bytes([a, b, c, d]),
                    mask: u32::from_be_bytes([e, f, g, h]),
                });
            }
            EntryAttribute::SkbPrio(class) => self.skbinfo.priority = Some(class),
            EntryAttribute::SkbQueue(queue) => self.skbinfo.queue = Some(queue),
            EntryAttribute::LineNumber(_) => {}
            other => return Some(other),
        }
        None
    }
}

impl Entry {
    /// Appends all its attributes.
    pub(crate) fn write(&self, out: &mut Vec<EntryAttribute>) {
        Fields::of(self).write(out);
        for element in self.key.elements() {
            if let crate::Element::Raw(raw) = element {
                let attributes = NlasIterator::new(raw.attributes());
                out.extend(attributes.filter_map(|nla| EntryAttribute::parse(&nla.ok()?).ok()));
            }
        }
    }

    /// Reads an entry of a set of this type; without a definition, of one that is not known.
    pub(crate) fn decode(
        definition: Option<&Definition>,
        attributes: impl Iterator<Item = Result<EntryAttribute, netlink_packet_core::DecodeError>>,
    ) -> Result<Self, DecodeError> {
        let mut fields = Fields::default();
        let mut raw = Vec::new();
        for attribute in attributes {
            let Some(attribute) = fields.read_extension(attribute?) else {
                continue;
            };
            if definition.is_some() {
                fields.read(attribute);
            } else {
                raw.push(attribute);
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
            comment: fields.comment.take(),
            key: match definition {
                Some(definition) => fields.take_key(definition.dimensions)?,
                None => raw_key(&raw),
            },
        })
    }
}

fn raw_key(attributes: &[EntryAttribute]) -> crate::Key {
    let mut bytes = vec![0; attributes.buffer_len()];
    attributes.emit(&mut bytes);
    crate::RawKey::new(bytes).into()
}
