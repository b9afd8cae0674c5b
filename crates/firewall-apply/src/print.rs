//! `print`: what apply would install.

use std::collections::BTreeMap;

use ipset_netlink::{CreateSet, Timeout};
use iptables_ruleset::{Chain, Family, Hook, Ruleset};
use serde::Serialize;

use crate::args::{FamilyArg, Format, PrintArgs};
use crate::config::{Source, Wanted};

/// What `print` has to print.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration it comes from.
    pub(crate) config: Source,
    /// The sets.
    pub(crate) sets: Vec<SetText>,
    /// The rules.
    pub(crate) families: Vec<Rules>,
    /// The form that people asked for.
    #[serde(skip)]
    pub(crate) text: Text,
}

/// The forms that are not JSON.
#[derive(Debug)]
pub(crate) enum Text {
    /// Rules, with the family as a heading when there are two.
    IptablesSave(Vec<Ruleset>),
    /// Sets.
    IpsetSave(Vec<CreateSet>),
}

/// A set.
#[derive(Debug, Serialize)]
pub(crate) struct SetText {
    /// Its name.
    pub(crate) name: String,
    /// `inet` or `inet6`.
    pub(crate) family: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) set_type: String,
    /// The most members.
    pub(crate) maxelem: Option<u32>,
    /// The timeout of members that are added without one; 0 for permanent.
    pub(crate) timeout: Option<u32>,
}

/// The rules of a family.
#[derive(Debug, Serialize)]
pub(crate) struct Rules {
    /// `inet` or `inet6`.
    pub(crate) family: &'static str,
    /// The policy of each built-in chain; null for one that stays as it is.
    pub(crate) policies: BTreeMap<&'static str, Option<String>>,
    /// The jumps from built-in chains, the chain and where to.
    pub(crate) jumps: Vec<Jump>,
    /// Our chains.
    pub(crate) chains: Vec<ChainText>,
}

/// A jump from a built-in chain.
#[derive(Debug, Serialize)]
pub(crate) struct Jump {
    /// The built-in chain.
    pub(crate) from: &'static str,
    /// Our chain.
    pub(crate) to: String,
}

/// A chain of ours.
#[derive(Debug, Serialize)]
pub(crate) struct ChainText {
    /// Its name.
    pub(crate) name: String,
    /// Its rules in the words of iptables.
    pub(crate) rules: Vec<String>,
}

/// Prepares what was asked for.
pub(crate) fn run(config: Source, wanted: Option<Wanted>, args: &PrintArgs) -> Report {
    let (mut sets, mut rulesets) = match wanted {
        Some(wanted) => (wanted.sets, Vec::from(wanted.rulesets)),
        None => (Vec::new(), Vec::new()),
    };
    if let Some(only) = args.family {
        let (of_sets, of_rules) = match only {
            FamilyArg::Inet => (ipset_netlink::Family::Inet, Family::Ipv4),
            FamilyArg::Inet6 => (ipset_netlink::Family::Inet6, Family::Ipv6),
        };
        sets.retain(|set| set.family == of_sets);
        rulesets.retain(|ruleset| ruleset.family() == of_rules);
    }
    Report {
        config,
        sets: sets.iter().map(SetText::from).collect(),
        families: rulesets.iter().map(Rules::from).collect(),
        text: match args.format {
            Some(Format::IpsetSave) => Text::IpsetSave(sets),
            _ => Text::IptablesSave(rulesets),
        },
    }
}

/// The family as `ipset` and `--family` spell it.
pub(crate) fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "inet",
        Family::Ipv6 => "inet6",
    }
}

/// The policy that is wanted for each built-in chain.
pub(crate) fn policies(ruleset: &Ruleset) -> BTreeMap<&'static str, Option<String>> {
    Hook::ALL
        .into_iter()
        .map(|hook| {
            (
                hook.chain(),
                ruleset.policy_of(hook).map(|policy| policy.to_string()),
            )
        })
        .collect()
}

/// The jumps that are wanted from built-in chains.
pub(crate) fn jumps(ruleset: &Ruleset) -> Vec<Jump> {
    let of_chain = |from: Hook| {
        ruleset.jumps_from(from).map(move |to| Jump {
            from: from.chain(),
            to: to.to_string(),
        })
    };
    Hook::ALL.into_iter().flat_map(of_chain).collect()
}

impl From<&CreateSet> for SetText {
    fn from(set: &CreateSet) -> Self {
        Self {
            name: set.name.to_string(),
            family: set.family.to_string(),
            set_type: set.set_type.to_string(),
            maxelem: set.options.max_elements,
            timeout: set.options.timeout.map(Timeout::as_secs),
        }
    }
}

impl From<&Ruleset> for Rules {
    fn from(ruleset: &Ruleset) -> Self {
        let family = ruleset.family();
        let text = |chain: &Chain| ChainText {
            name: chain.name().to_string(),
            rules: chain
                .rules()
                .iter()
                .map(|rule| rule.to_iptables_save(family).to_string())
                .collect(),
        };
        Self {
            family: family_name(family),
            policies: policies(ruleset),
            jumps: jumps(ruleset),
            chains: ruleset.chains().map(text).collect(),
        }
    }
}
