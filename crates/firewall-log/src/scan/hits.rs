//! When sources hit, in few bytes.

use crate::rule::{Dated, Span};

/// One hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hit {
    /// In microseconds, within [`TIME_MAX`].
    pub(super) at: i64,
    /// Which rules count it, as a number.
    pub(super) class: u32,
    pub(super) port: Option<u16>,
}

impl Dated for Hit {
    #[inline]
    fn at(&self) -> i64 {
        self.at
    }

    #[inline]
    fn port(&self) -> Option<u16> {
        self.port
    }
}

/// Hits of which all but the last are not known one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repeat {
    /// The last.
    pub(super) hit: Hit,
    /// None came before, in microseconds; `None` if that is not known.
    pub(super) since: Option<i64>,
    pub(super) times: u64,
}

impl Repeat {
    pub(super) fn span(&self) -> Span {
        Span {
            since: self.since,
            hits: self.times,
            ..Span::of(&self.hit)
        }
    }
}

/// What is kept of a hit to judge by.
pub(super) trait Evidence: Dated + Copy + Default + From<Hit> {
    fn class(&self) -> u32;
}

impl Evidence for Hit {
    fn class(&self) -> u32 {
        self.class
    }
}

/// The time is enough where there is one class and ports do not matter.
impl Evidence for i64 {
    fn class(&self) -> u32 {
        0
    }
}

impl From<Hit> for i64 {
    fn from(hit: Hit) -> Self {
        hit.at
    }
}

/// Instants are kept within 36,000 years of 1970, so that a distance of two has a bit to spare.
pub(super) const TIME_MAX: i64 = 1 << 60;

/// The hits of many sources in the order in which they came: a log is written as it is read, one
/// end at a time, and needs no memory but that.
///
/// A hit is four bytes if it is of one of the first classes and within half a second of the one
/// before it, as those are of which there are many; eight if it is within half an hour. Where ports
/// matter, it is four more.
#[derive(Debug, Clone)]
pub(super) struct Hits {
    /// Whether ports matter.
    ports: bool,
    full: Vec<Vec<u32>>,
    /// What is being filled, and how far it is.
    piece: Vec<u32>,
    used: usize,
    last: i64,
}

/// Words of a piece.
const PIECE: usize = if cfg!(test) { 16 } else { 1 << 14 };

/// A hit in a word, from the highest bit: none, the class, the source, and the distance, with as
/// much added that it is never negative.
const TINY_CLASS_BITS: u32 = 2;
const TINY_SOURCE_BITS: u32 = 9;
const TINY_DISTANCE_BITS: u32 = 20;
const TINY_DISTANCE: i64 = 1 << (TINY_DISTANCE_BITS - 1);

/// The first word of a hit in two, with class and source under the highest bit; the other is the
/// distance.
const SHORT: u32 = 1 << 31;
const SOURCE_BITS: u32 = 16;
const CLASS_BITS: u32 = 14;

/// The first word of a hit that is spelled out.
const LONG: u32 = 0b11 << 30;

impl Hits {
    /// None yet; `ports`: whether those matter.
    pub(super) fn new(ports: bool) -> Self {
        Self {
            ports,
            full: Vec::new(),
            piece: Vec::new(),
            used: 0,
            last: 0,
        }
    }

    /// Adds a hit of a source that has this number.
    #[inline]
    pub(super) fn add(&mut self, source: usize, hit: Hit) {
        self.add_with(source, hit, &[]);
    }

    /// Adds a hit, and some words that belong to it.
    #[inline]
    pub(super) fn add_with(&mut self, source: usize, hit: Hit, more: &[u32]) {
        let distance = hit.at.wrapping_sub(self.last);
        self.last = hit.at;
        let Ok(number) = u16::try_from(source) else {
            return self.add_long(source, hit, more);
        };
        let number = u32::from(number);
        let forward = u32::try_from(distance.wrapping_add(TINY_DISTANCE)).unwrap_or(u32::MAX);
        if forward >> TINY_DISTANCE_BITS == 0
            && number >> TINY_SOURCE_BITS == 0
            && hit.class >> TINY_CLASS_BITS == 0
        {
            let word = (hit.class << TINY_SOURCE_BITS | number) << TINY_DISTANCE_BITS | forward;
            return self.put([word, port_word(hit)], more);
        }
        match i32::try_from(distance) {
            Ok(distance) if hit.class >> CLASS_BITS == 0 => {
                let first = SHORT | hit.class << SOURCE_BITS | number;
                let distance = u32::from_le_bytes(distance.to_le_bytes());
                self.put([first, distance, port_word(hit)], more);
            }
            _ => self.add_long(source, hit, more),
        }
    }

    #[cold]
    fn add_long(&mut self, source: usize, hit: Hit, more: &[u32]) {
        let source = u32::try_from(source).unwrap_or(u32::MAX);
        let [a, b, c, d, high @ ..] = hit.at.to_le_bytes();
        let [low, high] = [[a, b, c, d], high].map(u32::from_le_bytes);
        let words = [LONG, source, hit.class, low, high, port_word(hit)];
        self.put(words, more);
    }

