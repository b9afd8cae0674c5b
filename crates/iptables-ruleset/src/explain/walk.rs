//! The way of a packet through the chains of one table.

use super::ending::{Added, Ending, LogLine, Verdict, either};
use super::rule::{Answered, Asked, ask, ask_found};
use crate::kernel::outcome::Outcome;
use crate::packet::{Facts, Holds, Packet, Tracking};
use crate::{Guest, Policy, Ruleset, TableState};

/// What becomes of a packet in one built-in chain and those that it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Explanation {
    /// The rules that were asked, in the kernel's order.
    pub steps: Vec<Step>,
    /// How it can end, in the order in which the rules are asked; one where everything is known.
    pub endings: Vec<Ending>,
    /// Whether there were more rules than are followed, so that the last endings are missing.
    pub cut_short: bool,
    /// Whether it is, or may be, kept away from connection tracking from here on.
    pub(super) untracked: Option<Holds>,
}

/// A rule that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The chain that it is in.
    pub chain: String,
    /// Which rule of the chain, the first being 1.
    pub number: usize,
    /// How many jumps lead here.
    pub depth: usize,
    /// The rule as iptables-save prints it behind `-A CHAIN`.
    pub rule: String,
    /// What it does with a packet that matches, as iptables-save prints it; empty where it only
    /// counts.
    pub target: String,
    /// What it asks, up to the first that is answered with no.
    pub asked: Vec<Asked>,
    /// Whether the packet matches it, if it comes here.
    pub holds: Holds,
    /// Whether it comes here for sure, or only if rules before it match or do not.
    pub reached: Holds,
}

impl Explanation {
    /// What becomes of it, where all endings agree.
    pub fn verdict(&self) -> Option<Verdict> {
        let (first, rest) = self.endings.split_first()?;
        let same = rest.iter().all(|other| other.verdict == first.verdict);
        (same && !self.cut_short).then_some(first.verdict)
    }

    /// The rule to which an ending is due, seen from the outermost chain that is not a built-in
    /// one: where a rule jumps to a chain that logs and drops, it is that rule. `None` for a policy.
    pub fn deciding(&self, ending: &Ending) -> Option<&Step> {
        let last = self.steps.get(ending.step?)?;
        let mut depth = last.depth;
        let mut deciding = last;
        let before = self.steps.get(..ending.step?)?;
        for step in before.iter().rev() {
            if step.depth < depth && step.holds != Holds::No && depth > 1 {
                // What the inner rule does to all packets is due to the one that leads there.
                if !deciding.asked.is_empty() {
                    break;
                }
                depth = step.depth;
                deciding = step;
            }
        }
        Some(deciding)
    }
}

/// Where the rules come from.
#[derive(Clone, Copy)]
pub(super) enum Rules<'a> {
    Wanted(&'a Ruleset),
    Found(&'a TableState),
}

pub(super) fn explain(
    rules: Rules<'_>,
    chain: &str,
    policy: Policy,
    packet: &Packet,
    facts: &mut dyn Facts,
) -> Explanation {
    let mut walk = Walk {
        rules,
        packet: packet.clone(),
        facts,
        done: Explanation::default(),
    };
    let start = Way {
        reached: Holds::Yes,
        logged: Vec::new(),
        added: Vec::new(),
        if_matched: Vec::new(),
    };
    if let Some(left) = walk.chain(chain, start, 0).joined() {
        let verdict = match policy {
            Policy::Accept => Verdict::Accept,
            Policy::Drop => Verdict::Drop,
        };
        walk.end(&left, verdict, None);
    }
    walk.done
}

/// What is known of a packet that comes to a rule.
#[derive(Clone)]
struct Way {
    reached: Holds,
    logged: Vec<LogLine>,
    added: Vec<Added>,
    if_matched: Vec<usize>,
}

/// How a chain is left without an ending.
struct Left {
    /// Behind the last rule, or by RETURN.
    ways: Vec<Way>,
}

impl Left {
    /// All the ways in one.
    fn joined(self) -> Option<Way> {
        self.ways.into_iter().reduce(|a, b| a.or(&b))
    }
}

impl Way {
    /// This way or that, which come together.
    fn or(self, other: &Self) -> Self {
        Self {
            // One of them is taken for sure where they parted at a rule that was.
            reached: if self.reached == Holds::Yes {
                Holds::Yes
            } else {
                other.reached
            },
            logged: either(&self.logged, &other.logged),
            added: either(&self.added, &other.added),
            if_matched: self
                .if_matched
                .into_iter()
                .filter(|step| other.if_matched.contains(step))
                .collect(),
        }
    }
}

struct Walk<'a> {
    rules: Rules<'a>,
    packet: Packet,
    facts: &'a mut dyn Facts,
    done: Explanation,
}

