//! What stands before our jump and decides there.

use std::fmt;

use super::outcome::Outcome;
use super::part::{Jump, Part, Wanted};
use super::snapshot::{ChainState, RuleState, Snapshot, TableState, rules_in, rules_of};
use crate::{Family, Hook, Ruleset, Table};

/// A rule that is not ours lets some packets in before our jump is reached: what is banned is not
/// banned there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ahead {
    /// Whose table.
    pub family: Family,
    /// Which table.
    pub table: Table,
    /// The built-in chain.
    pub hook: Hook,
    /// Which rule of it, the first being 1.
    pub position: usize,
    /// What becomes of the packets: `ACCEPT`, `NFQUEUE`, `ACCEPT in chain other`.
    pub verdict: String,
    /// Which packets, in the words of iptables as far as they are understood: `-p tcp --dport 22`.
    pub condition: String,
}

impl fmt::Display for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            family,
            table,
            hook,
            position,
            verdict,
            condition,
        } = self;
        let of = table.of(*family);
        let what = match hook {
            Hook::Forward => "who is banned gets through there",
            Hook::Output => "what goes out there was not asked about",
            _ => "who is banned gets in there",
        };
        if *table != Table::Filter {
            return write!(
                f,
                "rule {position} of the {of} chain {hook} does {verdict} with \"{condition}\" before our rules there see it"
            );
        }
        write!(
            f,
            "rule {position} of the {of} chain {hook} does {verdict} with \"{condition}\" before the firewall sees it: {what}, \
             and nothing of it is logged"
        )
    }
}

/// A rule that is not ours decides about every packet before our jump is reached, so that our rules
/// are void.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bypass {
    /// Whose table.
    pub family: Family,
    /// Which table.
    pub table: Table,
    /// The built-in chain.
    pub hook: Hook,
    /// Which rule of it, the first being 1.
    pub position: usize,
    /// What it does with every packet: `ACCEPT`, `DROP`, `REJECT`, `NFQUEUE`, `RETURN`, or where it
    /// leads: `ACCEPT in chain other`.
    pub verdict: String,
}

impl fmt::Display for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            family,
            table,
            hook,
            position,
            verdict,
        } = self;
        let tool = family.tool();
        if *table != Table::Filter {
            return write!(
                f,
                "rule {position} of the {} chain {hook} does {verdict} with every packet before our rules there see it: they are \
                 void until that rule is gone ({tool} -t {table} -D {hook} {position})",
                table.of(*family)
            );
        }
        write!(
            f,
            "rule {position} of the {family} chain {hook} does {verdict} with every packet before the firewall sees it: the \
             firewall is void until that rule is gone ({tool} -D {hook} {position})"
        )
    }
}

impl Snapshot {
    /// Rules of others that make this ruleset void, at most one for each of its jumps, as
    /// [`Applied::bypassed`](super::Applied::bypassed) has them. Where a jump is missing, all rules
    /// of its built-in chain are before it.
    pub fn bypassed(&self, ruleset: &Ruleset) -> Vec<Bypass> {
        // A jump names no set, so that it always encodes.
        Part::without_rules(ruleset, Wanted::Present)
            .map(|part| bypasses(&part, self.table_of(ruleset)))
            .unwrap_or_default()
    }

    /// Rules of others that let some packets in before the rules of this ruleset see them, as
    /// [`Applied::ahead`](super::Applied::ahead) has them.
    pub fn ahead(&self, ruleset: &Ruleset) -> Vec<Ahead> {
        Part::without_rules(ruleset, Wanted::Present)
            .map(|part| ahead(&part, self.table_of(ruleset)))
            .unwrap_or_default()
    }
}

/// A jump to one of ours, and the chain of others that may lead to it.
type Way<'a> = (&'a Jump, Option<&'a str>);

fn ways(part: &Part) -> impl Iterator<Item = Way<'_>> {
    let guests = part.guests.iter();
    let guests = guests.map(|guest| (&guest.jump, Some(guest.host.as_str())));
    guests.chain(part.jumps.iter().map(|jump| (jump, None)))
}

/// Whether every packet that comes to the rule comes to ours before it meets another.
fn is_way(rule: &RuleState, (jump, host): Way<'_>, table: &TableState) -> bool {
    let through = |host: &str| {
        let first = rules_in(Some(table), host).first();
        rule.always_jumps_to(host) && first.is_some_and(|first| first.always_jumps_to(&jump.to))
    };
    rule.always_jumps_to(&jump.to) || host.is_some_and(through)
}

/// Rules that end every packet's way before it gets to ours.
pub(super) fn bypasses(part: &Part, table: Option<&TableState>) -> Vec<Bypass> {
    let Some(table) = table else {
        return Vec::new();
    };
    let mut found: Vec<Bypass> = Vec::new();
    for way in ways(part) {
        let hook = way.0.hook;
        let before = rules_of(Some(table), hook)
            .iter()
            .take_while(|rule| !is_way(rule, way, table));
        let verdict = (1..)
            .zip(before)
            .find_map(|(position, rule)| Some((position, ending(part, table, rule, 0)?)));
        if let Some((position, verdict)) = verdict {
            let bypass = Bypass {
                family: part.family,
                table: part.table,
                hook,
                position,
                verdict,
            };
            if !found.contains(&bypass) {
                found.push(bypass);
            }
        }
    }
    found
}

