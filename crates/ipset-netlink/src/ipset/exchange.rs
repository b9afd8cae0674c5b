//! One request and all its answers.

use std::io;

use netlink_packet_core::{NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload};

use crate::error::InputError;
use crate::packet::{Command, IpSetAttribute, IpSetMessage};
use crate::{DecodeError, IpSet, Transport};

/// When the kernel has said all it has to say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// It acknowledges.
    Ack,
    /// It gives one answer.
    Message,
    /// It lists, and says when it is done.
    Done,
}

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The kernel refused, with its number; `line` is that of the entry it is about, 0 if it is not
    /// about one.
    Refused {
        code: u32,
        line: u32,
    },
    Input(InputError),
    /// Sending failed, so that the kernel knows nothing of it.
    Unsent(io::Error),
    /// Receiving failed.
    Transport(io::Error),
    Decode(DecodeError),
    /// As [`Failure::Transport`] or [`Failure::Decode`], of a change that the kernel may have made.
    Unanswered(Box<Failure>),
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl<T: Transport> IpSet<T> {
    /// Sends a request and hands over each message of the answer.
    pub(super) fn ask(
        &mut self,
        command: Command,
        attributes: Vec<IpSetAttribute>,
        flags: u16,
        until: Until,
        each: impl FnMut(IpSetMessage) -> Result<(), DecodeError>,
    ) -> Result<(), Failure> {
        let mut request = serialize(command, attributes, flags)?;
        self.ask_serialized(&mut request, command, until, each)
    }

    /// As [`IpSet::ask`], with a request from [`serialize`] and what was appended to it.
    ///
    /// A listing that makes no sense is read to its end all the same: until then the kernel
    /// holds on to its sets, and nobody can swap or destroy them.
    pub(super) fn ask_serialized(
        &mut self,
        request: &mut [u8],
        command: Command,
        until: Until,
        each: impl FnMut(IpSetMessage) -> Result<(), DecodeError>,
    ) -> Result<(), Failure> {
        let length = request.len();
        if length > LONGEST_REQUEST {
            return Err(InputError::TooLong(length).into());
        }
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let mut header = NetlinkBuffer::new(&mut *request);
        header.set_length(u32::try_from(length).unwrap_or(u32::MAX));
        header.set_sequence_number(self.sequence);
        self.transport.send(request).map_err(Failure::Unsent)?;

        let port = self.transport.port();
        let mut answer = Answer {
            sequence: self.sequence,
            port,
            command,
            until,
            each,
            trouble: None,
        };
        let mut patience = MOST_DATAGRAMS;
        while patience > 0 {
            match self.transport.receive(&mut self.datagram) {
                Ok(()) => match answer.read(&self.datagram) {
                    End::NotYet => {}
                    End::Reached => return answer.trouble.map_or(Ok(()), Err),
                },
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Err(answer.trouble.unwrap_or(Failure::Transport(error)));
                }
                Err(error) => answer.complain(Failure::Transport(error)),
            }
            patience = match answer.trouble {
                None => patience - 1,
                Some(failure) if until != Until::Done => return Err(failure),
                Some(_) => (patience - 1).min(MOST_DATAGRAMS_TO_SKIP),
            };
        }
        Err(answer
            .trouble
            .unwrap_or_else(|| Failure::Decode(DecodeError::new("it has no end"))))
    }
}

/// What is known of an answer so far.
struct Answer<F> {
    sequence: u32,
    port: u32,
    command: Command,
    until: Until,
    each: F,
    /// The first thing that went wrong.
    trouble: Option<Failure>,
}

enum End {
    NotYet,
    Reached,
}

impl<F: FnMut(IpSetMessage) -> Result<(), DecodeError>> Answer<F> {
    fn read(&mut self, mut datagram: &[u8]) -> End {
        while !datagram.is_empty() {
            let message = match NetlinkBuffer::new_checked(datagram) {
                Ok(message) => message,
                Err(error) => {
                    self.complain(Failure::Decode(error.into()));
                    return End::NotYet;
                }
            };
            let length = usize::try_from(message.length()).unwrap_or(usize::MAX);
            let bytes = datagram.get(..length).unwrap_or_default();
            datagram = length
                .checked_next_multiple_of(NLMSG_ALIGNTO)
                .and_then(|end| datagram.get(end..))
                .unwrap_or_default();
            if message.sequence_number() != self.sequence || message.port_number() != self.port {
                continue;
            }
            match self.read_message(bytes) {
                Ok(End::NotYet) => {}
                Ok(End::Reached) => return End::Reached,
                Err(failure) => {
                    let refused = matches!(failure, Failure::Refused { .. });
                    self.complain(failure);
                    if refused {
                        return End::Reached;
                    }
                }
            }
        }
        End::NotYet
    }

