//! When which source hit, in few bytes.

use super::address::{Address, Bits};
use crate::rule::{Dated, Span};

/// One packet that rules count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Hit {
    /// In microseconds since 1970, within [`TIME_MAX`].
    pub(crate) at: i64,
    /// Which rules count it: its place in [`RuleSets`](super::group::RuleSets).
    pub(crate) rule_set: u32,
    /// The destination port, where a rule asks for ports.
    pub(crate) port: Option<u16>,
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

/// Several packets, of which a line says only how many and when the last came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// The last.
    pub(super) hit: Hit,
    /// None came before, in microseconds; `None` if that is not known.
    pub(super) since: Option<i64>,
    pub(super) times: u64,
}

impl Repeat {
    pub(crate) fn span(&self) -> Span {
        Span {
            since: self.since,
            hits: self.times,
            ..Span::of(&self.hit)
        }
    }
}

/// Instants are kept within 36,000 years of 1970, so that a distance of two has a bit to spare.
pub(super) const TIME_MAX: i64 = 1 << 60;

/// Who hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The source that has this slot of the shard.
    Slot(usize),
    /// A source that has none.
    Address(Bits),
}

/// The slots of a shard have numbers below this.
pub(super) const SLOTS_MAX: usize = ADDRESSED as usize;

/// The hits of many sources in the order in which they came. The log is written at one end as it is
/// read, and needs no memory but what is in it.
///
/// A hit takes four bytes if fewer than half a second lie between it and the one before it and it
/// is of one of the first four rule sets, as most are; mostly eight if not. Where a rule asks for
/// ports, it takes four more. A source without a slot has its address beside each of its hits: 4
/// bytes (IPv4) or 16 (IPv6).
#[derive(Debug, Clone)]
pub(super) struct HitLog<const N: usize> {
    /// Whether a rule asks for ports.
    ports: bool,
    full: Vec<Vec<u32>>,
    /// The piece that is being filled, and how far it is.
    piece: Vec<u32>,
    used: usize,
    /// When the last hit was.
    last: i64,
    /// The hits of sources without a slot.
    overflow: usize,
}

/// Words of a piece.
const PIECE: usize = if cfg!(test) { 16 } else { 1 << 14 };

// A hit begins with a word that holds, from its highest bits: 0, rule set (2 bits), slot (9),
// distance (20) 10, rule set (21), slot (9); the next word is the distance 11, nothing (21), slot
// (9); the next words are the rule set and the instant The distance is that to the hit before, in
// microseconds; the short one has TINY_DISTANCE added, so that it is never negative. Then comes the
// port, and one, where a rule asks for ports; and where the slot is ADDRESSED, the address.
const SLOT_BITS: u32 = 9;
const ADDRESSED: u32 = (1 << SLOT_BITS) - 1;
const TINY_SET_BITS: u32 = 2;
const TINY_DISTANCE_BITS: u32 = 20;
const TINY_DISTANCE: i64 = 1 << (TINY_DISTANCE_BITS - 1);
const SET_BITS: u32 = 21;
const SHORT: u32 = 0b10 << 30;
const LONG: u32 = 0b11 << 30;

impl<const N: usize> HitLog<N> {
    /// An empty log; `ports`: whether a rule asks for ports.
    pub(super) fn new(ports: bool) -> Self {
        Self {
            ports,
            full: Vec::new(),
            piece: Vec::new(),
            used: 0,
            last: 0,
            overflow: 0,
        }
    }

    /// Adds a hit.
    #[inline]
    pub(super) fn add(&mut self, by: By, hit: Hit) {
        match by {
            By::Slot(slot) => {
                let slot = u32::try_from(slot).unwrap_or(ADDRESSED);
                self.write(slot, hit, None);
            }
            By::Address(bits) => {
                self.overflow += 1;
                self.write(ADDRESSED, hit, Some(Address::new(bits)));
            }
        }
    }

    #[inline]
    fn write(&mut self, slot: u32, hit: Hit, address: Option<Address<N>>) {
        let Hit { at, rule_set, port } = hit;
        let distance = at.wrapping_sub(self.last);
        self.last = at;
        let port = port.map_or(0, |port| u32::from(port) + 1);
        let tiny = u32::try_from(distance.wrapping_add(TINY_DISTANCE)).unwrap_or(u32::MAX);
        if tiny >> TINY_DISTANCE_BITS == 0 && rule_set >> TINY_SET_BITS == 0 {
            let word = (rule_set << SLOT_BITS | slot) << TINY_DISTANCE_BITS | tiny;
            return self.put([word, port], address);
        }
        match i32::try_from(distance) {
            Ok(distance) if rule_set >> SET_BITS == 0 => {
                let first = SHORT | rule_set << SLOT_BITS | slot;
                self.put(
                    [first, u32::from_le_bytes(distance.to_le_bytes()), port],
                    address,
                );
            }
            _ => {
                let [a, b, c, d, high @ ..] = at.to_le_bytes();
                let [low, high] = [[a, b, c, d], high].map(u32::from_le_bytes);
                self.put([LONG | slot, rule_set, low, high, port], address);
            }
        }
    }

