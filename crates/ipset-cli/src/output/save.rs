//! The commands that make the same sets again.

use ipset_netlink::text::Style;
use ipset_netlink::{Entry, SetHeader};

use super::layout::{Layout, each_option};

#[derive(Default)]
pub(super) struct Save {
    /// `add SET ` of the current set.
    prefix: Vec<u8>,
}

impl Layout for Save {
    /// Never asked for: a name alone would not make the set again.
    fn name(&mut self, _out: &mut Vec<u8>, _name: &[u8]) {}

    fn header(&mut self, out: &mut Vec<u8>, header: &SetHeader, style: Style, _members: bool) {
        self.prefix = [b"add ", header.name.as_bytes(), b" "].concat();
        out.extend_from_slice(b"create ");
        out.extend_from_slice(header.name.as_bytes());
        out.push(b' ');
        out.extend_from_slice(header.set_type.name().as_bytes());
        each_option(header, |name, value| style.option(out, name, value));
        out.push(b'\n');
    }

    fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry, style: Style) {
        out.extend_from_slice(&self.prefix);
        style.entry(out, entry);
        out.push(b'\n');
    }

    fn entry_offset(&self) -> usize {
        self.prefix.len()
    }
}
