//! `-j LOG`.

use std::fmt;

use super::check_prefix;
use crate::BuildError;
use crate::decoding::Fields;
use crate::encoding::{Expression, Extension, Field, Info};
use crate::model::Quoted;

/// `-j LOG`: a line in the kernel's log.
///
/// In a network namespace other than the first one the kernel writes nothing unless the sysctl
/// `net.netfilter.nf_log_all_netns` is 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub(super) prefix: String,
    level: LogLevel,
    flags: u8,
}

/// A syslog level, 0 (emergency) to 7 (debug).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogLevel(u8);

impl LogLevel {
    /// 4, what `-j LOG` takes unless it is told otherwise.
    pub const WARNING: Self = Self(4);
    /// 6.
    pub const INFO: Self = Self(6);

    /// The level with that number.
    ///
    /// # Errors
    /// When it is above 7.
    pub fn new(number: u8) -> Result<Self, BuildError> {
        if number > 7 {
            return Err(BuildError::value(
                "log level",
                number,
                "must be 0 (emergency) to 7 (debug)",
            ));
        }
        Ok(Self(number))
    }

    /// The number, 0 to 7.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl Log {
    /// Lines that begin with `prefix`: at most 29 bytes of printable ASCII, the blank at its end
    /// included.
    ///
    /// # Errors
    /// When the prefix is longer (iptables would cut it) or is not printable ASCII.
    pub fn new(prefix: &str) -> Result<Self, BuildError> {
        check_prefix(prefix, PREFIX_MAX)?;
        Ok(Self {
            prefix: prefix.to_owned(),
            level: LogLevel::WARNING,
            flags: 0,
        })
    }

    /// `--log-level`.
    pub fn level(self, level: LogLevel) -> Self {
        Self { level, ..self }
    }

    /// `--log-tcp-sequence`: with the TCP sequence numbers.
    pub fn tcp_sequence(self) -> Self {
        self.flag(XT_LOG_TCPSEQ)
    }

    /// `--log-tcp-options`: with the options of the TCP header.
    pub fn tcp_options(self) -> Self {
        self.flag(XT_LOG_TCPOPT)
    }

    /// `--log-ip-options`: with the options of the IP header.
    pub fn ip_options(self) -> Self {
        self.flag(XT_LOG_IPOPT)
    }

    /// `--log-uid`: with the user that sent it, where that is known.
    pub fn uid(self) -> Self {
        self.flag(XT_LOG_UID)
    }

    /// What the lines begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn flag(self, flag: u8) -> Self {
        Self {
            flags: self.flags | flag,
            ..self
        }
    }

    pub(super) fn save(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-j LOG")?;
        if !self.prefix.is_empty() {
            write!(f, " --log-prefix {}", Quoted(&self.prefix))?;
        }
        if self.level != LogLevel::WARNING {
            write!(f, " --log-level {}", self.level.0)?;
        }
        let options = [
            (XT_LOG_TCPSEQ, "--log-tcp-sequence"),
            (XT_LOG_TCPOPT, "--log-tcp-options"),
            (XT_LOG_IPOPT, "--log-ip-options"),
            (XT_LOG_UID, "--log-uid"),
        ];
        for (_, option) in options
            .into_iter()
            .filter(|(flag, _)| self.flags & flag != 0)
        {
            write!(f, " {option}")?;
        }
        Ok(())
    }

    pub(super) fn decode(expression: &Expression) -> Option<Self> {
        let Expression::Target(xt) = expression else {
            return None;
        };
        let info = Fields(&xt.info);
        let log = Self {
            prefix: info.text(PREFIX)?.to_owned(),
            level: LogLevel::new(info.u8(LEVEL)?).ok()?,
            flags: info.u8(LOG_FLAGS)?,
        };
        (log.encode().ok()? == *expression).then_some(log)
    }

    pub(super) fn encode(&self) -> Result<Expression, BuildError> {
        let info = Info::new()
            .put(LEVEL, [self.level.0])
            .put(LOG_FLAGS, [self.flags])
            .put_start(PREFIX, self.prefix.as_bytes())?
            .finish();
        Ok(Expression::Target(Extension {
            name: "LOG",
            revision: 0,
            info,
        }))
    }
}

/// Fields of struct `xt_log_info`, `linux/netfilter/xt_LOG.h`.
const SIZE: usize = 32;
const LEVEL: Field<SIZE, 1> = Field::at(0);
const LOG_FLAGS: Field<SIZE, 1> = Field::at(1);
const PREFIX: Field<SIZE, { PREFIX_MAX + 1 }> = Field::at(2);
/// Size of the field `prefix` of struct `xt_log_info` less the NUL.
const PREFIX_MAX: usize = 29;
/// `linux/netfilter/xt_LOG.h`.
const XT_LOG_TCPSEQ: u8 = 0x01;
const XT_LOG_TCPOPT: u8 = 0x02;
const XT_LOG_IPOPT: u8 = 0x04;
const XT_LOG_UID: u8 = 0x08;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Rule};

    fn text(log: Log) -> String {
        Rule::new(log).to_iptables_save(Family::Ipv4).to_string()
    }

    #[test]
    fn the_default_level_is_not_printed() {
        let log = Log::new("IPTABLES-BLOCKED: ").unwrap();
        assert_eq!(
            text(log.clone()),
            "-j LOG --log-prefix \"IPTABLES-BLOCKED: \""
        );
        assert_eq!(
            text(log.level(LogLevel::INFO)),
            "-j LOG --log-prefix \"IPTABLES-BLOCKED: \" --log-level 6"
        );
        assert_eq!(text(Log::new("").unwrap()), "-j LOG");
    }

    #[test]
    fn level_flags_and_prefix_in_the_structure() {
        let Expression::Target(xt) = Log::new("BLK")
            .unwrap()
            .level(LogLevel::INFO)
            .uid()
            .tcp_options()
            .encode()
            .unwrap()
        else {
            panic!("not a target");
        };
        assert_eq!(
            (xt.name, xt.revision, xt.info.len(), &xt.info[..6]),
            ("LOG", 0, 32, &b"\x06\x0aBLK\0"[..])
        );
    }

    #[test]
    fn what_would_be_cut_or_change_is_refused() {
        assert!(Log::new(&"x".repeat(29)).is_ok());
        for bad in [&"x".repeat(30), "new\nline", "\u{fc}"] {
            assert!(Log::new(bad).is_err(), "{bad:?}");
        }
        assert!(LogLevel::new(8).is_err());
    }
}
