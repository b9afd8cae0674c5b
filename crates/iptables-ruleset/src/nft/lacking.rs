//! What rules need and the kernel has not.

use std::io;

use super::message::{begin, put_attribute, put_message, put_value};
use super::read;
use super::socket::Socket;
use crate::ruleset::requirement::Part;
use crate::{ApplyError, Family, Requirement};

/// A part that rules need and that the kernel has not, see
/// [`Nftables::lacking`](super::Nftables::lacking).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lacking {
    /// What is needed.
    pub requirement: Requirement,
    /// What of it is missing.
    pub reason: Lack,
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// All of it.
    Part,
    /// It is there, in other revisions: the kernel is too old, or too new.
    Revision,
    /// `nft_compat`, through which rules get at every xtables match and target.
    Compat,
}

impl Lacking {
    /// The module that would have it, also where another revision is there.
    pub fn module(&self) -> String {
        match self.reason {
            Lack::Compat => "nft_compat".to_owned(),
            Lack::Part | Lack::Revision => self.requirement.module(),
        }
    }
}

/// Those of the requirements that the kernel has not. Asking makes it load modules.
pub(super) fn lacking<'r>(
    socket: &mut Socket,
    requirements: impl IntoIterator<Item = &'r Requirement>,
) -> Result<Vec<Lacking>, ApplyError> {
    let mut found = Vec::new();
    let mut expressions = Vec::new();
    for requirement in requirements {
        let reason = match requirement.part() {
            Part::Match { name, revision } => {
                extension(socket, requirement.family(), name, *revision, XT_MATCH)?
            }
            Part::Target { name, revision } => {
                extension(socket, requirement.family(), name, *revision, XT_TARGET)?
            }
            Part::Expression(name) => {
                expressions.push((requirement, &**name));
                None
            }
        };
        found.extend(reason.map(|reason| Lacking {
            requirement: requirement.clone(),
            reason,
        }));
    }
    for family in Family::BOTH {
        let of_family = expressions
            .iter()
            .filter(|(requirement, _)| requirement.family() == family);
        let of_family: Vec<_> = of_family.copied().collect();
        if !of_family.is_empty() {
            found.extend(unknown_expressions(socket, family, &of_family)?);
        }
    }
    Ok(found)
}

/// What is missing of an xtables match or target.
fn extension(
    socket: &mut Socket,
    family: Family,
    name: &str,
    revision: u32,
    kind: u32,
) -> Result<Option<Lack>, ApplyError> {
    const OPERATION: &str = "ask for an xt match or target";
    let sequence = socket.reserve(1);
    let mut bytes = Vec::new();
    let message = NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET;
    put_message(&mut bytes, message, NLM_F_REQUEST, sequence, |bytes| {
        bytes.extend_from_slice(&[read::protocol_family(family), 0, 0, 0]);
        put_value(bytes, NFTA_COMPAT_NAME, &[name.as_bytes(), &[0]].concat());
        put_value(bytes, NFTA_COMPAT_REV, &revision.to_be_bytes());
        put_value(bytes, NFTA_COMPAT_TYPE, &kind.to_be_bytes());
    });
    socket.send(&bytes, OPERATION)?;
    let mut answer = None;
    socket.drain(|message| {
        if message.sequence == sequence {
            answer = answer.or(Some(message.errno().unwrap_or(0)));
        }
    })?;
    match answer {
        Some(0) => Ok(None),
        Some(libc::ENOENT) => Ok(Some(Lack::Part)),
        Some(libc::EPROTONOSUPPORT) => Ok(Some(Lack::Revision)),
        // nfnetlink's word for a subsystem that it does not know.
        Some(libc::EINVAL) => Ok(Some(Lack::Compat)),
        Some(errno) => Err(ApplyError::Socket {
            operation: OPERATION,
            source: io::Error::from_raw_os_error(errno),
        }),
        None => Err(ApplyError::UnexpectedReply {
            operation: OPERATION,
            reason: "there is none",
        }),
    }
}

