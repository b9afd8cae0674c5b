//! `try`: rules on a log, and nothing else: who breaks them, who comes near, who of them had been
//! let in, and what the rules leave alone.

mod census;
mod json;
mod text;

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};

use ban_sets::{Network, Pardons};
use firewall_log::{Beside, Finding, Tally, Threshold};
use jiff::Timestamp;

use self::census::Census;
use crate::args::TryArgs;
use crate::clock::Present;
use crate::error::{Fatal, Stop};
use crate::exempt::{Exemption, Exemptions};
use crate::log;
use crate::names::{ALLOWED, LOG_PREFIXES};
use crate::progress::Progress;
use crate::rule::{Rule, RulesFile};
use crate::scan::{self, Counted, Found, LogRead, Reading};
use crate::status::{DONE, INCOMPLETE, complain};
use crate::violation::{Ban, Violator};

/// How many percent of what a rule asks for are near it.
const NEAR: u8 = 80;

/// All that is told.
struct Tried<'r> {
    as_of: Timestamp,
    logs: Vec<LogRead>,
    rules: Vec<TriedRule<'r>>,
    census: Census,
    warnings: Vec<String>,
}

/// What came of one rule.
struct TriedRule<'r> {
    rule: &'r Rule,
    counted: Counted,
    /// By address, IPv4 first.
    violators: Vec<Suspect<'r>>,
    /// Likewise.
    near: Vec<Suspect<'r>>,
}

/// Who broke a rule or came near it.
struct Suspect<'r> {
    ban: Ban<'r>,
    /// Why he would be let go all the same, as in "203.0.113.7 is …".
    exempt: Option<String>,
    /// What of his was let in.
    allowed: Option<Beside>,
}

impl Suspect<'_> {
    /// How many percent he reached of what the rule asks for: of the hits or of the ports, whichever
    /// are fewer.
    fn percent(&self) -> u64 {
        let (rule, violator) = (self.ban.rule, &self.ban.violator);
        let part = |of: u64, whole: u64| of.saturating_mul(100) / whole.max(1);
        let hits = part(violator.peak_hits, rule.howmany.get().into());
        let ports = rule.distinct_ports.zip(violator.peak_ports);
        let ports = ports.map(|(whole, of)| part(of.into(), whole.get().into()));
        ports.map_or(hits, |ports| ports.min(hits))
    }
}

/// Tries; 1 where anybody broke a rule.
pub(crate) fn run(args: &TryArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let present = Present::new(args.as_of);
    let RulesFile { rules, protect, .. } = args.wanted()?;
    let progress = Progress::new(args.json);
    let mut logs = log::open(&args.log.paths, !args.log.no_rotated, &progress)?;
    let exemptions = Exemptions::of_this_host(&args.exempt).map_err(Fatal::OwnAddresses)?;
    let (exemptions, unprotected) = exemptions.protecting(&protect);
    let exempt = exemptions.in_networks(&rules, None)?;

    let own: Vec<_> = rules
        .iter()
        .map(|rule| rule.threshold(&exempt, &Pardons::default()))
        .collect();
    let census = Arc::new(Mutex::new(Census::new(own, &present)));
    for log in &mut logs {
        let (census, name) = (census.clone(), log.name());
        log.each_line(move |number, line| {
            let mut census = census.lock().unwrap_or_else(PoisonError::into_inner);
            census.add(&name, number, line);
        });
    }
    let thresholds = rules.iter().flat_map(|rule| both(rule, &exempt));
    let read = scan::read(&rules, thresholds, args.as_of, &present, &mut logs);
    progress.finish();
    let (reading, findings) = read?;
    let findings = findings.chunks(2).zip(&rules).zip(1..);
    let tried = findings.map(|((findings, rule), number)| {
        let judge = Judge {
            rule,
            number,
            as_of: reading.as_of,
            exemptions: &exemptions,
        };
        judge.of(findings, &reading)
    });
    let rules = tried.collect::<Result<_, Fatal>>()?;
    // Each log has its own hand on it.
    drop(logs);
    let Some(census) = Arc::into_inner(census) else {
        return Err(io::Error::other("a log is still being read").into());
    };
    let census = census.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Reading {
        as_of,
        logs,
        warnings,
        ..
    } = reading;
    let tried = Tried {
        as_of,
        logs,
        rules,
        census,
        warnings: unprotected.into_iter().chain(warnings).collect(),
    };
    match tell(&tried, args, &present, out) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    let is_clean = tried.rules.iter().all(|rule| rule.violators.is_empty());
    Ok(if is_clean { DONE } else { INCOMPLETE })
}

