//! One rule, asked.

use std::cell::RefCell;

use super::loads::{Followed, Loads};
use crate::encoding::{Expression, Native};
use crate::kernel::outcome::Outcome;
use crate::packet::{Answer, Facts, Holds, Packet};
use crate::target::Target;
use crate::{Family, Match, Rule, RuleState};

/// What a rule asks of a packet, and the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// In the words of iptables; long options of limits are left out.
    pub what: String,
    /// Whether the packet is like that.
    pub answer: Answer,
}

/// A rule and how it answered.
pub(super) struct Answered {
    /// As iptables-save prints it.
    pub(super) text: String,
    /// The end of it: what it does.
    pub(super) target: String,
    /// The questions in order, up to the first that is answered with no.
    pub(super) asked: Vec<Asked>,
    pub(super) holds: Holds,
    /// The prefixes of the lines that it writes when it matches.
    pub(super) logs: Vec<String>,
    /// The name of the set that it adds to.
    pub(super) adds: Option<String>,
    pub(super) action: Outcome,
}

/// Asks a rule that is in the kernel.
pub(super) fn ask_found(state: &RuleState, packet: &Packet, facts: &mut dyn Facts) -> Answered {
    let names = RefCell::new(&mut *facts);
    let rule = state.rule(packet.family(), |index| names.borrow_mut().set_name(index));
    ask(&rule, packet, facts)
}

/// Asks a rule whether a packet matches it, and what it then does.
pub(super) fn ask(rule: &Rule, packet: &Packet, facts: &mut dyn Facts) -> Answered {
    let family = packet.family();
    let mut answered = Answered {
        text: rule.to_iptables_save(family).to_string(),
        target: words(rule.target(), family),
        asked: Vec::new(),
        holds: Holds::Yes,
        logs: Vec::new(),
        adds: None,
        action: Outcome::Continue,
    };
    let mut ordered: Vec<&Match> = rule.matches().iter().collect();
    if !ordered.iter().any(|one| matches!(one, Match::Other(_))) {
        ordered.sort_by_key(|one| one.kernel_rank());
    }
    let mut loads = Loads::new(packet);
    for one in ordered {
        let answer = match one {
            Match::Comment(_) => continue,
            Match::Other(other) => match loads.follow(other.expression()) {
                Followed::Nothing => continue,
                Followed::Asked(answer) => answer,
                Followed::Logged(prefix) => {
                    answered.logs.push(prefix);
                    continue;
                }
                Followed::Acts => {
                    answered.action = acts(other.expression(), family);
                    continue;
                }
            },
            known => known.ask(packet, facts),
        };
        let holds = answer.holds;
        let what = match one {
            // The words of single comparisons say nothing; why is in the answer.
            Match::Other(other) => format!("[{}]", other.name()),
            known => known.short(family),
        };
        answered.asked.push(Asked { what, answer });
        match holds {
            Holds::Yes => {}
            Holds::Perhaps => answered.holds = Holds::Perhaps,
            Holds::No => {
                answered.holds = Holds::No;
                return answered;
            }
        }
    }
    let logged = rule.target().log_prefix().map(ToOwned::to_owned);
    answered.logs.extend(logged);
    if let Target::Set(set) = rule.target() {
        answered.adds = set.adds().then(|| set.name().to_string());
    }
    if *rule.target() != Target::None {
        answered.action = does(rule.target(), family);
    }
    answered
}

/// What iptables-save prints for a target, without the bytes of what is not known.
fn words(target: &Target, family: Family) -> String {
    match target {
        Target::Other(other) => match acts(other.expression(), family) {
            Outcome::Goto(chain) => format!("-g {chain}"),
            _ => format!("-j {}", other.name().replace("target ", "")),
        },
        known => Rule::new(known.clone())
            .to_iptables_save(family)
            .to_string(),
    }
}

fn does(target: &Target, family: Family) -> Outcome {
    match target {
        Target::Accept | Target::Masquerade => Outcome::Accept,
        Target::Drop => Outcome::Drop,
        Target::Reject(_) => Outcome::Reject,
        Target::Return => Outcome::Return,
        Target::Dnat(_) => Outcome::Redirect,
        Target::Jump(chain) => Outcome::Jump(chain.to_string()),
        Target::Log(_) | Target::Nflog(_) | Target::Set(_) | Target::None => Outcome::Continue,
        Target::Other(other) => acts(other.expression(), family),
    }
}

/// What an expression does that is none of the targets.
fn acts(expression: &Expression, family: Family) -> Outcome {
    let other = match expression {
        Expression::Other(other) => other,
        // One that iptables makes, in a place of its own.
        known => match Target::decode(known, family, &|_| None) {
            // To one of several.
            Target::Other(_) if is_xt(known, "DNAT") => return Outcome::Redirect,
            // Of a set whose name nobody has told.
            Target::Other(_) if is_xt(known, "SET") => return Outcome::Continue,
            Target::Other(_) => return Outcome::Undecided,
            target => return does(&target, family),
        },
    };
    if let Some(outcome) = Outcome::of(&other.native) {
        return outcome;
    }
    match &other.native {
        Native::Loads | Native::LoadsState => Outcome::Continue,
        _ if other.name == "notrack" => Outcome::Untrack,
        _ => match other.name.strip_prefix("target ") {
            Some("NOTRACK") => Outcome::Untrack,
            Some("CT")
                if other
                    .data
                    .first()
                    .is_some_and(|flags| flags & XT_CT_NOTRACK != 0) =>
            {
                Outcome::Untrack
            }
            Some("REDIRECT") => Outcome::Redirect,
            Some(name) if GOES_ON.contains(&name) => Outcome::Continue,
            _ => Outcome::Undecided,
        },
    }
}

fn is_xt(expression: &Expression, name: &str) -> bool {
    matches!(expression, Expression::Target(xt) if xt.name == name)
}

/// Targets of xtables behind which the next rule is asked.
const GOES_ON: [&str; 13] = [
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DSCP",
    "HL",
    "HMARK",
    "MARK",
    "SECMARK",
    "TCPMSS",
    "TOS",
];
/// `linux/netfilter/xt_CT.h`: the first byte of the flags.
const XT_CT_NOTRACK: u8 = 1;
