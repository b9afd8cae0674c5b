//! The messages of a datagram.

use netlink_packet_core::{NLMSG_ALIGNTO, NetlinkBuffer};

use crate::DecodeError;

/// The messages of a datagram, up to the first that is cut short or has an impossible length.
///
/// What a message says of its length is true; the rest of it may be anything.
pub fn messages(
    mut datagram: &[u8],
) -> impl Iterator<Item = Result<NetlinkBuffer<&[u8]>, DecodeError>> {
    std::iter::from_fn(move || {
        if datagram.is_empty() {
            return None;
        }
        let message = NetlinkBuffer::new_checked(datagram);
        let length = message.as_ref().map_or(u32::MAX, NetlinkBuffer::length);
        // Each message begins at a multiple of four bytes.
        let next = length.checked_next_multiple_of(u32::from(NLMSG_ALIGNTO));
        datagram = next
            .and_then(|next| datagram.get(usize::try_from(next).ok()?..))
            .unwrap_or_default();
        Some(message.map_err(DecodeError::from))
    })
}
