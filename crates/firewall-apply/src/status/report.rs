//! What `status` found.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use iptables_ruleset::match_::Time;
use iptables_ruleset::{Family, Match, Purpose, Rule, RuleCounters, UnixTime};
use jiff::Timestamp;
use serde::Serialize;

use super::words;
use crate::config::Source;
use crate::pending::Trouble;
use crate::report;
use crate::rules::Policies;
use crate::set_fill::SetFill;
use crate::style::Style;

/// What `status` found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration.
    pub(crate) config: Source,
    /// Whether a firewall of ours stands.
    pub(crate) up: bool,
    /// When it went in; null where that is not known.
    pub(crate) since: Option<Timestamp>,
    /// The file that says so.
    pub(crate) since_from: Option<PathBuf>,
    /// Whether the configuration is another than the one that went in; null where that is not
    /// known.
    pub(crate) changed: Option<bool>,
    /// The change that waits to be confirmed; null where none does.
    pub(crate) pending: Option<PendingReport>,
    /// The rules; none when the kernel could not be asked.
    pub(crate) families: Vec<FamilyReport>,
    /// The sets.
    pub(crate) sets: Vec<SetFill>,
    #[serde(skip)]
    pub(super) style: Style,
}

impl report::Report for Report {
    const COMMAND: &'static str = "status";
    const TEXT_IS_WANTED: bool = true;
}

/// A change that waits to be confirmed.
#[derive(Debug, Serialize)]
pub(crate) struct PendingReport {
    /// When it was made.
    pub(crate) at: Timestamp,
    /// When it goes back.
    pub(crate) until: Timestamp,
    /// What came of going back; null as long as nobody tried.
    pub(crate) failed: Option<Trouble>,
}

/// The rules of a table of a family.
#[derive(Debug, Serialize)]
pub(crate) struct FamilyReport {
    /// `inet` or `inet6`.
    pub(crate) family: &'static str,
    /// The table.
    pub(crate) table: &'static str,
    /// As people call the two: `IPv4`, `IPv4 raw`.
    #[serde(skip)]
    pub(super) place: String,
    /// The policy of each built-in chain; null for one that is not there.
    pub(crate) policies: Policies,
    /// The policy that the configuration gives each.
    #[serde(skip)]
    pub(super) wanted_policies: Policies,
    /// The jumps to our chains.
    pub(crate) jumps: Vec<JumpReport>,
    /// Our chains.
    pub(crate) chains: Vec<ChainReport>,
}

/// A jump to a chain of ours.
#[derive(Debug, Serialize)]
pub(crate) struct JumpReport {
    /// The built-in chain, or the one of others.
    pub(crate) from: String,
    /// Our chain.
    pub(crate) to: String,
    /// Which rule of that chain it is, from 1; null when it is not there.
    pub(crate) position: Option<usize>,
    /// How many rules of others stand before it.
    pub(crate) others_before: usize,
}

/// A chain of ours.
#[derive(Debug, Serialize)]
pub(crate) struct ChainReport {
    /// Its name.
    pub(crate) name: String,
    /// Its rules.
    pub(crate) rules: Vec<RuleReport>,
}

/// A rule.
#[derive(Debug, Serialize)]
pub(crate) struct RuleReport {
    /// Its number, from 1.
    pub(crate) number: usize,
    /// What it is there for: `service`, `listed`, `loopback`, …
    pub(crate) purpose: &'static str,
    /// Which service or set.
    pub(crate) of: Option<String>,
    /// What its packets are: `new connections`.
    pub(crate) counts: &'static str,
    /// What it decides about them: `allowed`, `blocked`, …
    #[serde(skip)]
    pub(super) decision: &'static str,
    /// The rule in the words of iptables.
    pub(crate) rule: String,
    /// Whether it matches at this time; null where it asks for none.
    pub(crate) time: Option<TimeReport>,
    /// Packets so far.
    pub(crate) packets: u64,
    /// Bytes so far.
    pub(crate) bytes: u64,
    /// Packets in a second, since the last look.
    #[serde(skip)]
    pub(super) rate: Option<f64>,
}

/// A rule that matches at times.
#[derive(Debug, Serialize)]
pub(crate) struct TimeReport {
    /// Whether it does now; null where that depends on the kernel's time zone.
    pub(crate) holds: Option<bool>,
    /// When that changes; null where it does not, or that cannot be told.
    pub(crate) changes: Option<String>,
    #[serde(skip)]
    pub(super) time: Time,
}

impl TimeReport {
    fn of(rule: &Rule, now: UnixTime) -> Option<Self> {
        let mut times = rule.matches().iter().filter_map(|one| match one {
            Match::Time(time) => Some(*time),
            _ => None,
        });
        let time = times.next()?;
        Some(Self {
            holds: time.holds_at(now),
            changes: Time::change_after(&[time], now).map(|at| at.to_string()),
            time,
        })
    }
}

impl Report {
    /// What is found where nothing can be asked.
    pub(super) fn new(config: Source, style: Style) -> Self {
        Self {
            config,
            up: false,
            since: None,
            since_from: None,
            changed: None,
            pending: None,
            families: Vec::new(),
            sets: Vec::new(),
            style,
        }
    }

    /// Says how much came in a second since `before`.
    pub(super) fn note_rates(&mut self, before: Option<&Rates>) {
        let Some(before) = before else { return };
        let seconds = before.at.elapsed().as_secs_f64();
        for family in &mut self.families {
            for chain in &mut family.chains {
                for rule in &mut chain.rules {
                    let key = key(&family.place, &chain.name, rule);
                    let packets = before.packets.get(&key);
                    // Fewer than before: the rule is a new one.
                    let more = packets.and_then(|before| rule.packets.checked_sub(*before));
                    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
                    let rate = more.map(|more| more as f64 / seconds.max(0.001));
                    rule.rate = rate;
                }
            }
        }
    }
}

/// The counters of one look, from which the next one tells rates.
#[derive(Debug)]
pub(super) struct Rates {
    at: Instant,
    packets: BTreeMap<(String, String, usize, String), u64>,
}

impl Rates {
    /// Those of a look that was just had.
    pub(super) fn of(report: &Report) -> Self {
        let mut packets = BTreeMap::new();
        for family in &report.families {
            for chain in &family.chains {
                for rule in &chain.rules {
                    packets.insert(key(&family.place, &chain.name, rule), rule.packets);
                }
            }
        }
        Self {
            at: Instant::now(),
            packets,
        }
    }
}

fn key(place: &str, chain: &str, rule: &RuleReport) -> (String, String, usize, String) {
    let text = rule.rule.clone();
    (place.to_owned(), chain.to_owned(), rule.number, text)
}

impl RuleReport {
    /// A rule of a chain as it is in the kernel.
    pub(super) fn new(
        number: usize,
        rule: &Rule,
        family: Family,
        (chain, purpose): (&str, Option<Purpose>),
        counters: RuleCounters,
    ) -> Self {
        let purpose = purpose.unwrap_or(Purpose::Other);
        let (name, of) = words::purpose(&purpose);
        Self {
            number,
            purpose: name,
            of,
            counts: words::counted(&purpose, rule),
            decision: words::decision(chain, &purpose, rule),
            rule: rule.to_iptables_save(family).to_string(),
            time: TimeReport::of(rule, SystemTime::now().into()),
            packets: counters.packets,
            bytes: counters.bytes,
            rate: None,
        }
    }
}
