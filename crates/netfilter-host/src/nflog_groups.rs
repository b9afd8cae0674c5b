//! NFLOG groups: who reads which, and how one is configured.

use std::fs;

use netlink_packet_core::NLM_F_ACK;
use netlink_packet_netfilter::NetfilterProtoFamily;
use netlink_packet_netfilter::nflog::{ConfigNla, ULogMessage};
use netlink_session::Error;

/// The netlink port of who reads a group in the network namespace of this thread; most often it is
/// the number of its process. `None` if nobody does, or for somebody who is not root of the
/// namespace.
pub fn reader_of(group: u16) -> Option<u32> {
    let list = fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_log");
    reader_in(&list.unwrap_or_default(), group)
}

/// The bytes of a request that sets up a group, such as with `ConfigCmd::Bind`; it is acknowledged.
///
/// # Errors
///
/// It is longer than a message can be.
pub fn configure(group: u16, settings: Vec<ConfigNla>) -> Result<Vec<u8>, Error> {
    about(group, ULogMessage::Config(settings))
}

pub(crate) fn about(group: u16, message: ULogMessage) -> Result<Vec<u8>, Error> {
    crate::request(NetfilterProtoFamily::Unspec, group, message, NLM_F_ACK)
}

/// Columns: group, netlink port of who is bound to it, and more.
fn reader_in(list: &str, group: u16) -> Option<u32> {
    list.lines().find_map(|line| {
        let mut columns = line.split_whitespace().map(str::parse);
        match (columns.next(), columns.next()) {
            (Some(Ok(bound)), Some(Ok(port))) if bound == u32::from(group) => Some(port),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_is_found_in_the_kernels_list() {
        // From /proc/net/netfilter/nfnetlink_log of Linux 6.18.
        let list = "    5  12345     0 2  1024     10  0  1\n21057 1375736423     0 2 65535    100  0  1\n";
        assert_eq!(reader_in(list, 21057), Some(1_375_736_423));
        assert_eq!(reader_in(list, 5), Some(12345));
        assert_eq!(reader_in(list, 6), None);
        assert_eq!(reader_in("5\n5 x\n\n", 5), None);
    }
}
