//! One pass over the log: how many lines of what, and who hit too often.

use std::num::NonZeroUsize;
use std::thread;
use std::time::SystemTime;

use ban_sets::{Network, Pardons};
use firewall_log::{Finding, Summary, Tally, Threshold};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::bouts::Bouts;
use crate::clock::{AsOf, Present};
use crate::duration::whole_seconds;
use crate::error::Fatal;
use crate::log::Log;
use crate::prefixes::{PrefixCount, Prefixes};
use crate::rule::Rule;
use crate::source::Source;
use crate::violation::Violator;
use crate::words::{count, is_zero, local, plain};

/// A line without a year that comes out older than this is more likely of tomorrow than of last
/// year.
const SUSPICIOUS_AGE: SignedDuration = SignedDuration::from_hours(24 * 350);

/// Threads that count: more would wait for the log, and each remembers sources of its own.
const MOST_WORKERS: usize = 4;

/// What the logs say.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The instant that bans are counted from.
    pub(crate) as_of: Timestamp,
    pub(crate) logs: Vec<LogRead>,
    /// For each rule.
    pub(crate) found: Vec<Found>,
    /// What the logs give reason to doubt.
    pub(crate) warnings: Vec<String>,
}

/// What was read from one `--log`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LogRead {
    /// The path as it was given.
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
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) misplaced: u64,
    /// Packets of which a line says how many they were.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) repeated: u64,
    /// Packets that the log lacks by its own account.
    #[serde(skip)]
    pub(crate) lost: u64,
}

/// What the logs say about a rule.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) counted: Counted,
    /// By address, IPv4 first.
    pub(crate) violators: Vec<Violator>,
}

/// What a rule counted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Counted {
    /// Lines that match the rule.
    pub(crate) matched: u64,
    /// Distinct sources of those.
    pub(crate) sources: u64,
    pub(crate) sources_exact: bool,
    /// What prefixes the log has instead of that of the rule, where it has none of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) prefixes: Vec<PrefixCount>,
}

/// What was read, by whatever it was judged.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The instant that bans are counted from.
    pub(crate) as_of: Timestamp,
    pub(crate) logs: Vec<LogRead>,
    /// What the logs give reason to doubt.
    pub(crate) warnings: Vec<String>,
    prefixes: Prefixes,
}

/// Reads all logs to their end. The addresses of the networks `exempt` do not count with a network
/// around them, and what is pardoned counts for nothing.
///
/// # Errors
///
/// A log cannot be read to its end; half a log would let go whom the other half convicts.
pub(crate) fn run(
    rules: &[Rule],
    exempt: &[Network],
    pardons: &Pardons,
    as_of: AsOf,
    present: &Present,
    logs: &mut [Log],
) -> Result<Scan, Fatal> {
    let thresholds = rules.iter().map(|rule| rule.threshold(exempt, pardons));
    let (reading, findings) = read(rules, thresholds, as_of, present, logs)?;
    let found = rules.iter().zip(&findings);
    let found = found.map(|(rule, finding)| Found::by(rule, finding, &reading));
    Ok(Scan {
        found: found.collect(),
        as_of: reading.as_of,
        logs: reading.logs,
        warnings: reading.warnings,
    })
}

/// Reads all logs to their end and judges by `thresholds`, which are made of the rules; what each of
/// them finds.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn read(
    rules: &[Rule],
    thresholds: impl IntoIterator<Item = Threshold>,
    as_of: AsOf,
    present: &Present,
    logs: &mut [Log],
) -> Result<(Reading, Vec<Finding>), Fatal> {
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = NonZeroUsize::new(workers.min(MOST_WORKERS)).unwrap_or(NonZeroUsize::MIN);
    let mut scan = firewall_log::Scan::new(thresholds, present.clock.clone())
        .workers(workers)
        .latest(present.horizon.into());
    if let Ok(before) = present.instant.checked_sub(SUSPICIOUS_AGE) {
        scan = scan.yearless_before(before.into());
    }
    let mut reports = Vec::with_capacity(logs.len());
    let mut summaries = Vec::with_capacity(logs.len());
    let mut warnings = Vec::new();
    let mut rotated = false;
    let mut prefixes = Prefixes::default();
    for log in logs {
        let summary = match scan.read(&mut log.text) {
            Ok(summary) => summary,
            Err(error) => {
                let lines = error.summary().counts.lines;
                return Err(log.unreadable(lines, error.into_io()));
            }
        };
        if log.is_cut(summary.bytes) {
            warnings.push(format!(
                "log \"{}\" was cut while it was read: what it held after line {} was not seen",
                plain(log.name().as_bytes()),
                summary.counts.lines
            ));
        }
        rotated |= log.older.is_some();
        prefixes.add(log.text.begin());
        reports.push(LogRead {
            path: log.name(),
            bytes: summary.bytes,
            lines: summary.counts.lines,
            events: summary.counts.events,
            unparsed: summary.counts.unparsed,
            rejected: summary.counts.rejected,
            misplaced: summary.misplaced,
            repeated: summary.repeated,
            lost: summary.lost,
        });
        summaries.push(summary);
    }
    warnings.extend(doubts(&summaries));
    let newest = summaries.iter().filter_map(|log| time(log.newest)).max();
    let oldest = summaries.iter().filter_map(|log| time(log.oldest)).min();
    let as_of = match as_of {
        AsOf::LogEnd => newest.unwrap_or(present.instant),
        AsOf::Now | AsOf::At(_) => present.instant,
    };
    // A log that nobody has shortened begins where the firewall began.
    if rotated {
        warnings.extend(short(rules, oldest, as_of, present));
    }
    let reading = Reading {
        as_of,
        logs: reports,
        warnings,
        prefixes,
    };
    Ok((reading, scan.finish()))
}

