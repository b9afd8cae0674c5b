//! What is kept of a source: as much as can still decide whether it breaks a threshold.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::rule::{Dated, Limit, Span, Window, windows};

/// The rules, as hits are judged by them; a rule goes by its number.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Of each rule.
    rules: Vec<Limit>,
    /// Each set of rules that has counted a packet.
    sets: Vec<Vec<usize>>,
    /// The places of the sets.
    numbers: HashMap<Vec<usize>, u32>,
}

/// A source, under all the rules that take it for the same network.
#[derive(Debug, Clone, Default)]
pub(super) enum Source {
    #[default]
    New,
    /// As are all of a flood of forged sources.
    SeenOnce {
        at: i64,
        port: Option<u16>,
        /// The number of the set of rules that count the hit.
        set: u32,
    },
    /// A history for each rule that has counted a hit.
    #[expect(
        clippy::box_collection,
        reason = "one that was seen once is to be small"
    )]
    Known(Box<Vec<History>>),
}

/// The hits of a source that one rule counts.
#[derive(Debug, Clone)]
pub(super) struct History {
    rule: usize,
    /// In order of their last packets; none is longer than the rule's window.
    hits: Vec<Span>,
    /// Whether any hit has been of several packets, or of one that came at some time in a span.
    repeated: bool,
}

/// A window that breaks a threshold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Breach {
    pub(super) rule: usize,
    pub(super) window: Window,
    /// The first packet in the window, in microseconds.
    pub(super) first: i64,
}

impl Limits {
    /// Of rules in their order.
    pub(super) fn new(rules: Vec<Limit>) -> Self {
        Self {
            rules,
            sets: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// The number of a set of rules.
    pub(super) fn number(&mut self, set: &[usize]) -> u32 {
        if let Some(number) = self.numbers.get(set) {
            return *number;
        }
        let number = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.sets.push(set.to_vec());
        self.numbers.insert(set.to_vec(), number);
        number
    }

    fn of(&self, set: u32) -> impl Iterator<Item = (usize, Limit)> {
        let set = usize::try_from(set).ok().and_then(|set| self.sets.get(set));
        let rules = set.into_iter().flatten();
        rules.filter_map(|rule| Some((*rule, *self.rules.get(*rule)?)))
    }
}

impl Source {
    /// Adds a hit that a set of rules counts. Tells of each rule the last window that holds the hit
    /// and breaks the threshold.
    pub(super) fn add(
        &mut self,
        hit: Span,
        set: u32,
        limits: &Limits,
        mut tell: impl FnMut(Breach),
    ) {
        let is_first = matches!(self, Self::New) && hit == Span::of(&hit);
        if is_first {
            let (at, port) = (hit.at, hit.port);
            *self = Self::SeenOnce { at, port, set };
        }
        for (rule, limit) in limits.of(set) {
            let breach = if !hit.fits(limit) {
                let share = Some(hit.share(limit)).filter(|share| limit.is_reached(*share));
                share.map(|window| (window, hit.since()))
            } else if is_first && limit.hits > 1 {
                None
            } else if is_first {
                last_breach(&[hit], &hit, limit)
            } else {
                let history = self.history(rule, limits);
                history.and_then(|history| history.add(hit, limit))
            };
            if let Some((window, first)) = breach {
                tell(Breach {
                    rule,
                    window,
                    first,
                });
            }
        }
    }

    /// The history for a rule.
    fn history(&mut self, rule: usize, limits: &Limits) -> Option<&mut History> {
        let of_first = |first: Span, set| {
            let rules = limits.of(set).filter(|(_, limit)| first.fits(*limit));
            rules
                .map(|(rule, _)| History::new(rule, &[first]))
                .collect()
        };
        match *self {
            Self::New => *self = Self::Known(Box::default()),
            Self::SeenOnce { at, port, set } => {
                let first = Span {
                    port,
                    ..Span::of(&at)
                };
                *self = Self::Known(Box::new(of_first(first, set)));
            }
            Self::Known(_) => {}
        }
        let Self::Known(histories) = self else {
            return None;
        };
        let known = histories.iter().position(|history| history.rule == rule);
        let place = known.unwrap_or(histories.len());
        if known.is_none() {
            histories.reserve_exact(1);
            histories.push(History::new(rule, &[]));
        }
        histories.get_mut(place)
    }

    /// Forgets hits that are in no window with a packet at `at` or later; `false` if none is left.
    pub(super) fn forget_before(&mut self, at: i64, limits: &Limits) -> bool {
        let is_over = |hit: i64, limit: Limit| hit.saturating_add(limit.within) < at;
        match self {
            Self::New => false,
            Self::SeenOnce { at, set, .. } => {
                limits.of(*set).any(|(_, limit)| !is_over(*at, limit))
            }
            Self::Known(histories) => {
                histories.retain_mut(|history| {
                    let Some(limit) = limits.rules.get(history.rule) else {
                        return false;
                    };
                    let over = history.hits.partition_point(|hit| is_over(hit.at, *limit));
                    history.hits.drain(..over);
                    history.hits.shrink_to(2 * history.hits.len());
                    !history.hits.is_empty()
                });
                !histories.is_empty()
            }
        }
    }

    /// About how many bytes it takes beside its place in a table.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        // Each allocation has one.
        const HEADER: usize = 16;
        let Self::Known(histories) = self else {
            return 0;
        };
        let lists = size_of::<Vec<History>>() + histories.capacity() * size_of::<History>();
        let hits = histories.iter().map(|history| history.hits.capacity());
        let hits = hits.map(|hits| hits * size_of::<Span>() + HEADER);
        lists + 2 * HEADER + hits.sum::<usize>()
    }
}

impl History {
    fn new(rule: usize, hits: &[Span]) -> Self {
        let mut own = Vec::with_capacity(2);
        own.extend_from_slice(hits);
        Self {
            rule,
            hits: own,
            repeated: false,
        }
    }