    fn read_message(&mut self, bytes: &[u8]) -> Result<End, Failure> {
        let nonsense = |what: &str| Err(Failure::Decode(DecodeError::new(what)));
        let message = NetlinkMessage::<IpSetMessage>::deserialize(bytes)
            .map_err(|error| Failure::Decode(error.into()))?;
        match message.payload {
            NetlinkPayload::Error(error) => match error.raw_code() {
                0 if self.until == Until::Ack => Ok(End::Reached),
                0 => nonsense("it is an acknowledgement and nothing else"),
                code @ 1.. => nonsense(&format!("the error number {code} has the wrong sign")),
                code => Err(Failure::Refused {
                    code: code.unsigned_abs(),
                    line: line(&error.header),
                }),
            },
            NetlinkPayload::Done(done) => match (self.until, done.code) {
                (Until::Done, ..0) => Err(Failure::Refused {
                    code: done.code.unsigned_abs(),
                    line: 0,
                }),
                (Until::Done, _) => Ok(End::Reached),
                (_, _) => nonsense("it is the end of a listing"),
            },
            NetlinkPayload::InnerMessage(inner) if inner.command == self.command => {
                if self.trouble.is_none() {
                    (self.each)(inner).map_err(Failure::Decode)?;
                }
                Ok(if self.until == Until::Message {
                    End::Reached
                } else {
                    End::NotYet
                })
            }
            NetlinkPayload::InnerMessage(inner) => nonsense(&format!(
                "{:?} is answered by {:?}",
                self.command, inner.command
            )),
            NetlinkPayload::Overrun(_) => nonsense("the kernel lost a part of it"),
            _ => Ok(End::NotYet),
        }
    }

    fn complain(&mut self, failure: Failure) {
        self.trouble.get_or_insert(failure);
    }
}

/// The line that an error names, in the copy of our request that comes with it.
fn line(request: &[u8]) -> u32 {
    let Ok(message) = NetlinkMessage::<IpSetMessage>::deserialize(request) else {
        return 0;
    };
    let NetlinkPayload::InnerMessage(message) = message.payload else {
        return 0;
    };
    let mut lines = message
        .attributes
        .iter()
        .filter_map(|attribute| match attribute {
            IpSetAttribute::LineNumber(line) => Some(*line),
            _ => None,
        });
    lines.next().unwrap_or(0)
}

/// The only place where a request becomes bytes. netlink-packet-core panics on a message that is
/// not finalized, and shortens the length of an attribute that is too long without a word.
///
/// More attributes can be appended; length and sequence number are set when it is sent.
pub(super) fn serialize(
    command: Command,
    mut attributes: Vec<IpSetAttribute>,
    flags: u16,
) -> Result<Vec<u8>, Failure> {
    attributes.insert(0, IpSetAttribute::Protocol(IPSET_PROTOCOL));
    let message = IpSetMessage::new(command, attributes);
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    let length = message.buffer_len();
    if length > LONGEST_REQUEST {
        return Err(InputError::TooLong(length).into());
    }
    message.finalize();
    let mut bytes = vec![0; length];
    message.serialize(&mut bytes);
    Ok(bytes)
}

/// The version spoken here; `linux/netfilter/ipset/ip_set.h`.
pub(crate) const IPSET_PROTOCOL: u8 = 7;

/// No attribute in it can be longer than its 16 bits of length then, and an error that quotes it
/// fits into what a transport receives.
const LONGEST_REQUEST: usize = 60 * 1024;

/// A piece of a listing has some hundred entries at least, so that this is more than a set can
/// hold.
const MOST_DATAGRAMS: u32 = 1 << 22;

/// How much of a listing that makes no sense is skipped before it is left to itself.
const MOST_DATAGRAMS_TO_SKIP: u32 = 1 << 16;

// linux/netlink.h
const NLMSG_ALIGNTO: usize = 4;
