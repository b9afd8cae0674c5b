//! What decides about packets to this host beside our rules, in whichever table.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{self, CHAINS};
use super::socket::Socket;
use crate::firewall::EARLY;
use crate::kernel::outcome::Outcome;
use crate::kernel::snapshot::{KernelTable, RuleState, TableState};
use crate::wire::attributes::Attributes;
use crate::{ApplyError, Family, Policy, Snapshot, Table};

/// Chains of others that packets to this host come through, and packets that never come to INPUT.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Surroundings {
    /// The chains that drop some packets, or may.
    pub chains: Vec<Beside>,
    /// What is passed on to other addresses before INPUT is asked, as container engines do with the
    /// ports they publish: `tcp 8080`, or where the port is not to be told what the rule says. Each
    /// once, sorted.
    pub published: Vec<String>,
}

/// A chain of another table that packets to this host come through too, and that drops some of
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beside {
    /// `ip`, `ip6`, or `inet` for both.
    pub family: &'static str,
    /// Its table.
    pub table: String,
    /// Its name.
    pub chain: String,
    /// `input` or `prerouting`.
    pub hook: &'static str,
    /// Where it stands among the chains of that hook; the one of iptables' filter table has 0.
    pub priority: i32,
    /// Whether its policy is DROP.
    pub drops_the_rest: bool,
    /// How many of the rules that it leads to drop or reject packets, or may.
    pub rules: usize,
}

/// The rules of one chain in short.
#[derive(Default)]
struct Short {
    drops: usize,
    leads_to: BTreeSet<String>,
}

/// The chains of a family and their rules in short, by table.
type Tables = BTreeMap<String, BTreeMap<String, Short>>;

pub(super) fn surroundings(
    socket: &mut Socket,
    known: &Snapshot,
) -> Result<Surroundings, ApplyError> {
    let mut found = Surroundings::default();
    let mut published = BTreeSet::new();
    for (family, number, of) in FAMILIES {
        let (mut bases, mut names) = (Vec::new(), BTreeSet::new());
        read::list(socket, number, CHAINS, &[], |attributes| {
            bases.extend(base(family, attributes));
            names.extend(read::chain_place(attributes).map(|(table, _)| table));
        })?;
        let mut tables = Tables::new();
        let mut left = MOST_RULES;
        let mut note = |table: &str, chain: &str, rule: &RuleState| {
            if left == 0 || rule.is_ours() {
                return;
            }
            left -= 1;
            published.extend(passed_on(rule, of));
            let chains = tables.entry(table.to_owned()).or_default();
            chains.entry(chain.to_owned()).or_default().note(rule);
        };
        for name in &names {
            if let Some(table) = known_table(known, of, name) {
                for (chain, state) in table.chains() {
                    for rule in state.rules() {
                        note(name, chain, rule);
                    }
                }
                continue;
            }
            read::rules_of(socket, number, name, |attributes| {
                let chain = read::place(attributes).map(|(_, chain)| chain);
                if let (Some(chain), Some(rule)) = (chain, read::rule(attributes)) {
                    note(name, &chain, &rule);
                }
            })?;
        }
        for mut base in bases {
            base.rules = drops(&tables, &base.table, &base.chain);
            // The one that ours is in.
            let ours = base.table == "filter" && base.chain == "INPUT" && family != "inet";
            if !ours && (base.drops_the_rest || base.rules > 0) {
                found.chains.push(base);
            }
        }
    }
    found.published = published.into_iter().collect();
    Ok(found)
}

/// A table of iptables, as it was read.
fn known_table<'k>(known: &'k Snapshot, of: &[Family], name: &str) -> Option<&'k TableState> {
    match of {
        [family] => known.find(Table::named(name)?, *family),
        _ => None,
    }
}

/// Every table that IP packets come through, of the three families.
pub(super) fn tables(socket: &mut Socket) -> Result<Vec<KernelTable>, ApplyError> {
    let mut found = Vec::new();
    for (family, number, _) in FAMILIES {
        found.append(&mut read::every_table(socket, family, number)?);
    }
    Ok(found)
}

fn base(family: &'static str, attributes: &Attributes<'_>) -> Option<Beside> {
    let (table, chain) = read::chain_place(attributes)?;
    let base = read::base_chain(attributes)?;
    let hook = match base.hook {
        NF_INET_PRE_ROUTING => "prerouting",
        NF_INET_LOCAL_IN => "input",
        _ => return None,
    };
    (base.kind == "filter").then_some(Beside {
        family,
        table,
        chain,
        hook,
        priority: base.priority,
        drops_the_rest: base.policy == Policy::Drop,
        rules: 0,
    })
}

impl Short {
    fn note(&mut self, rule: &RuleState) {
        match &rule.outcome {
            Outcome::Drop | Outcome::Reject | Outcome::Queue | Outcome::Undecided => {
                self.drops += 1;
            }
            // Ours, also where it has lost its mark.
            Outcome::Jump(to) if to == EARLY => {}
            Outcome::Jump(to) | Outcome::Goto(to) => drop(self.leads_to.insert(to.clone())),
            _ => {}
        }
    }
}

/// How many rules drop of those that the chain leads to, itself among them.
fn drops(tables: &Tables, table: &str, chain: &str) -> usize {
    let Some(chains) = tables.get(table) else {
        return 0;
    };
    let mut seen = BTreeSet::new();
    let mut next = vec![chain];
    let mut count = 0;
    while let Some(name) = next.pop() {
        if let (true, Some(short)) = (seen.insert(name), chains.get(name)) {
            count += short.drops;
            next.extend(short.leads_to.iter().map(String::as_str));
        }
    }
    count
}

/// What a rule gives another destination. A table of both families has addresses of either.
fn passed_on(rule: &RuleState, families: &[Family]) -> Vec<String> {
    if rule.outcome != Outcome::Redirect {
        return Vec::new();
    }
    let asked = families.iter().map(|family| rule.asks(*family));
    let asked = asked.max_by_key(|asked| asked.words.len());
    let asked = asked.unwrap_or_default();
    match (&*asked.ports, &*asked.words) {
        ([], "") => vec!["everything".to_owned()],
        ([], words) => vec![words.to_owned()],
        (ports, _) => ports.to_vec(),
    }
}

/// The families of tables: name, number, and the addresses that their packets have.
const FAMILIES: [(&str, u8, &[Family]); 3] = [
    ("inet", NFPROTO_INET, &Family::BOTH),
    ("ip", NFPROTO_IPV4, &[Family::Ipv4]),
    ("ip6", NFPROTO_IPV6, &[Family::Ipv6]),
];
/// linux/netfilter.h.
const NFPROTO_INET: u8 = 1;
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;
const NF_INET_PRE_ROUTING: u32 = 0;
const NF_INET_LOCAL_IN: u32 = 1;
/// Rules of one family that are looked at.
const MOST_RULES: usize = 200_000;
