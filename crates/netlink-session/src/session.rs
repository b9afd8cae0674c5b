//! Requests and what the kernel answers.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
    NLMSG_OVERRUN, NetlinkBuffer, NetlinkDeserializable, NetlinkHeader, NetlinkSerializable,
    Parseable as _,
};

use crate::transport::PATIENCE;
use crate::{DecodeError, Error, NetlinkSocket, Transport, messages};

/// A conversation with a part of the kernel, one request at a time.
///
/// A request is the bytes of one message, from [`request`] or from what was appended to those. Its
/// length, its number and the flags that say how it is answered are written into it when it is sent,
/// so that the same bytes can be sent again.
#[derive(Debug)]
pub struct Session<T: Transport = NetlinkSocket> {
    transport: T,
    sequence: u32,
    datagram: Vec<u8>,
    /// How long what is for others is passed over.
    patience: Duration,
}

/// Whether what was dumped is of one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Dump {
    /// As far as the kernel says it is; not every part of it keeps account of that.
    Whole,
    /// It changed meanwhile, so that something can be missing in it or be there twice.
    Interrupted,
}

/// The bytes of a request, with flags such as `NLM_F_CREATE`. Those that say how it is answered are
/// set when it is sent.
///
/// # Errors
///
/// It is longer than a message can be ([`Error::Length`]).
pub fn request<M: NetlinkSerializable>(message: &M, flags: u16) -> Result<Vec<u8>, Error> {
    // It is not larger than what is sent; netlink-packet-core shortens the length of an attribute
    // that is too long without a word.
    check_length(message.buffer_len() + HEADER)?;
    let mut bytes = vec![0; HEADER + message.buffer_len()];
    let mut buffer = NetlinkBuffer::new(&mut bytes);
    buffer.set_message_type(message.message_type());
    buffer.set_flags(flags);
    if let Some(payload) = bytes.get_mut(HEADER..) {
        message.serialize(payload);
    }
    Ok(bytes)
}

