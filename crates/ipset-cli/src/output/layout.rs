//! What the forms of a listing have in common.

use ipset_netlink::text::{Style, Value};
use ipset_netlink::{Entry, SetHeader};

/// A form in which sets are listed.
pub(super) trait Layout {
    /// Before all sets.
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    /// A set of which only the name is wanted.
    fn name(&mut self, out: &mut Vec<u8>, name: &[u8]);

    /// A set begins. Without `members` only its header is wanted.
    fn header(&mut self, out: &mut Vec<u8>, header: &SetHeader, style: Style, members: bool);

    fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry, style: Style);

    /// How many bytes of an entry's text come before the entry itself.
    fn entry_offset(&self) -> usize {
        0
    }

    /// What stands between entries.
    fn separator(&self) -> &'static [u8] {
        b""
    }

    /// The set has ended.
    fn end_set(&mut self, _out: &mut Vec<u8>, _members: bool) {}

    /// After all sets.
    fn end(&mut self, _out: &mut Vec<u8>) {}
}

/// The options of a set as `ipset` lists them, which leaves out `forceadd`.
pub(super) fn each_option(header: &SetHeader, mut each: impl FnMut(&'static str, Value<'_>)) {
    header.each_option(|name, value| {
        if name != "forceadd" {
            each(name, value);
        }
    });
}
