//! The sources of one family and when they hit: a limited number each in a place of its own, all others in the order in which they came.

use super::address::Address;
use super::cold::Cold;
use super::hits::{Hit, Hits};
use crate::keyed::Key;

/// The sources are in so many parts, by the upper bits of the hash.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 4;

/// Cold hits of a chunk.
const CHUNK: usize = if cfg!(test) { 2 } else { 4096 };

/// What has been seen of a family.
#[derive(Debug, Clone)]
pub(super) struct Shelf<A> {
    key: Key,
    /// Who came first has the place, by the upper bits of the hash. So few that they stay in a processor's own cache.
    places: Vec<Option<A>>,
    parts: [Part<A>; PARTS],
}

/// The hits of one of so many parts of the sources.
#[derive(Debug, Clone)]
pub(super) struct Part<A> {
    /// Of sources that have a place, by its number in the part.
    pub(super) hits: Hits,
    /// Of all others.
    pub(super) cold: Vec<Vec<Cold<A>>>,
    /// Of those, what does not fit there.
    pub(super) odd: Vec<(A, Hit)>,
}

/// A part, and who has its places.
pub(super) type OpenPart<A> = (Vec<Option<A>>, Part<A>);

impl<A> Default for Part<A> {
    fn default() -> Self {
        Self {
            hits: Hits::default(),
            cold: Vec::new(),
            odd: Vec::new(),
        }
    }
}

impl<A: Address> Shelf<A> {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            places: vec![None; 1 << A::PLACE_BITS],
            parts: std::array::from_fn(|_| Part::default()),
        }
    }

    /// Keeps a hit. Answers the hash of a source that has no place.
    #[inline]
    pub(super) fn add(&mut self, address: A, hit: Hit, ports: bool) -> Option<u64> {
        let hash = self.key.hash(address.words());
        let place = upper(hash, A::PLACE_BITS);
        let owner = self.places.get_mut(place)?;
        let part = self.parts.get_mut(upper(hash, PART_BITS))?;
        let owner = owner.get_or_insert(address);
        if *owner == address {
            let number = place & ((1 << (A::PLACE_BITS - PART_BITS)) - 1);
            part.hits.add(number, hit, ports);
            return None;
        }
        part.add_cold(address, hit);
        Some(hash)
    }

    pub(super) fn key(&self) -> Key {
        self.key
    }

    pub(super) fn into_parts(self) -> impl Iterator<Item = OpenPart<A>> {
        let Self {
            mut places, parts, ..
        } = self;
        let length = places.len() / PARTS;
        parts.into_iter().rev().map(move |part| {
            let places = places.split_off(places.len().saturating_sub(length));
            (places, part)
        })
    }
}

impl<A: Address> Part<A> {
    #[inline]
    fn add_cold(&mut self, address: A, hit: Hit) {
        let Some(cold) = Cold::new(address, hit) else {
            self.odd.push((address, hit));
            return;
        };
        match self.cold.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(cold),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(cold);
                self.cold.push(chunk);
            }
        }
    }
}

/// The upper bits of a hash.
#[inline]
fn upper(hash: u64, bits: u32) -> usize {
    usize::try_from(hash >> (u64::BITS - bits)).unwrap_or_default()
}

/// The cold hits of a part are counted in so many buckets, by the bits of the hash after those of the part.
const BUCKET_BITS: u32 = 16;

/// How many hits the sources of each bucket of a part have together.
#[derive(Debug)]
pub(super) struct Buckets(Vec<u32>);

impl Buckets {
    pub(super) fn new() -> Self {
        Self(vec![0; 1 << BUCKET_BITS])
    }

    pub(super) fn add(&mut self, hash: u64, hits: u32) {
        if let Some(sum) = self.0.get_mut(upper(hash << PART_BITS, BUCKET_BITS)) {
            *sum = sum.saturating_add(hits);
        }
    }

    /// The most hits that a source of this hash can have.
    pub(super) fn most(&self, hash: u64) -> u32 {
        let sum = self.0.get(upper(hash << PART_BITS, BUCKET_BITS));
        sum.copied().unwrap_or(u32::MAX)
    }
}
