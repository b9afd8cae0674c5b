//! A run from the first line to the last word: read, decide, fill, report.

use std::io::{self, ErrorKind, Write};
use std::num::NonZeroU32;

use ipset_netlink::Network;
use jiff::{SignedDuration, Timestamp};
use netfilter_host::turn::Turn;

use crate::args::ScanArgs;
use crate::ban::Bans;
use crate::clock::Present;
use crate::duration::whole_seconds;
use crate::error::{Fatal, Stop};
use crate::exempt::Exemptions;
use crate::progress::Progress;
use crate::report::{self, Outcome, Phase, Report, RuleReport, ViolationReport, Warning, count};
use crate::rule::{Rule, RulesFile};
use crate::scan::{self, Found, Scan, Violator};
use crate::sets::Sets;
use crate::{DONE, INCOMPLETE, complain, cut, log};

/// Scans, bans and reports; the exit status.
pub(crate) fn run(args: &ScanArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let present = Present::new(args.as_of);
    let rules = rules(args)?;
    let progress = Progress::new(args.json);
    let mut logs = log::open(&args.log.paths, !args.log.no_rotated, &progress)?;
    let (mut sets, troubles) = Sets::open(&rules);
    let dry_run = args.dryrun;
    if !dry_run && !troubles.is_empty() {
        return Err(Fatal::Sets(troubles).into());
    }
    let exemptions = Exemptions::of_this_host(&args.exempt).map_err(Fatal::OwnAddresses)?;
    let exempt = exempt_in_networks(&rules, &exemptions, sets.as_mut())?;
    let scan = scan::run(&rules, &exempt, args.as_of, &present, &mut logs);
    progress.finish();
    let Scan {
        as_of,
        logs,
        found,
        mut warnings,
    } = scan?;

    let mut reports: Vec<_> = rules
        .into_iter()
        .zip(found)
        .map(|(rule, found)| report_of(rule, &found, as_of))
        .collect();
    // From looking what is in the sets until they are filled: the kernel takes the timeout it is
    // given last, which may be the shorter one.
    let turn = (!dry_run).then(Turn::take).transpose();
    let mut bans = Bans {
        sets: sets.as_mut(),
        exemptions,
        dry_run,
        as_of,
        present: &present,
        most: args.max_bans,
    };
    let acted = bans.act(&mut reports)?;
    match turn {
        Ok(turn) => drop(turn),
        Err(error) => warnings.push(Warning::new(
            Phase::Acting,
            format!("filled the sets without waiting any longer, so that the shorter of two bans may stay: {error}"),
        )),
    }
    let acting = |text: String| Warning::new(Phase::Acting, text);
    warnings.extend(troubles.into_iter().map(acting));
    warnings.extend(acted.warnings.into_iter().map(acting));
    warnings.extend(beyond(&reports, args.max_bans).map(acting));
    let fullness = sets.as_mut().map(Sets::fullness);
    warnings.extend(fullness.into_iter().flatten().map(acting));
    warnings.extend(cut::act(&mut reports, sets.as_mut(), dry_run));

    let report = Report {
        as_of,
        dry_run,
        logs,
        rules: reports,
        lifted: acted.lifted,
        warnings,
    };
    let status = if report.is_complete() {
        DONE
    } else {
        INCOMPLETE
    };
    match tell(&report, args, &present, out) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(status),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(status),
    }
}

/// The rule of the command line, or those of the file; what the command line says of all rules is
/// in each.
fn rules(args: &ScanArgs) -> Result<Vec<Rule>, Fatal> {
    let mut rules = match &args.rules {
        None => args.rule.iter().cloned().collect(),
        Some(path) => {
            let file = RulesFile::read(path).map_err(|source| Fatal::Rules {
                path: path.clone(),
                source,
            })?;
            file.rules
        }
    };
    for rule in &mut rules {
        rule.cut_connections |= args.cut_connections;
        rule.ban_connected |= args.ban_connected;
        rule.cut_older |= args.cut_older;
    }
    Ok(rules)
}

/// What to say of those that had to be left for another run.
fn beyond(reports: &[RuleReport], most: NonZeroU32) -> Option<String> {
    let violations = reports.iter().flat_map(|report| &report.violations);
    let beyond = violations.filter(|violation| violation.outcome == Outcome::BeyondMaxBans);
    let beyond = u64::try_from(beyond.count()).unwrap_or(u64::MAX);
    (beyond > 0).then(|| {
        format!(
            "not banned: {}, because one run adds at most {most} new bans (--max-bans), those with the most evidence",
            count(beyond, "violator")
        )
    })
}

/// Who is not counted with the network around him, where any rule counts networks.
fn exempt_in_networks(
    rules: &[Rule],
    exemptions: &Exemptions,
    sets: Option<&mut Sets>,
) -> Result<Vec<Network>, Fatal> {
    if !rules.iter().any(Rule::counts_networks) {
        return Ok(Vec::new());
    }
    let whitelisted = sets.map_or(Ok(Vec::new()), Sets::whitelisted);
    let whitelisted = whitelisted.map_err(|why| Fatal::Sets(vec![why]))?;
    Ok(exemptions.networks().chain(whitelisted).collect())
}

/// What the report says of a rule before anything is decided.
fn report_of(rule: Rule, found: &Found, as_of: Timestamp) -> RuleReport {
    let violations = found
        .violators
        .iter()
        .filter_map(|violator| violation(violator, &rule, as_of))
        .collect();
    RuleReport {
        rule,
        matched: found.matched,
        sources: found.sources,
        sources_exact: found.sources_exact,
        prefixes: found.prefixes.clone(),
        violations,
    }
}

fn violation(violator: &Violator, rule: &Rule, as_of: Timestamp) -> Option<ViolationReport> {
    let Violator {
        source,
        tally,
        last_violating,
    } = violator;
    let removeafter = i64::try_from(rule.removeafter.get()).ok()?;
    let expires = last_violating
        .saturating_add(SignedDuration::from_secs(removeafter))
        .ok()?;
    // A line that is ahead of the clock does not make a ban longer than asked for.
    let timeout = whole_seconds(expires.duration_since(as_of)).min(removeafter);
    Some(ViolationReport {
        source: *source,
        set: rule.ipset.of(source.address()).clone(),
        hits: tally.hits,
        peak_hits: tally.peak_hits,
        peak_ports: tally.peak_ports,
        first_seen: tally.first_seen.try_into().ok()?,
        last_seen: tally.last_seen.try_into().ok()?,
        expires,
        timeout: u32::try_from(timeout).unwrap_or_default(),
        outcome: Outcome::Expired,
        exceptions: Vec::new(),
        connections_left: 0,
        connections: None,
    })
}

fn tell(
    report: &Report,
    args: &ScanArgs,
    present: &Present,
    out: &mut impl Write,
) -> io::Result<()> {
    let all = args.all;
    if args.json {
        report
            .warnings
            .iter()
            .for_each(|warning| complain(&format!("[WARNING] {}", warning.text)));
        report::write_json(report, out)?;
    } else {
        report::write_text(report, &present.zone, all, out)?;
    }
    out.flush()
}
