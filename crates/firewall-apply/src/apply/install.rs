//! The rules are put into the kernel and read back.

use std::collections::BTreeMap;
use std::error::Error;

use ipset_netlink::IpSet;
use iptables_ruleset::{ApplyError, Config, Family, KernelSet, Nftables, Plan, Ruleset, Snapshot};

use crate::findings::{Findings, causes, refusal};
use crate::foreign::CURE;
use crate::host::Host;
use crate::{needs, surroundings, verify};

/// Why a set cannot be found.
type BoxError = Box<dyn Error + Send + Sync>;

/// Why the rules are not in.
pub(super) struct Failure {
    pub(super) why: String,
    pub(super) outcome_unknown: bool,
}

/// The rules are in.
pub(super) struct Installed {
    /// Whether they were put in; `false` where they were there.
    pub(super) changed: bool,
    /// The tables as they are now; `None` where they cannot be read.
    pub(super) after: Option<Snapshot>,
}

/// What shall be in, and no longer be in.
pub(super) struct Rules<'a> {
    pub(super) wanted: &'a [Ruleset],
    pub(super) unwanted: &'a [Ruleset],
    /// Whether chains of others under names of ours are taken over.
    pub(super) adopt: bool,
}

/// Puts the rules in and takes out what is unwanted, unless the tables, which were read `before`, are
/// like that, and says what is odd about it.
pub(super) fn install(
    kernel: &mut IpSet,
    config: &Config,
    rules: &Rules<'_>,
    before: Option<&Snapshot>,
    findings: &mut Findings,
) -> Result<Installed, Failure> {
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
    let (rulesets, unwanted) = (rules.wanted, rules.unwanted);
    let plan = Plan::install(rulesets, &mut find).and_then(|plan| plan.without(unwanted));
    let mut plan = plan.map_err(|error| nothing_done(causes(&error)))?;
    if rules.adopt {
        plan = plan.adopting();
    }
    let mut nftables = Nftables::connect().map_err(|error| nothing_done(refusal(&error)))?;
    let applied = match before {
        Some(before) => plan.apply_from(&mut nftables, before.clone()),
        None => plan.apply(&mut nftables),
    };
    let applied = applied.map_err(|error| failure(&error, &mut nftables, rulesets))?;
    surroundings::note_ahead(&applied.bypassed, &applied.ahead, findings);
    match &applied.after {
        Some(tables) => {
            if !applied.as_wanted {
                let set = |index| name_of(&resolved, index);
                for missing in verify::missing_rules(tables, rulesets, set) {
                    findings.fail(missing);
                }
                for left in verify::left_rules(tables, unwanted) {
                    findings.fail(left);
                }
            }
            surroundings::note(&mut nftables, tables, config, findings);
        }
        None => findings.fail("cannot read the rules back after they were put in: apply again"),
    }
    for moved in verify::moved_sets(&resolved, |name| find_set(kernel, name)) {
        findings.fail(moved);
    }
    Ok(Installed {
        changed: applied.changed,
        after: applied.after,
    })
}

/// Why the rules are not in. What the kernel refused may be something that it has not: that is asked
/// for only now, because to ask for expressions is a transaction, too, and each makes the kernel wait
/// until no processor uses the old rules any more.
fn failure(error: &ApplyError, nftables: &mut Nftables, rulesets: &[Ruleset]) -> Failure {
    let missing = if error.is_refused() && !error.is_permission_denied() {
        needs::missing_parts(nftables, rulesets, &Host::of_this_system())
    } else {
        Vec::new()
    };
    let why = if !missing.is_empty() {
        missing.join("; ")
    } else if error.is_foreign() {
        format!("{error} while the rules were being put in. {CURE}")
    } else {
        refusal(error)
    };
    Failure {
        why,
        outcome_unknown: error.is_outcome_unknown(),
    }
}

/// The set that the kernel knows by this index, of those that the rules name.
fn name_of(resolved: &BTreeMap<String, KernelSet>, index: u16) -> Option<String> {
    let mut sets = resolved.iter();
    sets.find(|(_, set)| set.index() == index)
        .map(|(name, _)| name.clone())
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
