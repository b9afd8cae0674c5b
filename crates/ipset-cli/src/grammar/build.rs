//! What a line says, made into an entry or a set.

use std::net::IpAddr;

use ipset_netlink::{
    AddressRange, Counters, CreateSet, Element, Entry, Key, Network, Port, Position, SetName,
    SkbInfo,
};

use super::Values;
use crate::report::{Refused, Report};
use crate::types::{Field, TypeSpec};

impl Values {
    /// The entry; `None` where something is missing that an entry of this type must have.
    pub(crate) fn entry(&self, spec: &TypeSpec) -> Option<Entry> {
        let key = match &*spec.elements {
            [(_, field)] => Key::from(self.element(*field)?),
            elements => {
                let elements = elements
                    .iter()
                    .filter_map(|(_, field)| self.element(*field));
                key_of(elements, spec)?
            }
        };
        let mut entry = Entry::new(key);
        entry.timeout = self.timeout;
        entry.comment.clone_from(&self.comment);
        entry.nomatch = self.has(Field::NoMatch);
        if self.packets.is_some() || self.bytes.is_some() {
            entry.counters = Some(Counters {
                packets: self.packets.unwrap_or(0),
                bytes: self.bytes.unwrap_or(0),
            });
        }
        let mut skbinfo = SkbInfo::default();
        skbinfo.mark = self.skb_mark;
        skbinfo.priority = self.skb_prio;
        skbinfo.queue = self.skb_queue;
        entry.skbinfo = (skbinfo != SkbInfo::default()).then_some(skbinfo);
        entry.position = self.neighbour.clone().map(|neighbour| {
            if self.has(Field::Before) {
                Position::Before(neighbour)
            } else {
                Position::After(neighbour)
            }
        });
        Some(entry)
    }

    fn element(&self, field: Field) -> Option<Element> {
        match field {
            Field::Ip => addresses(self.ip?, self.ip_to, self.cidr),
            Field::Ip2 => addresses(self.ip2?, self.ip2_to, self.cidr2),
            Field::Port => self.ports().map(Element::Port),
            Field::Mac => self.mac.map(Element::Mac),
            Field::Mark => self.mark.map(Element::Mark),
            Field::Interface => self.interface.clone().map(|interface| {
                Element::Interface(if self.has(Field::Wildcard) {
                    interface.wildcard()
                } else {
                    interface
                })
            }),
            Field::Name => self.name.clone().map(Element::Set),
            _ => None,
        }
    }

    fn ports(&self) -> Option<Port> {
        let port = self.port?;
        // The kernel takes a range from either end.
        let last = self.port_to.unwrap_or(port);
        let first = match self.protocol {
            Some(protocol) => Port::new(protocol, port.min(last)),
            None => Port::without_protocol(port.min(last)),
        };
        first.through(port.max(last)).ok()
    }

    /// The set to be created.
    ///
    /// # Errors
    ///
    /// Its range is one address.
    pub(crate) fn create_set(
        &self,
        report: &mut Report,
        name: SetName,
        spec: &TypeSpec,
    ) -> Result<CreateSet, Refused> {
        let family = self.family.unwrap_or(spec.families.default_family());
        let mut create = CreateSet::new(name, spec.set_type.clone(), family);
        let options = &mut create.options;
        options.timeout = self.timeout;
        options.max_elements = self.max_elem;
        options.hash_size = self.hash_size;
        options.bucket_size = self.bucket_size;
        options.initial_value = self.init_val;
        options.netmask = self.netmask;
        options.bitmask = self.bitmask;
        options.mark_mask = self.mark_mask;
        options.size = self.size;
        options.counters = self.has(Field::Counters);
        options.comments = self.has(Field::Comments);
        options.forceadd = self.has(Field::ForceAdd);
        options.skbinfo = self.has(Field::SkbInfo);
        if let Some(ports) = self.ports() {
            options.range = Some((ports.first()..=ports.last()).into());
        }
        match self.ip.and_then(|ip| addresses(ip, self.ip_to, self.cidr)) {
            Some(Element::Net(network)) => options.range = Some(network.into()),
            Some(Element::Range(range)) => options.range = Some(range.into()),
            // The kernel's own refusal of a prefix of 32 bits.
            Some(_) if self.cidr.is_some() => {
                return Err(
                    report.error("The value of the CIDR parameter of the IP address is invalid")
                );
            }
            _ => {}
        }
        Ok(create)
    }
}

fn addresses(first: IpAddr, last: Option<IpAddr>, prefix: Option<u8>) -> Option<Element> {
    match (last, prefix) {
        // The kernel takes a range from either end.
        (Some(last), _) => AddressRange::new(first.min(last), first.max(last))
            .ok()
            .map(Element::Range),
        (None, Some(bits)) => Network::new(first, bits).ok().map(Element::from),
        (None, None) => Some(first.into()),
    }
}

fn key_of(mut elements: impl Iterator<Item = Element>, spec: &TypeSpec) -> Option<Key> {
    let parts = (elements.next()?, elements.next(), elements.next());
    match (spec.elements.len(), parts) {
        (_, (a, Some(b), Some(c))) => Some(Key::from((a, b, c))),
        (2, (a, Some(b), None)) => Some(Key::from((a, b))),
        (2, (a, None, None)) if spec.last_element_optional => Some(Key::from(a)),
        _ => None,
    }
}
