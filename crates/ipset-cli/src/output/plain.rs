//! For people to read.

use ipset_netlink::{Entry, SetHeader};

use super::layout::Layout;
use super::text;
use super::words::{Value, Words, each_entry_option, each_set_option};

#[derive(Default)]
pub(super) struct Plain {
    goes_on: bool,
}

impl Layout for Plain {
    fn name(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        out.extend_from_slice(name);
        out.push(b'\n');
    }

    fn header(&mut self, out: &mut Vec<u8>, header: &SetHeader, words: Words, members: bool) {
        if std::mem::replace(&mut self.goes_on, true) {
            out.push(b'\n');
        }
        out.extend_from_slice(b"Name: ");
        out.extend_from_slice(header.name.as_bytes());
        out.extend_from_slice(b"\nType: ");
        out.extend_from_slice(header.set_type.name().as_bytes());
        out.extend_from_slice(b"\nRevision: ");
        text::decimal(out, header.revision);
        out.extend_from_slice(b"\nHeader:");
        each_set_option(header, |name, value| option(out, words, name, value));
        out.extend_from_slice(b"\nSize in memory: ");
        text::decimal(out, header.memory);
        out.extend_from_slice(b"\nReferences: ");
        text::decimal(out, header.references);
        if let Some(elements) = header.elements {
            out.extend_from_slice(b"\nNumber of entries: ");
            text::decimal(out, elements);
        }
        out.extend_from_slice(if members { b"\nMembers:\n" } else { b"\n" });
    }

    fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry, words: Words) {
        line(out, entry, words);
    }
}

/// An entry with its options, to the end of the line.
pub(super) fn line(out: &mut Vec<u8>, entry: &Entry, words: Words) {
    words.key(out, &entry.key);
    each_entry_option(entry, |name, value| option(out, words, name, value));
    out.push(b'\n');
}

pub(super) fn option(out: &mut Vec<u8>, words: Words, name: &str, value: Value<'_>) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    if !matches!(value, Value::Flag) {
        out.push(b' ');
        words.value(out, value);
    }
}