impl Walk<'_> {
    /// Follows a chain from its first rule.
    fn chain(&mut self, chain: &str, way: Way, depth: usize) -> Left {
        let mut left = Left { ways: Vec::new() };
        let mut way = Some(way);
        for number in 1.. {
            let Some(here) = way.take() else {
                return left;
            };
            let Some(answered) = self.ask(chain, number) else {
                left.ways.push(here);
                return left;
            };
            if depth > MAX_DEPTH || self.done.steps.len() >= MOST_STEPS {
                self.done.cut_short = true;
                return left;
            }
            way = self.rule(chain, number, answered, here, depth, &mut left);
        }
        left
    }

    /// The rule of that number, asked; `None` behind the last one.
    fn ask(&mut self, chain: &str, number: usize) -> Option<Answered> {
        let at = number.checked_sub(1)?;
        match self.rules {
            Rules::Found(table) => {
                let rule = table.chain(chain)?.rules().get(at)?;
                Some(ask_found(rule, &self.packet, self.facts))
            }
            Rules::Wanted(ruleset) => {
                let own = ruleset.chains().find(|own| own.name().as_str() == chain);
                if let Some(own) = own {
                    let rule = own.rules().get(at)?;
                    return Some(ask(rule, &self.packet, self.facts));
                }
                let hook = ruleset.table().hook(chain)?;
                // Nobody leads to their hosts.
                let guests = ruleset.guests().filter(|guest| guest.hook() == hook);
                let mut jumps = guests.map(Guest::to).chain(ruleset.jumps_from(hook));
                let to = jumps.nth(at)?;
                let jump = crate::Rule::new(to.clone());
                Some(ask(&jump, &self.packet, self.facts))
            }
        }
    }

    /// Follows one rule; returns the way that goes on behind it.
    fn rule(
        &mut self,
        chain: &str,
        number: usize,
        answered: Answered,
        here: Way,
        depth: usize,
        left: &mut Left,
    ) -> Option<Way> {
        let holds = answered.holds;
        let at = self.done.steps.len();
        self.done.steps.push(Step {
            chain: chain.to_owned(),
            number,
            depth,
            rule: answered.text,
            target: answered.target,
            asked: answered.asked,
            holds,
            reached: here.reached,
        });
        if holds == Holds::No {
            return Some(here);
        }
        let mut matched = here.clone();
        // Who does not match goes on.
        let passed_by = (holds == Holds::Perhaps).then_some(Way {
            reached: Holds::Perhaps,
            ..here
        });
        if holds == Holds::Perhaps {
            matched.reached = Holds::Perhaps;
            matched.if_matched.push(at);
        }
        matched
            .logged
            .extend(answered.logs.into_iter().map(|prefix| LogLine {
                prefix,
                certain: true,
            }));
        matched
            .added
            .extend(answered.adds.map(|set| Added { set, certain: true }));
        let goes_on = match answered.action {
            Outcome::Continue => Some(matched),
            Outcome::Accept => self.end(&matched, Verdict::Accept, Some(at)),
            Outcome::Drop => self.end(&matched, Verdict::Drop, Some(at)),
            Outcome::Reject => self.end(&matched, Verdict::Reject, Some(at)),
            Outcome::Queue => self.end(&matched, Verdict::Queue, Some(at)),
            Outcome::Redirect => self.end(&matched, Verdict::Redirect, Some(at)),
            Outcome::Undecided => {
                self.end(&matched, Verdict::Undecided, Some(at));
                matched.reached = Holds::Perhaps;
                Some(matched)
            }
            Outcome::Untrack => {
                self.done.untracked = Some(matched.reached);
                if matched.reached == Holds::Yes {
                    self.packet = self.packet.clone().tracking(Tracking::Untracked);
                }
                Some(matched)
            }
            Outcome::Return => {
                left.ways.push(matched);
                None
            }
            Outcome::Jump(to) => self.chain(&to, matched, depth + 1).joined(),
            Outcome::Goto(to) => {
                left.ways
                    .extend(self.chain(&to, matched, depth + 1).joined());
                None
            }
        };
        match (goes_on, passed_by) {
            (Some(a), Some(b)) => {
                let mut both = a.or(&b);
                // They parted here.
                both.reached = self
                    .done
                    .steps
                    .get(at)
                    .map_or(Holds::Perhaps, |step| step.reached);
                if self.ended_since(at) {
                    both.reached = Holds::Perhaps;
                }
                Some(both)
            }
            (one, other) => one.or(other),
        }
    }

    /// Whether a way has ended at this step or behind it.
    fn ended_since(&self, at: usize) -> bool {
        let last = self.done.endings.last().and_then(|ending| ending.step);
        last.is_some_and(|step| step >= at)
    }

    fn end(&mut self, way: &Way, verdict: Verdict, step: Option<usize>) -> Option<Way> {
        self.done.endings.push(Ending {
            verdict,
            step,
            logged: way.logged.clone(),
            added: way.added.clone(),
            if_matched: way.if_matched.clone(),
        });
        None
    }
}

/// The kernel's limit of nested jumps: `NFT_JUMP_STACK_SIZE`, `net/netfilter/nf_tables.h`.
const MAX_DEPTH: usize = 16;
/// Rules that are followed; chains may lead to one another in very many ways.
const MOST_STEPS: usize = 50_000;
