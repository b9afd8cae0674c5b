//! `-j NFLOG`.

use std::fmt;

use super::check_prefix;
use crate::BuildError;
use crate::encoding::Expression;
use crate::model::Quoted;

/// `-j NFLOG`: to the program that listens to an NFLOG group. It works in every network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nflog {
    group: u16,
    pub(super) prefix: String,
    size: Option<u32>,
    threshold: Option<u16>,
}

impl Nflog {
    /// To the listeners of `group`, 0 to 65535.
    pub fn new(group: u16) -> Self {
        Self {
            group,
            prefix: String::new(),
            size: None,
            threshold: None,
        }
    }

    /// `--nflog-prefix`: at most 63 bytes of printable ASCII.
    ///
    /// # Errors
    /// When the prefix is longer or is not printable ASCII.
    pub fn prefix(self, prefix: &str) -> Result<Self, BuildError> {
        check_prefix(prefix, PREFIX_MAX)?;
        Ok(Self {
            prefix: prefix.to_owned(),
            ..self
        })
    }

    /// `--nflog-size`: this many bytes of the packet.
    pub fn size(self, bytes: u32) -> Self {
        Self {
            size: Some(bytes),
            ..self
        }
    }

    /// `--nflog-threshold`: this many packets are collected before the listener is woken.
    pub fn threshold(self, packets: u16) -> Self {
        Self {
            threshold: Some(packets),
            ..self
        }
    }

    pub(super) fn save(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-j NFLOG")?;
        if !self.prefix.is_empty() {
            write!(f, " --nflog-prefix {}", Quoted(&self.prefix))?;
        }
        if self.group != 0 {
            write!(f, " --nflog-group {}", self.group)?;
        }
        if let Some(bytes) = self.size {
            write!(f, " --nflog-size {bytes}")?;
        }
        if let Some(packets) = self.threshold {
            write!(f, " --nflog-threshold {packets}")?;
        }
        Ok(())
    }

    pub(super) fn decode(expression: &Expression) -> Option<Self> {
        let Expression::Log {
            prefix,
            group,
            size,
            threshold,
        } = expression
        else {
            return None;
        };
        Some(Self {
            group: *group,
            prefix: prefix.clone(),
            size: *size,
            threshold: *threshold,
        })
    }

    pub(super) fn encode(&self) -> Expression {
        Expression::Log {
            prefix: self.prefix.clone(),
            group: self.group,
            size: self.size,
            threshold: self.threshold,
        }
    }
}

/// Size of the field `prefix` of struct `xt_nflog_info` (`linux/netfilter/xt_NFLOG.h`) less the
/// NUL.
const PREFIX_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Rule};

    fn text(nflog: Nflog) -> String {
        Rule::new(nflog).to_iptables_save(Family::Ipv4).to_string()
    }

    #[test]
    fn group_zero_is_not_printed() {
        assert_eq!(text(Nflog::new(0)), "-j NFLOG");
        let nflog = Nflog::new(5).prefix("BLK").unwrap().size(128).threshold(10);
        assert_eq!(
            text(nflog),
            "-j NFLOG --nflog-prefix BLK --nflog-group 5 --nflog-size 128 --nflog-threshold 10"
        );
        assert!(Nflog::new(1).prefix(&"x".repeat(64)).is_err());
    }
}
