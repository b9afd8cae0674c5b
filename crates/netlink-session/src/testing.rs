//! A transport that needs no kernel, for tests.

use std::collections::VecDeque;
use std::sync::Arc;
use std::{fmt, io};

use netlink_packet_core::{
    NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLMSG_DONE, NLMSG_ERROR, NetlinkDeserializable,
    NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};

use crate::Transport;

/// Answers requests one after the other from a script, and keeps the requests.
///
/// A request that the script has no answer for gets none: receiving then fails as timed out.
///
/// ```
/// use netlink_session::Session;
/// use netlink_session::testing::{Answer, Script};
///
/// const EPERM: i32 = 1;
///
/// let mut script = Script::new([Answer::ok(), Answer::error(EPERM)]);
/// let mut session = Session::new(&mut script);
/// let mut request = vec![0; 16]; // a header and nothing else
/// session.acknowledge(&mut request)?;
/// let refusal = session.acknowledge(&mut request).unwrap_err();
/// assert_eq!(refusal.code(), Some(1));
/// let silence = session.acknowledge(&mut request).unwrap_err();
/// assert!(silence.is_outcome_unknown());
/// assert_eq!(script.datagrams().len(), 3);
/// # Ok::<(), netlink_session::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Script {
    answers: VecDeque<Answer>,
    requests: Vec<Vec<u8>>,
    received: VecDeque<Received>,
}

impl Script {
    /// The port of the transport.
    pub const PORT: u32 = 4711;

    /// Gives these answers, one for each request.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            ..Self::default()
        }
    }

    /// All requests as the bytes that were sent.
    pub fn datagrams(&self) -> &[Vec<u8>] {
        &self.requests
    }

    /// All requests as messages.
    ///
    /// # Panics
    ///
    /// One of them is no such message.
    #[expect(
        clippy::panic,
        reason = "it is for tests, and there is nothing else to say"
    )]
    pub fn requests<M: NetlinkDeserializable + fmt::Debug>(&self) -> Vec<M> {
        let requests = self.requests.iter();
        let requests = requests.map(|bytes| {
            match NetlinkMessage::deserialize(bytes).map(|message| message.payload) {
                Ok(NetlinkPayload::InnerMessage(message)) => message,
                other => panic!("{other:?} is not a request"),
            }
        });
        requests.collect()
    }

    /// Has the answer to a request received next, before those of the script.
    pub fn answer(&mut self, request: &[u8], answer: &Answer) {
        self.received.extend((answer.0)(request));
    }
}

impl Transport for Script {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.requests.push(request.to_vec());
        if let Some(answer) = self.answers.pop_front() {
            self.answer(request, &answer);
        }
        Ok(())
    }

    fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
        let received = self.received.pop_front().ok_or(io::ErrorKind::TimedOut)?;
        *datagram = received.map_err(io::Error::from_raw_os_error)?;
        Ok(())
    }

    fn port(&self) -> u32 {
        Self::PORT
    }
}

/// A datagram, or the error number of the system in its place.
type Received = Result<Vec<u8>, i32>;

/// What is received after a request.
type Answering = dyn Fn(&[u8]) -> Vec<Received> + Send + Sync;

/// The answer to one request.
#[derive(Clone)]
pub struct Answer(Arc<Answering>);

impl Answer {
    /// Done.
    pub fn ok() -> Self {
        Self::error(0)
    }

    /// Refused, with an error number of the kernel such as 2 (`ENOENT`).
    pub fn error(code: i32) -> Self {
        Self::error_quoting(code, <[u8]>::to_vec)
    }

    /// Refused, where the kernel writes something into the request before it quotes it.
    pub fn error_quoting(
        code: i32,
        quote: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let code = code.wrapping_neg().to_ne_bytes();
        Self::new(move |request| {
            let payload = [&code[..], &quote(request)].concat();
            vec![Ok(reply(request, NLMSG_ERROR, 0, &payload))]
        })
    }

    /// One message.
    pub fn message<M: NetlinkSerializable>(message: M) -> Self {
        Self::messages([message], 0, false)
    }

    /// A dump, each message in a datagram of its own, and its end.
    pub fn listing<M: NetlinkSerializable>(messages: impl IntoIterator<Item = M>) -> Self {
        Self::messages(messages, NLM_F_MULTIPART, true)
    }

    /// A dump of what changes meanwhile.
    pub fn interrupted<M: NetlinkSerializable>(messages: impl IntoIterator<Item = M>) -> Self {
        Self::messages(messages, NLM_F_MULTIPART | NLM_F_DUMP_INTR, true)
    }

    /// These bytes, whatever they are.
    pub fn datagrams(datagrams: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let datagrams: Vec<_> = datagrams.into_iter().map(Ok).collect();
        Self::new(move |_| datagrams.clone())
    }

    /// Lost: receiving fails with an error number of the system, such as 105 (`ENOBUFS`).
    pub fn lost(code: i32) -> Self {
        Self::new(move |_| vec![Err(code)])
    }

    fn messages<M: NetlinkSerializable>(
        messages: impl IntoIterator<Item = M>,
        flags: u16,
        done: bool,
    ) -> Self {
        let messages = messages.into_iter().map(|message| {
            let mut payload = vec![0; message.buffer_len()];
            message.serialize(&mut payload);
            (message.message_type(), payload)
        });
        let end = done.then(|| (NLMSG_DONE, vec![0; 4]));
        let messages: Vec<_> = messages.chain(end).collect();
        Self::new(move |request| {
            let messages = messages.iter();
            let replies = messages.map(|(kind, payload)| Ok(reply(request, *kind, flags, payload)));
            replies.collect()
        })
    }

    fn new(answer: impl Fn(&[u8]) -> Vec<Received> + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// A message that carries the number of a request.
fn reply(request: &[u8], kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap_or(u32::MAX);
    let fields: [&[u8]; 6] = [
        &length.to_ne_bytes(),
        &kind.to_ne_bytes(),
        &flags.to_ne_bytes(),
        request.get(8..12).unwrap_or(&[0; 4]),
        &Script::PORT.to_ne_bytes(),
        payload,
    ];
    fields.concat()
}