    /// Writes words, the last of them only where ports matter, and more.
    #[inline]
    fn put<const N: usize>(&mut self, words: [u32; N], more: &[u32]) {
        if self.piece.len() < self.used + N + more.len() {
            self.next_piece();
        }
        let free = self.piece.get_mut(self.used..);
        let Some(free) = free.and_then(<[u32]>::first_chunk_mut) else {
            return;
        };
        *free = words;
        self.used += N - usize::from(!self.ports);
        let free = self.piece.get_mut(self.used..self.used + more.len());
        if let Some(free) = free {
            free.copy_from_slice(more);
            self.used += more.len();
        }
    }

    #[cold]
    fn next_piece(&mut self) {
        let mut full = std::mem::replace(&mut self.piece, vec![0; PIECE]);
        full.truncate(self.used);
        self.full.push(full);
        self.used = 0;
    }

    /// About how many there are.
    pub(super) fn size(&self) -> usize {
        self.full.iter().map(Vec::len).sum::<usize>() + self.used
    }

    /// Gives the hits as they came, each with the number of its source.
    #[inline]
    pub(super) fn each(&self, mut take: impl FnMut(usize, Hit)) {
        self.each_with(|source, hit, words| {
            take(source, hit);
            words
        });
    }

    /// Gives the hits as they came; from the words behind each, those that belong to it are taken.
    #[inline]
    pub(super) fn each_with<'a>(
        &'a self,
        mut take: impl FnMut(usize, Hit, &'a [u32]) -> &'a [u32],
    ) {
        let last = self.piece.get(..self.used).unwrap_or_default();
        let mut at = 0_i64;
        for piece in self.full.iter().map(Vec::as_slice).chain([last]) {
            let mut words = piece;
            while let [first, rest @ ..] = words {
                let (source, class);
                (source, class, words) = match rest {
                    _ if first & SHORT == 0 => {
                        let forward = first & ((1 << TINY_DISTANCE_BITS) - 1);
                        at = at.wrapping_add(i64::from(forward) - TINY_DISTANCE);
                        let rest_bits = first >> TINY_DISTANCE_BITS;
                        let source = rest_bits & ((1 << TINY_SOURCE_BITS) - 1);
                        (source, rest_bits >> TINY_SOURCE_BITS, rest)
                    }
                    [source, class, low, high, rest @ ..] if *first == LONG => {
                        let at_bits = u64::from(*high) << 32 | u64::from(*low);
                        at = i64::from_le_bytes(at_bits.to_le_bytes());
                        (*source, *class, rest)
                    }
                    [second, rest @ ..] => {
                        let distance = i32::from_le_bytes(second.to_le_bytes());
                        at = at.wrapping_add(distance.into());
                        let class = first >> SOURCE_BITS & ((1 << CLASS_BITS) - 1);
                        (first & ((1 << SOURCE_BITS) - 1), class, rest)
                    }
                    [] => return,
                };
                let mut port = None;
                if let ([first, rest @ ..], true) = (words, self.ports) {
                    port = first
                        .checked_sub(1)
                        .and_then(|port| u16::try_from(port).ok());
                    words = rest;
                }
                let source = usize::try_from(source).unwrap_or(usize::MAX);
                words = take(source, Hit { at, class, port }, words);
            }
        }
    }
}

/// A port, and one; 0 for none.
#[inline]
fn port_word(hit: Hit) -> u32 {
    hit.port.map_or(0, |port| u32::from(port) + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn hits_come_out_as_they_went_in(
            hits in prop::collection::vec((
                prop_oneof![0_usize..3, any::<u32>().prop_map(|number| number as usize), 511..513_usize, 65_535..65_537_usize],
                prop_oneof![-TIME_MAX..=TIME_MAX, 0..100_i64, 0..1_500_000_i64, 2_147_000_000..2_148_000_000_i64],
                prop_oneof![0_u32..5, any::<u32>(), 16_383..16_385_u32],
                any::<Option<u16>>(),
            ), 0..40),
            ports: bool,
        ) {
            let hits: Vec<(usize, Hit)> = hits
                .into_iter()
                .map(|(source, at, class, port)| (source, Hit { at, class, port: port.filter(|_| ports) }))
                .collect();
            let mut kept = Hits::new(ports);
            for (source, hit) in &hits {
                kept.add(*source, *hit);
            }
            let mut given = Vec::new();
            kept.each(|source, hit| given.push((source, hit)));
            prop_assert_eq!(&given, &hits);
            let mut kept = Hits::new(ports);
            for (source, hit) in &hits {
                kept.add_with(*source, *hit, &[hit.class, 1, 2, 3]);
            }
            given.clear();
            kept.each_with(|source, hit, words| {
                given.push((source, hit));
                assert_eq!(words[..4], [hit.class, 1, 2, 3]);
                &words[4..]
            });
            prop_assert_eq!(given, hits);
        }
    }
}
