//! What holds for any bytes that come as an answer. The fuzz target `ipset_message` runs it too.

use std::ops::ControlFlow;

use ipset_netlink::packet::{Command, EncodedEntries, IpSetAttribute, IpSetMessage};
use ipset_netlink::testing::{self, Answer, Script};
use ipset_netlink::{CreateSet, Entry, Family, IfExists, IpSet, Key, SetName, SetType};
use netlink_packet_core::{DefaultNla, NetlinkBuffer, NetlinkMessage, NetlinkPayload};

/// Panics where something does not hold.
pub(crate) fn check(input: &[u8]) {
    what_is_read_can_be_written_and_read_again(input);
    any_answer_ends(input);
    entries_of_any_type_can_be_added_as_they_were_listed(input);
    a_header_makes_the_same_set(input);
}

fn what_is_read_can_be_written_and_read_again(bytes: &[u8]) {
    let Ok(message) = NetlinkMessage::<IpSetMessage>::deserialize(bytes) else {
        return;
    };
    let NetlinkPayload::InnerMessage(message) = message.payload else {
        return;
    };
    // Attributes that are longer than they should be, or have flags that exclude each other, are
    // written as they should be; from then on nothing changes.
    let first = write(message);
    let again = NetlinkMessage::<IpSetMessage>::deserialize(&first).expect("what was written");
    let NetlinkPayload::InnerMessage(again) = again.payload else {
        panic!("{again:?}")
    };
    for attribute in &again.attributes {
        if let IpSetAttribute::Entries(entries) = attribute {
            let read: usize = entries.iter().flatten().map(Iterator::count).sum();
            assert!(read <= entries.as_bytes().len() / 4);
        }
    }
    assert_eq!(write(again), first);
}

fn any_answer_ends(datagram: &[u8]) {
    let mut answer = datagram.to_vec();
    if NetlinkBuffer::new_checked(&answer).is_ok() {
        let mut header = NetlinkBuffer::new(&mut answer);
        // The second request of the session.
        header.set_sequence_number(2);
        header.set_port_number(Script::PORT);
    }
    let ask = |question: fn(&mut IpSet<Script>, &SetName)| {
        let script = testing::script([Answer::datagrams([answer.clone()])]);
        question(
            &mut IpSet::with_transport(script).expect("a script"),
            &name(),
        );
    };
    ask(|sets, set| drop(sets.list(set)));
    ask(|sets, _| drop(sets.names()));
    ask(|sets, set| drop(sets.index(set)));
    ask(|sets, set| drop(sets.flush(set)));
    ask(|sets, set| drop(sets.type_of(set)));
    ask(|sets, _| drop(sets.name_of(1)));
    ask(|sets, _| drop(sets.revisions(&SetType::HashIp, Family::Inet)));
    ask(|sets, _| drop(sets.for_each(None, |_| ControlFlow::Break(()))));
    ask(|sets, set| drop(sets.add_all(set, [] as [Entry; 0], IfExists::Fail)));
}

/// The first byte chooses the type, the others are the entries of a listing.
fn entries_of_any_type_can_be_added_as_they_were_listed(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let types: Vec<_> = SetType::all()
        .chain([SetType::Other("hash:nothing".into())])
        .collect();
    let set_type = &types[usize::from(*choice) % types.len()];
    let Some(listed) = list(set_type, EncodedEntries::from_bytes(bytes.to_vec())) else {
        return;
    };
    for entry in &listed {
        let text = entry.key.to_string();
        if let Ok(key) = Key::parse(&text, set_type) {
            assert_eq!(key.to_string(), text);
        }
    }
    // What no kernel lists, such as an exception in a set of addresses, is refused.
    let mut script = testing::script(
        [testing::type_of(set_type, Family::Inet)]
            .into_iter()
            .chain(std::iter::repeat_n(Answer::ok(), listed.len() + 1)),
    );
    let mut sets = IpSet::with_transport(&mut script).expect("a script");
    let outcome = sets
        .add_all(&name(), &listed, IfExists::Fail)
        .expect("all are answered");
    let refused: Vec<_> = outcome
        .failures
        .iter()
        .map(|failure| failure.index)
        .collect();
    let accepted: Vec<_> = (0..)
        .zip(listed)
        .filter(|(index, _)| !refused.contains(index))
        .map(|(_, entry)| entry)
        .collect();
    let mut written = Vec::new();
    for request in testing::requests(&script) {
        for attribute in request.attributes {
            if let IpSetAttribute::Entries(entries) = attribute {
                written.extend_from_slice(entries.as_bytes());
            }
        }
    }
    let again = list(set_type, EncodedEntries::from_bytes(written)).expect("what was written");
    assert_eq!(again, accepted);
}

fn list(set_type: &SetType, entries: EncodedEntries) -> Option<Vec<Entry>> {
    let mut message = header(set_type.name());
    message.attributes.push(IpSetAttribute::Entries(entries));
    let script = testing::script([Answer::listing([message])]);
    let listed = IpSet::with_transport(script)
        .expect("a script")
        .list(&name());
    listed.ok().map(|set| set.entries)
}

/// The bytes are the attributes of a header, of a type chosen by the first of them.
fn a_header_makes_the_same_set(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let types: Vec<_> = SetType::all().collect();
    let set_type = &types[usize::from(*choice) % types.len()];
    // An attribute that is not known, in place of the header, is written as it is; read again, it
    // is one.
    let mut message = header(set_type.name());
    let data = DefaultNla::new(IPSET_ATTR_DATA, bytes.to_vec());
    message.attributes.push(IpSetAttribute::Other(data));
    let read = |message: IpSetMessage| {
        let script = testing::script([Answer::listing([message])]);
        IpSet::with_transport(script)
            .expect("a script")
            .header(&name())
    };
    let Ok(listed) = read(message) else {
        return;
    };
    let create = CreateSet::from(&listed);
    let mut script = testing::script([testing::revisions(3), Answer::ok()]);
    let mut sets = IpSet::with_transport(&mut script).expect("a script");
    // What the type does not have is refused.
    if sets.create(&create, IfExists::Fail).is_ok() {
        let mut created = testing::requests(&script).pop().expect("a request");
        created.command = Command::List;
        let again = CreateSet::from(&read(created).expect("what was written"));
        assert_eq!(again.options, create.options);
    }
}

fn header(type_name: &str) -> IpSetMessage {
    let attributes = vec![
        IpSetAttribute::SetName("s".into()),
        IpSetAttribute::TypeName(type_name.into()),
        IpSetAttribute::Family(2),
        IpSetAttribute::Revision(3),
    ];
    IpSetMessage::new(Command::List, attributes)
}

fn name() -> SetName {
    "s".parse().expect("a name")
}

fn write(message: IpSetMessage) -> Vec<u8> {
    let mut message = NetlinkMessage::from(message);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

// linux/netfilter/ipset/ip_set.h, with the flag of a nested attribute
const IPSET_ATTR_DATA: u16 = 7 | 0x8000;
