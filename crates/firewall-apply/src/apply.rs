//! `apply`: the sets and the chains of both families, all or nothing.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use ipset_netlink::{CreateSet, IpSet, SetName};
use iptables_ruleset::{Family, Kernel as _, KernelSet, Nftables, Plan, Ruleset};
use jiff::Timestamp;
use serde::Serialize;

use crate::config::{Source, Wanted};
use crate::lock::wait_for_turn;
use crate::print::{family_name, policies};
use crate::report::{Findings, causes, refusal};
use crate::restore::{bad_lines, note_refused, read};
use crate::save::format::Saved;
use crate::save::members::{PutBack, elapsed, put_back};
use crate::sets::{self, Standing};
use crate::verify;

/// What `apply` did.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration.
    pub(crate) config: Source,
    /// The sets; none when the firewall was not put in.
    pub(crate) sets: Vec<SetReport>,
    /// The saved members; `None` when no set was created.
    pub(crate) saved: Option<SavedReport>,
    /// The rules; none when they were not put in.
    pub(crate) families: Vec<FamilyReport>,
}

/// What `apply` did with a set.
#[derive(Debug, Serialize)]
pub(crate) struct SetReport {
    /// Its name.
    pub(crate) name: String,
    /// `inet` or `inet6`.
    pub(crate) family: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) set_type: String,
    /// The most members it takes.
    pub(crate) maxelem: Option<u32>,
    /// Whether it was there.
    pub(crate) outcome: Outcome,
    /// Members put back.
    pub(crate) restored: u64,
    /// Saved members whose time is over.
    pub(crate) expired: u64,
    /// Saved members that could not be put back.
    pub(crate) refused: u64,
}

/// Whether a set was there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// This run created it.
    Created,
    /// It was there, and has the members it had.
    Kept,
}

/// Where the saved members came from.
#[derive(Debug, Serialize)]
pub(crate) struct SavedReport {
    /// The file.
    pub(crate) path: PathBuf,
    /// Whether it exists.
    pub(crate) found: bool,
    /// When it was saved; `None` when it does not say.
    pub(crate) saved: Option<Timestamp>,
    /// The seconds that were taken off each timeout.
    pub(crate) elapsed: u32,
}

/// The rules of a family.
#[derive(Debug, Serialize)]
pub(crate) struct FamilyReport {
    /// `inet` or `inet6`.
    pub(crate) family: &'static str,
    /// As people call it.
    #[serde(skip)]
    pub(crate) protocol: Family,
    /// The policy of each built-in chain; null for one that was left as it was.
    pub(crate) policies: BTreeMap<&'static str, Option<String>>,
    /// Our chains.
    pub(crate) chains: Vec<ChainReport>,
}

/// A chain of ours.
#[derive(Debug, Serialize)]
pub(crate) struct ChainReport {
    /// Its name.
    pub(crate) name: String,
    /// How many rules it has.
    pub(crate) rules: usize,
}

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
    let mut standings = sets::examine(kernel, wanted.sets, findings);
    if findings.failed() {
        return report;
    }
    let saved = if standings.iter().any(|standing| standing.found.is_none()) {
        let (saved, about) = saved_members(saved_path, findings);
        report.saved = Some(about);
        saved
    } else {
        Saved::default()
    };
    extend(&mut standings, &saved);
    // A saved file that cannot be read is told, and must not keep the firewall from going up.
    let told = findings.errors.len();
    let created = sets::create_missing(kernel, &standings, findings);
    if findings.errors.len() > told {
        sets::destroy(kernel, &created, findings);
        return report;
    }
    let ago = report.saved.as_ref().map_or(0, |about| about.elapsed);
    let restored = restore(kernel, &created, &saved, ago, saved_path, findings);
    if let Err(failure) = install(kernel, &wanted.rulesets, findings) {
        findings.fail(failure.why);
        if !failure.outcome_unknown {
            sets::destroy(kernel, &created, findings);
        }
        return report;
    }
    report.sets = standings
        .iter()
        .map(|standing| set_report(standing, &restored))
        .collect();
    report.families = wanted.rulesets.iter().map(family_report).collect();
    report
}

/// Reads the file of `save`; one that does not exist has nothing in it.
fn saved_members(path: &Path, findings: &mut Findings) -> (Saved, SavedReport) {
    let mut about = SavedReport {
        path: path.to_owned(),
        found: true,
        saved: None,
        elapsed: 0,
    };
    match read(path) {
        Ok(parsed) => {
            for problem in bad_lines(path, &parsed) {
                findings.fail(problem);
            }
            about.saved = parsed.saved.at;
            about.elapsed = elapsed(parsed.saved.at, Timestamp::now());
            (parsed.saved, about)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            about.found = false;
            (Saved::default(), about)
        }
        Err(error) => {
            let path = path.display();
            findings.fail(format!(
                "cannot put saved members back: cannot read {path}: {error}"
            ));
            (Saved::default(), about)
        }
    }
}

/// A set that is created again keeps what its members had, comments and counters, and starts large enough for them.
fn extend(standings: &mut [Standing], saved: &Saved) {
    for standing in standings
        .iter_mut()
        .filter(|standing| standing.found.is_none())
    {
        let Some(set) = saved.set(&standing.wanted.name) else {
            continue;
        };
        if let Some(create) = &set.create {
            standing.wanted.counters = create.counters;
            standing.wanted.comments = create.comments;
        }
        // About half as many buckets as members is what the kernel fills fastest.
        let buckets = u32::try_from(set.members.len() / 2).unwrap_or(u32::MAX);
        if buckets > DEFAULT_HASH_SIZE {
            standing.wanted.hash_size = Some(buckets.min(CreateSet::MAX_HASH_SIZE));
        }
    }
}

fn restore(
    kernel: &mut IpSet,
    created: &[CreateSet],
    saved: &Saved,
    elapsed: u32,
    path: &Path,
    findings: &mut Findings,
) -> BTreeMap<SetName, PutBack> {
    let mut restored = BTreeMap::new();
    for set in created {
        if let Some(of_set) = saved.set(&set.name) {
            let outcome = put_back(kernel, set, &[], &of_set.members, elapsed);
            note_refused(&set.name, &outcome, path, findings);
            restored.insert(set.name.clone(), outcome);
        }
    }
    restored
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

fn set_report(standing: &Standing, restored: &BTreeMap<SetName, PutBack>) -> SetReport {
    let wanted = &standing.wanted;
    let (outcome, set_type, maxelem) = match &standing.found {
        Some(found) => (Outcome::Kept, &found.set_type, found.max_elements),
        None => (Outcome::Created, &wanted.set_type, wanted.max_elements),
    };
    let members = restored.get(&wanted.name);
    SetReport {
        name: wanted.name.to_string(),
        family: wanted.family.to_string(),
        set_type: set_type.to_string(),
        maxelem,
        outcome,
        restored: members.map_or(0, |members| members.added),
        expired: members.map_or(0, |members| members.expired),
        refused: members.map_or(0, |members| members.refused),
    }
}

fn family_report(ruleset: &Ruleset) -> FamilyReport {
    FamilyReport {
        family: family_name(ruleset.family()),
        protocol: ruleset.family(),
        policies: policies(ruleset),
        chains: ruleset
            .chains()
            .map(|chain| ChainReport {
                name: chain.name().to_string(),
                rules: chain.rules().len(),
            })
            .collect(),
    }
}

/// The buckets a hash starts with unless told otherwise (`IPSET_DEFAULT_HASHSIZE` in
/// `net/netfilter/ipset/ip_set_hash_gen.h`).
const DEFAULT_HASH_SIZE: u32 = 1024;
