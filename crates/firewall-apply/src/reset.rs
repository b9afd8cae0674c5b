//! `reset`: the host without our firewall.

use std::fmt::{self, Display, Formatter};

use ipset_netlink::{IfMissing, IpSet};
use iptables_ruleset::{Kernel as _, Nftables, Plan, Policy, Ruleset, Snapshot};
use serde::Serialize;

use crate::args::ResetArgs;
use crate::config::Wanted;
use crate::configured::ConfiguredSet;
use crate::findings::{Findings, causes, refusal};
use crate::foreign::named;
use crate::pending::Place;
use crate::rules::{Policies, family_name, hooks, place, policies_text};
use crate::turn::wait_for_turn;
use crate::words::join;
use crate::{report, sets, verify};

/// What `reset` did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The families whose rules are gone; none when they could not be taken out.
    pub(crate) families: Vec<FamilyReport>,
    /// The sets; none when they were not to be destroyed.
    pub(crate) sets: Vec<SetReport>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "reset";
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for family in &self.families {
            let chains = join(family.chains.iter().cloned());
            writeln!(f, "{:<16}  without {chains}", family.place)?;
            if let Some(policies) = policies_text(family.table, &family.policies) {
                writeln!(f, "{:<16}  {policies}", "")?;
            }
        }
        for set in &self.sets {
            let what = match set.outcome {
                Outcome::Destroyed => "destroyed",
                Outcome::Missing => "there was none",
                Outcome::Refused => "still there",
            };
            writeln!(f, "{:<16}  {what}", set.name)?;
        }
        Ok(())
    }
}

/// What is gone from a table.
#[derive(Debug, Serialize)]
pub(crate) struct FamilyReport {
    /// `inet` or `inet6`.
    pub(crate) family: &'static str,
    /// The table.
    pub(crate) table: &'static str,
    /// As people call the two: `IPv4`, `IPv4 raw`.
    #[serde(skip)]
    pub(crate) place: String,
    /// Our chains that are not there any more, or never were.
    pub(crate) chains: Vec<String>,
    /// The policy of each built-in chain; null for one that was left as it was.
    pub(crate) policies: Policies,
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
    /// It is gone, with its members.
    Destroyed,
    /// There was none.
    Missing,
    /// It is still there; an error says why.
    Refused,
}

/// Takes our rules out, and the sets too where that is asked for.
pub(crate) fn run(wanted: Option<Wanted>, args: &ResetArgs, findings: &mut Findings) -> Report {
    let mut report = Report::default();
    let Some(wanted) = wanted else {
        findings.warn("with `--config /dev/null` reset does what it would do with the defaults");
        return report;
    };
    let _turn = wait_for_turn(findings);
    if let Some(place) = Place::of(&args.waiting.pending) {
        match place.read() {
            Ok(None) => {}
            // What it was about is gone.
            Ok(Some(pending)) if pending.is_of_another_boot() => {
                if let Err(why) = place.clear() {
                    findings.fail(why);
                }
            }
            Ok(Some(pending)) => {
                findings.refuse(pending.refusal(&place));
                return report;
            }
            Err(why) => {
                findings.refuse(why);
                return report;
            }
        }
    }
    match remove(&wanted, args.adopt) {
        Ok(Removed::Foreign(found)) => {
            findings.refuse(format!(
                "somebody else made {found}: nothing was changed; say --adopt to take it out too"
            ));
            return report;
        }
        Ok(Removed::Ours(snapshot)) => {
            let remaining = verify::remaining_rules(&snapshot, &wanted.rulesets);
            let left = verify::left_rules(&snapshot, &wanted.unwanted);
            for remaining in remaining.into_iter().chain(left) {
                findings.fail(remaining);
            }
        }
        Err(why) => {
            findings.fail(why);
            return report;
        }
    }
    report.families = wanted.rulesets.iter().map(family_report).collect();
    if args.sets {
        if let Some(mut kernel) = sets::connect(findings) {
            report.sets = destroy_sets(&mut kernel, &wanted.sets, findings);
        }
    }
    report
}

/// What became of our rules.
enum Removed {
    /// They are out; the tables as they are now.
    Ours(Snapshot),
    /// Nothing was done because of these chains.
    Foreign(String),
}

/// Takes the rules out, and chains of others under our names only with `adopt`.
fn remove(wanted: &Wanted, adopt: bool) -> Result<Removed, String> {
    let plan = Plan::remove(&wanted.rulesets).and_then(|plan| plan.without(&wanted.unwanted));
    let mut plan = plan.map_err(|error| causes(&error))?;
    if adopt {
        plan = plan.adopting();
    }
    let mut nftables = Nftables::connect().map_err(|error| refusal(&error))?;
    let before = nftables.snapshot().map_err(|error| refusal(&error))?;
    if let (Some(found), false) = (named(&before, Some(wanted)), adopt) {
        return Ok(Removed::Foreign(found));
    }
    plan.apply_from(&mut nftables, before)
        .map_err(|error| refusal(&error))?;
    let after = nftables.snapshot().map_err(|error| {
        let why = refusal(&error);
        format!("cannot read the rules back after they were taken out: {why}")
    })?;
    Ok(Removed::Ours(after))
}

fn destroy_sets(
    kernel: &mut IpSet,
    sets: &[ConfiguredSet],
    findings: &mut Findings,
) -> Vec<SetReport> {
    sets.iter()
        .map(|set| SetReport {
            name: set.name().to_string(),
            outcome: match kernel.destroy(set.name(), IfMissing::Fail) {
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
        table: ruleset.table().name(),
        place: place(ruleset),
        chains: ruleset
            .chains()
            .map(|chain| chain.name().to_string())
            .collect(),
        policies: hooks(ruleset)
            .map(|hook| {
                let policy = ruleset.policy_of(hook).map(|_| Policy::Accept.to_string());
                (hook.chain(), policy)
            })
            .collect(),
    }
}
