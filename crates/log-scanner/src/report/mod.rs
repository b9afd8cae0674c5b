//! What a scan found and did, before it is text or JSON.

mod json;
mod text;

use std::net::IpAddr;

use jiff::Timestamp;

use crate::args::{ScanArgs, SetPair};
use crate::duration::{Seconds, Spelled};

pub(crate) use json::write as write_json;
pub(crate) use text::{count, local, write as write_text};

/// The whole of it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) as_of: Timestamp,
    pub(crate) dry_run: bool,
    pub(crate) logs: Vec<LogReport>,
    pub(crate) rule: RuleReport,
    /// What the log and the sets gave reason to doubt.
    pub(crate) warnings: Vec<Warning>,
}

/// A doubt, told in the phase it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    pub(crate) phase: Phase,
    pub(crate) text: String,
}

impl Warning {
    pub(crate) fn new(phase: Phase, text: impl Into<String>) -> Self {
        Self {
            phase,
            text: text.into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Reading,
    Acting,
}

/// What was read from one `--log`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogReport {
    /// As it was given.
    pub(crate) path: String,
    /// Bytes of text, of a compressed log after decompression.
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    /// Well-formed lines of the firewall, written by the kernel.
    pub(crate) events: u64,
    /// Lines of the kernel with a firewall's prefix that are not well formed.
    pub(crate) unparsed: u64,
    /// Lines with a firewall's prefix that the kernel did not write.
    pub(crate) rejected: u64,
}

/// What became of one rule.
#[derive(Debug)]
pub(crate) struct RuleReport {
    pub(crate) rule: String,
    pub(crate) protocols: String,
    pub(crate) howmany: u32,
    pub(crate) within: Seconds,
    pub(crate) ipset: SetPair,
    pub(crate) removeafter: Seconds,
    /// Lines that match the rule.
    pub(crate) matched: u64,
    /// Distinct sources of those.
    pub(crate) sources: u64,
    pub(crate) sources_exact: bool,
    /// By address, IPv4 first.
    pub(crate) violations: Vec<ViolationReport>,
}

impl RuleReport {
    /// The rule as it was given, with nothing found yet.
    pub(crate) fn new(args: &ScanArgs) -> Self {
        Self {
            rule: args.rule.to_string(),
            protocols: args.protocols.to_string(),
            howmany: args.howmany.get(),
            within: args.within,
            ipset: args.ipset.clone(),
            removeafter: args.removeafter,
            matched: 0,
            sources: 0,
            sources_exact: true,
            violations: Vec::new(),
        }
    }
}

/// A source that broke the threshold, and what was done about it.
#[derive(Clone, Debug)]
pub(crate) struct ViolationReport {
    pub(crate) source: IpAddr,
    /// The set it belongs into.
    pub(crate) set: String,
    /// All its matching lines.
    pub(crate) hits: u64,
    /// The most of them in any one window.
    pub(crate) peak_hits: u64,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    /// When the ban ends that this log gives reason for.
    pub(crate) expires: Timestamp,
    /// The whole seconds until then, rounded up; 0 when it is past.
    pub(crate) timeout: u32,
    pub(crate) outcome: Outcome,
}

/// What became of a violator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Added,
    /// It was in the set; now it stays longer.
    Refreshed,
    /// It is in the set for at least as long already.
    Kept(Remaining),
    /// Never added, because of this.
    Exempt(String),
    /// The ban would have ended before.
    Expired,
    WouldAdd,
    /// The kernel said no.
    Refused(String),
}

/// How long an entry that is there already stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remaining {
    Permanent,
    Seconds(u32),
}

impl std::fmt::Display for Remaining {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Permanent => f.write_str("for good"),
            Self::Seconds(seconds) => write!(f, "for another {}", Spelled((*seconds).into())),
        }
    }
}

impl Outcome {
    /// The word of the JSON document.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Refreshed => "refreshed",
            Self::Kept(_) => "kept",
            Self::Exempt(_) => "exempt",
            Self::Expired => "expired",
            Self::WouldAdd => "would-add",
            Self::Refused(_) => "refused",
        }
    }
}

impl Report {
    /// Whether all that was wanted is in the kernel.
    pub(crate) fn is_complete(&self) -> bool {
        let refused =
            |violation: &ViolationReport| matches!(violation.outcome, Outcome::Refused(_));
        !self.rule.violations.iter().any(refused)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn violation(source: &str, outcome: Outcome) -> ViolationReport {
        let source: IpAddr = source.parse().expect("an address");
        ViolationReport {
            source,
            set: if source.is_ipv4() {
                "blacklist"
            } else {
                "blacklist_v6"
            }
            .to_owned(),
            hits: 512,
            peak_hits: 501,
            first_seen: "2026-11-22T08:00:00Z".parse().expect("a time"),
            last_seen: "2026-11-22T08:59:00.25Z".parse().expect("a time"),
            expires: "2026-11-23T08:59:00.25Z".parse().expect("a time"),
            timeout: 86_341,
            outcome,
        }
    }

    pub(super) fn report(dry_run: bool, violations: Vec<ViolationReport>) -> Report {
        Report {
            as_of: "2026-11-22T09:00:00Z".parse().expect("a time"),
            dry_run,
            logs: vec![LogReport {
                path: "/ram/iptables.log".to_owned(),
                bytes: 123_456,
                lines: 700,
                events: 690,
                unparsed: 1,
                rejected: 2,
            }],
            rule: RuleReport {
                rule: "blocked".to_owned(),
                protocols: "tcp".to_owned(),
                howmany: 500,
                within: "30m".parse().expect("a duration"),
                ipset: "blacklist".parse().expect("a name"),
                removeafter: "1d".parse().expect("a duration"),
                matched: 650,
                sources: 7,
                sources_exact: true,
                violations,
            },
            warnings: vec![
                Warning::new(Phase::Reading, "2 lines were not written by the kernel"),
                Warning::new(Phase::Acting, "set \"whitelist\" cannot be asked"),
            ],
        }
    }
}
