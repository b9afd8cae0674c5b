//! What shall be in the kernel, and how it gets there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::batch::{Batch, Change, WrittenRule};
use super::foreign::Known;
use super::inspect::{self, Ahead, Bypass};
use super::part::{Chain, Part, Wanted};
use super::{ApplyError, Kernel, Patience, ResolveSet, Snapshot, install, remove};
use crate::model::BuildErrorKind as Kind;
use crate::{BuildError, Family, Ruleset};

/// What shall be in the kernel, or no longer be in it, for any number of tables of both families.
/// The rulesets are checked and their sets are found.
///
#[cfg_attr(feature = "nft", doc = "```no_run")]
#[cfg_attr(not(feature = "nft"), doc = "```ignore")]
/// use iptables_ruleset::{Config, Family, KernelSet, Nftables, Plan};
///
/// fn index_of(set: &str) -> std::io::Result<KernelSet> {
///     # let _ = set;
///     unimplemented!("ask ipset for its index and family")
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
pub struct Plan {
    parts: Vec<Part>,
    adopts: bool,
}

impl Plan {
    /// How long a change is worked out anew while others keep changing the tables.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    /// A plan that puts these policies, chains and jumps into the kernel, and nothing else into
    /// those chains.
    ///
    /// # Errors
    /// When a ruleset is not valid ([`Ruleset::check`]), two are for one table of one family, or a
    /// set is missing or of the other family.
    pub fn install<'r>(
        rulesets: impl IntoIterator<Item = &'r Ruleset>,
        sets: &mut impl ResolveSet,
    ) -> Result<Self, BuildError> {
        let mut parts = Vec::new();
        for ruleset in rulesets {
            ruleset.check()?;
            let mut known = BTreeMap::new();
            let mut index = |name: &str| {
                if let Some(index) = known.get(name) {
                    Ok(*index)
                } else {
                    let index = find_set(name, ruleset.family(), sets)?;
                    known.insert(name.to_owned(), index);
                    Ok(index)
                }
            };
            let mut part = Part::new(ruleset, Wanted::Present, &mut index)?;
            for chain in ruleset.chains() {
                let mut rules = Vec::with_capacity(chain.rules().len());
                for rule in chain.rules() {
                    let rule = WrittenRule::new(rule, ruleset.family(), &mut index)?;
                    rules.push(rule.into());
                }
                part.chains.push(Chain {
                    name: chain.name().to_string(),
                    rules,
                });
            }
            part.sets = known
                .into_iter()
                .map(|(name, index)| (index, name))
                .collect();
            parts.push(part);
        }
        Self::new(parts)
    }

    /// A plan that takes these chains and these jumps to them out of the kernel. The policies that
    /// the rulesets set become ACCEPT.
    ///
    /// What is not there is no error. The tables and their built-in chains stay, as iptables leaves
    /// them. While any other rule leads to one of the chains, carrying out the plan fails with
    /// [`ApplyError::is_still_referenced`].
    ///
    /// # Errors
    /// When two rulesets are for one table of one family.
    pub fn remove<'r>(rulesets: impl IntoIterator<Item = &'r Ruleset>) -> Result<Self, BuildError> {
        let mut parts = Vec::new();
        for ruleset in rulesets {
            parts.push(Part::without_rules(ruleset, Wanted::Absent)?);
        }
        Self::new(parts)
    }

    /// The plan, and what is withdrawn: these chains and the jumps to them go too, as far as a plan
    /// made them. What others made under these names stays, and so do the policies.
    ///
    /// A firewall that can have rules in a table and, as it is configured, has none there names them
    /// here, so that those of another configuration do not stay behind.
    ///
    /// ```
    /// use iptables_ruleset::{FakeKernel, Family, Hook, KernelSet, Plan, Rule, Ruleset, Table, Target};
    ///
    /// let mut no_set = |_: &str| Err::<KernelSet, _>(std::io::Error::other("there are no sets"));
    /// let mut early = Ruleset::of(Table::Raw, Family::Ipv4);
    /// early.jump(Hook::Prerouting, "EARLY".parse()?);
    /// early.chain("EARLY".parse()?).append(Rule::new(Target::Drop));
    ///
    /// let mut kernel = FakeKernel::new();
    /// Plan::install([&early], &mut no_set)?.apply(&mut kernel)?;
    /// assert!(kernel.saved(Table::Raw, Family::Ipv4).contains("-A EARLY -j DROP\n"));
    /// Plan::install([], &mut no_set)?.without([&early])?.apply(&mut kernel)?;
    /// assert!(!kernel.saved(Table::Raw, Family::Ipv4).contains("EARLY"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When two rulesets are for one table of one family.
    pub fn without<'r>(
        self,
        rulesets: impl IntoIterator<Item = &'r Ruleset>,
    ) -> Result<Self, BuildError> {
        let mut parts = self.parts;
        for ruleset in rulesets {
            parts.push(Part::without_rules(ruleset, Wanted::Withdrawn)?);
        }
        Ok(Self {
            adopts: self.adopts,
            ..Self::new(parts)?
        })
    }

    /// The same plan, which takes chains of others that have names of ours for ours: their rules
    /// are gone afterwards.
    #[must_use]
    pub fn adopting(mut self) -> Self {
        self.adopts = true;
        self
    }

    fn new(parts: Vec<Part>) -> Result<Self, BuildError> {
        for (position, part) in parts.iter().enumerate() {
            if parts
                .iter()
                .skip(position + 1)
                .filter(|other| other.wanted == part.wanted || other.wanted != Wanted::Withdrawn)
                .any(|other| (other.family, other.table) == (part.family, part.table))
            {
                return Err(Kind::Ruleset {
                    family: part.family,
                    table: part.table,
                    reason: "there are two for this table in one plan".to_owned(),
                }
                .into());
            }
        }
        Ok(Self {
            parts,
            adopts: false,
        })
    }

    /// Carries the plan out in one transaction: all of it or nothing.
    ///
    /// Where the kernel has all of it already nothing is sent, so that counters and rate limits go
    /// on; [`Applied::changed`] is `false` then.
    ///
    /// When somebody else changes the tables meanwhile they are read again and the change is worked
    /// out anew, for [`PATIENCE`](Self::PATIENCE), with pauses that grow.
    ///
    /// A chain of one of our names that somebody else made is left alone, also when it appears
    /// meanwhile.
    ///
    /// # Errors
    /// When the kernel refused, or when what is there stands in the way
    /// ([`ApplyError::is_foreign`]). Nothing was changed then, unless
    /// [`ApplyError::is_outcome_unknown`].
    pub fn apply(&self, kernel: &mut impl Kernel) -> Result<Applied, ApplyError> {
        self.apply_within(kernel, Self::PATIENCE)
    }

    /// Carries the plan out as [`apply`](Self::apply) does, with another patience.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    pub fn apply_within(
        &self,
        kernel: &mut impl Kernel,
        limit: Duration,
    ) -> Result<Applied, ApplyError> {
        let known = match kernel.snapshot() {
            Ok(snapshot) => Some(snapshot),
            // What is read in a moment has a better chance.
            Err(error) if error.is_stale() => None,
            Err(error) => return Err(error),
        };
        self.carry_out(kernel, known, limit)
    }

    /// Carries the plan out as [`apply`](Self::apply) does, beginning with tables that were read
    /// before. Where they have changed since they are read again.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    pub fn apply_from(
        &self,
        kernel: &mut impl Kernel,
        known: Snapshot,
    ) -> Result<Applied, ApplyError> {
        self.carry_out(kernel, Some(known), Self::PATIENCE)
    }

    fn carry_out(
        &self,
        kernel: &mut impl Kernel,
        mut known: Option<Snapshot>,
        limit: Duration,
    ) -> Result<Applied, ApplyError> {
        let mut ours = Known::default();
        let mut sent = false;
        let (done, attempts) = patiently(limit, || {
            let done = self.attempt(kernel, known.take(), &mut ours);
            // What was sent may be in, whatever became of the answer.
            sent |= match &done {
                Ok(done) => matches!(done, Attempted::Sent { .. }),
                Err(error) => error.is_outcome_unknown(),
            };
            done
        })?;
        let mut applied = Applied {
            changed: sent,
            bypassed: Vec::new(),
            ahead: Vec::new(),
            attempts,
            as_wanted: false,
            after: None,
        };
        // It is in: what cannot be read afterwards is no reason to say otherwise.
        if let Some(after) = done.read_back(kernel) {
            for part in self
                .parts
                .iter()
                .filter(|part| part.wanted == Wanted::Present)
            {
                let table = after.find(part.table, part.family);
                applied.bypassed.extend(inspect::bypasses(part, table));
                applied.ahead.extend(inspect::ahead(part, table));
            }
            applied.as_wanted = !applied.changed || self.is_present(&after);
            applied.after = Some(after);
        }
        Ok(applied)
    }

    /// Makes the changes from what is known, or else from what is read.
    fn attempt(
        &self,
        kernel: &mut impl Kernel,
        known: Option<Snapshot>,
        ours: &mut Known,
    ) -> Result<Attempted, ApplyError> {
        // Who leads to our chains matters only when they are to go.
        let removes = self.parts.iter().any(|part| part.wanted == Wanted::Absent);
        let snapshot = match known {
            Some(known) if !removes && self.is_present(&known) => {
                if kernel.is_current(&known)? {
                    return Ok(Attempted::Present(known));
                }
                // Others change their own rules all the time.
                let now = kernel.snapshot()?;
                if self.is_present(&now) {
                    return Ok(Attempted::Present(now));
                }
                now
            }
            Some(known) => known,
            None if removes => kernel.snapshot()?,
            None => self.outline(kernel, ours)?,
        };
        let chains = ours.look(&snapshot, &self.parts);
        if snapshot.torn {
            return Err(ApplyError::Stale { attempts: 1 });
        }
        if !chains.is_empty() && !self.adopts {
            return Err(ApplyError::Foreign { chains });
        }
        let batch = Batch::new(snapshot.generation(), self.changes(&snapshot)?);
        if batch.is_empty() {
            return Ok(Attempted::Present(snapshot));
        }
        kernel.transact(&batch)?;
        let chains = batch.changes().iter().filter_map(|one| one.action.fills());
        Ok(Attempted::Sent {
            chains: chains.map(str::to_owned).collect(),
            before: snapshot,
        })
    }

    /// What it takes to have all that is wanted.
    fn changes(&self, tables: &Snapshot) -> Result<Vec<Change>, ApplyError> {
        let mut changes = Vec::new();
        for part in &self.parts {
            let table = tables.find(part.table, part.family);
            match part.wanted {
                Wanted::Present => install::changes(part, table, &mut changes)?,
                Wanted::Absent | Wanted::Withdrawn => remove::changes(part, table, &mut changes)?,
            }
        }
        Ok(changes)
    }

    /// As little of the tables as tells what is to be changed, and that nothing of others is.
    fn outline(&self, kernel: &mut impl Kernel, ours: &mut Known) -> Result<Snapshot, ApplyError> {
        let outline = kernel.outline(&ours.unknown(&self.parts))?;
        // Whose a chain is shows in its rules.
        let in_others = |part: &Part| {
            let table = outline.find(part.table, part.family);
            part.wanted == Wanted::Present && part.looks_into(table)
        };
        if self.withdraws_from(&outline) || self.parts.iter().any(in_others) {
            return kernel.snapshot();
        }
        if ours.all_stay(&outline) {
            return Ok(outline);
        }
        *ours = Known::default();
        kernel.outline(&ours.unknown(&self.parts))
    }

    /// Whether the tables have all that is wanted.
    fn is_present(&self, tables: &Snapshot) -> bool {
        self.changes(tables).is_ok_and(|changes| changes.is_empty())
    }

    /// Whether the tables have chains of the names of those that are withdrawn.
    fn withdraws_from(&self, tables: &Snapshot) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| {
            let table = tables.find(part.table, part.family);
            let mut names = part.chains.iter().map(|chain| &chain.name);
            part.wanted == Wanted::Withdrawn
                && table.is_some_and(|table| names.any(|name| table.chain(name).is_some()))
        })
    }
}

