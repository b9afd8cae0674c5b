//! The messages of a datagram, read. Whatever the bytes, nothing here panics, and nothing is read
//! twice.

use crate::wire::attributes::{Attributes, bytes};

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

/// Sizes of struct nlmsghdr (linux/netlink.h) and struct nfgenmsg (linux/netfilter/nfnetlink.h).
pub(super) const NLMSGHDR: usize = 16;
const NFGENMSG: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_lies_about_its_length_ends_the_reading() {
        for lie in [0u32, 15, 17, u32::MAX] {
            let mut bytes = vec![0; 16];
            bytes[..4].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(Messages(&bytes).count(), 0, "{lie}");
        }
    }
}
