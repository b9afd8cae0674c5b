//! `apply`: the sets and the chains of both families, all or nothing.

mod refill;
mod report;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use ipset_netlink::IpSet;
use iptables_ruleset::{Family, Kernel as _, KernelSet, Nftables, Plan, Ruleset};

use crate::config::{Source, Wanted};
use crate::findings::{Findings, causes, refusal};
use crate::turn::wait_for_turn;
use crate::{sets, verify};
use refill::Refill;
pub(crate) use report::{FamilyReport, Outcome, Report, SetReport};

/// Puts the firewall in.
pub(crate) fn run(
    config: Source,
    wanted: Option<Wanted>,
    saved_path: &Path,
    findings: &mut Findings,
) -> Report {
    let mut report = Report {
        config,
        sets: Vec::new(),
        saved: None,
        families: Vec::new(),
    };
    let Some(wanted) = wanted else {
        return report;
    };
    let _turn = wait_for_turn(findings);
    let Some(mut kernel) = sets::connect(findings) else {
        return report;
    };
    let kernel = &mut kernel;
    let standings = sets::examine(kernel, wanted.sets, findings);
    if findings.failed() {
        return report;
    }
    let mut created = BTreeMap::new();
    if standings.iter().any(|standing| standing.found.is_none()) {
        let (refill, about) = Refill::read(saved_path, findings);
        report.saved = Some(about);
        for standing in standings.iter().filter(|standing| standing.found.is_none()) {
            match refill.create(kernel, &standing.wanted, findings) {
                Ok(members) => drop(created.insert(standing.wanted.name.clone(), members)),
                Err(error) => {
                    findings.fail(causes(&error));
                    sets::destroy(kernel, created.keys(), findings);
                    return report;
                }
            }
        }
    }
    if let Err(failure) = install(kernel, &wanted.rulesets, findings) {
        findings.fail(failure.why);
        if !failure.outcome_unknown {
            sets::destroy(kernel, created.keys(), findings);
        }
        return report;
    }
    report.sets = standings
        .iter()
        .map(|standing| SetReport::new(standing, created.get(&standing.wanted.name)))
        .collect();
    report.families = wanted.rulesets.iter().map(FamilyReport::from).collect();
    report
}

/// Whatever keeps a set from being found.
type BoxError = Box<dyn Error + Send + Sync>;

/// Why the rules are not in.
struct Failure {
    why: String,
    outcome_unknown: bool,
}

fn install(
    kernel: &mut IpSet,
    rulesets: &[Ruleset],
    findings: &mut Findings,
) -> Result<(), Failure> {
    let nothing_done = |why| Failure {
        why,
        outcome_unknown: false,
    };
    let mut resolved = BTreeMap::new();
    let mut find = |name: &str| {
        let set = find_set(kernel, name)?;
        resolved.insert(name.to_owned(), set);
        Ok::<_, BoxError>(set)
    };
    let plan = Plan::install(rulesets, &mut find).map_err(|error| nothing_done(causes(&error)))?;
    let mut nftables = Nftables::connect().map_err(|error| nothing_done(refusal(&error)))?;
    let applied = plan.apply(&mut nftables).map_err(|error| Failure {
        why: refusal(&error),
        outcome_unknown: error.is_outcome_unknown(),
    })?;
    for bypass in &applied.bypassed {
        findings.fail(bypass.to_string());
    }
    match nftables.snapshot() {
        Ok(snapshot) => {
            for missing in verify::missing_rules(&snapshot, rulesets) {
                findings.fail(missing);
            }
        }
        Err(error) => findings.fail(format!(
            "cannot read the rules back after they were put in: {}",
            causes(&error)
        )),
    }
    for moved in verify::moved_sets(&resolved, |name| find_set(kernel, name)) {
        findings.fail(moved);
    }
    Ok(())
}

fn find_set(kernel: &mut IpSet, name: &str) -> Result<KernelSet, BoxError> {
    let found = kernel.index(&name.parse()?)?;
    let family = match found.family {
        ipset_netlink::Family::Inet => Some(Family::Ipv4),
        ipset_netlink::Family::Inet6 => Some(Family::Ipv6),
        _ => None,
    };
    Ok(KernelSet::new(found.index, family))
}
