use std::collections::VecDeque;
use std::io;

use netlink_packet_core::{
    DoneMessage, ErrorMessage, NLM_F_MULTIPART, NetlinkBuffer, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};

use crate::ipset::IPSET_PROTOCOL;
use crate::packet::{Command, IpSetAttribute, IpSetMessage};
use crate::{Family, SetType, Transport};

/// Answers requests one after the other from a script, and keeps the requests.
///
/// Which questions a method asks before it does its work can change with the version of this crate;
/// [`FakeKernel`](super::FakeKernel) answers whatever is asked.
///
/// The question for the protocol version, which every session begins with, is answered by itself.
/// A request that the script has no answer for gets none: receiving then fails as timed out.
///
/// ```
/// use ipset_netlink::{
///     Entry, Family, IfExists, IpSet, SetName, SetType,
///     packet::Command,
///     testing::{Answer, Script},
/// };
///
/// const IPSET_ERR_EXIST: i32 = 4103;
///
/// let hash = Answer::type_of(&SetType::HashIp, Family::Inet);
/// let mut script = Script::new([hash.clone(), Answer::ok(), hash, Answer::error(IPSET_ERR_EXIST)]);
/// let mut sets = IpSet::with_transport(&mut script)?;
/// let banned: SetName = "banned".parse()?;
/// let entry = Entry::new("192.0.2.7".parse()?);
/// sets.add(&banned, &entry, IfExists::Fail)?;
/// let error = sets.add(&banned, &entry, IfExists::Fail).unwrap_err();
/// assert!(error.is_entry_exists());
/// assert_eq!(
///     error.to_string(),
///     "cannot add 192.0.2.7 to set \"banned\": it is in the set already"
/// );
///
/// let asked: Vec<_> = script.requests().iter().map(|request| request.command).collect();
/// assert_eq!(asked, [Command::Header, Command::Add, Command::Header, Command::Add]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Script {
    answers: VecDeque<Answer>,
    requests: Vec<Vec<u8>>,
    datagrams: VecDeque<Vec<u8>>,
}

impl Script {
    /// The port of the transport.
    pub const PORT: u32 = 4711;

    /// Gives these answers, one for each request.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut script = Self::without_protocol(answers);
        script.answers.push_front(Answer::protocol());
        script
    }

    /// As [`Script::new`], but the answer to the question for the protocol version is the first
    /// of those given.
    pub fn without_protocol(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            requests: Vec::new(),
            datagrams: VecDeque::new(),
        }
    }

    /// The requests so far but for the question for the protocol version.
    ///
    /// # Panics
    ///
    /// A request is not a message of the ipset subsystem, which is a bug of this crate.
    #[expect(
        clippy::panic,
        reason = "it is for tests, and there is nothing else to say"
    )]
    pub fn requests(&self) -> Vec<IpSetMessage> {
        let requests =
            self.requests
                .iter()
                .map(|request| {
                    match NetlinkMessage::<IpSetMessage>::deserialize(request)
                        .map(|message| message.payload)
                    {
                        Ok(NetlinkPayload::InnerMessage(message)) => message,
                        other => panic!("{other:?} is not a request"),
                    }
                });
        requests
            .filter(|request| request.command != Command::Protocol)
            .collect()
    }

    /// All requests as the bytes that were sent.
    pub fn datagrams(&self) -> &[Vec<u8>] {
        &self.requests
    }
}

impl Transport for Script {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.requests.push(request.to_vec());
        if let Some(answer) = self.answers.pop_front() {
            self.datagrams.extend(answer.into_datagrams(request));
        }
        Ok(())
    }

    fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
        *datagram = self.datagrams.pop_front().ok_or(io::ErrorKind::TimedOut)?;
        Ok(())
    }

    fn port(&self) -> u32 {
        Self::PORT
    }
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Answer(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Error {
        code: i32,
        line: Option<u32>,
    },
    Messages {
        messages: Vec<IpSetMessage>,
        done: bool,
    },
    Datagrams(Vec<Vec<u8>>),
}

impl Answer {
    /// Done.
    pub fn ok() -> Self {
        Self::error(0)
    }

    /// Refused, with an error number of the kernel such as 2 (`ENOENT`) or 4103
    /// (`IPSET_ERR_EXIST`).
    pub fn error(code: i32) -> Self {
        Self(Kind::Error { code, line: None })
    }

