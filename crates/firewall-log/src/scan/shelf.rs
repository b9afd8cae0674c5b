//! The sources of one family and when they hit: a limited number each in a place of its own, all
//! others in the order in which they came.

use super::address::Address;
use super::cold::Cold;
use super::hits::{Hit, Hits, Repeat};
use crate::keyed::Key;

/// The sources are in so many parts, by the upper bits of the hash.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 4;

/// What has been seen of a family.
#[derive(Debug, Clone)]
pub(super) struct Shelf<A> {
    key: Key,
    /// What of an address counts.
    mask: A,
    /// Who came first has the place, by the upper bits of the hash. So few that they stay in a
    /// processor's own cache; none before the first hit.
    places: Vec<Option<A>>,
    parts: [Part<A>; PARTS],
    /// Hits that are not kept yet, with the hashes of their sources.
    waiting: Vec<(u64, A, Hit)>,
    /// Who has the places of those.
    owners: Vec<Option<A>>,
}

/// So many hits wait.
const WAITING: usize = 64;

/// The hits of one of so many parts of the sources.
#[derive(Debug, Clone)]
pub(super) struct Part<A> {
    /// Of sources that have a place, by its number in the part.
    pub(super) hits: Hits,
    /// Of all others.
    pub(super) cold: Cold<A>,
    /// Of whatever source.
    pub(super) repeats: Vec<(A, Repeat)>,
}

/// A part, and who has its places.
pub(super) type OpenPart<A> = (Vec<Option<A>>, Part<A>);

impl<A: Address> Part<A> {
    fn new(ports: bool) -> Self {
        Self {
            hits: Hits::new(ports),
            cold: Cold::new(ports),
            repeats: Vec::new(),
        }
    }
}

impl<A: Address> Shelf<A> {
    /// Counts networks of this prefix length; `ports`: whether those matter.
    pub(super) fn new(key: Key, length: u8, ports: bool) -> Self {
        Self {
            key,
            mask: A::mask(length),
            places: Vec::new(),
            parts: std::array::from_fn(|_| Part::new(ports)),
            waiting: Vec::new(),
            owners: Vec::new(),
        }
    }

    /// Keeps a hit, soon.
    #[inline]
    pub(super) fn add(&mut self, address: A, hit: Hit) {
        let address = address.and(self.mask);
        let hash = self.key.hash(address.words());
        self.waiting.push((hash, address, hit));
        if self.waiting.len() >= WAITING {
            self.flush();
        }
    }

    /// Keeps hits that a line sums up.
    pub(super) fn add_repeat(&mut self, address: A, repeat: Repeat) {
        let address = address.and(self.mask);
        let place = upper(self.key.hash(address.words()), PART_BITS);
        if let Some(part) = self.parts.get_mut(place) {
            part.repeats.push((address, repeat));
        }
    }

    /// Keeps what waits to be kept. All places are looked up before any hit is written, so that
    /// none waits for what memory says of the one before.
    #[inline(never)]
    pub(super) fn flush(&mut self) {
        if self.places.is_empty() && !self.waiting.is_empty() {
            self.places.resize(1 << A::PLACE_BITS, None);
        }
        let waiting = self.waiting.iter();
        let owner = |hash: u64| {
            self.places
                .get(upper(hash, A::PLACE_BITS))
                .copied()
                .flatten()
        };
        self.owners.clear();
        self.owners.extend(waiting.map(|(hash, ..)| owner(*hash)));
        for ((hash, address, hit), owner) in self.waiting.drain(..).zip(&self.owners) {
            let place = upper(hash, A::PLACE_BITS);
            let Some(part) = self.parts.get_mut(upper(hash, PART_BITS)) else {
                continue;
            };
            let is_owner = match owner {
                Some(owner) => *owner == address,
                // Somebody may have come since.
                None => match self.places.get_mut(place) {
                    Some(owner) => *owner.get_or_insert(address) == address,
                    None => false,
                },
            };
            if is_owner {
                let number = place & ((1 << (A::PLACE_BITS - PART_BITS)) - 1);
                part.hits.add(number, hit);
            } else {
                part.cold.add(address, hit);
            }
        }
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

/// The upper bits of a hash.
#[inline]
fn upper(hash: u64, bits: u32) -> usize {
    usize::try_from(hash >> (u64::BITS - bits)).unwrap_or_default()
}

/// How many hits the sources of each bucket of a part have together.
#[derive(Debug)]
pub(super) struct Buckets {
    sums: Vec<u32>,
    bits: u32,
}

impl Buckets {
    /// For so many hits: few for each bucket.
    pub(super) fn new(hits: usize) -> Self {
        let bits = (hits / 2).max(1).ilog2().clamp(8, 16);
        Self {
            sums: vec![0; 1 << bits],
            bits,
        }
    }

    /// By the bits of the hash after those of the part.
    #[inline]
    fn place(&self, hash: u64) -> usize {
        upper(hash << PART_BITS, self.bits)
    }

    pub(super) fn add(&mut self, hash: u64, hits: u32) {
        let place = self.place(hash);
        if let Some(sum) = self.sums.get_mut(place) {
            *sum = sum.saturating_add(hits);
        }
    }

    /// The most hits that a source of this hash can have.
    pub(super) fn most(&self, hash: u64) -> u32 {
        self.sums.get(self.place(hash)).copied().unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::address::V4;

    /// Sources that share a place, and classes and distances of every size.
    #[test]
    fn every_hit_is_kept_somewhere() {
        let mut shelf = Shelf::new(Key::random(), 32, false);
        let mut expected = Vec::new();
        for number in 0..5000_u32 {
            let hit = Hit {
                at: i64::from(number) * 200_001 - 9000,
                class: number % 5 * 20_000,
                port: None,
            };
            let address = V4::from_bits(number % 97);
            shelf.add(address, hit);
            expected.push((address, hit));
        }
        shelf.flush();
        let mut kept = Vec::new();
        let (mut placed, mut cold) = (0, 0);
        for (places, part) in shelf.into_parts() {
            part.hits.each(|place, hit| {
                placed += 1;
                kept.push((places.get(place).copied().flatten().unwrap(), hit));
            });
            part.cold.each(|address, hit| kept.push((address, hit)));
            cold += part.cold.len();
        }
        assert!(placed > 0 && cold > 0 && placed + cold == 5000);
        let order = |hits: &mut Vec<(V4, Hit)>| hits.sort_by_key(|(_, hit)| hit.at);
        order(&mut kept);
        order(&mut expected);
        assert_eq!(kept, expected);
    }
}
