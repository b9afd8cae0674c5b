//! Reading netlink messages and their attributes. Whatever the bytes, nothing here panics, and
//! nothing is read twice.

/// The messages of one datagram; it ends at the first that is not whole.
pub(super) struct Messages<'a>(pub(super) &'a [u8]);

/// One message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    /// Behind the netlink header.
    pub(super) payload: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let header = self.0.get(..NLMSGHDR)?;
        let length = usize::try_from(u32::from_ne_bytes(bytes(header, 0)?)).ok()?;
        let message = self.0.get(..length)?;
        let payload = message.get(NLMSGHDR..)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some(Message {
            kind: u16::from_ne_bytes(bytes(header, 4)?),
            flags: u16::from_ne_bytes(bytes(header, 6)?),
            sequence: u32::from_ne_bytes(bytes(header, 8)?),
            payload,
        })
    }
}

impl<'a> Message<'a> {
    /// The attributes behind the netfilter header.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes(self.payload.get(NFGENMSG..).unwrap_or(&[]))
    }

    /// What `NLMSG_ERROR` or `NLMSG_DONE` says: 0 for success.
    pub(super) fn errno(&self) -> Option<i32> {
        let ends = matches!(i32::from(self.kind), libc::NLMSG_ERROR | libc::NLMSG_DONE);
        let code = ends
            .then(|| bytes(self.payload, 0))
            .flatten()
            .map(i32::from_ne_bytes)?;
        Some(code.saturating_neg())
    }
}

/// Attributes one after another; it ends at the first that is not whole.
#[derive(Clone)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The content of the first attribute of this type.
    pub(super) fn find(&self, wanted: u16) -> Option<&'a [u8]> {
        Iterator::find(&mut self.clone(), |(kind, _)| *kind == wanted).map(|(_, content)| content)
    }

    /// A nested attribute; without it, no attributes.
    pub(super) fn nested(&self, wanted: u16) -> Attributes<'a> {
        Attributes(self.find(wanted).unwrap_or(&[]))
    }

    /// A string, up to its NUL.
    pub(super) fn string(&self, wanted: u16) -> Option<String> {
        let content = self.find(wanted)?;
        let text = content.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// A number in network order.
    pub(super) fn u32(&self, wanted: u16) -> Option<u32> {
        self.find(wanted)
            .and_then(|content| bytes(content, 0))
            .map(u32::from_be_bytes)
    }

    /// A number in network order.
    pub(super) fn u16(&self, wanted: u16) -> Option<u16> {
        self.find(wanted)
            .and_then(|content| bytes(content, 0))
            .map(u16::from_be_bytes)
    }

    /// A number in network order.
    pub(super) fn u64(&self, wanted: u16) -> Option<u64> {
        self.find(wanted)
            .and_then(|content| bytes(content, 0))
            .map(u64::from_be_bytes)
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

fn bytes<const N: usize>(from: &[u8], offset: usize) -> Option<[u8; N]> {
    from.get(offset..)?.first_chunk().copied()
}

/// Sizes of struct nlmsghdr and struct nlattr (linux/netlink.h) and struct nfgenmsg
/// (linux/netfilter/nfnetlink.h).
pub(super) const NLMSGHDR: usize = 16;
const NLA_HEADER: usize = 4;
const NFGENMSG: usize = 4;
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
        for lie in [0u32, 15, 17, u32::MAX] {
            let mut bytes = vec![0; 16];
            bytes[..4].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(Messages(&bytes).count(), 0, "{lie}");
        }
    }
}