    /// Writes words, the last of them only where ports matter, and those of an address.
    #[inline]
    fn put<const WORDS: usize>(&mut self, words: [u32; WORDS], address: Option<Address<N>>) {
        if self.piece.len() < self.used + WORDS + N {
            self.next_piece();
        }
        let free = self.piece.get_mut(self.used..);
        let Some(free) = free.and_then(<[u32]>::first_chunk_mut) else {
            return;
        };
        *free = words;
        self.used += WORDS - usize::from(!self.ports);
        if let Some(address) = address {
            let free = self.piece.get_mut(self.used..);
            if let Some(free) = free.and_then(<[u32]>::first_chunk_mut) {
                *free = address.0;
                self.used += N;
            }
        }
    }

    #[cold]
    fn next_piece(&mut self) {
        let mut full = std::mem::replace(&mut self.piece, vec![0; PIECE]);
        full.truncate(self.used);
        self.full.push(full);
        self.used = 0;
    }

    /// How many words the log has.
    pub(super) fn size(&self) -> usize {
        self.full.iter().map(Vec::len).sum::<usize>() + self.used
    }

    /// How many of the hits are of sources without a slot.
    pub(super) fn overflow(&self) -> usize {
        self.overflow
    }

    /// Gives the hits as they came.
    #[inline]
    pub(super) fn each(&self, mut take: impl FnMut(By, Hit)) {
        let last = self.piece.get(..self.used).unwrap_or_default();
        let mut at = 0_i64;
        for piece in self.full.iter().map(Vec::as_slice).chain([last]) {
            let mut words = piece;
            while let [first, rest @ ..] = words {
                let (slot, rule_set);
                (slot, rule_set, words) = match rest {
                    _ if first & SHORT == 0 => {
                        let tiny = first & ((1 << TINY_DISTANCE_BITS) - 1);
                        at = at.wrapping_add(i64::from(tiny) - TINY_DISTANCE);
                        let head = first >> TINY_DISTANCE_BITS;
                        (head, head >> SLOT_BITS, rest)
                    }
                    [rule_set, low, high, rest @ ..] if first & LONG == LONG => {
                        let bits = u64::from(*high) << 32 | u64::from(*low);
                        at = i64::from_le_bytes(bits.to_le_bytes());
                        (*first, *rule_set, rest)
                    }
                    [distance, rest @ ..] => {
                        let distance = i32::from_le_bytes(distance.to_le_bytes());
                        at = at.wrapping_add(distance.into());
                        (*first, (first & !SHORT) >> SLOT_BITS, rest)
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
                let by = match slot & ADDRESSED {
                    ADDRESSED => {
                        let Some((address, rest)) = words.split_first_chunk::<N>() else {
                            return;
                        };
                        words = rest;
                        By::Address(Address(*address).bits())
                    }
                    slot => By::Slot(slot as usize),
                };
                take(by, Hit { at, rule_set, port });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by() -> impl Strategy<Value = By> {
        prop_oneof![
            (0..3_usize).prop_map(By::Slot),
            Just(By::Slot(SLOTS_MAX - 1)),
            any::<Bits>().prop_map(By::Address),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn hits_come_out_as_they_went_in(
            hits in prop::collection::vec((
                by(),
                prop_oneof![-TIME_MAX..=TIME_MAX, 0..100_i64, 0..1_500_000_i64, 2_147_000_000..2_148_000_000_i64],
                prop_oneof![0_u32..5, any::<u32>(), (1_u32 << SET_BITS) - 1..=1 << SET_BITS],
                any::<Option<u16>>(),
            ), 0..40),
            ports: bool,
        ) {
            let hits: Vec<(By, Hit)> = hits
                .into_iter()
                .map(|(by, at, rule_set, port)| {
                    (by, Hit { at, rule_set, port: port.filter(|_| ports) })
                })
                .collect();
            let mut kept = HitLog::<4>::new(ports);
            for (by, hit) in &hits {
                kept.add(*by, *hit);
            }
            let addressed = hits.iter().filter(|(by, _)| matches!(by, By::Address(_)));
            prop_assert_eq!(kept.overflow(), addressed.count());
            let mut given = Vec::new();
            kept.each(|by, hit| given.push((by, hit)));
            prop_assert_eq!(given, hits);
        }
    }
}
