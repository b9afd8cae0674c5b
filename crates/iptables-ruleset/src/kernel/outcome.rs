//! What a rule does with a packet that it matches.

use crate::encoding::{Expression, Native, Verdict};

/// What a rule does with a packet that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing that ends its way.
    Continue,
    Accept,
    Drop,
    Reject,
    /// It goes to a program. What the program accepts comes to no further rule; where none listens,
    /// that may be every packet.
    Queue,
    Return,
    Jump(String),
    Goto(String),
    /// It gets another destination.
    Redirect,
    /// It is kept away from connection tracking.
    Untrack,
    /// A verdict about it may be looked up, and which cannot be told.
    Undecided,
}

impl Outcome {
    /// What an expression does that iptables has no words for; `None` for one that asks, loads, or
    /// does what cannot be told here.
    pub(crate) fn of(native: &Native) -> Option<Self> {
        Some(match native {
            Native::DoesNothing => Self::Continue,
            Native::Rejects => Self::Reject,
            Native::Queues => Self::Queue,
            Native::GoesTo(chain) => Self::Goto(chain.clone()),
            Native::ChangesDestination => Self::Redirect,
            Native::LooksUpVerdict => Self::Undecided,
            _ => return None,
        })
    }

    /// What iptables writes for it.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Continue | Self::Redirect | Self::Untrack | Self::Undecided => String::new(),
            Self::Jump(to) => format!("-j {to}"),
            Self::Goto(to) => format!("-g {to}"),
            Self::Accept => "-j ACCEPT".to_owned(),
            Self::Drop => "-j DROP".to_owned(),
            Self::Reject => "-j REJECT".to_owned(),
            Self::Queue => "-j NFQUEUE".to_owned(),
            Self::Return => "-j RETURN".to_owned(),
        }
    }
}

/// Whether a rule made of these expressions is for every packet, and what it does. What is not
/// known here may be a condition.
pub(crate) fn effect(expressions: &[Expression]) -> (bool, Outcome) {
    let mut unconditional = true;
    let mut otherwise = Outcome::Continue;
    for expression in expressions {
        let end = match expression {
            // A load is no condition yet: iptables makes one without a comparison of `-i +`.
            Expression::Counter | Expression::Log { .. } | Expression::Meta(_) => continue,
            Expression::Match(xt) if xt.name == "comment" => continue,
            Expression::Target(xt) if matches!(xt.name, "LOG" | "SET") => continue,
            Expression::Target(xt) if xt.name == "REJECT" => Some(Outcome::Reject),
            Expression::Target(xt) if xt.name == "DNAT" => {
                otherwise = Outcome::Redirect;
                None
            }
            Expression::Verdict(verdict) => Some(match verdict {
                Verdict::Accept => Outcome::Accept,
                Verdict::Drop => Outcome::Drop,
                Verdict::Return => Outcome::Return,
                Verdict::Jump(to) => Outcome::Jump(to.clone()),
            }),
            Expression::Other(other) => match Outcome::of(&other.native) {
                Some(Outcome::Continue) => continue,
                Some(may_be @ (Outcome::Redirect | Outcome::Undecided)) => {
                    otherwise = may_be;
                    None
                }
                end => end,
            },
            _ => None,
        };
        if let Some(end) = end {
            return (unconditional, end);
        }
        unconditional = false;
    }
    (unconditional, otherwise)
}
