//! A jump to a chain of ours that stands in a chain of somebody else.

use crate::{ChainName, Hook};

/// A jump to a chain of ours that stands in a chain of somebody else, before all other rules there:
/// in `DOCKER-USER`, which container engines leave to others and lead to first.
///
/// ```
/// use iptables_ruleset::{Family, Hook, Rule, Ruleset, Target};
///
/// let mut ruleset = Ruleset::new(Family::Ipv4);
/// ruleset.jump_through(Hook::Forward, "DOCKER-USER".parse()?, "MY_BANS".parse()?);
/// ruleset.chain("MY_BANS".parse()?).append(Rule::new(Target::Return));
/// let guest = ruleset.guests().next().ok_or("none")?;
/// assert_eq!(guest.host().as_str(), "DOCKER-USER");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    hook: Hook,
    host: ChainName,
    to: ChainName,
}

impl Guest {
    pub(super) fn new(hook: Hook, host: ChainName, to: ChainName) -> Self {
        Self { hook, host, to }
    }

    /// The built-in chain from which packets shall come to our chain.
    pub fn hook(&self) -> Hook {
        self.hook
    }

    /// The chain of somebody else.
    pub fn host(&self) -> &ChainName {
        &self.host
    }

    /// Our chain.
    pub fn to(&self) -> &ChainName {
        &self.to
    }
}
