//! What of the firewall stands, and what makes it void or weak.

use ipset_netlink::{IpSet, Transport};
use iptables_ruleset::{ChainState, Family, Hook, Policy, RuleState, Ruleset, Snapshot};

use crate::config::{self, Wanted};
use crate::findings::Findings;
use crate::foreign::{CURE, named};
use crate::host::Host;
use crate::last::{Last, body};
use crate::rules::hooks;
use crate::surroundings::note_ahead;
use crate::verify::{left_rules, missing_rules};

/// Whether a firewall of ours stands, be it in one family only.
pub(crate) fn stands(snapshot: &Snapshot) -> bool {
    // The names of our chains are the same with every configuration.
    let Ok(any) = config::built_in() else {
        return true;
    };
    any.rulesets.iter().any(|ruleset| {
        hooks(ruleset).any(|hook| {
            let mut to = ruleset.jumps_from(hook);
            to.any(|to| jump(snapshot, ruleset, hook.chain(), to.as_str()).is_some())
        })
    })
}

/// Whether the floor of a host stands on which others have made chains of our names.
fn floor_stands(snapshot: &Snapshot, expected: &Wanted) -> bool {
    let input = Hook::Input;
    expected.unwanted.iter().any(|ruleset| {
        let mut to = ruleset.jumps_from(input);
        to.any(|to| jump(snapshot, ruleset, input.chain(), to.as_str()).is_some())
    })
}

/// Which rule of a chain that is not ours jumps to our chain `to`, the first being 1.
pub(crate) fn jump(snapshot: &Snapshot, ruleset: &Ruleset, from: &str, to: &str) -> Option<usize> {
    let chain = snapshot.table_of(ruleset)?.chain(from)?;
    let is_it = |rule: &RuleState| rule.always_jumps_to(to);
    Some(chain.rules().iter().position(is_it)? + 1)
}

/// What shall stand: the configuration that went in last, where that is known, or else the one that
/// is wanted.
pub(crate) fn expected<'a>(wanted: Option<&'a Wanted>, last: &'a Last) -> Option<&'a Wanted> {
    last.kept().map(|kept| &kept.wanted).or(wanted)
}

/// Whether the configuration is another than the one that went in last; `None` where that is not
/// known.
pub(crate) fn is_changed(wanted: Option<&Wanted>, last: &Last) -> Option<bool> {
    Some(body(&wanted?.text) != body(&last.kept()?.wanted.text))
}

/// The names of the sets of a configuration by the kernel's index.
pub(crate) fn set_names<T: Transport>(
    kernel: &mut IpSet<T>,
    expected: &Wanted,
) -> impl Fn(u16) -> Option<String> + use<T> {
    let mut names = Vec::new();
    for set in &expected.sets {
        if let Ok(found) = kernel.index(set.name()) {
            names.push((found.index, set.name().to_string()));
        }
    }
    move |index| {
        let found = names.iter().find(|(known, _)| *known == index);
        found.map(|(_, name)| name.clone())
    }
}

/// Errors and warnings about our rules: what is missing of them, and what makes them void or weak.
/// Returns whether they stand.
pub(crate) fn note(
    snapshot: &Snapshot,
    expected: &Wanted,
    last: &Last,
    host: &Host,
    set_name: impl Fn(u16) -> Option<String>,
    findings: &mut Findings,
) -> bool {
    if !stands(snapshot) && floor_stands(snapshot, expected) {
        let why = match named(snapshot, Some(expected)) {
            Some(found) => format!("somebody else made {found}. {CURE}"),
            None => "`firewall-apply` puts the firewall in".to_owned(),
        };
        findings.fail(format!(
            "only a floor stands, in the chain FIREWALL_FLOOR: loopback, established connections, ssh and the whitelist get in; {why}"
        ));
        return false;
    }
    if !stands(snapshot) {
        findings.fail(match last.kept().and_then(|kept| kept.at) {
            Some(at) => format!(
                "no firewall stands, although one went in at {at:.0}: somebody flushed the ruleset since, or the host came up \
                 without it; `firewall-apply` puts it in"
            ),
            None => "no firewall stands: nothing leads from INPUT to FIREWALL_INPUT; `firewall-apply` puts it in"
                .to_owned(),
        });
        return false;
    }
    let missing = missing_rules(snapshot, &expected.rulesets, set_name);
    let left = left_rules(snapshot, &expected.unwanted);
    for missing in missing.into_iter().chain(left) {
        findings.fail(format!("{missing}; `firewall-apply` puts it right"));
    }
    let (mut bypassed, mut ahead) = (Vec::new(), Vec::new());
    for ruleset in &expected.rulesets {
        // Without the jump every rule of INPUT would be one before it.
        let jumps = |hook: Hook| ruleset.jumps_from(hook).map(move |to| (hook.chain(), to));
        let mut jumps = hooks(ruleset).flat_map(jumps);
        if jumps.all(|(from, to)| jump(snapshot, ruleset, from, to.as_str()).is_some()) {
            bypassed.extend(snapshot.bypassed(ruleset));
            ahead.extend(snapshot.ahead(ruleset));
        }
    }
    note_ahead(&bypassed, &ahead, findings);
    note_forwarding(snapshot, host, findings);
    true
}

/// A warning where packets are passed on that nothing filters.
fn note_forwarding(snapshot: &Snapshot, host: &Host, findings: &mut Findings) {
    for (family, path) in Family::BOTH.into_iter().zip(FORWARDING) {
        let chain = snapshot
            .table(family)
            .and_then(|table| table.chain(Hook::Forward.chain()));
        // Where there is none, nothing of iptables decides.
        let policy = chain.and_then(ChainState::policy).unwrap_or(Policy::Accept);
        if policy == Policy::Accept && host.number(path) == Some(1) {
            findings.warn(format!(
                "{family}: this host passes packets on, and the policy of FORWARD is ACCEPT: what comes through it meets no rule \
                 of the firewall; forward = \"drop\" under [policy] closes it"
            ));
        }
    }
}

/// Whether packets are passed on, of IPv4 and IPv6.
const FORWARDING: [&str; 2] = [
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv6/conf/all/forwarding",
];
