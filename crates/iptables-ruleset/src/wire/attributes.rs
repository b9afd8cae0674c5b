//! Attributes of netlink messages, read. Whatever the bytes, nothing here panics, and nothing is
//! read twice.

use std::borrow::Cow;

/// Attributes one after another; it ends at the first that is not whole.
#[derive(Clone)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The content of the first attribute of this type.
    pub(crate) fn find(&self, wanted: u16) -> Option<&'a [u8]> {
        Iterator::find(&mut self.clone(), |(kind, _)| *kind == wanted).map(|(_, content)| content)
    }

    /// A nested attribute; without it, no attributes.
    pub(crate) fn nested(&self, wanted: u16) -> Attributes<'a> {
        Attributes(self.find(wanted).unwrap_or(&[]))
    }

    /// A string, up to its NUL.
    pub(crate) fn string(&self, wanted: u16) -> Option<Cow<'a, str>> {
        let text = self.find(wanted)?.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text))
    }

    /// A number in network order.
    pub(crate) fn u16(&self, wanted: u16) -> Option<u16> {
        self.number(wanted).map(u16::from_be_bytes)
    }

    /// A number in network order.
    pub(crate) fn u32(&self, wanted: u16) -> Option<u32> {
        self.number(wanted).map(u32::from_be_bytes)
    }

    /// A number in network order.
    pub(crate) fn u64(&self, wanted: u16) -> Option<u64> {
        self.number(wanted).map(u64::from_be_bytes)
    }

    /// Each attribute's type, the offset of its content, and its content.
    pub(crate) fn located(self) -> impl Iterator<Item = (u16, usize, &'a [u8])> {
        let whole = self.0.len();
        let mut rest = self;
        std::iter::from_fn(move || {
            let at = whole - rest.0.len() + NLA_HEADER;
            let (kind, content) = rest.next()?;
            Some((kind, at, content))
        })
    }

    fn number<const N: usize>(&self, wanted: u16) -> Option<[u8; N]> {
        self.find(wanted).and_then(|content| bytes(content, 0))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16::from_ne_bytes(bytes(self.0, 0)?));
        let kind = u16::from_ne_bytes(bytes(self.0, 2)?) & NLA_TYPE_MASK;
        let content = self.0.get(NLA_HEADER..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, content))
    }
}

/// `N` bytes at this offset.
pub(crate) fn bytes<const N: usize>(from: &[u8], offset: usize) -> Option<[u8; N]> {
    from.get(offset..)?.first_chunk().copied()
}

/// Size of struct nlattr, linux/netlink.h.
const NLA_HEADER: usize = 4;
/// `NLA_TYPE_MASK`, linux/netlink.h: without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const NLA_TYPE_MASK: u16 = 0x3fff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_or_lies_about_its_length_ends_the_reading() {
        let whole: Vec<u8> = [8u16, 1]
            .iter()
            .flat_map(|n| n.to_ne_bytes())
            .chain([0, 0, 0, 7])
            .collect();
        assert_eq!(Attributes(&whole).u32(1), Some(7));
        for length in 0..whole.len() {
            assert_eq!(Attributes(&whole[..length]).count(), 0, "{length}");
        }
        for lie in [0u16, 1, 3, 9, u16::MAX] {
            let mut bytes = whole.clone();
            bytes[..2].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(Attributes(&bytes).count(), 0, "{lie}");
        }
    }
}
