//! Answers about sets that no kernel should give: an error, never a panic, never a wait without end.
//! Those that no part of the kernel should give are in netlink-session.

use ipset_netlink::packet::{
    Command, EncodedEntries, EntryAttribute, IpSetAttribute, IpSetMessage,
};
use ipset_netlink::testing::{self, Answer, Script};
use ipset_netlink::{Entry, Error, Family, IfExists, IpSet, Key, SetType};
use netlink_packet_core::{DefaultNla, NetlinkHeader, NetlinkMessage};
use proptest::prelude::*;

use crate::script::{entries, header, set};

#[test]
fn no_answer_is_an_error() {
    assert_eq!(
        flush([]).unwrap_err().to_string(),
        "cannot flush set \"s\": timed out; what became of it is not known"
    );
}

#[test]
fn an_error_number_is_negative_or_zero() {
    assert!(flush([Answer::error(0)]).is_ok());
    assert!(flush([Answer::error(2)]).unwrap_err().is_set_not_found());
    assert_eq!(
        flush([Answer::error(-2)]).unwrap_err().to_string(),
        "cannot flush set \"s\": the answer makes no sense: the error number 2 has the wrong sign; \
         what became of it is not known"
    );
    assert_eq!(
        flush([Answer::error(i32::MIN)]).unwrap_err().to_string(),
        "cannot flush set \"s\": the kernel gives error 2147483648, which has no name here"
    );
}

#[test]
fn an_answer_to_another_command_is_an_error() {
    let wrong = IpSetMessage::new(Command::Type, vec![IpSetAttribute::Revision(1)]);
    let mut script = testing::script([Answer::message(wrong)]);
    let error = IpSet::with_transport(&mut script)
        .unwrap()
        .index(&set())
        .unwrap_err();
    assert!(
        error.to_string().ends_with("GetByName is answered by Type"),
        "{error}"
    );
}

#[test]
fn an_old_or_new_protocol_is_named() {
    let speaks = |newest, oldest| {
        let script = Script::new([testing::protocol(newest, oldest)]);
        IpSet::with_transport(script).map(|_| ())
    };
    assert!(speaks(8, 7).is_ok());
    for (newest, oldest) in [(6, 5), (9, 8)] {
        assert_eq!(
            speaks(newest, oldest).unwrap_err().to_string(),
            format!(
                "cannot ask the kernel for its ipset protocol: \
                 the kernel speaks ipset protocol {oldest} to {newest}, this program 7"
            )
        );
    }
    let none = IpSet::with_transport(Script::new([Answer::error(22)])).unwrap_err();
    assert!(none.is_not_supported());
}

#[test]
fn a_set_goes_on_over_messages_that_do_not_say_its_type() {
    let listed = list([
        header("hash:ip", 10),
        entries(1..=2),
        entries([]),
        entries([3]),
    ])
    .unwrap();
    assert_eq!(listed.entries.len(), 3);
}

#[test]
fn entries_without_a_set_are_an_error() {
    assert!(list([entries([1])]).is_err());
    let mut other = entries([1]);
    other.attributes[1] = IpSetAttribute::SetName("t".into());
    assert!(list([header("hash:ip", 10), other]).is_err());
    assert!(list([]).is_err());
}

#[test]
fn a_listing_without_end_is_given_up() {
    let too_many = (0..200).map(|n| entries(n * 1000..(n + 1) * 1000));
    let error = list([header("hash:ip", 4)].into_iter().chain(too_many)).unwrap_err();
    assert!(error.to_string().ends_with("it has no end"), "{error}");
    let idle = std::iter::repeat_n(entries([]), 2000);
    assert!(list([header("hash:ip", 4)].into_iter().chain(idle)).is_err());
    assert!(list(std::iter::repeat_n(header("hash:ip", 4), 70_000)).is_err());
}

#[test]
fn a_listing_that_makes_no_sense_is_read_to_its_end() {
    let mut nameless = header("hash:ip", 4);
    nameless.attributes.remove(1);
    let mut script = testing::script([Answer::listing([nameless, entries([1])]), Answer::ok()]);
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    assert!(
        sets.list(&set())
            .unwrap_err()
            .to_string()
            .ends_with("a set has no name")
    );
    sets.flush(&set()).unwrap();
}

