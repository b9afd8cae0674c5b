use std::fmt;

use super::{ApplyError, Kernel, ResolveSet};
use crate::{BuildError, Family, Hook, Ruleset};

/// What shall be in the kernel, or no longer be in it: checked, and with the sets found.
///
/// ```no_run
/// use iptables_ruleset::{Config, Family, KernelSet, Nftables, Plan};
///
/// fn index_of(set: &str) -> std::io::Result<KernelSet> {
///     # let _ = set;
///     unimplemented!("ask ipset")
/// }
///
/// let config = Config::default();
/// let rulesets = [config.ruleset(Family::Ipv4)?, config.ruleset(Family::Ipv6)?];
/// let plan = Plan::install(&rulesets, &mut index_of)?;
/// let applied = plan.apply(&mut Nftables::connect()?)?;
/// for bypass in &applied.bypassed {
///     eprintln!("{bypass}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan {}

impl Plan {
    /// Shall be in the kernel: these policies, chains and jumps, and nothing else in those chains.
    ///
    /// # Errors
    /// When a ruleset is not valid ([`Ruleset::check`]), two are for one family, or a set is missing or of the other family.
    pub fn install<'r>(
        _rulesets: impl IntoIterator<Item = &'r Ruleset>,
        _sets: &mut impl ResolveSet,
    ) -> Result<Self, BuildError> {
        todo!()
    }

    /// Shall not be in the kernel: these chains and the jumps to them. The policies that the rulesets set become ACCEPT.
    ///
    /// What is not there is no error.
    ///
    /// # Errors
    /// When two rulesets are for one family.
    pub fn remove<'r>(_rulesets: impl IntoIterator<Item = &'r Ruleset>) -> Result<Self, BuildError> {
        todo!()
    }

    /// Makes it so, in one transaction: all of it or nothing.
    ///
    /// When somebody else changes the tables meanwhile they are read again and the change is worked out anew, a few times.
    ///
    /// # Errors
    /// When the kernel refused; nothing was changed then, unless [`ApplyError::is_outcome_unknown`].
    pub fn apply(&self, _kernel: &mut impl Kernel) -> Result<Applied, ApplyError> {
        todo!()
    }
}

/// A plan has been carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// Rules of others that make ours void, at most one for each jump. Empty when all is well.
    pub bypassed: Vec<Bypass>,
    /// How often the tables had to be read.
    pub attempts: u32,
}

/// A rule that is not ours decides about every packet before our jump is reached, so that our rules are void.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bypass {
    /// Whose table.
    pub family: Family,
    /// The built-in chain.
    pub hook: Hook,
    /// Which rule of it, the first being 1.
    pub position: usize,
    /// What it does with every packet: `ACCEPT`, `DROP`, ...
    pub verdict: String,
}

impl fmt::Display for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, hook, position, verdict } = self;
        write!(f, "{family}: rule {position} of {hook} does {verdict} with every packet, so that the rules behind it are void")
    }
}
