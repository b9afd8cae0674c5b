//! Answers of the ipset subsystem for a [`Script`].

use netlink_packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_session::testing::{Answer, Script};

use crate::packet::{Command, IPSET_PROTOCOL, IpSetAttribute, IpSetMessage};
use crate::{Family, SetType};

/// Gives these answers, one for each request after the question for the protocol version, which
/// every session begins with.
///
/// Which questions a method asks before it does its work can change with the version of this crate;
/// [`FakeKernel`](super::FakeKernel) answers whatever is asked.
///
/// ```
/// use ipset_netlink::packet::Command;
/// use ipset_netlink::testing::{self, Answer};
/// use ipset_netlink::{Entry, Family, IfExists, IpSet, SetName, SetType};
///
/// const IPSET_ERR_EXIST: i32 = 4103;
///
/// let hash = testing::type_of(&SetType::HashIp, Family::Inet);
/// let answers = [hash.clone(), Answer::ok(), hash, Answer::error(IPSET_ERR_EXIST)];
/// let mut script = testing::script(answers);
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
/// let asked: Vec<_> = testing::requests(&script)
///     .iter()
///     .map(|request| request.command)
///     .collect();
/// assert_eq!(asked, [Command::Header, Command::Add, Command::Header, Command::Add]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn script(answers: impl IntoIterator<Item = Answer>) -> Script {
    Script::new([protocol(IPSET_PROTOCOL, 6)].into_iter().chain(answers))
}

/// The requests so far but for the question for the protocol version.
///
/// # Panics
///
/// A request is not a message of the ipset subsystem, which is a bug of this crate.
pub fn requests(script: &Script) -> Vec<IpSetMessage> {
    let mut requests: Vec<IpSetMessage> = script.requests();
    requests.retain(|request| request.command != Command::Protocol);
    requests
}

/// The newest and the oldest version of the protocol that the kernel speaks.
pub fn protocol(newest: u8, oldest: u8) -> Answer {
    let versions = [
        IpSetAttribute::Protocol(newest),
        IpSetAttribute::ProtocolMin(oldest),
    ];
    Answer::message(IpSetMessage::new(Command::Protocol, versions.into()))
}

/// What a set is. This is asked before entries are added, deleted or looked for, and by
/// [`IpSet::type_of`](crate::IpSet::type_of).
pub fn type_of(set_type: &SetType, family: Family) -> Answer {
    type_of_revision(set_type, family, 0)
}

pub(super) fn type_of_revision(set_type: &SetType, family: Family, revision: u8) -> Answer {
    Answer::message(IpSetMessage::new(
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
pub fn revisions(newest: u8) -> Answer {
    Answer::message(IpSetMessage::new(
        Command::Type,
        vec![
            IpSetAttribute::Protocol(IPSET_PROTOCOL),
            IpSetAttribute::Revision(newest),
            IpSetAttribute::RevisionMin(0),
        ],
    ))
}

/// One of many entries refused: the `line`th of the message, from 1.
pub fn error_at_line(code: i32, line: u32) -> Answer {
    Answer::error_quoting(code, move |request| {
        quoted(request, line).unwrap_or_else(|| request.to_vec())
    })
}

/// The copy of the request that comes with an error, into which the kernel has written the line.
fn quoted(request: &[u8], line: u32) -> Option<Vec<u8>> {
    let NetlinkPayload::InnerMessage(mut message) =
        NetlinkMessage::<IpSetMessage>::deserialize(request)
            .ok()?
            .payload
    else {
        return None;
    };
    for attribute in &mut message.attributes {
        if let IpSetAttribute::LineNumber(number) = attribute {
            *number = line;
        }
    }
    let mut quoted = NetlinkMessage::new(NetlinkHeader::default(), message.into());
    quoted.finalize();
    let mut bytes = vec![0; quoted.buffer_len()];
    quoted.serialize(&mut bytes);
    Some(bytes)
}
