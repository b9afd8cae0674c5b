//! Entries and options in the words of `ipset`, which all forms of a listing share.

use std::net::IpAddr;

use ipset_netlink::{
    AddressRange, BitmapRange, Element, Entry, Family, Interface, Key, Port, SetHeader, SetType,
    SkbMark,
};

use super::text;
use crate::names::{self, ICMP, ICMPV6, Protocols};

/// How entries are put into words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// Addresses by the names of their hosts.
    pub(super) resolve: bool,
}

/// The value of an option.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// None: the option is there or not.
    Flag,
    Number(u64),
    /// With eight digits.
    Hex(u32),
    Word(&'static str),
    Address(IpAddr),
    Addresses(AddressRange),
    Ports(u16, u16),
    Comment(&'a [u8]),
    SkbMark(SkbMark),
    /// Major and minor number.
    Class(u32),
}

impl Words {
    /// The value as it stands in a line; a comment in its quotes.
    pub(super) fn value(self, out: &mut Vec<u8>, value: Value<'_>) {
        match value {
            Value::Flag => {}
            Value::Number(number) => text::decimal(out, number),
            Value::Hex(number) => text::long_hex(out, number),
            Value::Word(word) => out.extend_from_slice(word.as_bytes()),
            Value::Address(address) => self.address(out, address),
            Value::Addresses(range) => {
                self.address(out, range.first());
                out.push(b'-');
                self.address(out, range.last());
            }
            Value::Ports(first, last) => {
                text::decimal(out, first);
                out.push(b'-');
                text::decimal(out, last);
            }
            Value::Comment(comment) => {
                out.push(b'"');
                out.extend_from_slice(comment);
                out.push(b'"');
            }
            Value::SkbMark(SkbMark { value, mask }) => {
                text::short_hex(out, value);
                if mask != u32::MAX {
                    out.push(b'/');
                    text::short_hex(out, mask);
                }
            }
            Value::Class(class) => {
                text::hex(out, class >> 16);
                out.push(b':');
                text::hex(out, class & 0xffff);
            }
        }
    }

    pub(super) fn key(self, out: &mut Vec<u8>, key: &Key) {
        for (n, element) in key.elements().iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            self.element(out, element);
        }
    }

    fn element(self, out: &mut Vec<u8>, element: &Element) {
        match element {
            Element::Ip(address) => self.address(out, *address),
            Element::Net(network) => {
                self.address(out, network.address());
                out.push(b'/');
                text::decimal(out, network.prefix_length());
            }
            Element::Range(range) => self.value(out, Value::Addresses(*range)),
            Element::Port(port) => ports(out, *port),
            Element::Mac(address) => text::mac(out, address.0),
            Element::Mark(mark) => text::long_hex(out, *mark),
            Element::Interface(interface) => {
                if interface.bridge_port {
                    out.extend_from_slice(b"physdev:");
                }
                out.extend_from_slice(interface.name_bytes());
            }
            Element::Set(set) => out.extend_from_slice(set.as_bytes()),
            // Of a type that `ipset` does not know either.
            other => out.extend_from_slice(other.to_string().as_bytes()),
        }
    }

    fn address(self, out: &mut Vec<u8>, address: IpAddr) {
        let name = self.resolve.then(|| names::name_of(address)).flatten();
        match name {
            None => text::address(out, address),
            // A hyphen would make it a range when it is read again.
            Some(name) if name.contains('-') => {
                out.push(b'[');
                out.extend_from_slice(name.as_bytes());
                out.push(b']');
            }
            Some(name) => out.extend_from_slice(name.as_bytes()),
        }
    }
}

