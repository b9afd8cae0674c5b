//! `tests/golden/ipset-7.17.txt`: our bytes are those of `ipset`, and we understand what it was
//! answered.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ipset_netlink::packet::{Command, EntryAttribute, IpSetAttribute, IpSetMessage};
use ipset_netlink::testing::{self, Answer, Script};
use ipset_netlink::{Counters, Entry, IfMissing, IpSet, Key, SetName, Timeout};
use netlink_packet_core::{NetlinkBuffer, NetlinkMessage, NetlinkPayload};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner};

#[test]
fn every_message_is_read_and_written_back_as_it_was() {
    let mut messages = 0;
    for exchange in exchanges() {
        for datagram in exchange.answers.iter().chain([&exchange.request]) {
            for bytes in split(datagram) {
                let message = NetlinkMessage::<IpSetMessage>::deserialize(bytes).unwrap();
                let mut written = vec![0; message.buffer_len()];
                message.serialize(&mut written);
                assert_same(&exchange.command, &written, bytes);
                messages += 1;
            }
        }
    }
    assert!(messages >= 60, "only {messages} messages");
}

#[test]
fn a_message_is_what_the_command_line_says() {
    let exchange =
        exchange("ipset add c4 10.9.0.0/16 timeout 9 nomatch packets 3 bytes 180 comment x");
    let message = NetlinkMessage::<IpSetMessage>::deserialize(&exchange.request).unwrap();
    let expected = IpSetMessage::new(
        Command::Add,
        vec![
            IpSetAttribute::Protocol(7),
            IpSetAttribute::SetName("c4".into()),
            IpSetAttribute::Entry(vec![
                EntryAttribute::Ip("10.9.0.0".parse().unwrap()),
                EntryAttribute::Cidr(16),
                EntryAttribute::Timeout(9),
                EntryAttribute::CadtFlags(4),
                EntryAttribute::Bytes(180),
                EntryAttribute::Packets(3),
                EntryAttribute::Comment("x".into()),
                EntryAttribute::LineNumber(0),
            ]),
        ],
    );
    assert_eq!(message.payload, NetlinkPayload::InnerMessage(expected));
}

#[test]
fn netlink_packet_netfilter_reads_the_same_messages() {
    for exchange in exchanges() {
        let message = NetlinkMessage::<NetfilterMessage>::deserialize(&exchange.request).unwrap();
        let NetlinkPayload::InnerMessage(NetfilterMessage {
            inner: NetfilterMessageInner::Other { .. },
            ..
        }) = &message.payload
        else {
            panic!("{message:?}");
        };
        let mut written = vec![0; message.buffer_len()];
        message.serialize(&mut written);
        assert_same(&exchange.command, &written, &exchange.request);
    }
}

#[test]
fn sets_are_changed_as_ipset_does() {
    session("ipset flush c4", |sets| {
        sets.flush(&name("c4")).unwrap();
    });
    session("ipset rename p4 q4", |sets| {
        sets.rename(&name("p4"), &name("q4")).unwrap();
    });
    session("ipset swap q4 p5", |sets| {
        sets.swap(&name("q4"), &name("p5")).unwrap();
    });
    session("ipset -exist destroy gone", |sets| {
        sets.destroy(&name("gone"), IfMissing::Ignore).unwrap();
    });
    session("ipset flush", |sets| {
        sets.flush_all().unwrap();
    });
    session("ipset destroy", |sets| {
        sets.destroy_all().unwrap();
    });
    session("ipset destroy q4", |sets| {
        sets.destroy(&name("q4"), IfMissing::Fail).unwrap();
    });
}

#[test]
fn a_network_is_looked_for_as_ipset_does() {
    let header = exchange("ipset add c4 192.0.2.7: its question for the header of the set");
    let test = exchange("ipset test c4 10.9.0.0/16");
    let mut script = testing::script([header.replay(2), test.replay(3)]);
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    // It is there, but as an exception.
    assert!(!sets.contains(&name("c4"), &key("10.9.0.0/16")).unwrap());
    assert_sent(&header, &script.datagrams()[1]);
    assert_sent(&test, &script.datagrams()[2]);
}