fn tell(
    tried: &Tried<'_>,
    args: &TryArgs,
    present: &Present,
    out: &mut impl Write,
) -> io::Result<()> {
    if args.json {
        for warning in &tried.warnings {
            complain(&format!("[WARNING] {warning}"));
        }
        json::write(tried, out)?;
    } else {
        text::write(tried, &present.zone, args.all, out)?;
    }
    out.flush()
}

/// What a rule asks for, and what is near that; both look for what was let in beside it, unless that
/// is what the rule counts.
fn both(rule: &Rule, exempt: &[Network]) -> [Threshold; 2] {
    let mut own = rule.threshold(exempt, &Pardons::default());
    for family in LOG_PREFIXES {
        let allowed = format!("{family}{ALLOWED}");
        if !rule.name.stands_for(allowed.as_bytes()) {
            own = own.beside(allowed);
        }
    }
    let near = own.near(NEAR);
    [own, near]
}

/// What is made of what a rule found.
struct Judge<'a, 'r> {
    rule: &'r Rule,
    /// From 1.
    number: usize,
    as_of: Timestamp,
    exemptions: &'a Exemptions,
}

impl<'r> Judge<'_, 'r> {
    /// Of what the rule's threshold found, and the one near it.
    fn of(&self, findings: &[Finding], reading: &Reading) -> Result<TriedRule<'r>, Fatal> {
        let [own, near] = findings else {
            // Two were asked for.
            return Ok(self.nothing(reading));
        };
        let violators = self.suspects(&own.violators)?;
        let mut near = self.suspects(&near.violators)?;
        near.retain(|suspect| {
            let source = suspect.ban.source();
            let same = violators.binary_search_by_key(&source, |other| other.ban.source());
            same.is_err()
        });
        Ok(TriedRule {
            rule: self.rule,
            counted: Found::by(self.rule, own, reading).counted,
            violators,
            near,
        })
    }

    fn nothing(&self, reading: &Reading) -> TriedRule<'r> {
        TriedRule {
            rule: self.rule,
            counted: Found::by(self.rule, &Finding::default(), reading).counted,
            violators: Vec::new(),
            near: Vec::new(),
        }
    }

    /// By address, IPv4 first.
    fn suspects(&self, tallies: &[Tally]) -> Result<Vec<Suspect<'r>>, Fatal> {
        let with = tallies.iter().filter_map(|tally| {
            let violator: Violator = scan::violator(self.rule, tally)?;
            let ban = Ban::new(self.rule, self.number, violator, self.as_of)?;
            Some((ban, tally.beside.clone()))
        });
        let suspects = with.map(|(ban, allowed)| {
            let exempt = &self.rule.exempt;
            let exemption = self.exemptions.of(ban.source(), exempt, None)?;
            Ok(Suspect {
                ban,
                exempt: match exemption {
                    Exemption::Whole(why) => Some(why),
                    Exemption::Parts(_) => None,
                },
                allowed,
            })
        });
        let mut suspects = suspects.collect::<Result<Vec<_>, Fatal>>()?;
        suspects.sort_unstable_by_key(|suspect| suspect.ban.source());
        Ok(suspects)
    }
}
