//! Writing what sets and entries are made of.

use std::io::Write as _;
use std::net::IpAddr;

use super::names::{IcmpNames, Protocols};
use super::number;
use crate::{AddressRange, CreateSet, Element, Entry, Interface, Key, Port, SkbMark};

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// None: the option is there or not.
    Flag,
    /// A number in figures.
    Number(u64),
    /// A number in hexadecimal, with eight digits.
    Hex(u32),
    /// A word.
    Word(&'a str),
    /// An address.
    Address(IpAddr),
    /// The first address of a range and the last.
    Addresses(AddressRange),
    /// The first port of a range and the last.
    Ports(u16, u16),
    /// A comment, without its quotes.
    Comment(&'a [u8]),
    /// A mark and its mask.
    SkbMark(SkbMark),
    /// A traffic class: the major number in the high 16 bits, the minor in the low ones.
    Class(u32),
    /// The name of a set.
    SetName(&'a [u8]),
}

/// How text is written: names of sets and interfaces and comments as the bytes they are, which need
/// not be UTF-8; protocols and ICMP types by the names that `ipset` has for them on this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// What writes an address, something that knows the names of hosts; without it,
    /// [`address`](super::address) writes it in figures.
    pub address: Option<fn(&mut Vec<u8>, IpAddr)>,
}

impl Style {
    /// Writes the line that creates a set, without a line break.
    pub fn create(self, out: &mut Vec<u8>, create: &CreateSet) {
        out.extend_from_slice(b"create ");
        out.extend_from_slice(create.name.as_bytes());
        out.push(b' ');
        out.extend_from_slice(create.set_type.name().as_bytes());
        create.each_option(|name, value| self.option(out, name, value));
    }

    /// Writes an entry as it stands in a line: its key, and its options each after a space.
    #[inline]
    pub fn entry(self, out: &mut Vec<u8>, entry: &Entry) {
        self.key(out, &entry.key);
        entry.each_option(|name, value| self.option(out, name, value));
    }

    /// Writes an option as it stands in a line, with a space before it.
    #[inline]
    pub fn option(self, out: &mut Vec<u8>, name: &str, value: Value<'_>) {
        out.push(b' ');
        out.extend_from_slice(name.as_bytes());
        if !matches!(value, Value::Flag) {
            out.push(b' ');
            self.value(out, value);
        }
    }

    /// Writes a value as it stands in a line; a comment in its quotes.
    #[inline]
    pub fn value(self, out: &mut Vec<u8>, value: Value<'_>) {
        match value {
            Value::Flag => {}
            Value::Number(number) => number::decimal(out, number),
            Value::Hex(number) => put(out, format_args!("{number:#010x}")),
            Value::Word(word) => out.extend_from_slice(word.as_bytes()),
            Value::Address(address) => self.address(out, address),
            Value::Addresses(range) => {
                self.address(out, range.first());
                out.push(b'-');
                self.address(out, range.last());
            }
            Value::Ports(first, last) => put(out, format_args!("{first}-{last}")),
            Value::Comment(comment) => {
                out.push(b'"');
                out.extend_from_slice(comment);
                out.push(b'"');
            }
            Value::SkbMark(SkbMark { value, mask }) => {
                put(out, format_args!("{value:#x}"));
                if mask != u32::MAX {
                    put(out, format_args!("/{mask:#x}"));
                }
            }
            Value::Class(class) => put(out, format_args!("{:x}:{:x}", class >> 16, class & 0xffff)),
            Value::SetName(name) => out.extend_from_slice(name),
        }
    }

    /// Writes a key: its elements with commas between them.
    #[inline]
    pub fn key(self, out: &mut Vec<u8>, key: &Key) {
        for (n, element) in key.elements().iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            self.element(out, element);
        }
    }

    #[inline]
    fn address(self, out: &mut Vec<u8>, address: IpAddr) {
        match self.address {
            None => number::address(out, address),
            Some(write) => write(out, address),
        }
    }

    #[inline]
    fn element(self, out: &mut Vec<u8>, element: &Element) {
        match element {
            Element::Ip(address) => self.address(out, *address),
            Element::Net(network) => {
                self.address(out, network.address());
                out.push(b'/');
                number::decimal(out, network.prefix_length());
            }
            Element::Range(range) => self.value(out, Value::Addresses(*range)),
            Element::Port(port) => ports(out, *port),
            Element::Interface(interface) => {
                if interface.bridge_port {
                    out.extend_from_slice(b"physdev:");
                }
                out.extend_from_slice(interface.name_bytes());
            }
            Element::Set(set) => out.extend_from_slice(set.as_bytes()),
            Element::Mac(_) | Element::Mark(_) | Element::Raw(_) => {
                put(out, format_args!("{element}"));
            }
        }
    }
}

fn ports(out: &mut Vec<u8>, port: Port) {
    if let Some(protocol) = port.protocol() {
        match Protocols::of_system().name(protocol) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => number::decimal(out, protocol),
        }
        out.push(b':');
        let names = IcmpNames::of(protocol).zip(port.icmp_type_and_code());
        if let Some((names, (icmp_type, code))) = names {
            return match names.name(icmp_type, code) {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => put(out, format_args!("{icmp_type}/{code}")),
            };
        }
    }
    number::decimal(out, port.first());
    if port.is_range() {
        out.push(b'-');
        number::decimal(out, port.last());
    }
}

/// Whether an entry stands for every interface whose name begins as it says.
pub(super) fn is_wildcard(key: &Key) -> bool {
    let is = |element: &Element| {
        matches!(
            element,
            Element::Interface(Interface { wildcard: true, .. })
        )
    };
    key.elements().iter().any(is)
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = out.write_fmt(text);
}
