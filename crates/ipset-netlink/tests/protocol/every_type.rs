//! `tests/golden/every-type.txt`: sets and entries of every type as `ipset` sends them, and what it
//! makes of answers.

use std::fs;
use std::path::Path;

use ipset_netlink::packet::{
    Command, EncodedEntries, EntryAttribute, IpSetAttribute, IpSetMessage,
};
use ipset_netlink::testing::{self, Answer, Script};
use ipset_netlink::{CreateSet, Entry, IfExists, IfMissing, IpSet, SetType};
use netlink_packet_core::{NetlinkBuffer, NetlinkMessage, NetlinkPayload};

use crate::golden::{hex, split};
use crate::lines;

#[test]
fn every_command_is_sent_as_ipset_does() {
    let mut sent = 0;
    for section in sections() {
        for exchange in &section.exchanges {
            let (flags, ours) = section.send(exchange);
            let (golden_flags, golden) = message(&exchange.request);
            assert_eq!(in_order(&ours), in_order(&golden), "{}", exchange.command);
            assert_eq!(flags, golden_flags, "{}", exchange.command);
            sent += 1;
        }
    }
    assert!(sent > 150, "only {sent} commands");
}

#[test]
fn every_listing_is_read_as_ipset_does() {
    let mut types = Vec::new();
    for section in sections() {
        let listed = section.listed();
        let mut printed = section.printed.iter();
        let mut create = lines::create(printed.next().unwrap());
        let mut made = CreateSet::from(&listed.header);
        // 7.17 does not print it.
        made.options.forceadd = false;
        create.options.forceadd = false;
        assert_eq!(made, create);
        let expected: Vec<_> = printed
            .map(|line| lines::entry(line, &create.set_type).1)
            .collect();
        assert_eq!(listed.entries, expected, "{}", create.name);
        types.push(create.set_type);
    }
    assert!(SetType::all().all(|set_type| types.contains(&set_type)));
}

/// A set in the table: its type, what was done to it, and how it looked.
struct Section {
    create: CreateSet,
    exchanges: Vec<Exchange>,
    answers: Vec<Vec<u8>>,
    printed: Vec<String>,
}

struct Exchange {
    command: String,
    request: Vec<u8>,
}

fn sections() -> Vec<Section> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/every-type.txt");
    let mut sections = Vec::<Section>::new();
    let mut command = "";
    for line in fs::read_to_string(path).unwrap().lines() {
        match (line.split_at_checked(2), sections.last_mut()) {
            (Some(("# ", _)) | None, _) => {}
            (Some(("> ", request)), Some(section)) => section.exchanges.push(Exchange {
                command: command.into(),
                request: hex(request),
            }),
            (Some(("< ", answer)), Some(section)) => section.answers.push(hex(answer)),
            (Some(("= ", printed)), Some(section)) => section.printed.push(printed.into()),
            _ => {
                command = Box::leak(line.into());
                if line.starts_with("create ") {
                    sections.push(Section {
                        create: lines::create(line),
                        exchanges: Vec::new(),
                        answers: Vec::new(),
                        printed: Vec::new(),
                    });
                }
            }
        }
    }
    sections
}

impl Section {
    /// What we send for the command: the flags of the request, and the message.
    fn send(&self, exchange: &Exchange) -> (u16, IpSetMessage) {
        let (line, exist) = match exchange.command.strip_prefix("-exist ") {
            Some(line) => (line, true),
            None => (exchange.command.as_str(), false),
        };
        let if_exists = if exist {
            IfExists::Update
        } else {
            IfExists::Fail
        };
        let entry = || lines::entry(line, &self.create.set_type);
        let mut script = testing::script([self.type_answer(exchange), Answer::ok()]);
        let mut sets = IpSet::with_transport(&mut script).unwrap();
        match line.split(' ').next().unwrap() {
            "create" => sets.create(&self.create, if_exists).unwrap(),
            "add" => {
                let (set, entry) = entry();
                sets.add(&set, &entry, if_exists).unwrap();
            }
            "del" => {
                let (set, entry) = entry();
                let if_missing = if exist {
                    IfMissing::Ignore
                } else {
                    IfMissing::Fail
                };
                sets.delete_entry(&set, &entry, if_missing).unwrap();
            }
            "test" => {
                let (set, entry) = entry();
                assert!(sets.test(&set, &entry).unwrap());
            }
            "restore" => {
                let outcome = sets.add_all(&self.create.name, self.added(), if_exists);
                assert!(outcome.unwrap().is_complete());
            }
            "save" => {
                drop(script);
                return self.list_request();
            }
            other => panic!("{other:?}"),
        }
        message(script.datagrams().last().unwrap())
    }