    /// Adds a hit; see [`last_breach`].
    fn add(&mut self, hit: Span, limit: Limit) -> Option<(Window, i64)> {
        let place = self.hits.partition_point(|known| known.at <= hit.at);
        self.hits.insert(place, hit);
        self.repeated |= hit != Span::of(&hit);
        let earliest = hit.at.saturating_sub(limit.within);
        let latest = hit.since().saturating_add(limit.within);
        let begin = self.hits.partition_point(|hit| hit.at < earliest);
        let end = self.hits.partition_point(|hit| hit.at <= latest);
        let near = self.hits.get(begin..end).unwrap_or_default();
        let breach = if !self.repeated && (near.len() as u64) < limit.hits {
            None
        } else if !self.repeated && limit.ports == 0 && end == place + 1 {
            // The window that ends here is the last, and how many are in it is known.
            let window = Window {
                hits: near.len() as u64,
                ports: 0,
                last: hit.at,
            };
            near.first().map(|first| (window, first.at))
        } else {
            last_breach(near, &hit, limit)
        };
        self.trim(limit);
        breach
    }

    /// Drops what decides nothing any more.
    ///
    /// A packet that comes late by no more than the window's length can complete windows of the last
    /// two lengths. As long as no threshold is broken, two windows hold fewer than two times the
    /// hits that break it; and of the hits up to the last that broke it, no later window needs more
    /// than break it. So of single hits the latest are enough, two times as many as break the
    /// threshold. Of ports, a window that ends now needs the last hit to each of the latest, as many
    /// as break the threshold.
    fn trim(&mut self, limit: Limit) {
        let kept = kept(limit);
        if self.hits.len() < kept.saturating_mul(2) {
            return;
        }
        let latest = self.hits.split_off(self.hits.len() - kept);
        let mut ports: HashSet<u16> = latest.iter().filter_map(|hit| hit.port).collect();
        let mut is_last = |hit: &Span| hit.port.is_some_and(|port| ports.insert(port));
        let wanted = usize::try_from(limit.ports).unwrap_or(usize::MAX);
        let before = self.hits.drain(..).rev();
        let mut before: Vec<Span> = before.filter(&mut is_last).take(wanted).collect();
        before.reverse();
        self.hits.extend(before);
        self.hits.extend(latest);
    }
}

/// How many of the latest hits of a source are kept.
fn kept(limit: Limit) -> usize {
    let too_many = limit.hits.max(limit.ports.into());
    usize::try_from(too_many.saturating_mul(2).max(64)).unwrap_or(usize::MAX)
}

/// The most bytes that the history of a source takes: there may be twice as many hits as are kept,
/// in a list that has grown to twice its length.
pub(super) fn bytes_for(limit: Limit) -> usize {
    kept(limit).saturating_mul(4 * size_of::<Span>())
}

/// The last window of these hits, which are in order, that holds one of them and breaks the
/// threshold; and when the first packet in it came.
fn last_breach(hits: &[Span], hit: &Span, limit: Limit) -> Option<(Window, i64)> {
    let mut starts = Cow::Borrowed(hits);
    if !hits.is_sorted_by_key(Dated::since) {
        starts.to_mut().sort_by_key(Dated::since);
    }
    let begin_of = |window: Window| window.last.saturating_sub(limit.within);
    let holds = |window: &Window| window.last >= hit.at && begin_of(*window) <= hit.since();
    let window = windows(hits, &starts, limit)
        .filter(|window| holds(window) && limit.is_reached(*window))
        .last()?;
    let is_in = |hit: &&Span| hit.since() >= begin_of(window) && hit.at <= window.last;
    let first = hits.iter().filter(is_in).map(Dated::since).min();
    Some((window, first.unwrap_or(window.last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_seen_once_is_small() {
        assert_eq!(size_of::<Source>(), 16);
    }
}