    /// One of many entries refused: the `line`th of the message, from 1.
    pub fn error_at_line(code: i32, line: u32) -> Self {
        Self(Kind::Error {
            code,
            line: Some(line),
        })
    }

    /// The protocol that this crate speaks.
    pub(super) fn protocol() -> Self {
        Self::message(IpSetMessage::new(
            Command::Protocol,
            vec![
                IpSetAttribute::Protocol(IPSET_PROTOCOL),
                IpSetAttribute::ProtocolMin(6),
            ],
        ))
    }

    /// What a set is. This is asked before entries are added, deleted or looked for, and by
    /// [`IpSet::type_of`](crate::IpSet::type_of).
    pub fn type_of(set_type: &SetType, family: Family) -> Self {
        Self::type_of_revision(set_type, family, 0)
    }

    pub(super) fn type_of_revision(set_type: &SetType, family: Family, revision: u8) -> Self {
        Self::message(IpSetMessage::new(
            Command::Header,
            vec![
                IpSetAttribute::Protocol(IPSET_PROTOCOL),
                IpSetAttribute::TypeName(set_type.name().into()),
                IpSetAttribute::Family(family.into()),
                IpSetAttribute::Revision(revision),
            ],
        ))
    }

    /// The revisions of a set type, up to this. They are asked before a set is created, and by
    /// [`IpSet::revisions`](crate::IpSet::revisions).
    pub fn revisions(newest: u8) -> Self {
        Self::message(IpSetMessage::new(
            Command::Type,
            vec![
                IpSetAttribute::Protocol(IPSET_PROTOCOL),
                IpSetAttribute::Revision(newest),
                IpSetAttribute::RevisionMin(0),
            ],
        ))
    }

    /// One message.
    pub fn message(message: IpSetMessage) -> Self {
        Self(Kind::Messages {
            messages: vec![message],
            done: false,
        })
    }

    /// A listing, each message in a datagram of its own, and its end.
    pub fn listing(messages: impl IntoIterator<Item = IpSetMessage>) -> Self {
        Self(Kind::Messages {
            messages: messages.into_iter().collect(),
            done: true,
        })
    }

    /// These bytes, whatever they are.
    pub fn datagrams(datagrams: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(Kind::Datagrams(datagrams.into_iter().collect()))
    }

    /// The answer to this request as it would come from the kernel.
    pub(super) fn into_datagrams(self, request: &[u8]) -> Vec<Vec<u8>> {
        let mut header = NetlinkHeader::default();
        header.port_number = Script::PORT;
        if let Ok(request) = NetlinkBuffer::new_checked(request) {
            header.sequence_number = request.sequence_number();
        }
        match self.0 {
            Kind::Datagrams(datagrams) => datagrams,
            Kind::Error { code, line } => {
                let mut error = ErrorMessage::default();
                error.code = code.checked_neg().and_then(std::num::NonZeroI32::new);
                error.header = quoted(request, line);
                vec![bytes(header, NetlinkPayload::Error(error))]
            }
            Kind::Messages { messages, done } => {
                if done {
                    header.flags = NLM_F_MULTIPART;
                }
                let end = done.then(|| NetlinkPayload::Done(DoneMessage::default()));
                messages
                    .into_iter()
                    .map(NetlinkPayload::InnerMessage)
                    .chain(end)
                    .map(|payload| bytes(header, payload))
                    .collect()
            }
        }
    }
}

/// The copy of the request that comes with an error.
fn quoted(request: &[u8], line: Option<u32>) -> Vec<u8> {
    let Some(line) = line else {
        return request.to_vec();
    };
    let Ok(NetlinkMessage {
        header,
        payload: NetlinkPayload::InnerMessage(mut message),
        ..
    }) = NetlinkMessage::<IpSetMessage>::deserialize(request)
    else {
        return request.to_vec();
    };
    for attribute in &mut message.attributes {
        if let IpSetAttribute::LineNumber(number) = attribute {
            *number = line;
        }
    }
    bytes(header, NetlinkPayload::InnerMessage(message))
}

fn bytes(header: NetlinkHeader, payload: NetlinkPayload<IpSetMessage>) -> Vec<u8> {
    let mut message = NetlinkMessage::new(header, payload);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}
