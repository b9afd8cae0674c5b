//! The sources of one family and when they hit: a limited number each for itself, all others in the order in which they came.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::trail::{Hit, Trail};
use crate::keyed::Key;

/// An address as it is kept: of four-byte words, so that nothing is padded.
pub(super) trait Address: Copy + Eq + Hash + Send {
    fn words(self) -> [u64; 2];
    fn ip(self) -> IpAddr;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct V4(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct V6([u32; 4]);

impl V4 {
    #[inline]
    pub(super) fn new(address: Ipv4Addr) -> Self {
        Self(address.to_bits())
    }
}

impl V6 {
    #[inline]
    pub(super) fn new(address: Ipv6Addr) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a quarter at a time")]
        Self([96, 64, 32, 0].map(|shift| (address.to_bits() >> shift) as u32))
    }
}

impl Address for V4 {
    #[inline]
    fn words(self) -> [u64; 2] {
        [0, self.0.into()]
    }

    fn ip(self) -> IpAddr {
        Ipv4Addr::from_bits(self.0).into()
    }
}

impl Address for V6 {
    #[inline]
    fn words(self) -> [u64; 2] {
        let [a, b, c, d] = self.0.map(u64::from);
        [a << 32 | b, c << 32 | d]
    }

    fn ip(self) -> IpAddr {
        let [high, low] = self.words().map(u128::from);
        Ipv6Addr::from_bits(high << 64 | low).into()
    }
}

impl Hash for V4 {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words()
            .into_iter()
            .for_each(|word| state.write_u64(word));
    }
}

impl Hash for V6 {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words()
            .into_iter()
            .for_each(|word| state.write_u64(word));
    }
}

/// The sources that are kept each for itself: what a map of some three megabytes holds.
/// In the tests of this crate so few that the others are met.
const HOT: usize = if cfg!(test) { 3 } else { 7 << 13 };

/// The cold hits are kept in so many parts, by the upper bits of the hash.
pub(super) const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 4;

/// Cold hits are counted in so many buckets, by upper bits that begin with those of the part.
const BUCKET_BITS: u32 = 20;

/// Hits of a chunk.
const CHUNK: usize = if cfg!(test) { 2 } else { 4096 };

/// A hit of a source that is not kept for itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cold<A> {
    pub(super) address: A,
    at: [u32; 2],
    /// The class, and the port and one.
    tag: u32,
}

const PORT_BITS: u32 = 17;

impl<A> Cold<A> {
    /// `None` if the class does not fit.
    #[inline]
    fn new(address: A, hit: Hit) -> Option<Self> {
        if hit.class >> (u32::BITS - PORT_BITS) != 0 {
            return None;
        }
        let port = hit.port.map_or(0, |port| u32::from(port) + 1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the halves"
        )]
        let at = [(hit.at >> 32) as u32, hit.at as u32];
        Some(Self {
            address,
            at,
            tag: hit.class << PORT_BITS | port,
        })
    }

    pub(super) fn class(&self) -> u32 {
        self.tag >> PORT_BITS
    }

    pub(super) fn hit(&self) -> Hit {
        let [high, low] = self.at;
        let port = (self.tag & ((1 << PORT_BITS) - 1)).checked_sub(1);
        #[expect(clippy::cast_possible_wrap, reason = "as it was put there")]
        let high = high as i32;
        Hit {
            at: i64::from(high) << 32 | i64::from(low),
            class: self.class(),
            port: port.and_then(|port| u16::try_from(port).ok()),
        }
    }
}

/// The sources of a family.
#[derive(Debug, Clone)]
pub(super) struct Shelf<A> {
    key: Key,
    pub(super) hot: HashMap<A, Trail, Key>,
    cold: [Vec<Vec<Cold<A>>>; PARTS],
}