#[test]
fn listings_are_understood() {
    session("ipset list c4", |sets| {
        let set = sets.list(&name("c4")).unwrap();
        assert_eq!(
            set.header.to_string(),
            "hash:net family inet maxelem 65536 timeout 3600 counters comment"
        );
        assert_eq!(
            (set.header.revision, set.header.options.hash_size),
            (7, Some(1024))
        );
        assert_eq!(
            (
                set.header.elements,
                set.header.references,
                set.header.memory
            ),
            (Some(1), 0, 594)
        );
        let expected = entry("192.0.2.7")
            .timeout(seconds(59))
            .counters(Counters::default())
            .comment("port scan".parse().unwrap());
        assert_eq!(set.entries, [expected]);
    });
    session("ipset list -t c4", |sets| {
        assert_eq!(sets.header(&name("c4")).unwrap().elements, Some(1));
    });
    session("ipset list -n", |sets| {
        assert_eq!(sets.names().unwrap(), ["b4", "n6", "c4", "p4"].map(name));
    });
    session("ipset list", |sets| {
        let all = sets.list_all().unwrap();
        let summary: Vec<_> = all
            .iter()
            .map(|set| format!("{} {} {}", set.header.name, set.header, set.entries.len()))
            .collect();
        assert_eq!(
            summary,
            [
                "b4 hash:ip family inet maxelem 1000 netmask 24 timeout 3600 counters comment 0",
                "n6 hash:net family inet6 maxelem 65536 timeout 0 1",
                "c4 hash:net family inet maxelem 65536 timeout 3600 counters comment 1",
                "p4 hash:ip family inet maxelem 65536 1",
            ]
        );
        assert_eq!(
            all[1].entries,
            [entry("2001:db8::/32").timeout(Timeout::PERMANENT)]
        );
        assert_eq!(all[3].entries, [entry("192.0.2.7")]);
    });
}

/// Makes a call that sends what the command does, and gives it the same answer.
fn session(command: &str, call: impl FnOnce(&mut IpSet<&mut Script>)) {
    let golden = exchange(command);
    let mut script = testing::script([golden.replay(2)]);
    call(&mut IpSet::with_transport(&mut script).unwrap());
    assert_sent(&exchange("ipset version"), &script.datagrams()[0]);
    assert_sent(&golden, &script.datagrams()[1]);
}

fn name(name: &str) -> SetName {
    name.parse().unwrap()
}

fn key(key: &str) -> Key {
    key.parse().unwrap()
}

fn entry(entry: &str) -> Entry {
    Entry::new(key(entry))
}

fn seconds(seconds: u32) -> Timeout {
    Timeout::from_secs(seconds).unwrap()
}

/// A request of `ipset` and the answers it got.
struct Exchange {
    command: String,
    request: Vec<u8>,
    answers: Vec<Vec<u8>>,
}

impl Exchange {
    /// The answers as if they were to our request with this sequence number.
    fn replay(&self, sequence: u32) -> Answer {
        Answer::datagrams(self.answers.iter().map(|datagram| {
            let mut replayed = Vec::new();
            for message in split(datagram) {
                let mut message = message.to_vec();
                let mut header = NetlinkBuffer::new(&mut message);
                header.set_sequence_number(sequence);
                header.set_port_number(Script::PORT);
                replayed.extend(message);
            }
            replayed
        }))
    }
}

fn exchange(command: &str) -> Exchange {
    let found = exchanges()
        .into_iter()
        .find(|exchange| exchange.command == command);
    found.unwrap_or_else(|| panic!("there is no {command:?}"))
}

fn exchanges() -> Vec<Exchange> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ipset-7.17.txt");
    let mut exchanges = Vec::<Exchange>::new();
    let mut command = String::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let (mark, rest) = line.split_at_checked(2).unwrap_or(("", ""));
        match mark {
            "# " => command = rest.into(),
            "> " => exchanges.push(Exchange {
                command: command.clone(),
                request: hex(rest),
                answers: Vec::new(),
            }),
            "< " => exchanges.last_mut().unwrap().answers.push(hex(rest)),
            "  " => {
                let exchange = exchanges.last_mut().unwrap();
                exchange
                    .answers
                    .last_mut()
                    .unwrap_or(&mut exchange.request)
                    .extend(hex(rest));
            }
            "" => {}
            other => panic!("{other:?} begins a line"),
        }
    }
    exchanges
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|digit| *digit != b' ').collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The messages of a datagram.
pub(crate) fn split(mut datagram: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while !datagram.is_empty() {
        let length = NetlinkBuffer::new_checked(datagram).unwrap().length() as usize;
        messages.push(&datagram[..length]);
        datagram = datagram
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
    messages
}

/// The same request but for the sequence number.
fn assert_sent(golden: &Exchange, sent: &[u8]) {
    let mut sent = sent.to_vec();
    sent[8..12].copy_from_slice(&golden.request[8..12]);
    assert_same(&golden.command, &sent, &golden.request);
}

fn assert_same(command: &str, got: &[u8], want: &[u8]) {
    if got == want {
        return;
    }
    let mut diff = String::new();
    for n in 0..got.len().max(want.len()).div_ceil(4) {
        let part = |bytes: &[u8]| format!("{:02x?}", bytes.chunks(4).nth(n).unwrap_or_default());
        let mark = if part(got) == part(want) { ' ' } else { '!' };
        writeln!(diff, "{mark} {:04} {:24} {}", n * 4, part(got), part(want)).unwrap();
    }
    panic!("{command}\n  byte got                      want\n{diff}");
}
