//! XML as `ipset` writes it, which escapes nothing.

use ipset_netlink::text::{Style, Value};
use ipset_netlink::{Entry, SetHeader};

use super::layout::{Layout, each_option};

#[derive(Default)]
pub(super) struct Xml;

const BEFORE_ENTRY: &[u8] = b"<member><elem>";

impl Layout for Xml {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<ipsets>\n");
    }

    fn name(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        out.extend_from_slice(b"<ipset name=\"");
        out.extend_from_slice(name);
        out.extend_from_slice(b"\"/>\n");
    }

    fn header(&mut self, out: &mut Vec<u8>, header: &SetHeader, style: Style, members: bool) {
        out.extend_from_slice(b"<ipset name=\"");
        out.extend_from_slice(header.name.as_bytes());
        out.extend_from_slice(b"\">\n<type>");
        out.extend_from_slice(header.set_type.name().as_bytes());
        out.extend_from_slice(b"</type>\n<revision>");
        style.value(out, Value::Number(header.revision.into()));
        out.extend_from_slice(b"</revision>\n<header>");
        each_option(header, |name, value| option(out, style, name, value));
        out.push(b'\n');
        for (name, number) in [
            ("memsize", Some(header.memory)),
            ("references", Some(header.references)),
            ("numentries", header.elements),
        ] {
            if let Some(number) = number {
                option(out, style, name, Value::Number(number.into()));
                out.push(b'\n');
            }
        }
        out.extend_from_slice(b"</header>\n");
        if members {
            out.extend_from_slice(b"<members>\n");
        }
    }

    fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry, style: Style) {
        out.extend_from_slice(BEFORE_ENTRY);
        style.key(out, &entry.key);
        out.extend_from_slice(b"</elem>");
        entry.each_option(|name, value| option(out, style, name, value));
        out.extend_from_slice(b"</member>\n");
    }

    fn entry_offset(&self) -> usize {
        BEFORE_ENTRY.len()
    }

    fn end_set(&mut self, out: &mut Vec<u8>, members: bool) {
        if members {
            out.extend_from_slice(b"</members>\n");
        }
        out.extend_from_slice(b"</ipset>\n");
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"</ipsets>\n");
    }
}

fn option(out: &mut Vec<u8>, style: Style, name: &str, value: Value<'_>) {
    out.push(b'<');
    out.extend_from_slice(name.as_bytes());
    if matches!(value, Value::Flag) {
        out.extend_from_slice(b"/>");
        return;
    }
    out.push(b'>');
    style.value(out, value);
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
}
