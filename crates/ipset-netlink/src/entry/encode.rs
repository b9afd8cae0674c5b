//! An entry as the attributes of a request.

use super::{Comment, Entry, Position, SkbMark};
use crate::key::Parts;
use crate::packet::{
    EntryAttribute, IPSET_FLAG_BEFORE, IPSET_FLAG_IFACE_WILDCARD, IPSET_FLAG_NOMATCH,
    IPSET_FLAG_PHYSDEV, append_attribute, append_entry,
};
use crate::{Element, Interface, Port, SetName};

impl Entry {
    /// Appends it to a request, with the number by which an error names it; nothing and `false` if
    /// it is longer than an attribute can be, or a text in it is.
    pub(crate) fn append(&self, request: &mut Vec<u8>, line: Option<u32>) -> bool {
        self.texts_fit()
            && append_entry(request, |bytes| {
                self.append_attributes(bytes);
                if let Some(line) = line {
                    append_attribute(bytes, &EntryAttribute::<&[u8]>::LineNumber(line));
                }
            })
    }

    /// Text that a kernel said is of any length. For one that is too long the kernel would call all
    /// of a message malformed, and not say what it did with the entries before.
    fn texts_fit(&self) -> bool {
        let fits = |set: &SetName| set.as_bytes().len() <= SetName::MAX_LEN;
        let neighbour = self.position.as_ref();
        let comment = self.comment.as_ref().map_or(&b""[..], Comment::as_bytes);
        comment.len() <= Comment::MAX_LEN
            && neighbour.is_none_or(|position| fits(position.parts().0))
            && self.key.elements().iter().all(|element| match element {
                Element::Set(set) => fits(set),
                Element::Interface(interface) => interface.name_bytes().len() <= Interface::MAX_LEN,
                _ => true,
            })
    }

    /// In the order `ipset` writes them.
    fn append_attributes(&self, bytes: &mut Vec<u8>) {
        let key = Parts::of(&self.key);
        if let Some(raw) = key.raw {
            bytes.extend_from_slice(raw.attributes());
        }
        if let Some(element) = key.addresses {
            if let Some(address) = element.first_address() {
                put(bytes, &EntryAttribute::Ip(address));
            }
            if let Some(address) = element.last_address() {
                put(bytes, &EntryAttribute::IpTo(address));
            }
            if let Some(bits) = element.prefix_length() {
                put(bytes, &EntryAttribute::Cidr(bits));
            }
        }
        if let Some(port) = key.port {
            put(bytes, &EntryAttribute::Port(port.first()));
            if port.is_range() {
                put(bytes, &EntryAttribute::PortTo(port.last()));
            }
        }
        if let Some(timeout) = self.timeout {
            put(bytes, &EntryAttribute::Timeout(timeout.as_secs()));
        }
        if let Some(protocol) = key.port.and_then(Port::protocol) {
            put(bytes, &EntryAttribute::Proto(protocol));
        }
        let flags = self.flags(&key);
        if flags != 0 {
            put(bytes, &EntryAttribute::CadtFlags(flags));
        }
        if let Some(mark) = key.mark {
            put(bytes, &EntryAttribute::Mark(mark));
        }
        if let Some(address) = key.mac {
            put(bytes, &EntryAttribute::Ether(address.0));
        }
        if let Some(set) = key.set {
            put(bytes, &EntryAttribute::Name(set.as_bytes()));
        }
        if let Some(Position::Before(set) | Position::After(set)) = &self.position {
            put(bytes, &EntryAttribute::NameRef(set.as_bytes()));
        }
        if let Some(element) = key.second_addresses {
            if let Some(address) = element.first_address() {
                put(bytes, &EntryAttribute::Ip2(address));
            }
            if let Some(bits) = element.prefix_length() {
                put(bytes, &EntryAttribute::Cidr2(bits));
            }
            if let Some(address) = element.last_address() {
                put(bytes, &EntryAttribute::Ip2To(address));
            }
        }
        if let Some(interface) = key.interface {
            put(bytes, &EntryAttribute::Iface(interface.name_bytes()));
        }
        if let Some(counters) = self.counters {
            put(bytes, &EntryAttribute::Bytes(counters.bytes));
            put(bytes, &EntryAttribute::Packets(counters.packets));
        }
        if let Some(comment) = &self.comment {
            put(bytes, &EntryAttribute::Comment(comment.as_bytes()));
        }
        if let Some(skbinfo) = self.skbinfo {
            if let Some(SkbMark { value, mask }) = skbinfo.mark {
                let both = u64::from(value) << 32 | u64::from(mask);
                put(bytes, &EntryAttribute::SkbMark(both));
            }
            if let Some(class) = skbinfo.priority {
                put(bytes, &EntryAttribute::SkbPrio(class));
            }
            if let Some(queue) = skbinfo.queue {
                put(bytes, &EntryAttribute::SkbQueue(queue));
            }
        }
    }

    /// Bits `IPSET_FLAG_*`.
    fn flags(&self, key: &Parts<'_>) -> u32 {
        let mut flags = 0;
        if self.nomatch {
            flags |= IPSET_FLAG_NOMATCH;
        }
        if let Some(Position::Before(_)) = self.position {
            flags |= IPSET_FLAG_BEFORE;
        }
        if let Some(interface) = key.interface {
            if interface.bridge_port {
                flags |= IPSET_FLAG_PHYSDEV;
            }
            if interface.wildcard {
                flags |= IPSET_FLAG_IFACE_WILDCARD;
            }
        }
        flags
    }
}

#[expect(clippy::inline_always, reason = "as append_attribute")]
#[inline(always)]
fn put(bytes: &mut Vec<u8>, attribute: &EntryAttribute<&[u8]>) {
    append_attribute(bytes, attribute);
}
