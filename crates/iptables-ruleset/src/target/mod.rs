//! What a rule does with a packet that matches: one file a target with options.

mod dnat;
mod log;
mod masquerade;
mod nflog;
mod other;
mod reject;
mod set;

use std::fmt;

pub use dnat::Dnat;
pub use log::{Log, LogLevel};
pub use nflog::Nflog;
pub use other::Other;
pub use reject::{Reject, RejectWith};
pub use set::Set;

use crate::encoding::{Encoder, Expression, Verdict};
use crate::match_::Protocol;
use crate::{BuildError, ChainName, Family};

/// What a rule does with a packet that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// `-j ACCEPT`: it passes this hook.
    Accept,
    /// `-j DROP`: it is gone without an answer.
    Drop,
    /// `-j RETURN`: back behind the rule that jumped here.
    Return,
    /// `-j CHAIN`: the rules of another chain, then back.
    Jump(ChainName),
    /// `-j LOG`: a line in the kernel's log, then the next rule.
    Log(Log),
    /// `-j NFLOG`: to whoever listens to an NFLOG group, then the next rule.
    Nflog(Nflog),
    /// `-j REJECT`: it is dropped and the sender is told.
    Reject(Reject),
    /// `-j DNAT`: the connection goes to another address.
    Dnat(Dnat),
    /// `-j MASQUERADE`: the connection comes from the address of the interface that it leaves by.
    Masquerade,
    /// `-j SET`: its address goes into an ipset, or out of it, then the next rule.
    Set(Set),
    /// Nothing is done; the rule only counts.
    None,
    /// What another program wants and is not known here.
    Other(Other),
}

impl Target {
    /// The chain it jumps to, if it does.
    pub fn jump(&self) -> Option<&ChainName> {
        match self {
            Self::Jump(chain) => Some(chain),
            _ => None,
        }
    }

    /// What stands before a packet that it logs; `None` for a target that logs none.
    pub fn log_prefix(&self) -> Option<&str> {
        match self {
            Self::Log(log) => Some(&log.prefix),
            Self::Nflog(nflog) => Some(&nflog.prefix),
            _ => None,
        }
    }

    pub(crate) fn save(&self, f: &mut fmt::Formatter<'_>, family: Family) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("-j ACCEPT"),
            Self::Drop => f.write_str("-j DROP"),
            Self::Return => f.write_str("-j RETURN"),
            Self::Jump(chain) => write!(f, "-j {chain}"),
            Self::Log(log) => log.save(f),
            Self::Nflog(nflog) => nflog.save(f),
            Self::Reject(reject) => reject.save(f, family),
            Self::Dnat(dnat) => dnat.save(f),
            Self::Masquerade => f.write_str("-j MASQUERADE"),
            Self::Set(set) => set.save(f),
            Self::None => Ok(()),
            Self::Other(other) => other.save(f),
        }
    }

    pub(crate) fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let expression = match self {
            Self::Accept => Expression::Verdict(Verdict::Accept),
            Self::Drop => Expression::Verdict(Verdict::Drop),
            Self::Return => Expression::Verdict(Verdict::Return),
            Self::Jump(chain) => Expression::Verdict(Verdict::Jump(chain.as_str().to_owned())),
            Self::Log(log) => log.encode()?,
            Self::Nflog(nflog) => nflog.encode(),
            Self::Reject(reject) => reject.encode(encoder.family),
            Self::Dnat(dnat) => dnat.encode()?,
            Self::Masquerade => masquerade::encode(encoder.family),
            Self::Set(set) => set.encode(encoder)?,
            Self::None => return Ok(()),
            Self::Other(other) => other.expression().clone(),
        };
        encoder.push(expression);
        Ok(())
    }

    /// What an expression behind the conditions of a rule does; `set_name` tells the names of sets
    /// by their index.
    pub(crate) fn decode(
        expression: &Expression,
        family: Family,
        set_name: &dyn Fn(u16) -> Option<String>,
    ) -> Self {
        let jump = |chain: &str| chain.parse().ok().map(Self::Jump);
        let known = match expression {
            Expression::Verdict(Verdict::Accept) => Some(Self::Accept),
            Expression::Verdict(Verdict::Drop) => Some(Self::Drop),
            Expression::Verdict(Verdict::Return) => Some(Self::Return),
            Expression::Verdict(Verdict::Jump(chain)) => jump(chain),
            _ => None,
        };
        known
            .or_else(|| Log::decode(expression).map(Self::Log))
            .or_else(|| Nflog::decode(expression).map(Self::Nflog))
            .or_else(|| Reject::decode(expression, family).map(Self::Reject))
            .or_else(|| Dnat::decode(expression, family).map(Self::Dnat))
            .or_else(|| Set::decode(expression, set_name).map(Self::Set))
            .or_else(|| (*expression == masquerade::encode(family)).then_some(Self::Masquerade))
            .unwrap_or_else(|| Self::Other(Other::new(expression)))
    }

    pub(crate) fn check(&self, protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
        match self {
            Self::Reject(reject) => reject.check(protocol),
            Self::Dnat(dnat) => dnat.check(protocol, family),
            Self::Set(set) => set.check(),
            Self::Other(other) => other.check(),
            _ => Ok(()),
        }
    }
}

macro_rules! targets {
    ($($from:ident => $variant:ident,)*) => {
        $(impl From<$from> for Target {
            fn from(target: $from) -> Self {
                Self::$variant(target)
            }
        })*
    };
}

targets! {
    ChainName => Jump,
    Dnat => Dnat,
    Log => Log,
    Nflog => Nflog,
    Reject => Reject,
    Set => Set,
}

/// Whether an expression does something with a packet, rather than ask about it.
pub(crate) fn is_target(expression: &Expression) -> bool {
    matches!(
        expression,
        Expression::Verdict(_) | Expression::Target(_) | Expression::Log { .. }
    )
}

/// Refuses a prefix that would not come back unchanged from the kernel and from a saved file.
fn check_prefix(prefix: &str, max: usize) -> Result<(), BuildError> {
    let reason = if prefix.len() > max {
        format!("is {} bytes long, at most {max} are possible", prefix.len())
    } else if prefix.chars().any(|c| !c.is_ascii_graphic() && c != ' ') {
        "must be printable ASCII".to_owned()
    } else {
        return Ok(());
    };
    Err(BuildError::value("log prefix", prefix, reason))
}