impl<A: Address> Shelf<A> {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            hot: HashMap::with_hasher(key),
            cold: std::array::from_fn(|_| Vec::new()),
        }
    }

    /// Keeps a hit that these rules count. Answers the hash of a source that is not kept for itself.
    #[inline]
    pub(super) fn add(&mut self, address: A, hit: Hit, rules: u64, ports: bool) -> Option<u64> {
        if let Some(trail) = self.hot.get_mut(&address) {
            trail.add(hit, ports);
            trail.rules |= rules;
            return None;
        }
        if self.hot.len() >= HOT
            && let Some(cold) = Cold::new(address, hit)
        {
            let hash = self.key.hash(address.words());
            self.add_cold(part(hash), cold);
            return Some(hash);
        }
        let mut trail = Trail::default();
        trail.add(hit, ports);
        trail.rules = rules;
        self.hot.insert(address, trail);
        None
    }

    #[inline]
    fn add_cold(&mut self, part: usize, cold: Cold<A>) {
        let Some(chunks) = self.cold.get_mut(part) else {
            return;
        };
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(cold),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(cold);
                chunks.push(chunk);
            }
        }
    }

    pub(super) fn hash(&self, address: A) -> u64 {
        self.key.hash(address.words())
    }

    pub(super) fn has_cold(&self) -> bool {
        self.cold.iter().any(|chunks| !chunks.is_empty())
    }

    /// The sources and hits of both. What one shelf keeps for itself may be among the cold of the other.
    pub(super) fn join(&mut self, other: Self, ports: bool) {
        for (address, trail) in other.hot {
            match self.hot.entry(address) {
                Entry::Vacant(new) => {
                    new.insert(trail);
                }
                Entry::Occupied(mut known) => known.get_mut().join(trail, ports),
            }
        }
        for (mine, theirs) in self.cold.iter_mut().zip(other.cold) {
            mine.extend(theirs);
        }
    }

    /// For each bucket, the hits of its sources, where there are cold ones. A source has no more hits than its bucket.
    pub(super) fn buckets(&self) -> Buckets {
        let mut buckets = Buckets(vec![0; 1 << BUCKET_BITS]);
        for (address, trail) in &self.hot {
            buckets.add(self.hash(*address), trail.len());
        }
        for cold in self.cold.iter().flatten().flatten() {
            buckets.add(self.hash(cold.address), 1);
        }
        buckets
    }

    /// Takes out a part of the cold hits.
    pub(super) fn take_cold(&mut self, part: usize) -> impl Iterator<Item = Cold<A>> + use<A> {
        let chunks = self.cold.get_mut(part).map(std::mem::take);
        chunks.into_iter().flatten().flatten()
    }
}

#[inline]
fn part(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - PART_BITS)).unwrap_or_default()
}

/// How many hits the sources of each bucket have together.
#[derive(Debug)]
pub(super) struct Buckets(Vec<u32>);

impl Buckets {
    #[inline]
    fn bucket(hash: u64) -> usize {
        usize::try_from(hash >> (u64::BITS - BUCKET_BITS)).unwrap_or_default()
    }

    #[inline]
    fn add(&mut self, hash: u64, hits: u32) {
        if let Some(sum) = self.0.get_mut(Self::bucket(hash)) {
            *sum = sum.saturating_add(hits);
        }
    }

    /// The most hits that a source of this hash can have.
    #[inline]
    pub(super) fn most(&self, hash: u64) -> u32 {
        self.0.get(Self::bucket(hash)).copied().unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cold_hit_is_small_and_keeps_all() {
        assert_eq!((size_of::<Cold<V4>>(), size_of::<Cold<V6>>()), (16, 28));
        for at in [0, -1, 1 << 60, -(1 << 60), 1_790_000_000_123_456] {
            for (class, port) in [(0, None), (32_767, Some(65_535)), (1, Some(0))] {
                let hit = Hit { at, class, port };
                let cold = Cold::new(V4(1), hit).unwrap();
                assert_eq!(cold.hit(), hit);
            }
        }
        let hit = Hit {
            at: 0,
            class: 32_768,
            port: None,
        };
        assert!(Cold::new(V4(1), hit).is_none());
    }

    #[test]
    fn addresses_come_back() {
        for text in ["203.0.113.7", "255.255.255.255"] {
            let address: Ipv4Addr = text.parse().unwrap();
            assert_eq!(V4::new(address).ip(), address);
        }
        for text in ["2001:db8:1:2:3:4:5:ffff", "::", "::ffff:1.2.3.4"] {
            let address: Ipv6Addr = text.parse().unwrap();
            assert_eq!(V6::new(address).ip(), address);
        }
    }
}