    /// The entries that are added before the restore, which adds the same.
    fn added(&self) -> Vec<Entry> {
        let commands = self.exchanges.iter().map(|exchange| &exchange.command);
        commands
            .take_while(|command| !command.starts_with("restore "))
            .filter(|command| command.starts_with("add "))
            .map(|command| lines::entry(command, &self.create.set_type).1)
            .collect()
    }

    /// The answer to the question that comes first: for the revisions of the type, or the type of
    /// the set.
    fn type_answer(&self, exchange: &Exchange) -> Answer {
        let attributes = message(&exchange.request).1.attributes;
        let revision = attributes.iter().find_map(|attribute| match attribute {
            IpSetAttribute::Revision(number) => Some(*number),
            _ => None,
        });
        match revision {
            Some(revision) => testing::revisions(revision),
            None => testing::type_of(&self.create.set_type, self.create.family),
        }
    }

    fn listed(&self) -> ipset_netlink::Set {
        let mut script = testing::script([self.listing()]);
        let mut sets = IpSet::with_transport(&mut script).unwrap();
        sets.list(&self.create.name).unwrap()
    }

    /// We list where `ipset save` saves; but for that, the request is the same, and so are the
    /// kernel's answers.
    fn list_request(&self) -> (u16, IpSetMessage) {
        let mut script = testing::script([self.listing()]);
        let mut sets = IpSet::with_transport(&mut script).unwrap();
        sets.list(&self.create.name).unwrap();
        let (flags, mut request) = message(&script.datagrams()[1]);
        assert_eq!(request.command, Command::List);
        request.command = Command::Save;
        (flags, request)
    }

    fn listing(&self) -> Answer {
        Answer::datagrams(self.answers.iter().map(|datagram| {
            let mut replayed = Vec::new();
            for message in split(datagram) {
                let mut message = message.to_vec();
                let mut header = NetlinkBuffer::new(&mut message);
                header.set_sequence_number(2);
                header.set_port_number(Script::PORT);
                if header.message_type() == SAVE {
                    header.set_message_type(LIST);
                }
                replayed.extend(message);
            }
            replayed
        }))
    }
}

/// The attributes of a request without the numbers of lines, which are ours to choose.
fn in_order(message: &IpSetMessage) -> (Command, Vec<IpSetAttribute>, Vec<Vec<EntryAttribute>>) {
    let mut attributes = message.attributes.clone();
    let mut entries = Vec::new();
    attributes.retain(|attribute| match attribute {
        IpSetAttribute::Entries(many) => {
            entries.extend(decoded(many));
            false
        }
        IpSetAttribute::LineNumber(_) => false,
        _ => true,
    });
    (message.command, attributes, entries)
}

fn decoded(entries: &EncodedEntries) -> Vec<Vec<EntryAttribute>> {
    let attributes = entries.iter().map(|entry| {
        let attributes = entry.unwrap().map(Result::unwrap);
        attributes
            .filter(|attribute| !matches!(attribute, EntryAttribute::LineNumber(_)))
            .collect()
    });
    attributes.collect()
}

fn message(bytes: &[u8]) -> (u16, IpSetMessage) {
    let message = NetlinkMessage::<IpSetMessage>::deserialize(bytes).unwrap();
    let NetlinkPayload::InnerMessage(inner) = message.payload else {
        panic!("{message:?}")
    };
    (message.header.flags, inner)
}

// NFNL_SUBSYS_IPSET in the high byte, IPSET_CMD_* in the low one.
const LIST: u16 = 0x607;
const SAVE: u16 = 0x608;
