//! Any message is read back as it was written.

use ipset_netlink::packet::{
    Command, EncodedEntries, EntryAttribute, HeaderAttribute, IpSetAttribute, IpSetMessage,
};
use netlink_packet_core::{
    DefaultNla, NLA_F_NESTED, NLA_F_NET_BYTEORDER, NetlinkHeader, NetlinkMessage,
};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_message_is_read_as_it_was_written(message in message()) {
        let mut message = NetlinkMessage::new(NetlinkHeader::default(), message.into());
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        prop_assert_eq!(NetlinkMessage::<IpSetMessage>::deserialize(&bytes).unwrap(), message);
    }

    #[test]
    fn entries_are_read_as_they_were_written(written in vec(vec(entry_attribute(), 0..6), 0..20)) {
        let mut entries = EncodedEntries::default();
        for entry in &written {
            prop_assert!(entries.push(entry));
        }
        let read: Vec<Vec<_>> = entries
            .iter()
            .map(|entry| entry.unwrap().map(Result::unwrap).collect())
            .collect();
        prop_assert_eq!(read, written);
    }
}

/// An entry too long for an attribute is not half written.
#[test]
fn an_entry_has_64_kib_at_most() {
    let mut entries = EncodedEntries::default();
    let long = |n| EntryAttribute::Other(DefaultNla::new(40, vec![0; n]));
    assert!(entries.push(&[long(1)]));
    let before = entries.clone();
    assert!(!entries.push(&[long(40_000), long(40_000)]));
    assert_eq!(entries, before);
    assert!(entries.push(&[long(65_000)]));
}

fn message() -> impl Strategy<Value = IpSetMessage> {
    let other_commands = (1_u8..=20).prop_map(Command::from);
    other_commands.prop_flat_map(|command| {
        vec(attribute(command), 0..8)
            .prop_map(move |attributes| IpSetMessage::new(command, attributes))
    })
}

fn attribute(command: Command) -> BoxedStrategy<IpSetAttribute> {
    let second = match command {
        Command::Rename | Command::Swap => text().prop_map(IpSetAttribute::SetName2).boxed(),
        _ => ".{0,20}".prop_map(IpSetAttribute::TypeName).boxed(),
    };
    let minimum = match command {
        Command::Type => any::<u8>().prop_map(IpSetAttribute::RevisionMin).boxed(),
        _ => any::<u8>().prop_map(IpSetAttribute::ProtocolMin).boxed(),
    };
    let data = match command {
        Command::Add | Command::Delete | Command::Test => vec(entry_attribute(), 0..6)
            .prop_map(IpSetAttribute::Entry)
            .boxed(),
        _ => vec(header_attribute(), 0..6)
            .prop_map(IpSetAttribute::Header)
            .boxed(),
    };
    let entries = vec(vec(entry_attribute(), 0..4), 0..4).prop_map(|written| {
        let mut entries = EncodedEntries::default();
        for entry in written {
            assert!(entries.push(&entry));
        }
        IpSetAttribute::Entries(entries)
    });
    prop_oneof![
        any::<u8>().prop_map(IpSetAttribute::Protocol),
        text().prop_map(IpSetAttribute::SetName),
        second,
        any::<u8>().prop_map(IpSetAttribute::Revision),
        any::<u8>().prop_map(IpSetAttribute::Family),
        any::<u32>().prop_map(IpSetAttribute::Flags),
        data,
        entries,
        any::<u32>().prop_map(IpSetAttribute::LineNumber),
        minimum,
        any::<u16>().prop_map(IpSetAttribute::Index),
        other(12..60).prop_map(IpSetAttribute::Other),
    ]
    .boxed()
}

fn header_attribute() -> impl Strategy<Value = HeaderAttribute> {
    prop_oneof![
        any::<u32>().prop_map(HeaderAttribute::Timeout),
        any::<u32>().prop_map(HeaderAttribute::CadtFlags),
        any::<u32>().prop_map(HeaderAttribute::InitialValue),
        any::<u32>().prop_map(HeaderAttribute::HashSize),
        any::<u32>().prop_map(HeaderAttribute::MaxElements),
        any::<u8>().prop_map(HeaderAttribute::Netmask),
        any::<u8>().prop_map(HeaderAttribute::BucketSize),
        any::<u32>().prop_map(HeaderAttribute::Elements),
        any::<u32>().prop_map(HeaderAttribute::References),
        any::<u32>().prop_map(HeaderAttribute::MemorySize),
        other(27..60).prop_map(HeaderAttribute::Other),
    ]
}

fn entry_attribute() -> impl Strategy<Value = EntryAttribute> {
    prop_oneof![
        any::<std::net::IpAddr>().prop_map(EntryAttribute::Ip),
        any::<std::net::IpAddr>().prop_map(EntryAttribute::IpTo),
        any::<u8>().prop_map(EntryAttribute::Cidr),
        any::<u32>().prop_map(EntryAttribute::Timeout),
        any::<u32>().prop_map(EntryAttribute::CadtFlags),
        any::<u64>().prop_map(EntryAttribute::Bytes),
        any::<u64>().prop_map(EntryAttribute::Packets),
        text().prop_map(EntryAttribute::Comment),
        any::<u32>().prop_map(EntryAttribute::LineNumber),
        other(30..60).prop_map(EntryAttribute::Other),
    ]
}

fn other(kinds: std::ops::Range<u16>) -> impl Strategy<Value = DefaultNla> {
    // The two flags exclude each other (linux/netlink.h).
    let flags = prop_oneof![Just(0), Just(NLA_F_NESTED), Just(NLA_F_NET_BYTEORDER)];
    (kinds, flags, vec(any::<u8>(), 0..20))
        .prop_map(|(kind, flags, value)| DefaultNla::new(kind | flags, value))
}

/// Bytes, most of them text.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let any_bytes = vec(1..=u8::MAX, 0..20);
    prop_oneof![".{0,20}".prop_map(String::into_bytes), any_bytes]
}
