//! One pass over the log: how many lines of what, and who hit too often.

use firewall_log::{Detector, Event, LogTime, Tally};
use jiff::{SignedDuration, Timestamp};

use crate::args::AsOf;
use crate::clock::Present;
use crate::error::Fatal;
use crate::log::Log;
use crate::plain::plain;
use crate::report::{LogReport, Phase, Warning, count};
use crate::rule::Rule;
use crate::source::Source;

/// A line without a year that comes out older than this is more likely of tomorrow than of last year.
const SUSPICIOUS_AGE: SignedDuration = SignedDuration::from_hours(24 * 350);

/// What the logs say.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The instant that bans are counted from.
    pub(crate) as_of: Timestamp,
    pub(crate) logs: Vec<LogReport>,
    /// For each rule.
    pub(crate) found: Vec<Found>,
    pub(crate) warnings: Vec<Warning>,
}

/// What the logs say about a rule.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) matched: u64,
    pub(crate) sources: u64,
    /// By address, IPv4 first.
    pub(crate) violators: Vec<Violator>,
}

/// A source that broke the threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violator {
    pub(crate) source: Source,
    pub(crate) tally: Tally,
    /// What its ban is dated from.
    pub(crate) last_violating: Timestamp,
}

/// Reads all logs to their end.
///
/// # Errors
///
/// When one cannot be read to its end; half a log would let go whom the other half convicts.
pub(crate) fn run(
    rules: &[Rule],
    as_of: AsOf,
    present: &Present,
    logs: &mut [Log],
) -> Result<Scan, Fatal> {
    let mut pass = Pass::new(rules);
    let mut reports = Vec::with_capacity(logs.len());
    let mut cut = Vec::new();
    for log in logs {
        pass.read(log, present)?;
        let counts = log.reader.counts();
        if log.is_cut() {
            cut.push(Warning::new(
                Phase::Reading,
                format!(
                    "log \"{}\" was cut while it was read: what it held after line {} was not seen",
                    plain(log.name().as_bytes()),
                    counts.lines
                ),
            ));
        }
        pass.too_long += counts.too_long;
        reports.push(LogReport {
            path: log.name(),
            bytes: log.reader.position(),
            lines: counts.lines,
            events: counts.events,
            unparsed: counts.unparsed,
            rejected: counts.rejected,
        });
    }
    let as_of = match as_of {
        AsOf::LogEnd => pass.newest.unwrap_or(present.instant),
        AsOf::Now | AsOf::At(_) => present.instant,
    };
    Ok(Scan {
        as_of,
        found: (0..rules.len()).map(|rule| pass.found(rule)).collect(),
        warnings: [cut, pass.warnings(&reports)].concat(),
        logs: reports,
    })
}

impl Violator {
    fn new(tally: Tally) -> Option<Self> {
        let last_violating = Timestamp::try_from(tally.last_violating?).ok()?;
        let source = Source::new(tally.source, tally.prefix_length).ok()?;
        Some(Self {
            source,
            tally,
            last_violating,
        })
    }
}

/// What is remembered from line to line.
struct Pass {
    detector: Detector,
    newest: Option<Timestamp>,
    /// Events later than the horizon, and the latest of them.
    ahead: u64,
    latest_ahead: Option<Timestamp>,
    /// Events that no date could be given.
    undated: u64,
    nearly_a_year_old: u64,
    too_long: u64,
}

impl Pass {
    fn new(rules: &[Rule]) -> Self {
        Self {
            detector: Detector::new(rules.iter().map(Rule::threshold)),
            newest: None,
            ahead: 0,
            latest_ahead: None,
            undated: 0,
            nearly_a_year_old: 0,
            too_long: 0,
        }
    }

    fn read(&mut self, log: &mut Log, present: &Present) -> Result<(), Fatal> {
        while let Some(event) = log.reader.next_event() {
            match event {
                Ok(event) => self.count(&event, present),
                Err(error) => {
                    if let Err(error) = error.into_line_error() {
                        return Err(log.unreadable(error));
                    }
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, event: &Event<'_>, present: &Present) {
        let Some(at) = present.date(event.time) else {
            self.undated += 1;
            return;
        };
        if at > present.horizon {
            self.ahead += 1;
            self.latest_ahead = self.latest_ahead.max(Some(at));
            return;
        }
        let age = present.instant.duration_since(at);
        if matches!(event.time, LogTime::Rfc3164 { .. }) && age > SUSPICIOUS_AGE {
            self.nearly_a_year_old += 1;
        }
        self.newest = self.newest.max(Some(at));
        self.detector.observe(event, at.into());
    }

    fn found(&self, rule: usize) -> Found {
        let mut violators: Vec<_> = self
            .detector
            .violators(rule)
            .filter_map(Violator::new)
            .collect();
        violators.sort_unstable_by_key(|violator| violator.source);
        Found {
            matched: self.detector.matched(rule),
            sources: u64::try_from(self.detector.sources(rule)).unwrap_or(u64::MAX),
            violators,
        }
    }

    fn warnings(&self, logs: &[LogReport]) -> Vec<Warning> {
        let unparsed: u64 = logs.iter().map(|log| log.unparsed).sum();
        let rejected: u64 = logs.iter().map(|log| log.rejected).sum();
        let latest = self
            .latest_ahead
            .map(|at| at.to_string())
            .unwrap_or_default();
        let doubts = [
            (
                rejected,
                "with a firewall's text that the kernel did not write (log-scanner events shows why)".to_owned(),
            ),
            (unparsed, "of the kernel that are damaged (log-scanner events shows where)".to_owned()),
            (self.too_long, "longer than any the kernel writes".to_owned()),
            (
                self.ahead,
                format!("later than the scan, the last at {latest}; are clock and time zone right?"),
            ),
            (self.undated, "whose time cannot be placed".to_owned()),
        ];
        let mut warnings: Vec<_> = doubts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, doubt)| format!("not counted: {} {doubt}", count(number, "line")))
            .collect();
        if self.nearly_a_year_old > 0 {
            warnings.push(format!(
                "{} without a year taken for almost a year old; are clock and time zone right?",
                count(self.nearly_a_year_old, "line")
            ));
        }
        warnings
            .into_iter()
            .map(|text| Warning::new(Phase::Reading, text))
            .collect()
    }
}