/// What came of an attempt.
enum Attempted {
    /// The tables have everything, and nothing was sent.
    Present(Snapshot),
    /// The changes are in.
    Sent {
        /// The chains whose rules they changed.
        chains: BTreeSet<String>,
        /// The tables before.
        before: Snapshot,
    },
}

impl Attempted {
    /// The tables as they are now; `None` where they cannot be read. As long as nobody else has
    /// changed anything, what was not sent is what it was.
    fn read_back(self, kernel: &mut impl Kernel) -> Option<Snapshot> {
        match self {
            Self::Present(tables) if tables.is_whole() => Some(tables),
            Self::Present(_) => kernel.snapshot().ok(),
            Self::Sent { chains, before } => {
                let sent = kernel.outline(&chains).ok();
                let now = sent.and_then(|sent| sent.completed(&before));
                now.or_else(|| kernel.snapshot().ok())
            }
        }
    }
}

/// Works a change out anew while others keep changing the tables; returns, too, how often it was tried.
pub(super) fn patiently<T>(
    limit: Duration,
    mut attempt: impl FnMut() -> Result<T, ApplyError>,
) -> Result<(T, u32), ApplyError> {
    let mut patience = Patience::new(limit);
    loop {
        match attempt() {
            Ok(done) => return Ok((done, patience.attempts())),
            // Whatever is in the kernel by now, working it out from there is right.
            Err(error) if error.is_stale() || error.is_outcome_unknown() => {
                if !patience.wait() {
                    return Err(match error {
                        ApplyError::Stale { .. } => ApplyError::Stale {
                            attempts: patience.attempts(),
                        },
                        other => other,
                    });
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// The index of a set. A set of the other family is refused here, because the kernel compares
/// addresses of the wrong family without a word.
fn find_set(name: &str, family: Family, sets: &mut impl ResolveSet) -> Result<u16, BuildError> {
    let set = sets.resolve(name).map_err(|error| Kind::Set {
        set: name.to_owned(),
        source: error.into(),
    })?;
    if set.index() == IPSET_INVALID_ID {
        return Err(Kind::no_set(name).into());
    }
    match set.family() {
        Some(actual) if actual != family => Err(Kind::SetFamily {
            set: name.to_owned(),
            wanted: family,
            actual,
        }
        .into()),
        _ => Ok(set.index()),
    }
}

/// `IPSET_INVALID_ID`, `linux/netfilter/ipset/ip_set.h`.
const IPSET_INVALID_ID: u16 = 65535;

/// A plan has been carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// Whether anything was sent; `false` where the kernel had it all.
    pub changed: bool,
    /// Rules of others that make ours void, at most one for each jump. Empty when all is well.
    pub bypassed: Vec<Bypass>,
    /// Rules of others that let some packets in before ours see them. Those that only accept
    /// loopback or known connections are left out.
    pub ahead: Vec<Ahead>,
    /// How often the tables had to be read: 1 unless somebody else was changing them.
    pub attempts: u32,
    /// Whether the tables have all of it, as they were read back. `false` where somebody else
    /// changed it meanwhile, and where they could not be read.
    pub as_wanted: bool,
    /// The tables as they were afterwards; `None` when they could not be read.
    pub after: Option<Snapshot>,
}
