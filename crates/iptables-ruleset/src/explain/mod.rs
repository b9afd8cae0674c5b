//! What becomes of a packet, and which rule says so.
//!
//! [`ruleset`] asks the rules that shall be in a kernel, [`table`] those that are in one, and
//! [`Route`] all tables that a packet comes through. Each rule is asked in the kernel's order, jumps
//! are followed, and what was asked of the packet is kept with the answer. Where an answer depends
//! on what is not known (a limit's present state, a match that cannot be read), both ways are
//! followed: an [`Explanation`] then has several [`Ending`]s, each with its conditions.
//!
//! What only the host knows, such as who is in an ipset, is asked of [`Facts`].
//!
//! ```
//! use iptables_ruleset::explain::{self, Answer, Packet, Verdict};
//! use iptables_ruleset::{Config, Family, Hook, SetName};
//!
//! let mut members = |set: &SetName, packet: &Packet| {
//!     let banned = set.as_str() == "blacklist" && packet.source().to_string() == "198.51.100.7";
//!     Answer::known(banned, if banned { "banned for a scan" } else { "it is not in it" })
//! };
//! let ruleset = Config::default().ruleset(Family::Ipv4)?;
//!
//! let banned = Packet::new("198.51.100.7".parse()?).tcp(22).over("eth0");
//! let explained = explain::ruleset(&ruleset, Hook::Input, &banned, &mut members);
//! assert_eq!(explained.verdict(), Some(Verdict::Drop));
//! let ending = &explained.endings[0];
//! assert_eq!(ending.logged[0].prefix, "IPTABLES-BLOCKED: ");
//! let decisive = explained.deciding(ending).ok_or("the policy decided")?;
//! assert_eq!(decisive.rule, "-m set --match-set blacklist src -j LOG_AND_DROP");
//! assert_eq!(decisive.asked[0].answer.because, "banned for a scan");
//!
//! // Whether a stranger gets in depends on what is left of the limit of ssh.
//! let stranger = Packet::new("198.51.100.8".parse()?).tcp(22).over("eth0");
//! let explained = explain::ruleset(&ruleset, Hook::Input, &stranger, &mut members);
//! assert_eq!(explained.verdict(), None);
//! assert!(explained.endings.iter().any(|ending| ending.verdict == Verdict::Accept));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ending;
mod loads;
mod route;
mod rule;
mod walk;

pub use ending::{Added, Ending, LogLine, Verdict};
pub use route::{Passage, Place, Route};
pub use rule::Asked;
pub use walk::{Explanation, Step};

pub use crate::model::Direction;
pub use crate::packet::{Answer, Budget, Facts, Holds, Packet, Tracking};
use crate::{Hook, Policy, Ruleset, TableState};

/// What these rules do with a packet that comes to the built-in chain of `hook`, as if nobody else
/// had rules there. The policy is that of the ruleset, ACCEPT where it sets none.
pub fn ruleset(
    ruleset: &Ruleset,
    hook: Hook,
    packet: &Packet,
    facts: &mut dyn Facts,
) -> Explanation {
    let policy = ruleset.policy_of(hook).unwrap_or(Policy::Accept);
    let rules = walk::Rules::Wanted(ruleset);
    walk::explain(rules, hook.chain(), policy, packet, facts)
}

/// What the rules of a table do with a packet that comes to one of its chains, such as `INPUT`. A
/// chain without a policy lets through what its rules say nothing of.
pub fn table(
    table: &TableState,
    chain: &str,
    packet: &Packet,
    facts: &mut dyn Facts,
) -> Explanation {
    let policy = table.chain(chain).and_then(crate::ChainState::policy);
    let rules = walk::Rules::Found(table);
    walk::explain(
        rules,
        chain,
        policy.unwrap_or(Policy::Accept),
        packet,
        facts,
    )
}