/// The expressions that the kernel does not know.
///
/// No request asks for them. A rule with an expression without attributes is refused either way,
/// but as unknown only where it is; and of a batch without its end nothing is ever carried out.
fn unknown_expressions(
    socket: &mut Socket,
    family: Family,
    expressions: &[(&Requirement, &str)],
) -> Result<Vec<Lacking>, ApplyError> {
    let messages = expressions.len() + 3;
    let first = socket.reserve(messages);
    let mut bytes = begin(first, read::generation(socket)?);
    let mut sequence = first;
    let mut put = |kind: u16, content: &dyn Fn(&mut Vec<u8>)| {
        sequence += 1;
        let kind = NFNL_SUBSYS_NFTABLES << 8 | kind;
        let flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND;
        put_message(&mut bytes, kind, flags, sequence, |bytes| {
            bytes.extend_from_slice(&[read::protocol_family(family), 0, 0, 0]);
            content(bytes);
        });
    };
    put(NFT_MSG_NEWTABLE, &|bytes| {
        put_value(bytes, NFTA_TABLE_NAME, NAME);
    });
    put(NFT_MSG_NEWCHAIN, &|bytes| {
        put_value(bytes, NFTA_CHAIN_TABLE, NAME);
        put_value(bytes, NFTA_CHAIN_NAME, NAME);
    });
    for (_, name) in expressions {
        put(NFT_MSG_NEWRULE, &|bytes| {
            put_value(bytes, NFTA_RULE_TABLE, NAME);
            put_value(bytes, NFTA_RULE_CHAIN, NAME);
            put_attribute(bytes, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, |bytes| {
                put_attribute(bytes, NFTA_LIST_ELEM | NLA_F_NESTED, |bytes| {
                    put_value(bytes, NFTA_EXPR_NAME, &[name.as_bytes(), &[0]].concat());
                });
            });
        });
    }
    socket.make_room(bytes.len(), messages)?;
    socket.send(&bytes, "ask for expressions")?;
    let mut unknown = Vec::new();
    let mut denied = None;
    socket.drain(|message| match message.errno() {
        Some(libc::ENOENT) => {
            let at = message.sequence.checked_sub(first + 3);
            let at = at.and_then(|at| usize::try_from(at).ok());
            if let Some((requirement, _)) = at.and_then(|at| expressions.get(at)) {
                unknown.push(Lacking {
                    requirement: (*requirement).clone(),
                    reason: Lack::Part,
                });
            }
        }
        Some(libc::EPERM) => denied = Some(io::Error::from_raw_os_error(libc::EPERM)),
        _ => {}
    })?;
    match denied {
        Some(source) => Err(ApplyError::Socket {
            operation: "ask for expressions",
            source,
        }),
        None => Ok(unknown),
    }
}

/// Of a table and a chain that never are.
const NAME: &[u8] = b"rampart-asks\0";
/// linux/netlink.h.
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_CREATE: u16 = 0x400;
const NLM_F_APPEND: u16 = 0x800;
const NLA_F_NESTED: u16 = 0x8000;
/// linux/netfilter/nfnetlink.h.
const NFNL_SUBSYS_NFTABLES: u16 = 10;
const NFNL_SUBSYS_NFT_COMPAT: u16 = 11;
/// `linux/netfilter/nf_tables_compat.h`, enum `nft_compat_attributes`; the type is that of
/// `xt_find_revision()`.
const NFNL_MSG_COMPAT_GET: u16 = 0;
const NFTA_COMPAT_NAME: u16 = 1;
const NFTA_COMPAT_REV: u16 = 2;
const NFTA_COMPAT_TYPE: u16 = 3;
const XT_MATCH: u32 = 0;
const XT_TARGET: u32 = 1;
/// `linux/netfilter/nf_tables.h`.
const NFT_MSG_NEWTABLE: u16 = 0;
const NFT_MSG_NEWCHAIN: u16 = 3;
const NFT_MSG_NEWRULE: u16 = 6;
const NFTA_TABLE_NAME: u16 = 1;
const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_RULE_TABLE: u16 = 1;
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_LIST_ELEM: u16 = 1;
const NFTA_EXPR_NAME: u16 = 1;
