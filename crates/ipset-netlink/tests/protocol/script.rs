//! Messages for scripts.

use ipset_netlink::SetName;
use ipset_netlink::packet::{
    Command, EncodedEntries, EntryAttribute, HeaderAttribute, IpSetAttribute, IpSetMessage,
};

pub(crate) fn set() -> SetName {
    "s".parse().unwrap()
}

/// The message that begins a set called `s` in a listing.
pub(crate) fn header(type_name: &str, max_elements: u32) -> IpSetMessage {
    IpSetMessage::new(
        Command::List,
        vec![
            IpSetAttribute::Protocol(7),
            IpSetAttribute::SetName("s".into()),
            IpSetAttribute::TypeName(type_name.into()),
            IpSetAttribute::Family(2),
            IpSetAttribute::Revision(5),
            IpSetAttribute::Header(vec![
                HeaderAttribute::MaxElements(max_elements),
                HeaderAttribute::References(0),
            ]),
        ],
    )
}

/// A message that goes on with it.
pub(crate) fn entries(addresses: impl IntoIterator<Item = u32>) -> IpSetMessage {
    let mut entries = EncodedEntries::default();
    for address in addresses {
        assert!(entries.push(&[EntryAttribute::Ip(std::net::Ipv4Addr::from(address).into())]));
    }
    IpSetMessage::new(
        Command::List,
        vec![
            IpSetAttribute::Protocol(7),
            IpSetAttribute::SetName("s".into()),
            IpSetAttribute::Entries(entries),
        ],
    )
}