impl<T: Transport> Session<T> {
    /// Begins over a transport.
    pub fn new(transport: T) -> Self {
        Self {
            transport,
            sequence: 0,
            datagram: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// What it goes over.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Sends a request and leaves the answer to the caller, who tells it by the number that this
    /// gives.
    ///
    /// # Errors
    ///
    /// It was not sent.
    pub fn send(&mut self, request: &mut [u8]) -> Result<u32, Error> {
        check_length(request.len())?;
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let mut header = NetlinkBuffer::new(&mut *request);
        header.set_length(u32::try_from(header.buffer.len()).unwrap_or(u32::MAX));
        header.set_flags(header.flags() | NLM_F_REQUEST);
        header.set_sequence_number(self.sequence);
        self.transport.send(request).map_err(Error::Unsent)?;
        Ok(self.sequence)
    }

    /// Sends a request that the kernel only acknowledges.
    ///
    /// # Errors
    ///
    /// The kernel refuses, or its acknowledgement was lost.
    pub fn acknowledge(&mut self, request: &mut [u8]) -> Result<(), Error> {
        self.converse(request, Until::Acknowledged, |_| {
            Err(DecodeError::new("it is no acknowledgement"))
        })
        .map(drop)
    }

    /// Sends a request that the kernel answers with one message.
    ///
    /// # Errors
    ///
    /// The kernel refuses, or its answer was lost or cannot be read.
    pub fn ask<M: NetlinkDeserializable>(&mut self, request: &mut [u8]) -> Result<M, Error> {
        let mut answer = Err(DecodeError::new("there is none"));
        let _ = self.converse(request, Until::Answered, |message| {
            answer = Ok(decode(message)?);
            Ok(())
        })?;
        Ok(answer?)
    }

    /// Sends a request that the kernel answers with many messages, and hands over one after the
    /// other as they come.
    ///
    /// # Errors
    ///
    /// As [`Session::ask`], or the error of `each`. After an error the rest is read and thrown away.
    pub fn dump<M: NetlinkDeserializable>(
        &mut self,
        request: &mut [u8],
        mut each: impl FnMut(M) -> Result<(), DecodeError>,
    ) -> Result<Dump, Error> {
        self.converse(request, Until::Done, |message| each(decode(message)?))
    }

    /// What `each` makes of the messages of a dump that nothing changed meanwhile. Where something
    /// did, it is asked for again, five times in all.
    ///
    /// # Errors
    ///
    /// As [`Session::dump`]; it changed each time ([`Error::Interrupted`]).
    pub fn dump_whole<M: NetlinkDeserializable, R>(
        &mut self,
        request: &mut [u8],
        mut each: impl FnMut(M) -> Result<Option<R>, DecodeError>,
    ) -> Result<Vec<R>, Error> {
        for _ in 0..ATTEMPTS {
            let mut found = Vec::new();
            let dump = self.dump(request, |message| {
                found.extend(each(message)?);
                Ok(())
            })?;
            if dump == Dump::Whole {
                return Ok(found);
            }
        }
        Err(Error::Interrupted)
    }

    /// Sends a request and hands over each message of the answer but those that end it.
    fn converse(
        &mut self,
        request: &mut [u8],
        until: Until,
        each: impl FnMut(&NetlinkBuffer<&[u8]>) -> Result<(), DecodeError>,
    ) -> Result<Dump, Error> {
        let mut header = NetlinkBuffer::new(&mut *request);
        if header.buffer.len() >= HEADER {
            header.set_flags(header.flags() | until.flags());
        }
        let mut answer = Answer {
            sequence: self.send(request)?,
            port: self.transport.port(),
            until,
            each,
            dump: Dump::Whole,
            trouble: None,
            heard: Instant::now(),
        };
        let mut patience = match until {
            Until::Done => MOST_DATAGRAMS,
            _ => MOST_DATAGRAMS_TO_SKIP,
        };
        while patience > 0 {
            match self.transport.receive(&mut self.datagram) {
                Ok(()) if answer.read(&self.datagram) => {
                    return answer.trouble.map_or(Ok(answer.dump), Err);
                }
                Ok(()) if answer.heard.elapsed() > self.patience => {
                    let silence = || Error::Lost(io::Error::from(ErrorKind::TimedOut));
                    return Err(answer.trouble.unwrap_or_else(silence));
                }
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    return Err(answer.trouble.unwrap_or(Error::Lost(error)));
                }
                Err(error)
                    if error.kind() == ErrorKind::InvalidData
                        && answer.is_for_others(&self.datagram) => {}
                Err(error) => answer.complain(Error::Lost(error)),
            }
            patience = match answer.trouble {
                None => patience - 1,
                Some(error) if until != Until::Done => return Err(error),
                Some(_) => (patience - 1).min(MOST_DATAGRAMS_TO_SKIP),
            };
        }
        let endless = || DecodeError::new("it has no end").into();
        Err(answer.trouble.unwrap_or_else(endless))
    }
}

/// When the kernel has said all it has to say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Acknowledged,
    Answered,
    Done,
}

impl Until {
    /// The flag of a request that is answered so.
    fn flags(self) -> u16 {
        match self {
            Self::Acknowledged => NLM_F_ACK,
            Self::Answered => 0,
            Self::Done => NLM_F_DUMP,
        }
    }
}

/// What is known of an answer so far.
struct Answer<F> {
    sequence: u32,
    port: u32,
    until: Until,
    each: F,
    dump: Dump,
    /// The first thing that went wrong.
    trouble: Option<Error>,
    /// When something was for us last.
    heard: Instant,
}

impl<F: FnMut(&NetlinkBuffer<&[u8]>) -> Result<(), DecodeError>> Answer<F> {
    /// Reads a datagram; whether the answer ends with it.
    fn read(&mut self, datagram: &[u8]) -> bool {
        let mut is_for_us = false;
        for message in messages(datagram) {
            let read = match message {
                Ok(message) if self.is_part(&message) => {
                    is_for_us = true;
                    self.read_message(&message)
                }
                Ok(_) => continue,
                Err(error) => Err(error.into()),
            };
            match read {
                Ok(false) => {}
                Ok(true) => return true,
                Err(error) => {
                    let refused = error.code().is_some();
                    self.complain(error);
                    if refused {
                        return true;
                    }
                }
            }
        }
        if is_for_us {
            self.heard = Instant::now();
        }
        false
    }