fn ports(out: &mut Vec<u8>, port: Port) {
    if let Some(protocol) = port.protocol() {
        match Protocols::of_system().name(protocol) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => text::decimal(out, protocol),
        }
        out.push(b':');
    }
    if let Some((icmp_type, code)) = port.icmp_type_and_code() {
        let names = if port.protocol() == Some(IPPROTO_ICMP) {
            &ICMP
        } else {
            &ICMPV6
        };
        if let Some(name) = names.name(icmp_type, code) {
            out.extend_from_slice(name.as_bytes());
        } else {
            text::decimal(out, icmp_type);
            out.push(b'/');
            text::decimal(out, code);
        }
        return;
    }
    text::decimal(out, port.first());
    if port.is_range() {
        out.push(b'-');
        text::decimal(out, port.last());
    }
}

/// The options of a set in the order in which `ipset` lists them. It does not list `forceadd`.
pub(super) fn each_set_option(header: &SetHeader, mut each: impl FnMut(&'static str, Value<'_>)) {
    let options = &header.options;
    let number = |number: u32| Value::Number(number.into());
    match options.range {
        Some(BitmapRange::Addresses(range)) => each("range", Value::Addresses(range)),
        Some(BitmapRange::Ports(first, last)) => each("range", Value::Ports(first, last)),
        _ => {}
    }
    if let Some(family) = family(header) {
        each("family", Value::Word(family));
    }
    if let Some(mask) = options.mark_mask {
        each("markmask", Value::Hex(mask));
    }
    if let Some(size) = options.hash_size {
        each("hashsize", number(size));
    }
    if let Some(max_elements) = options.max_elements {
        each("maxelem", number(max_elements));
    }
    if let Some(size) = options.size {
        each("size", number(size));
    }
    // Types that got masks later than the rest list them last.
    let masks_come_first = matches!(header.set_type, SetType::BitmapIp | SetType::HashIp);
    let masks = |each: &mut dyn FnMut(&'static str, Value<'_>)| {
        if let Some(netmask) = options.netmask {
            each("netmask", number(netmask.into()));
        }
        if let Some(bitmask) = options.bitmask {
            each("bitmask", Value::Address(bitmask));
        }
    };
    if masks_come_first {
        masks(&mut each);
    }
    if let Some(timeout) = options.timeout {
        each("timeout", number(timeout.as_secs()));
    }
    for (has, name) in [
        (options.counters, "counters"),
        (options.comments, "comment"),
        (options.skbinfo, "skbinfo"),
    ] {
        if has {
            each(name, Value::Flag);
        }
    }
    if let Some(size) = options.bucket_size {
        each("bucketsize", number(size.into()));
    }
    if let Some(seed) = options.initial_value {
        each("initval", Value::Hex(seed));
    }
    if !masks_come_first {
        masks(&mut each);
    }
}

/// The family, of a set that could be of another.
fn family(header: &SetHeader) -> Option<&'static str> {
    if !header.set_type.takes("family") {
        return None;
    }
    Some(match header.family {
        Family::Inet => "inet",
        Family::Inet6 => "inet6",
        _ => "any",
    })
}

/// The options of an entry in the order in which `ipset` lists them.
pub(super) fn each_entry_option<'a>(
    entry: &'a Entry,
    mut each: impl FnMut(&'static str, Value<'a>),
) {
    if let Some(timeout) = entry.timeout {
        each("timeout", Value::Number(timeout.as_secs().into()));
    }
    if entry.nomatch {
        each("nomatch", Value::Flag);
    }
    if let [_, Element::Interface(Interface { wildcard: true, .. })] = entry.key.elements() {
        each("wildcard", Value::Flag);
    }
    if let Some(counters) = entry.counters {
        each("packets", Value::Number(counters.packets));
        each("bytes", Value::Number(counters.bytes));
    }
    if let Some(comment) = &entry.comment {
        each("comment", Value::Comment(comment.as_bytes()));
    }
    if let Some(skbinfo) = entry.skbinfo {
        if let Some(mark) = skbinfo.mark {
            each("skbmark", Value::SkbMark(mark));
        }
        if let Some(class) = skbinfo.priority {
            each("skbprio", Value::Class(class));
        }
        if let Some(queue) = skbinfo.queue {
            each("skbqueue", Value::Number(queue.into()));
        }
    }
}

// linux/in.h
const IPPROTO_ICMP: u8 = 1;
