//! Which rules count a packet, as one number; and the rules in groups.

use std::sync::{Arc, Mutex, PoisonError};

use crate::marker::is_misplaced;
use crate::rule::{Nature, Threshold};
use crate::template::Source;

/// Rules that count sources alike: the same networks, the same exceptions from them, and the same
/// pardons. They look beside violators for the same, too.
#[derive(Debug)]
pub(crate) struct RuleGroup {
    /// Each with its place in the list that the scan was given.
    pub(crate) rules: Vec<(usize, Threshold)>,
}

/// The rules of a group are bits of a number, below [`BESIDE`].
const RULES_MAX: usize = 63;

/// The bit of packets that are told of beside violators of the group's rules.
pub(super) const BESIDE: u64 = 1 << RULES_MAX;

/// All rules of a scan, and every set of them that counts some packet.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) groups: Vec<RuleGroup>,
    /// How many rules there are.
    pub(super) number: usize,
    /// A packet is of one of these: of which, is the number that is kept of it. There are no more
    /// than the rules make, whatever prefixes and natures there are.
    sets: Mutex<Vec<RuleSet>>,
}

/// The rules that count a packet: for each group a number, whose lowest bit is its first rule.
type RuleSet = Arc<[u64]>;

/// The rule set of packets that no rule counts.
pub(super) const NO_RULE: u32 = u32::MAX;

/// The rule set of packets that no rule counts and whose prefix holds a [marker](crate::marker)
/// and does not begin with it.
pub(super) const MISPLACED: u32 = u32::MAX - 1;

impl RuleGroup {
    /// Puts each rule into the first group that it fits.
    fn all(rules: impl IntoIterator<Item = Threshold>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (place, rule) in rules.into_iter().enumerate() {
            match groups.iter_mut().find(|group| group.takes(&rule)) {
                Some(group) => group.rules.push((place, rule)),
                None => groups.push(Self {
                    rules: vec![(place, rule)],
                }),
            }
        }
        groups
    }

    fn takes(&self, rule: &Threshold) -> bool {
        let is_alike = self.rules.first().is_some_and(|(_, first)| {
            first.aggregates() == rule.aggregates()
                && first.excepted() == rule.excepted()
                && first.pardoned() == rule.pardoned()
                && first.looks_beside() == rule.looks_beside()
        });
        is_alike && self.rules.len() < RULES_MAX
    }

    /// Whether any of the rules asks for ports.
    pub(crate) fn asks_for_ports(&self) -> bool {
        self.rules.iter().any(|(_, rule)| rule.ports().is_some())
    }

    /// Whether anything is told of violators beside what counts.
    pub(super) fn looks_beside(&self) -> bool {
        let first = self.rules.first();
        first.is_some_and(|(_, rule)| !rule.looks_beside().is_empty())
    }

    /// The prefix lengths of the networks that are counted, of IPv4 and IPv6.
    pub(crate) fn aggregates(&self) -> (u8, u8) {
        let first = self.rules.first();
        first.map_or((0, 0), |(_, rule)| rule.aggregates())
    }

    /// Whether none of the rules counts packets of this source that came at `at`, in microseconds.
    #[inline]
    pub(super) fn excepts(&self, source: Source, at: i64) -> bool {
        let Some((_, rule)) = self.rules.first() else {
            return false;
        };
        let (excepted, pardoned) = (rule.excepted(), rule.pardoned());
        (!excepted.is_empty() && excepted.has(source.ip()))
            || (!pardoned.is_empty() && pardoned.has(source.ip(), at))
    }

    /// The rules that count packets with a prefix and of a nature, as bits; and [`BESIDE`].
    fn counting(&self, prefix: &[u8], nature: Nature) -> u64 {
        let first = self.rules.first();
        let is_beside = first.is_some_and(|(_, rule)| rule.is_beside(prefix)) && !nature.is_own();
        let rules = self.rules.iter().rev();
        let counts = rules.map(|(_, rule)| rule.counts(prefix, nature));
        let rules = counts.fold(0, |bits, counts| bits << 1 | u64::from(counts));
        rules | if is_beside { BESIDE } else { 0 }
    }
}

impl Rules {
    pub(crate) fn new(rules: impl IntoIterator<Item = Threshold>) -> Self {
        let groups = RuleGroup::all(rules);
        Self {
            number: groups.iter().map(|group| group.rules.len()).sum(),
            groups,
            sets: Mutex::default(),
        }
    }

    /// The rules of one group in each of the sets.
    pub(super) fn sets_of(&self, group: usize) -> Vec<u64> {
        let sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = |set: &RuleSet| set.get(group).copied().unwrap_or_default();
        sets.iter().map(rules).collect()
    }
}

/// The rule sets as one worker knows them.
#[derive(Debug, Clone)]
pub(crate) struct RuleSets {
    pub(super) rules: Arc<Rules>,
    /// As many of all sets as there were when the worker last looked.
    sets: Vec<RuleSet>,
    /// The rule sets of the last prefixes and natures.
    named: Vec<(Box<[u8]>, Nature, u32)>,
    /// Of the prefixes of [`MISPLACED`] packets, the first by their bytes.
    pub(super) misplaced: Option<Vec<u8>>,
}

/// So many are remembered: a few prefixes in one log, each with packets of a few natures.
const NAMED: usize = 64;

impl RuleSets {
    pub(crate) fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            sets: Vec::new(),
            named: Vec::new(),
            misplaced: None,
        }
    }

    /// The rules of each group that count packets of a rule set; none for [`NO_RULE`].
    #[inline]
    pub(super) fn get(&self, number: u32) -> &[u64] {
        let place = usize::try_from(number).ok();
        place
            .and_then(|place| self.sets.get(place))
            .map_or(&[], |set| set)
    }

    /// The number of the rule set that counts packets with a prefix and of a nature.
    pub(super) fn number(&mut self, prefix: &[u8], nature: Nature) -> u32 {
        let mut named = self.named.iter();
        if let Some((_, _, set)) = named.find(|(name, of, _)| *of == nature && **name == *prefix) {
            return *set;
        }
        let groups = self.rules.groups.iter();
        let set: RuleSet = groups.map(|group| group.counting(prefix, nature)).collect();
        let number = if set.iter().any(|rules| *rules != 0) {
            self.number_of(set)
        } else if is_misplaced(prefix) {
            if self.misplaced.as_deref().is_none_or(|first| prefix < first) {
                self.misplaced = Some(prefix.to_vec());
            }
            MISPLACED
        } else {
            NO_RULE
        };
        self.named.truncate(NAMED - 1);
        self.named.push((prefix.into(), nature, number));
        number
    }

    /// The place of a set among those of all workers, at the end if it is new.
    fn number_of(&mut self, set: RuleSet) -> u32 {
        let mut sets = self
            .rules
            .sets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = sets.iter().position(|known| *known == set);
        let place = known.unwrap_or_else(|| {
            sets.push(set);
            sets.len() - 1
        });
        self.sets.clone_from(&sets);
        u32::try_from(place).unwrap_or(NO_RULE)
    }
}
