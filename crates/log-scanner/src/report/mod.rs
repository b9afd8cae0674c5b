//! What a scan found and did, before it is text or JSON.

mod json;
mod text;

use ipset_netlink::SetName;
use jiff::Timestamp;
pub(crate) use json::write as write_json;
pub(crate) use text::{count, local, write as write_text};

use crate::duration::Spelled;
use crate::exempt::Part;
use crate::prefixes::Held;
use crate::rule::Rule;
use crate::source::Source;

/// The whole of it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) as_of: Timestamp,
    pub(crate) dry_run: bool,
    pub(crate) logs: Vec<LogReport>,
    /// In the order they were given; at least one.
    pub(crate) rules: Vec<RuleReport>,
    /// Who was excepted from a ban by an earlier scan and is not exempt any more.
    pub(crate) lifted: Vec<Lifted>,
    /// What the log and the sets gave reason to doubt.
    pub(crate) warnings: Vec<Warning>,
}

/// An exception (nomatch) that goes because nobody in it is exempt any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lifted {
    pub(crate) source: Source,
    pub(crate) set: SetName,
    /// Why it is still there.
    pub(crate) error: Option<String>,
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
    /// Lines of the kernel whose prefix holds a firewall's and does not begin with it.
    pub(crate) misplaced: u64,
    /// Packets of which a line says how many they were.
    pub(crate) repeated: u64,
}

/// What became of one rule.
#[derive(Debug)]
pub(crate) struct RuleReport {
    pub(crate) rule: Rule,
    /// Lines that match the rule.
    pub(crate) matched: u64,
    /// Distinct sources of those.
    pub(crate) sources: u64,
    pub(crate) sources_exact: bool,
    /// What prefixes the log has instead of that of the rule, where it has none of it.
    pub(crate) prefixes: Vec<Held>,
    /// By address, IPv4 first.
    pub(crate) violations: Vec<ViolationReport>,
}

/// A source that broke the threshold, and what was done about it.
#[derive(Clone, Debug)]
pub(crate) struct ViolationReport {
    pub(crate) source: Source,
    /// The set it belongs into.
    pub(crate) set: SetName,
    /// All its matching lines.
    pub(crate) hits: u64,
    /// The most of them in any one window.
    pub(crate) peak_hits: u64,
    /// The most different ports in any one window, where the rule asks for them.
    pub(crate) peak_ports: Option<u32>,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    /// When the ban ends that this log gives reason for.
    pub(crate) expires: Timestamp,
    /// The whole seconds until then, rounded up; 0 when it is past.
    pub(crate) timeout: u32,
    pub(crate) outcome: Outcome,
    /// Who in it is exempt and so excepted from the ban.
    pub(crate) exceptions: Vec<Part>,
    /// How many of its connections are older than its first hit, and left alone for that.
    pub(crate) connections_left: u64,
    /// What became of its connections, where they were to be cut.
    pub(crate) connections: Option<Connections>,
}

/// What became of a violator's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    Cut(u64),
    WouldCut(u64),
    /// How many were cut all the same, and what went wrong.
    Refused(u64, String),
}

impl ViolationReport {
    /// Why something that was wanted is not in the kernel.
    pub(crate) fn error(&self) -> Option<&str> {
        match (&self.outcome, &self.connections) {
            (Outcome::Refused(error), _) | (_, Some(Connections::Refused(_, error))) => Some(error),
            _ => None,
        }
    }
}

/// What became of a violator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Added,
    /// It was in the set; now it stays longer.
    Refreshed,
    /// It is in the set for at least as long already.
    Kept(Remaining),
    /// Another rule of this scan bans it into the same set, itself or a network around it, and for
    /// longer.
    Outlasted {
        /// From 1.
        rule: usize,
        until: Timestamp,
    },
    /// This host has opened a connection to it.
    Connected,
    /// Others had more evidence, and no more are banned in one run.
    BeyondMaxBans,
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
    /// Whether this scan puts the source into the set, itself or with a network around it.
    pub(crate) fn is_by_this_scan(&self) -> bool {
        match self {
            Self::Added | Self::Refreshed | Self::Outlasted { .. } | Self::WouldAdd => true,
            Self::Kept(_)
            | Self::Connected
            | Self::BeyondMaxBans
            | Self::Exempt(_)
            | Self::Expired
            | Self::Refused(_) => false,
        }
    }

    /// The word of the JSON document.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Refreshed => "refreshed",
            Self::Kept(_) | Self::Outlasted { .. } => "kept",
            Self::Connected => "connected",
            Self::BeyondMaxBans => "beyond-max-bans",
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
        let mut violations = self.rules.iter().flat_map(|rule| &rule.violations);
        let is_done = |violation: &ViolationReport| {
            violation.error().is_none()
                && (self.dry_run || violation.outcome != Outcome::BeyondMaxBans)
        };
        violations.all(is_done) && self.lifted.iter().all(|lifted| lifted.error.is_none())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn violation(source: &str, outcome: Outcome) -> ViolationReport {
        let (address, bits) = source.split_once('/').unwrap_or((source, ""));
        let address: std::net::IpAddr = address.parse().expect("an address");
        let (set, all) = if address.is_ipv4() {
            ("blacklist", 32)
        } else {
            ("blacklist_v6", 128)
        };
        ViolationReport {
            source: Source::new(address, bits.parse().unwrap_or(all)).expect("a network"),
            set: set.parse().expect("a name"),
            hits: 512,
            peak_hits: 501,
            peak_ports: None,
            first_seen: "2026-11-22T08:00:00Z".parse().expect("a time"),
            last_seen: "2026-11-22T08:59:00.25Z".parse().expect("a time"),
            expires: "2026-11-23T08:59:00.25Z".parse().expect("a time"),
            timeout: 86_341,
            outcome,
            exceptions: Vec::new(),
            connections_left: 0,
            connections: None,
        }
    }

    pub(super) fn rule() -> Rule {
        Rule {
            name: "blocked".parse().expect("a name"),
            protocols: "tcp".parse().expect("a protocol"),
            howmany: 500.try_into().expect("some"),
            within: "30m".parse().expect("a duration"),
            ipset: "blacklist".parse().expect("a name"),
            removeafter: "1d".parse().expect("a duration"),
            distinct_ports: None,
            aggregate_v4: None,
            aggregate_v6: None,
            count_answers: false,
            count_multicast: false,
            exempt: Vec::new(),
            cut_connections: false,
            ban_connected: false,
            cut_older: false,
        }
    }

    pub(crate) fn report(dry_run: bool, violations: Vec<ViolationReport>) -> Report {
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
                misplaced: 0,
                repeated: 0,
            }],
            rules: vec![RuleReport {
                rule: rule(),
                matched: 650,
                sources: 7,
                sources_exact: true,
                prefixes: Vec::new(),
                violations,
            }],
            lifted: Vec::new(),
            warnings: vec![
                Warning::new(Phase::Reading, "2 lines were not written by the kernel"),
                Warning::new(Phase::Acting, "set \"whitelist\" cannot be asked"),
            ],
        }
    }
}