    fn is_part(&self, message: &NetlinkBuffer<&[u8]>) -> bool {
        message.sequence_number() == self.sequence && message.port_number() == self.port
    }

    /// Whether a datagram that was cut short began with what is not for us.
    fn is_for_others(&self, datagram: &[u8]) -> bool {
        datagram.len() >= HEADER && !self.is_part(&NetlinkBuffer::new(datagram))
    }

    /// Reads a message; whether the answer ends with it.
    fn read_message(&mut self, message: &NetlinkBuffer<&[u8]>) -> Result<bool, Error> {
        let nonsense = |what: &str| Err(DecodeError::new(what).into());
        if message.flags() & NLM_F_DUMP_INTR != 0 {
            self.dump = Dump::Interrupted;
        }
        let payload = message.payload();
        match message.message_type() {
            NLMSG_ERROR => match number(payload) {
                None => nonsense("an error has no number"),
                Some((0, _)) if self.until == Until::Acknowledged => Ok(true),
                Some((0, _)) => nonsense("it is an acknowledgement and nothing else"),
                Some((code @ 1.., _)) => {
                    nonsense(&format!("the error number {code} has the wrong sign"))
                }
                Some((code, request)) => Err(refusal(code, request)),
            },
            NLMSG_DONE if self.until == Until::Done => match number(payload) {
                Some((code @ ..0, _)) => Err(refusal(code, &[])),
                _ => Ok(true),
            },
            NLMSG_DONE => nonsense("it is the end of a dump"),
            NLMSG_OVERRUN => nonsense("the kernel lost a part of it"),
            NLMSG_NOOP => Ok(false),
            _ => {
                if self.trouble.is_none() {
                    (self.each)(message)?;
                }
                Ok(self.until == Until::Answered)
            }
        }
    }

    fn complain(&mut self, error: Error) {
        self.trouble.get_or_insert(error);
    }
}

/// The error number that a message begins with, and what follows.
fn number(payload: &[u8]) -> Option<(i32, &[u8])> {
    let (number, rest) = payload.split_first_chunk()?;
    Some((i32::from_ne_bytes(*number), rest))
}

fn refusal(code: i32, request: &[u8]) -> Error {
    Error::Refused {
        code: code.unsigned_abs(),
        request: request.to_vec(),
    }
}

fn decode<M: NetlinkDeserializable>(message: &NetlinkBuffer<&[u8]>) -> Result<M, DecodeError> {
    let header = NetlinkHeader::parse(message)?;
    M::deserialize(&header, message.payload()).map_err(|error| DecodeError::new(error.to_string()))
}

fn check_length(length: usize) -> Result<(), Error> {
    match length {
        HEADER..=LONGEST_REQUEST => Ok(()),
        _ => Err(Error::Length(length)),
    }
}

/// How often a dump is asked for when it changes under the reader.
const ATTEMPTS: u32 = 5;

/// No attribute in it can be longer than its 16 bits of length then, and an error that quotes it
/// fits into what a transport receives.
const LONGEST_REQUEST: usize = 60 * 1024;

/// A piece of a listing has some hundred entries at least, so that this is more than a set can
/// hold.
const MOST_DATAGRAMS: u32 = 1 << 22;

/// How much is skipped of a dump that makes no sense, or of what is for others.
const MOST_DATAGRAMS_TO_SKIP: u32 = 1 << 16;

// linux/netlink.h: the size of nlmsghdr
const HEADER: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, Script};

    #[test]
    fn what_is_for_others_does_not_keep_us_waiting() {
        let foreign = [16_u32.to_ne_bytes(), [0; 4], [9, 0, 0, 0], [0; 4]].concat();
        let answer = Answer::datagrams(std::iter::repeat_n(foreign, 1000));
        let mut session = Session::new(Script::new([answer]));
        assert_eq!(session.patience, Duration::from_secs(10));
        session.patience = Duration::ZERO;
        let silence = session.acknowledge(&mut [0; HEADER]).unwrap_err();
        assert!(matches!(&silence, Error::Lost(why) if why.kind() == ErrorKind::TimedOut));
        let mut rest = Vec::new();
        assert!(
            session.transport.receive(&mut rest).is_ok(),
            "it gave up early"
        );
    }
}
