//! `status`: what stands, what it has done, and what makes it void or weak.

mod metrics;
mod report;
mod text;
mod watch;
mod words;

use std::path::Path;

use ipset_netlink::IpSet;
use iptables_ruleset::{ChainName, Hook, Kernel as _, Nftables, Ruleset, Snapshot};
pub(crate) use report::Report;
use report::{ChainReport, FamilyReport, JumpReport, PendingReport, Rates, RuleReport};

pub(crate) use metrics::{metrics, write as write_textfile};
pub(crate) use watch::watch;

use crate::args::{DEFAULT_SAVED, StatusArgs};
use crate::config::{self, Source, Wanted};
use crate::findings::{Findings, causes, refusal};
use crate::host::Host;
use crate::last::Last;
use crate::pending::Place;
use crate::rules::{family_name, hooks, place};
use crate::set_fill::SetFill;
use crate::style::Style;
use crate::{flushers, sets, standing, surroundings};

/// Looks once.
pub(crate) fn run(
    config: Source,
    wanted: Option<&Wanted>,
    args: &StatusArgs,
    findings: &mut Findings,
) -> Report {
    look(config, wanted, args, None, findings)
}

/// Looks, and says how much came since `before`.
fn look(
    config: Source,
    wanted: Option<&Wanted>,
    args: &StatusArgs,
    before: Option<&Rates>,
    findings: &mut Findings,
) -> Report {
    // What stands is to be seen all the same.
    findings.only_warn();
    let host = Host::of_this_system();
    let last = Last::read(args.last.as_deref(), Path::new(DEFAULT_SAVED));
    let mut report = Report::new(config, Style::of_standard_output());
    let built_in = config::built_in().ok();
    let Some(expected) = standing::expected(wanted, &last).or(built_in.as_ref()) else {
        return report;
    };
    report.changed = standing::is_changed(wanted, &last);
    report.pending = waiting(&args.waiting.pending, findings);
    let Some(mut kernel) = sets::connect(findings) else {
        return report;
    };
    let snapshot = Nftables::connect().and_then(|mut nftables| {
        let snapshot = nftables.snapshot()?;
        Ok((nftables, snapshot))
    });
    let (mut nftables, snapshot) = match snapshot {
        Ok(found) => found,
        Err(error) => {
            findings.fail(refusal(&error));
            return report;
        }
    };
    let set_name = standing::set_names(&mut kernel, expected);
    report.up = standing::note(&snapshot, expected, &last, &host, &set_name, findings);
    if report.up {
        report.since = last.kept().and_then(|kept| kept.at);
        report.since_from = report.since.and(last.path()).map(ToOwned::to_owned);
    }
    surroundings::note(&mut nftables, &snapshot, &expected.config, findings);
    for why in flushers::found(&host) {
        findings.warn(why);
    }
    let family = |ruleset| family_report(ruleset, &snapshot, expected, &set_name);
    report.families = expected.rulesets.iter().map(family).collect();
    report.sets = set_reports(&mut kernel, expected, findings);
    report.note_rates(before);
    report
}

fn family_report(
    ruleset: &Ruleset,
    snapshot: &Snapshot,
    expected: &Wanted,
    set_name: &impl Fn(u16) -> Option<String>,
) -> FamilyReport {
    let family = ruleset.family();
    let table = snapshot.table_of(ruleset);
    let policy = |hook: Hook| {
        let policy = table.and_then(|table| table.chain(hook.chain())?.policy());
        (hook.chain(), policy.map(|policy| policy.to_string()))
    };
    let jump = |from: &str, to: &ChainName| {
        let position = standing::jump(snapshot, ruleset, from, to.as_str());
        JumpReport {
            from: from.to_owned(),
            to: to.to_string(),
            position,
            others_before: position.map_or(0, |position| position.saturating_sub(1)),
        }
    };
    let guests = ruleset
        .guests()
        .map(|guest| jump(snapshot.stands_in(ruleset, guest), guest.to()));
    let jumps = hooks(ruleset).flat_map(|hook| {
        let to = ruleset.jumps_from(hook);
        to.map(move |to| jump(hook.chain(), to))
    });
    let purposes = expected.config.purposes(family).ok();
    let chains = ruleset.chains().filter_map(|chain| {
        let name = chain.name().as_str();
        let rules = table?.chain(name)?.rules();
        let rule = |(number, state): (usize, &iptables_ruleset::RuleState)| {
            let rule = state.rule(family, set_name);
            let purpose = purposes.as_ref().map(|purposes| purposes.of(name, &rule));
            RuleReport::new(number, &rule, family, (name, purpose), state.counters())
        };
        Some(ChainReport {
            name: name.to_owned(),
            rules: (1..).zip(rules).map(rule).collect(),
        })
    });
    FamilyReport {
        family: family_name(family),
        table: ruleset.table().name(),
        place: place(ruleset),
        policies: hooks(ruleset).map(policy).collect(),
        wanted_policies: hooks(ruleset)
            .map(|hook| {
                let wanted = ruleset.policy_of(hook);
                (hook.chain(), wanted.map(|policy| policy.to_string()))
            })
            .collect(),
        jumps: jumps.chain(guests).collect(),
        chains: chains.collect(),
    }
}

/// The change that waits to be confirmed, if one does.
fn waiting(path: &Path, findings: &mut Findings) -> Option<PendingReport> {
    let noted = Place::of(path)?.note(findings);
    let pending = noted.map_err(|why| findings.fail(why)).ok()??;
    Some(PendingReport {
        at: pending.at,
        until: pending.until,
        failed: pending.failed,
    })
}

fn set_reports(kernel: &mut IpSet, expected: &Wanted, findings: &mut Findings) -> Vec<SetFill> {
    let mut found = Vec::new();
    for set in &expected.sets {
        match SetFill::look(kernel, &set.create) {
            Ok(mut fill) => {
                if !fill.is_there() {
                    findings.fail(format!(
                        "set \"{}\" is missing; `firewall-apply` makes it",
                        set.name()
                    ));
                }
                // One that a file fills grows with it.
                let grows = set.is_filled_by_a_file();
                if let Some(why) = fill.is_near_full(set.origin).filter(|_| !grows) {
                    fill.is_tight = true;
                    findings.warn(why);
                }
                found.push(fill);
            }
            Err(error) => findings.fail(causes(&error)),
        }
    }
    found
}