#[test]
fn an_attribute_of_length_zero_in_an_entry_is_an_error() {
    let mut message = entries([]);
    for bytes in [
        &[0, 0, 7, 0x80][..],
        &[4, 0, 7, 0x80, 0, 0, 1, 0x80],
        &[8, 0, 7, 0x80, 0, 0, 0, 0],
    ] {
        message.attributes[2] = IpSetAttribute::Entries(EncodedEntries::from_bytes(bytes.to_vec()));
        assert!(
            list([header("hash:ip", 4), message.clone()]).is_err(),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_type_that_is_not_known_keeps_its_entries() {
    let mut other = entries([]);
    let mut encoded = EncodedEntries::default();
    let unknown = EntryAttribute::Other(DefaultNla::new(0x4028, vec![0, 22]));
    let address = EntryAttribute::Ip("192.0.2.7".parse().unwrap());
    assert!(encoded.push(&[address.clone(), unknown.clone(), EntryAttribute::Timeout(9)]));
    other.attributes[2] = IpSetAttribute::Entries(encoded);
    let listed = list([header("hash:nothing", 10), other]).unwrap();
    assert_eq!(
        listed.header.set_type,
        SetType::Other("hash:nothing".into())
    );
    assert_eq!(listed.entries[0].timeout.unwrap().as_secs(), 9);

    // And they can be added again as they were.
    let of_type = testing::type_of(&listed.header.set_type, Family::Inet);
    let mut script = testing::script([of_type, Answer::ok()]);
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    sets.add(&set(), &listed.entries[0], IfExists::Fail)
        .unwrap();
    assert_eq!(
        testing::requests(&script)[1].attributes[2],
        IpSetAttribute::Entry(vec![
            address,
            unknown,
            EntryAttribute::Timeout(9),
            EntryAttribute::LineNumber(0)
        ])
    );
}

#[test]
fn after_a_refused_entry_the_rest_is_sent() {
    let mut script = testing::script([
        hash_ip(),
        testing::error_at_line(4103, 3),
        testing::error_at_line(4103, 4),
        Answer::ok(),                    // 5
        Answer::ok(),                    // 6 and 7
        testing::error_at_line(4107, 9), // after 8
        Answer::ok(),                    // 10
    ]);
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    let entries = (1..=10).map(|n| Entry::new(Key::ip(std::net::Ipv4Addr::from(n).into())));
    let outcome = sets.add_all(&set(), entries, IfExists::Fail).unwrap();
    assert_eq!(outcome.accepted, 7);
    let failures: Vec<_> = outcome
        .failures
        .iter()
        .map(|f| (f.index, f.error.to_string()))
        .collect();
    assert_eq!(
        failures,
        [
            (
                2,
                "cannot add 0.0.0.3 to set \"s\": it is in the set already".into()
            ),
            (
                3,
                "cannot add 0.0.0.4 to set \"s\": it is in the set already".into()
            ),
            (
                8,
                "cannot add 0.0.0.9 to set \"s\": the set was created without timeouts".to_string()
            ),
        ]
    );
    let lines: Vec<Vec<u32>> = testing::requests(&script)[1..].iter().map(lines).collect();
    assert_eq!(
        lines,
        [
            (1..=10).collect(),
            vec![4],
            vec![5],
            vec![6, 7],
            vec![8, 9, 10],
            vec![10]
        ]
    );
}

#[test]
fn a_name_is_as_long_as_its_bytes_are_and_one_too_long_is_one_refused_entry() {
    for (length, accepted) in [(31, 3), (32, 2)] {
        let name = IpSetAttribute::SetName(vec![0xe9; length]);
        let listed = IpSetMessage::new(Command::List, vec![name]);
        let of_type = testing::type_of(&SetType::ListSet, Family::Unspec);
        let mut script = testing::script([
            Answer::listing([listed]),
            of_type,
            Answer::ok(),
            Answer::ok(),
        ]);
        let mut sets = IpSet::with_transport(&mut script).unwrap();
        let odd = sets.names().unwrap().remove(0);
        assert_eq!(odd.as_bytes(), vec![0xe9; length]);
        let entries = [set(), odd, set()].map(|name| Entry::new(name.into()));
        let outcome = sets.add_all(&set(), &entries, IfExists::Update).unwrap();
        assert_eq!(outcome.accepted, accepted);
        let refused: Vec<_> = outcome
            .failures
            .iter()
            .map(|failure| failure.index)
            .collect();
        assert_eq!(refused, [1][..usize::from(accepted == 2)]);
    }
}

#[test]
fn a_line_that_was_not_sent_ends_a_bulk() {
    for answer in [
        testing::error_at_line(4103, 4),
        testing::error_at_line(4103, u32::MAX),
        Answer::error(2),
    ] {
        let mut script = testing::script([hash_ip(), answer]);
        let mut sets = IpSet::with_transport(&mut script).unwrap();
        let entries = (1..=3).map(|n| Entry::new(Key::ip(std::net::Ipv4Addr::from(n).into())));
        assert!(sets.add_all(&set(), entries, IfExists::Fail).is_err());
    }
}

#[test]
fn a_set_that_goes_away_ends_a_bulk() {
    let mut script = testing::script([hash_ip(), Answer::ok(), Answer::error(2)]);
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    // More than one message holds.
    let entries = (1..=2000).map(|n| Entry::new(Key::ip(std::net::Ipv4Addr::from(n).into())));
    let error = sets.add_all(&set(), entries, IfExists::Fail).unwrap_err();
    assert!(error.is_set_not_found());
    let sent = lines(&testing::requests(&script)[1]).len();
    assert!((500..=1500).contains(&sent), "{sent} entries in a message");
    assert_eq!(
        error.to_string(),
        format!("cannot add entries to set \"s\" after the first {sent}: there is no set \"s\"")
    );
}

#[test]
fn a_full_set_is_named_with_its_size() {
    let full = 4352;
    let hash = || testing::type_of(&SetType::HashNet, Family::Inet);
    let mut script = testing::script([
        hash(),
        Answer::error(full),
        Answer::listing([header("hash:net", 65536)]),
    ]);
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    let entry = Entry::new("203.0.113.7".parse().unwrap());
    let error = sets.add(&set(), &entry, IfExists::Fail).unwrap_err();
    assert!(error.is_set_full());
    assert_eq!(
        error.to_string(),
        "cannot add 203.0.113.7 to set \"s\": the set is full (maxelem 65536)"
    );
    // The number means something else for a bitmap, and nothing if the set cannot be looked at.
    for (second, why) in [
        (
            Answer::listing([header("bitmap:ip", 1)]),
            "it is outside the range of the set",
        ),
        (
            Answer::error(2),
            "the kernel gives error 4352, which has no name here",
        ),
    ] {
        let mut script = testing::script([hash(), Answer::error(full), second]);
        let mut sets = IpSet::with_transport(&mut script).unwrap();
        let error = sets.add(&set(), &entry, IfExists::Fail).unwrap_err();
        assert!(!error.is_set_full());
        assert_eq!(error.kernel_code(), Some(4352));
        assert!(error.to_string().ends_with(why), "{error}");
    }
}

#[test]
fn a_swap_waits_for_a_listing_to_end() {
    const EBUSY: i32 = 16;
    let listing = || {
        [
            Answer::error(EBUSY),
            Answer::listing([header("hash:ip", 9)]),
        ]
    };
    let mut script = testing::script(listing().into_iter().chain(listing()).chain([Answer::ok()]));
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    sets.swap(&set(), &"t".parse().unwrap()).unwrap();

    let mut script = testing::script((0..100).flat_map(|_| listing()));
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    assert!(
        sets.swap(&set(), &"t".parse().unwrap())
            .unwrap_err()
            .is_busy()
    );
}

proptest! {
    #[test]
    fn any_datagram_is_survived(datagram in proptest::collection::vec(any::<u8>(), 0..200)) {
        let answer = Answer::datagrams([datagram]);
        let mut script = testing::script([answer]);
        let _ = IpSet::with_transport(&mut script).unwrap().list(&set());
    }

    #[test]
    fn a_listing_with_any_byte_changed_is_survived(
        at in 0_usize..300,
        to in any::<u8>(),
        cut in 0_usize..300,
    ) {
        let mut datagram = Vec::new();
        for message in [header("hash:net", 4), entries(1..=5)] {
            let mut header = NetlinkHeader::default();
            header.sequence_number = 2;
            header.port_number = Script::PORT;
            let mut message = NetlinkMessage::new(header, message.into());
            message.finalize();
            let mut bytes = vec![0; message.buffer_len()];
            message.serialize(&mut bytes);
            datagram.extend(bytes);
        }
        if let Some(byte) = datagram.get_mut(at) {
            *byte = to;
        }
        datagram.truncate(cut.max(1));
        let mut script = testing::script([Answer::datagrams([datagram])]);
        let _ = IpSet::with_transport(&mut script).unwrap().list(&set());
    }
}

/// A change whose answer the kernel had no room for may have been made; a question, or a change
/// that was not sent, was not.
#[test]
fn a_lost_answer_leaves_the_outcome_unknown() {
    let set = set();
    let entry = Entry::new("192.0.2.7".parse().unwrap());
    let lost = testing::script([Answer::lost(105)]);
    let error = IpSet::with_transport(lost)
        .unwrap()
        .flush(&set)
        .unwrap_err();
    assert!(error.is_outcome_unknown());
    assert_eq!(
        error.to_string(),
        "cannot flush set \"s\": No buffer space available (os error 105); what became of it is not known"
    );
    let lost = testing::script([Answer::lost(105)]);
    let error = IpSet::with_transport(lost)
        .unwrap()
        .add(&set, &entry, IfExists::Fail)
        .unwrap_err();
    assert!(!error.is_outcome_unknown(), "{error}");
    let refused = flush([Answer::error(2)]).unwrap_err();
    assert!(!refused.is_outcome_unknown());
    assert!(flush([]).unwrap_err().is_outcome_unknown());
}

fn hash_ip() -> Answer {
    testing::type_of(&SetType::HashIp, Family::Inet)
}

fn flush(answers: impl IntoIterator<Item = Answer>) -> Result<(), Error> {
    IpSet::with_transport(testing::script(answers))
        .unwrap()
        .flush(&set())
}

fn list(messages: impl IntoIterator<Item = IpSetMessage>) -> Result<ipset_netlink::Set, Error> {
    IpSet::with_transport(testing::script([Answer::listing(messages)]))
        .unwrap()
        .list(&set())
}

/// The line numbers of the entries in a request.
fn lines(request: &IpSetMessage) -> Vec<u32> {
    let IpSetAttribute::Entries(entries) = &request.attributes[3] else {
        panic!("{request:?}")
    };
    let line = |attribute| match attribute {
        Ok(EntryAttribute::LineNumber(line)) => Some(line),
        _ => None,
    };
    entries
        .iter()
        .filter_map(|entry| entry.unwrap().find_map(line))
        .collect()
}
