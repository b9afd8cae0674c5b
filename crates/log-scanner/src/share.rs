//! `--share`: what other hosts may know is left in an outbox, from which somebody else tells it.
//!
//! Nothing here knows a network. A file that cannot be written is a warning, and the bans stay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ban_fleet::{
    Ban as Shared, Cause, Outbox, Prefix, Record, Rule as RuleName, Set, Time,
    is_shared_unless_said,
};
use firewall_log::Protocol;
use jiff::Timestamp;

use crate::error::chain;
use crate::reason::one_word;
use crate::rule::Rule;
use crate::violation::{Banned, Outcome, TakenBack};

/// The outbox as one run fills it.
#[derive(Debug)]
pub(crate) struct Share {
    path: Option<PathBuf>,
    /// The end and the last hit of what is there; `None` where it has to be read.
    known: Option<Known>,
    /// So many are a reason to look for those that are over.
    many: usize,
}

type Known = BTreeMap<(Set, Prefix), (Time, Time)>;

/// Fewer are not looked through.
const FEW: usize = 1000;

impl Share {
    /// Shares nothing without a path.
    pub(crate) fn new(path: Option<&Path>) -> Self {
        Self {
            path: path.map(Path::to_owned),
            known: None,
            many: FEW,
        }
    }

    /// Leaves there what was banned, without what was taken back; what to warn of.
    pub(crate) fn leave(
        &mut self,
        banned: &[Banned<'_>],
        taken_back: &[TakenBack],
        now: Timestamp,
    ) -> Option<String> {
        let path = self.path.as_deref()?;
        let banned = banned.iter().filter(|banned| {
            let source = banned.ban.source();
            let is_here = matches!(
                banned.outcome,
                Outcome::Added | Outcome::Refreshed | Outcome::Kept(_)
            );
            let is_back = taken_back.iter().any(|back| back.source == source);
            is_here && is_shared(banned.ban.rule) && !is_back
        });
        let banned: Vec<_> = banned.collect();
        if banned.is_empty() {
            return None;
        }
        let left = leave(path, &mut self.known, &mut self.many, &banned, now);
        let why = left.err()?;
        // How far it came is read the next time.
        self.known = None;
        Some(format!("other hosts are not told of all bans: {why}"))
    }
}

fn leave(
    path: &Path,
    known: &mut Option<Known>,
    many: &mut usize,
    banned: &[&Banned<'_>],
    now: Timestamp,
) -> Result<(), String> {
    let outbox = Outbox::new(path);
    let now = instant(now);
    let of = match known {
        Some(known) => known,
        None => known.insert(read(&outbox, now)?),
    };
    if of.len() > *many {
        of.retain(|_, (end, _)| *end > now);
        *many = FEW.max(of.len() * 2);
    }
    let (mut records, mut unspeakable) = (Vec::new(), None);
    for banned in banned {
        let Some(ban) = record(banned) else {
            unspeakable = Some(banned.ban.rule.ipset.to_string());
            continue;
        };
        let there = of.get(&(ban.set.clone(), ban.prefix));
        let is_new = match banned.outcome {
            // A source that goes on is found with each of its lines.
            Outcome::Kept(_) => there.is_none_or(|(end, _)| *end <= now),
            _ => there.is_none_or(|(end, last)| *end < ban.end || *last < ban.last_hit),
        };
        if is_new && ban.end > now {
            of.insert((ban.set.clone(), ban.prefix), (ban.end, ban.last_hit));
            records.push(Record::Ban(ban));
        }
    }
    outbox
        .append(&records, now)
        .map_err(|error| chain(&error))?;
    match unspeakable {
        Some(set) => Err(format!(
            "\"{set}\" is no name of a set that a fleet can have"
        )),
        None => Ok(()),
    }
}

fn read(outbox: &Outbox, now: Time) -> Result<Known, String> {
    let contents = outbox.read(now).map_err(|error| chain(&error))?;
    let mut known = Known::new();
    for record in contents.records {
        if let Record::Ban(ban) = record {
            let (end, last) = known.entry((ban.set, ban.prefix)).or_default();
            (*end, *last) = (ban.end.max(*end), ban.last_hit.max(*last));
        }
    }
    Ok(known)
}

/// Whether the bans of a rule are told: as it says, or where a forged source cannot easily trip it.
fn is_shared(rule: &Rule) -> bool {
    let unless_said = || {
        let tcp_alone = rule.protocols.iter().eq([Protocol::Tcp]);
        is_shared_unless_said(tcp_alone, rule.distinct_ports.is_some(), rule.handshake)
    };
    rule.share.unwrap_or_else(unless_said)
}

/// A ban, as a fleet has it; `None` where its set has no name there.
fn record(banned: &Banned<'_>) -> Option<Shared> {
    let (ban, violator) = (&banned.ban, &banned.ban.violator);
    let network = ban.source().network();
    let (end, last_hit) = (instant(ban.expires), instant(violator.last_violating));
    Some(Shared {
        set: ban.rule.ipset.to_string().parse().ok()?,
        prefix: Prefix::new(network.address(), network.prefix_length()).ok()?,
        end,
        last_hit: last_hit.min(end),
        cause: Cause::Scan {
            rule: one_word(&ban.rule.name.to_string())
                .parse::<RuleName>()
                .ok()?,
            hits: violator.peak_hits.max(1),
            ports: violator.peak_ports,
        },
    })
}

fn instant(time: Timestamp) -> Time {
    Time::from_millis(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::tests::rule;

    #[test]
    fn what_a_forged_source_can_trip_is_not_shared_unless_said() {
        let shared = |more: &str, from: &str| {
            let text = format!(
                "rule = \"blocked\"\ntype = \"{from}\"\nhowmany = 5\nwithin = \"1m\"\n\
                 ipset = \"blacklist\"\nremoveafter = \"1d\"\n{more}"
            );
            is_shared(&toml::from_str(&text).expect("a rule"))
        };
        assert!(!is_shared(&rule()));
        assert!(shared("distinct-ports = 5", "tcp"));
        assert!(shared("handshake = true", "tcp"));
        assert!(!shared("distinct-ports = 5\nshare = false", "tcp"));
        for other in ["udp", "all", "icmp", "hidden"] {
            assert!(!shared("distinct-ports = 5", other), "{other}");
            assert!(shared("share = true", other), "{other}");
        }
    }
}
