//! A run from the first line to the last word: read, decide, fill, report.

use std::io::{self, ErrorKind, Write};

use jiff::{SignedDuration, Timestamp};

use crate::args::ScanArgs;
use crate::ban::Bans;
use crate::clock::Present;
use crate::duration::whole_seconds;
use crate::error::{Fatal, Stop};
use crate::exempt::Exemptions;
use crate::report::{self, Outcome, Phase, Report, RuleReport, ViolationReport, Warning};
use crate::scan::{self, Scan, Violator};
use crate::sets::Sets;
use crate::turn::Turn;
use crate::{DONE, INCOMPLETE, complain, log};

/// Scans, bans and reports; the exit status.
pub(crate) fn run(args: &ScanArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let present = Present::new(args.as_of);
    let mut logs = log::open(&args.logs)?;
    let (sets, troubles) = Sets::open(&args.ipset);
    if !args.dryrun && !troubles.is_empty() {
        return Err(Fatal::Sets(troubles).into());
    }
    let exemptions = Exemptions::of_this_host(args.exempt.clone()).map_err(Fatal::OwnAddresses)?;
    let Scan {
        as_of,
        logs,
        matched,
        sources,
        violators,
        mut warnings,
    } = scan::run(args, &present, &mut logs)?;

    let mut violations: Vec<_> = violators
        .iter()
        .filter_map(|violator| violation(violator, args, as_of))
        .collect();
    let dry_run = args.dryrun;
    let turn = (!dry_run).then(Turn::take).transpose();
    Bans {
        names: &args.ipset,
        sets,
        exemptions,
        dry_run,
        as_of,
        present: &present,
    }
    .act(&mut violations)?;
    match turn {
        Ok(turn) => drop(turn),
        Err(error) => warnings.push(Warning::new(
            Phase::Acting,
            format!("filled the sets beside other scans, so that the shorter of two bans may stay: {error}"),
        )),
    }

    warnings.extend(
        troubles
            .into_iter()
            .map(|trouble| Warning::new(Phase::Acting, trouble)),
    );
    let rule = RuleReport {
        matched,
        sources,
        violations,
        ..RuleReport::new(args)
    };
    let report = Report {
        as_of,
        dry_run,
        logs,
        rule,
        warnings,
    };
    let status = if report.is_complete() {
        DONE
    } else {
        INCOMPLETE
    };
    match tell(&report, args.json, &present, out) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(status),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(status),
    }
}

/// What the report says of a violator before anything is decided.
fn violation(violator: &Violator, args: &ScanArgs, as_of: Timestamp) -> Option<ViolationReport> {
    let Violator {
        tally,
        last_violating,
    } = violator;
    let removeafter = i64::try_from(args.removeafter.get()).ok()?;
    let expires = last_violating
        .saturating_add(SignedDuration::from_secs(removeafter))
        .ok()?;
    let set = if tally.source.is_ipv4() {
        &args.ipset.inet
    } else {
        &args.ipset.inet6
    };
    // A line that is ahead of the clock does not make a ban longer than asked for.
    let timeout = whole_seconds(expires.duration_since(as_of)).min(removeafter);
    Some(ViolationReport {
        source: tally.source,
        set: set.to_string(),
        hits: tally.hits,
        peak_hits: tally.peak_hits,
        first_seen: tally.first_seen.try_into().ok()?,
        last_seen: tally.last_seen.try_into().ok()?,
        expires,
        timeout: u32::try_from(timeout).unwrap_or_default(),
        outcome: Outcome::Expired,
    })
}

fn tell(report: &Report, json: bool, present: &Present, out: &mut impl Write) -> io::Result<()> {
    if json {
        report
            .warnings
            .iter()
            .for_each(|warning| complain(&format!("[WARNING] {}", warning.text)));
        report::write_json(report, out)?;
    } else {
        report::write_text(report, &present.zone, out)?;
    }
    out.flush()
}