/// The verdict of a rule that ends the way of every packet. What is not understood may be a
/// condition and ends nothing.
fn ending(part: &Part, table: &TableState, rule: &RuleState, depth: u8) -> Option<String> {
    if !rule.unconditional || depth > MAX_DEPTH {
        return None;
    }
    let inside = |to: &str| {
        // Our own chains are the firewall.
        let chain = table.chain(to).filter(|_| !part.is_within(to))?;
        let mut rules = chain
            .rules()
            .iter()
            .take_while(|rule| !(rule.unconditional && rule.outcome == Outcome::Return));
        let verdict = rules.find_map(|rule| ending(part, table, rule, depth + 1))?;
        Some(if verdict.contains(" in chain ") {
            verdict
        } else {
            format!("{verdict} in chain {to}")
        })
    };
    match &rule.outcome {
        Outcome::Continue | Outcome::Redirect | Outcome::Untrack | Outcome::Undecided => None,
        Outcome::Accept => Some("ACCEPT".to_owned()),
        Outcome::Drop => Some("DROP".to_owned()),
        Outcome::Reject => Some("REJECT".to_owned()),
        Outcome::Queue => Some("NFQUEUE".to_owned()),
        Outcome::Return => Some("RETURN".to_owned()),
        Outcome::Jump(to) => inside(to),
        // There is no way back from it.
        Outcome::Goto(to) if part.is_within(to) => None,
        Outcome::Goto(to) => Some(inside(to).unwrap_or_else(|| format!("GOTO {to}"))),
    }
}

/// Rules that let some packets in before the first of ours sees them.
pub(super) fn ahead(part: &Part, table: Option<&TableState>) -> Vec<Ahead> {
    let Some(table) = table else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for hook in part.hooks() {
        let ways: Vec<Way<'_>> = ways(part).filter(|(jump, _)| jump.hook == hook).collect();
        if ways.is_empty() {
            continue;
        }
        let before = rules_of(Some(table), hook)
            .iter()
            .take_while(|rule| !ways.iter().any(|way| is_way(rule, *way, table)));
        for (position, rule) in (1..).zip(before) {
            let mut search = Search {
                part,
                table,
                hook,
                position,
                found: &mut found,
                left: MOST_RULES,
            };
            search.rule(rule, "", None, 0);
        }
    }
    found
}

/// A search through a rule of a built-in chain and the chains that it leads to.
struct Search<'a> {
    part: &'a Part,
    table: &'a TableState,
    hook: Hook,
    position: usize,
    found: &'a mut Vec<Ahead>,
    /// How many rules are still looked at: chains may lead to one another in very many ways.
    left: usize,
}

impl Search<'_> {
    fn rule(&mut self, rule: &RuleState, before: &str, chain: Option<&str>, depth: u8) {
        if self.left == 0 || depth > MAX_DEPTH {
            return;
        }
        let asked = rule.asks(self.part.family);
        if asked.routine {
            return;
        }
        self.left -= 1;
        let condition = [before, &asked.words]
            .into_iter()
            .filter(|words| !words.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let verdict = match &rule.outcome {
            Outcome::Accept => "ACCEPT",
            Outcome::Queue => "NFQUEUE",
            Outcome::Undecided => "a verdict that cannot be read",
            Outcome::Jump(to) | Outcome::Goto(to) if !self.part.is_within(to) => {
                let rules = self.table.chain(to).map_or(&[][..], ChainState::rules);
                for inner in rules {
                    self.rule(inner, &condition, Some(to), depth + 1);
                    let ends = matches!(
                        inner.outcome,
                        Outcome::Accept | Outcome::Drop | Outcome::Reject | Outcome::Return
                    );
                    if inner.unconditional && ends {
                        break;
                    }
                }
                return;
            }
            _ => return,
        };
        let ahead = Ahead {
            family: self.part.family,
            table: self.part.table,
            hook: self.hook,
            position: self.position,
            verdict: match chain {
                Some(chain) => format!("{verdict} in chain {chain}"),
                None => verdict.to_owned(),
            },
            condition,
        };
        // One that is for every packet is a bypass and told as such.
        if !ahead.condition.is_empty() && !self.found.contains(&ahead) {
            self.found.push(ahead);
        }
    }
}

/// `NFT_JUMP_STACK_SIZE`, `net/netfilter/nf_tables.h`: the kernel follows no more jumps.
const MAX_DEPTH: u8 = 16;
/// How many rules are looked at behind one rule of a built-in chain.
const MOST_RULES: usize = 10_000;
