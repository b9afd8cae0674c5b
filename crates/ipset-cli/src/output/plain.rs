//! For people to read.

use ipset_netlink::text::{Style, Value};
use ipset_netlink::{Entry, SetHeader};

use super::layout::{Layout, each_option};

#[derive(Default)]
pub(super) struct Plain {
    goes_on: bool,
}

impl Layout for Plain {
    fn name(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        out.extend_from_slice(name);
        out.push(b'\n');
    }

    fn header(&mut self, out: &mut Vec<u8>, header: &SetHeader, style: Style, members: bool) {
        if std::mem::replace(&mut self.goes_on, true) {
            out.push(b'\n');
        }
        out.extend_from_slice(b"Name: ");
        out.extend_from_slice(header.name.as_bytes());
        out.extend_from_slice(b"\nType: ");
        out.extend_from_slice(header.set_type.name().as_bytes());
        out.extend_from_slice(b"\nRevision: ");
        style.value(out, Value::Number(header.revision.into()));
        out.extend_from_slice(b"\nHeader:");
        each_option(header, |name, value| style.option(out, name, value));
        out.extend_from_slice(b"\nSize in memory: ");
        style.value(out, Value::Number(header.memory.into()));
        out.extend_from_slice(b"\nReferences: ");
        style.value(out, Value::Number(header.references.into()));
        if let Some(elements) = header.elements {
            out.extend_from_slice(b"\nNumber of entries: ");
            style.value(out, Value::Number(elements.into()));
        }
        out.extend_from_slice(if members { b"\nMembers:\n" } else { b"\n" });
    }

    fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry, style: Style) {
        style.entry(out, entry);
        out.push(b'\n');
    }
}
