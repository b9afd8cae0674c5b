//! What holds for any bytes that come as an answer. The fuzz target `ipset_message` runs it too.

use ipset_netlink::{
    IpSet, SetName,
    packet::{IpSetAttribute, IpSetMessage},
    testing::{Answer, Script},
};
use netlink_packet_core::{NetlinkBuffer, NetlinkMessage, NetlinkPayload};

/// Panics where something does not hold.
pub(crate) fn check(datagram: &[u8]) {
    what_is_read_can_be_written_and_read_again(datagram);
    any_answer_ends(datagram);
}

fn what_is_read_can_be_written_and_read_again(bytes: &[u8]) {
    let Ok(message) = NetlinkMessage::<IpSetMessage>::deserialize(bytes) else {
        return;
    };
    let NetlinkPayload::InnerMessage(message) = message.payload else {
        return;
    };
    // Attributes that are longer than they should be, or have flags that exclude each other, are written
    // as they should be; from then on nothing changes.
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
    let set: SetName = "s".parse().expect("a name");
    let ask = |question: fn(&mut IpSet<Script>, &SetName)| {
        let script = Script::new([Answer::datagrams([answer.clone()])]);
        question(&mut IpSet::with_transport(script).expect("a script"), &set);
    };
    ask(|sets, set| drop(sets.list(set)));
    ask(|sets, _| drop(sets.names()));
    ask(|sets, set| drop(sets.index(set)));
    ask(|sets, set| drop(sets.flush(set)));
}

fn write(message: IpSetMessage) -> Vec<u8> {
    let mut message = NetlinkMessage::from(message);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}
