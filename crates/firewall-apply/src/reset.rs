//! `reset`: the host without our firewall.

use ipset_netlink::{CreateSet, IpSet};
use iptables_ruleset::{Family, Hook, Nftables, Plan, Ruleset};
use serde::Serialize;

use crate::config::Wanted;
use crate::lock::wait_for_turn;
use crate::print::family_name;
use crate::report::{Findings, causes, refusal};
use crate::sets;

/// What `reset` did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The families whose rules are gone; none when they could not be taken out.
    pub(crate) families: Vec<FamilyReport>,
    /// The sets.
    pub(crate) sets: Vec<SetReport>,
}

/// What is gone from a family.
#[derive(Debug, Serialize)]
pub(crate) struct FamilyReport {
    /// `inet` or `inet6`.
    pub(crate) family: &'static str,
    /// As people call it.
    #[serde(skip)]
    pub(crate) protocol: Family,
    /// Our chains that are not there any more, or never were.
    pub(crate) chains: Vec<String>,
    /// The built-in chains whose policy is ACCEPT now.
    pub(crate) accept: Vec<&'static str>,
}

/// What `reset` did with a set.
#[derive(Debug, Serialize)]
pub(crate) struct SetReport {
    /// Its name.
    pub(crate) name: String,
    /// Whether it is gone.
    pub(crate) outcome: Outcome,
}

/// Whether a set is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It was not asked for.
    Kept,
    /// With its members.
    Destroyed,
    /// There was none.
    Missing,
    /// The kernel would not; an error says why.
    Refused,
}

/// Takes our rules out, and with `destroy` the sets too.
pub(crate) fn run(wanted: Option<Wanted>, destroy: bool, findings: &mut Findings) -> Report {
    let mut report = Report::default();
    let Some(wanted) = wanted else {
        findings.warn("with `--config /dev/null` reset does what it would do with the defaults");
        return report;
    };
    let _turn = wait_for_turn(findings);
    if let Err(why) = remove(&wanted.rulesets) {
        findings.fail(why);
        return report;
    }
    report.families = wanted.rulesets.iter().map(family_report).collect();
    if destroy {
        if let Some(mut kernel) = sets::connect(findings) {
            report.sets = destroy_sets(&mut kernel, &wanted.sets, findings);
        }
    } else {
        report.sets = wanted
            .sets
            .iter()
            .map(|set| SetReport {
                name: set.name.to_string(),
                outcome: Outcome::Kept,
            })
            .collect();
    }
    report
}

fn remove(rulesets: &[Ruleset]) -> Result<(), String> {
    let plan = Plan::remove(rulesets).map_err(|error| causes(&error))?;
    let mut nftables = Nftables::connect().map_err(|error| refusal(&error))?;
    plan.apply(&mut nftables).map_err(|error| refusal(&error))?;
    Ok(())
}

fn destroy_sets(kernel: &mut IpSet, sets: &[CreateSet], findings: &mut Findings) -> Vec<SetReport> {
    sets.iter()
        .map(|set| SetReport {
            name: set.name.to_string(),
            outcome: match kernel.destroy(&set.name) {
                Ok(()) => Outcome::Destroyed,
                Err(error) if error.is_set_not_found() => Outcome::Missing,
                Err(error) => {
                    findings.fail(causes(&error));
                    Outcome::Refused
                }
            },
        })
        .collect()
}

fn family_report(ruleset: &Ruleset) -> FamilyReport {
    FamilyReport {
        family: family_name(ruleset.family()),
        protocol: ruleset.family(),
        chains: ruleset
            .chains()
            .map(|chain| chain.name().to_string())
            .collect(),
        accept: Hook::ALL
            .into_iter()
            .filter(|hook| ruleset.policy_of(*hook).is_some())
            .map(Hook::chain)
            .collect(),
    }
}
