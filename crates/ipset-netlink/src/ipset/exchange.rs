//! What the answers of the ipset subsystem mean.

use netlink_packet_core::{NLM_F_ACK, NetlinkMessage, NetlinkPayload};
use netlink_session::{Dump, Error, request};

use crate::error::InputError;
use crate::packet::{Command, IPSET_PROTOCOL, IpSetAttribute, IpSetMessage};
use crate::{DecodeError, IpSet, Transport};

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not sent.
    Input(InputError),
    /// Of a question.
    Question(Error),
    /// Of a change, which the kernel may have made if its answer was lost.
    Change(Error),
}

impl Failure {
    /// The kernel's number, if it refused.
    pub(super) fn code(&self) -> Option<u32> {
        match self {
            Self::Input(_) => None,
            Self::Question(error) | Self::Change(error) => error.code(),
        }
    }

    /// The line of the entry that the kernel refused, 0 if it refused all.
    pub(super) fn refused_line(&self) -> Option<u32> {
        match self {
            Self::Change(Error::Refused { request, .. }) => Some(line(request)),
            _ => None,
        }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Question(error.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Question(error)
    }
}

impl<T: Transport> IpSet<T> {
    /// Asks what is answered with one message; its attributes.
    pub(super) fn ask(
        &mut self,
        command: Command,
        attributes: Vec<IpSetAttribute>,
    ) -> Result<Vec<IpSetAttribute>, Failure> {
        let mut request = serialize(command, attributes, 0)?;
        let answer: IpSetMessage = self.session.ask(&mut request)?;
        check_command(command, &answer)?;
        Ok(answer.attributes)
    }

    /// Asks for a listing and hands over each message of it.
    pub(super) fn dump(
        &mut self,
        attributes: Vec<IpSetAttribute>,
        mut each: impl FnMut(IpSetMessage) -> Result<(), DecodeError>,
    ) -> Result<(), Failure> {
        let command = Command::List;
        let mut request = serialize(command, attributes, NLM_F_ACK)?;
        let dump = self.session.dump(&mut request, |message| {
            check_command(command, &message)?;
            each(message)
        })?;
        match dump {
            Dump::Whole => Ok(()),
            Dump::Interrupted => Err(Error::Interrupted.into()),
        }
    }

    /// Sends a change from [`serialize`] and what was appended to it.
    pub(super) fn change_serialized(&mut self, request: &mut [u8]) -> Result<(), Failure> {
        self.session.acknowledge(request).map_err(Failure::Change)
    }
}

fn check_command(command: Command, answer: &IpSetMessage) -> Result<(), DecodeError> {
    if answer.command == command {
        return Ok(());
    }
    let answered = answer.command;
    Err(DecodeError::new(format!(
        "{command:?} is answered by {answered:?}"
    )))
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

/// The bytes of a request, to which more attributes can be appended.
pub(super) fn serialize(
    command: Command,
    mut attributes: Vec<IpSetAttribute>,
    flags: u16,
) -> Result<Vec<u8>, Failure> {
    attributes.insert(0, IpSetAttribute::Protocol(IPSET_PROTOCOL));
    Ok(request(&IpSetMessage::new(command, attributes), flags)?)
}
