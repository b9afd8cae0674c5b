//! What a rule does with a packet that matches: one file a target with options.

mod log;
mod nflog;
mod reject;

use std::fmt;

pub use log::{Log, LogLevel};
pub use nflog::Nflog;
pub use reject::{Reject, RejectWith};

use crate::encoding::{Encoder, Expression, Verdict};
use crate::{ChainName, Family, Rule};

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
}

impl Target {
    /// The chain it jumps to, if it does.
    pub fn jump(&self) -> Option<&ChainName> {
        match self {
            Self::Jump(chain) => Some(chain),
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
        }
    }

    pub(crate) fn encode(&self, encoder: &mut Encoder<'_>) {
        let expression = match self {
            Self::Accept => Expression::Verdict(Verdict::Accept),
            Self::Drop => Expression::Verdict(Verdict::Drop),
            Self::Return => Expression::Verdict(Verdict::Return),
            Self::Jump(chain) => Expression::Verdict(Verdict::Jump(chain.as_str().to_owned())),
            Self::Log(log) => log.encode(),
            Self::Nflog(nflog) => nflog.encode(),
            Self::Reject(reject) => reject.encode(encoder.family),
        };
        encoder.push(expression);
    }

    pub(crate) fn check(&self, rule: &Rule, _family: Family) -> Result<(), String> {
        match self {
            Self::Reject(reject) => reject.check(rule),
            _ => Ok(()),
        }
    }
}

impl From<ChainName> for Target {
    fn from(chain: ChainName) -> Self {
        Self::Jump(chain)
    }
}

impl From<Log> for Target {
    fn from(log: Log) -> Self {
        Self::Log(log)
    }
}

impl From<Nflog> for Target {
    fn from(nflog: Nflog) -> Self {
        Self::Nflog(nflog)
    }
}

impl From<Reject> for Target {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

/// Only what comes back unchanged from the kernel and from a saved file.
fn check_prefix(prefix: &str, max: usize) -> Result<(), crate::BuildError> {
    let reason = if prefix.len() > max {
        format!("is {} bytes long, at most {max} are possible", prefix.len())
    } else if prefix.chars().any(|c| !c.is_ascii_graphic() && c != ' ') {
        "must be printable ASCII".to_owned()
    } else {
        return Ok(());
    };
    Err(crate::BuildError::value("log prefix", prefix, reason))
}