/// What to say of logs that begin too late for one of the rules.
fn short(
    rules: &[Rule],
    oldest: Option<Timestamp>,
    as_of: Timestamp,
    present: &Present,
) -> Option<String> {
    let oldest = oldest?;
    let longest = rules.iter().map(|rule| rule.within).max()?;
    let reached = whole_seconds(as_of.duration_since(oldest));
    let reached = u64::try_from(reached).unwrap_or_default();
    (reached < longest.get()).then(|| {
        format!(
            "the log begins at {}, rules look back {longest}: what was rotated away before does not count",
            local(oldest, &present.zone)
        )
    })
}

impl Found {
    /// What a rule's own threshold found.
    pub(crate) fn by(rule: &Rule, finding: &Finding, reading: &Reading) -> Self {
        let violators = finding.violators.iter();
        let violators = violators.filter_map(|tally| violator(rule, tally));
        let mut violators: Vec<_> = violators.collect();
        violators.sort_unstable_by_key(|violator| violator.source);
        Self {
            counted: Counted {
                matched: finding.matched,
                sources: finding.sources,
                sources_exact: finding.sources_exact,
                prefixes: match finding.matched {
                    0 => reading.prefixes.instead_of(&rule.name),
                    _ => Vec::new(),
                },
            },
            violators,
        }
    }
}

/// A violator as the program speaks of it; `None` where its times cannot be told.
pub(crate) fn violator(rule: &Rule, tally: &Tally) -> Option<Violator> {
    Some(Violator {
        source: Source::new(tally.source, tally.prefix_length).ok()?,
        hits: tally.hits,
        peak_hits: tally.peak_hits,
        peak_ports: tally.peak_ports,
        first_seen: tally.first_seen.try_into().ok()?,
        last_seen: tally.last_seen.try_into().ok()?,
        last_violating: tally.last_violating?.try_into().ok()?,
        due_since: tally.last_violating?.try_into().ok()?,
        bouts: Bouts::found(&tally.bouts, rule.apart().unwrap_or_default()),
    })
}

/// What all logs together give reason to doubt.
fn doubts(logs: &[Summary]) -> Vec<String> {
    let all = |number: fn(&Summary) -> u64| logs.iter().map(number).fold(0, u64::saturating_add);
    let unparsed = all(|log| log.counts.unparsed);
    let damaged = if unparsed == 1 { "is" } else { "are" };
    let latest = logs.iter().filter_map(|log| time(log.latest_ahead)).max();
    let latest = latest.map(|at| at.to_string()).unwrap_or_default();
    let misplaced = logs.iter().find_map(|log| log.misplaced_prefix.as_deref());
    let misplaced = plain(misplaced.unwrap_or_default());
    let lines = |number| count(number, "line");
    let packets = |number| count(number, "packet");
    let not_counted =
        |number, what: &str| (number, format!("not counted: {} {what}", lines(number)));
    let losses = all(|log| log.losses);
    let doubled = all(|log| log.doubled);
    let undated = all(|log| log.repeated_undated);
    let old = all(|log| log.yearless_old);
    let doubts = [
        not_counted(
            all(|log| log.counts.rejected),
            "with a firewall's text that the kernel did not write (log-scanner events shows why)",
        ),
        not_counted(
            unparsed,
            &format!("of the kernel that {damaged} damaged (log-scanner events shows where)"),
        ),
        not_counted(
            all(|log| log.misplaced),
            &format!(
                "whose prefix holds IPTABLES- but does not begin with it, the first \"{misplaced}\""
            ),
        ),
        not_counted(
            all(|log| log.counts.too_long),
            "longer than any the kernel writes",
        ),
        not_counted(
            all(|log| log.ahead),
            &format!("later than the scan, the last at {latest}; are clock and time zone right?"),
        ),
        not_counted(all(|log| log.undated), "whose time cannot be placed"),
        (
            losses,
            format!(
                "not counted: {} that by its own account the log lacks ({})",
                packets(all(|log| log.lost)),
                lines(losses)
            ),
        ),
        (
            doubled,
            format!(
                "counted twice: {} the same as the one before, kernel time stamp included; does the log get each from two sources?",
                lines(doubled)
            ),
        ),
        (
            undated,
            format!(
                "counted, but in no window: {} that rsyslog summed up ($RepeatedMsgReduction) and of which the log does not show when they began",
                packets(undated)
            ),
        ),
        (
            old,
            format!(
                "{} without a year taken for almost a year old; are clock and time zone right?",
                lines(old)
            ),
        ),
    ];
    let given = doubts.into_iter().filter(|(number, _)| *number > 0);
    given.map(|(_, doubt)| doubt).collect()
}

fn time(time: Option<SystemTime>) -> Option<Timestamp> {
    Timestamp::try_from(time?).ok()
}
