//! Where the sources of a table are kept, found by their hashes: some five bytes each.
//!
//! A bucket is what the processor fetches at once. A hash has two buckets and is in the one that had
//! more room, so that nearly all of them can be full. It grows a shard at a time, so that nobody waits
//! for it and it is never there twice, and to sizes of which the last fits the memory.

/// A number for each source of a table: where it is kept.
#[derive(Debug, Clone)]
pub(super) struct Index {
    /// By the upper bits of the hash.
    shards: Vec<Shard>,
    /// How many there are of all shards.
    buckets: usize,
    /// How many a shard has when there are as many sources as the memory has room for.
    full: usize,
}

#[derive(Debug, Clone, Default)]
struct Shard {
    buckets: Vec<Bucket>,
    /// How many slots are not empty.
    used: usize,
}

type Bucket = [u32; 16];

const SHARD_BITS: u32 = 6;

/// A slot is 0 where it is empty. If not, these bits of it, of which one is set, are of the hash.
const MARK: u32 = 0xff << 24;

/// Places are below this.
pub(super) const PLACES: u32 = 1 << 24;

impl Index {
    pub(super) fn new() -> Self {
        let mut shards = Vec::new();
        shards.resize_with(1 << SHARD_BITS, Shard::default);
        Self {
            shards,
            buckets: 0,
            full: 1,
        }
    }

    /// Says how many sources there will be at most, about.
    pub(super) fn expect(&mut self, sources: usize) {
        let slots = size_of::<Bucket>() / 4 * self.shards.len();
        // With seven slots of eight in use, no two buckets of a hash are full, mostly.
        self.full = (sources / 7 * 8).div_ceil(slots).max(1);
    }

    /// Has the processor fetch the buckets of a hash: many at a time take as long as one.
    #[inline]
    pub(super) fn fetch(&self, hash: u64) -> u32 {
        let Some(shard) = self.shards.get(shard_of(hash)) else {
            return 0;
        };
        let homes = homes(hash, shard.buckets.len());
        let first = |home: usize| shard.buckets.get(home).map_or(0, |[first, ..]| *first);
        homes.map(first).iter().fold(0, |all, one| all ^ one)
    }

    /// In bytes.
    pub(super) fn bytes(&self) -> usize {
        self.buckets * size_of::<Bucket>()
    }

    /// The place that has this hash and of which `is` says that it is the one.
    #[inline]
    pub(super) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (shard, mark) = (self.shards.get(shard_of(hash))?, mark_of(hash));
        for home in homes(hash, shard.buckets.len()) {
            let bucket = shard.buckets.get(home)?;
            // In one go, and not slot by slot.
            let count = |marked: u32, slot: &u32| marked + u32::from(slot & MARK == mark);
            if bucket.iter().fold(0, count) == 0 {
                continue;
            }
            let marked = bucket.iter().filter(|slot| **slot & MARK == mark);
            let mut places = marked.map(|slot| slot & !MARK);
            if let Some(place) = places.find(|place| is(*place)) {
                return Some(place);
            }
        }
        None
    }

    /// Adds a place; `hash_of` tells those that were added before.
    pub(super) fn insert(&mut self, hash: u64, place: u32, hash_of: impl Fn(u32) -> Option<u64>) {
        let Some(shard) = self.shards.get_mut(shard_of(hash)) else {
            return;
        };
        while !shard.put(hash, place) {
            let buckets = shard.buckets.len();
            shard.rebuild(larger(buckets, self.full), &hash_of);
            self.buckets = self.buckets + shard.buckets.len() - buckets;
        }
    }

    /// Puts another place in the stead of one.
    pub(super) fn replace(&mut self, hash: u64, old: u32, new: u32) {
        let shard = self.shards.get_mut(shard_of(hash));
        if let Some(slot) = shard.and_then(|shard| shard.slot(hash, old)) {
            *slot = mark_of(hash) | new;
        }
    }

    pub(super) fn remove(&mut self, hash: u64, place: u32) {
        let Some(shard) = self.shards.get_mut(shard_of(hash)) else {
            return;
        };
        if let Some(slot) = shard.slot(hash, place) {
            *slot = 0;
            shard.used -= 1;
        }
    }

    /// Removes all places of which `is_gone` says that they are gone.
    pub(super) fn clear(&mut self, is_gone: impl Fn(u32) -> bool) {
        for shard in &mut self.shards {
            for slot in shard.buckets.iter_mut().flatten() {
                if *slot != 0 && is_gone(*slot & !MARK) {
                    *slot = 0;
                    shard.used -= 1;
                }
            }
        }
    }

    /// Gives back the room that a fall in numbers has left.
    pub(super) fn shrink(&mut self, hash_of: impl Fn(u32) -> Option<u64>) {
        for shard in &mut self.shards {
            let (buckets, slots) = (shard.buckets.len(), size_of::<Bucket>() / 4);
            if shard.used * 4 < buckets * slots {
                // What has none is as it was at first.
                let wanted = (shard.used + shard.used / 4).div_ceil(slots);
                shard.rebuild(wanted, &hash_of);
                self.buckets = self.buckets + shard.buckets.len() - buckets;
            }
        }
    }
}

impl Shard {
    /// Puts a place into the emptier of its buckets; `false` if both are full.
    fn put(&mut self, hash: u64, place: u32) -> bool {
        let put = put(&mut self.buckets, hash, place);
        self.used += usize::from(put);
        put
    }

    fn slot(&mut self, hash: u64, place: u32) -> Option<&mut u32> {
        let wanted = mark_of(hash) | place;
        let homes = homes(hash, self.buckets.len());
        let has = |home: &&usize| {
            let bucket = self.buckets.get(**home);
            bucket.is_some_and(|bucket| bucket.contains(&wanted))
        };
        let home = homes.iter().find(has)?;
        let mut slots = self.buckets.get_mut(*home)?.iter_mut();
        slots.find(|slot| **slot == wanted)
    }

    /// Moves all into so many buckets, or as many more as it takes.
    #[cold]
    fn rebuild(&mut self, mut wanted: usize, hash_of: &impl Fn(u32) -> Option<u64>) {
        let slots = self.buckets.iter().flatten().filter(|slot| **slot != 0);
        let places = slots.map(|slot| slot & !MARK);
        // What has no hash any more has been given up. All are asked for before any is put, so that
        // the processor fetches many at a time.
        let hashes = places.filter_map(|place| Some((hash_of(place)?, place)));
        let hashes: Vec<_> = hashes.collect();
        loop {
            let mut buckets = Vec::new();
            buckets.reserve_exact(wanted);
            buckets.resize(wanted, Bucket::default());
            let mut all = hashes.iter();
            if all.all(|(hash, place)| put(&mut buckets, *hash, *place)) {
                self.buckets = buckets;
                self.used = hashes.len();
                return;
            }
            wanted += wanted / 8 + 1;
        }
    }
}

/// The next size after one: a half of `full`, a quarter and so on as long as it is less, so that
/// each source is moved about once; an eighth more from then on.
fn larger(buckets: usize, full: usize) -> usize {
    if buckets >= full {
        return buckets + buckets / 8 + 1;
    }
    let mut next = full;
    while next / 2 > buckets {
        next /= 2;
    }
    next
}

fn put(buckets: &mut [Bucket], hash: u64, place: u32) -> bool {
    let room = |home: usize| {
        let bucket = buckets.get(home).into_iter().flatten();
        bucket.filter(|slot| **slot == 0).count()
    };
    let [one, other] = homes(hash, buckets.len());
    let home = if room(other) > room(one) { other } else { one };
    let mut slots = buckets.get_mut(home).into_iter().flatten();
    let slot = slots.find(|slot| **slot == 0);
    let put = slot.map(|slot| *slot = mark_of(hash) | place & !MARK);
    put.is_some()
}

// Bits of a hash, from the highest: shard (6), one bucket (24), two of nothing, the other bucket
// (24), mark (8).

fn shard_of(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - SHARD_BITS)).unwrap_or_default()
}

#[inline]
fn mark_of(hash: u64) -> u32 {
    u32::try_from((hash & 0xff).max(1)).unwrap_or(1) << 24
}

#[inline]
fn homes(hash: u64, buckets: usize) -> [usize; 2] {
    let home = |bits: u64| ((bits & 0xff_ffff) * (buckets as u64)) >> 24;
    [hash >> 34, hash >> 8].map(|bits| usize::try_from(home(bits)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed::Key;

    #[test]
    fn every_place_is_found_in_little_room() {
        const MANY: u32 = 60_000;
        let key = Key::random();
        let hash = |place: u32| key.hash([u64::from(place), 0]);
        let mut index = Index::new();
        index.expect(usize::try_from(MANY).unwrap());
        for place in 0..MANY {
            index.insert(hash(place), place, |place| Some(hash(place)));
        }
        let bytes = index.bytes() * 10 / usize::try_from(MANY).unwrap();
        assert!(bytes < 60, "{bytes}");
        for place in 0..MANY {
            assert_eq!(index.find(hash(place), |found| found == place), Some(place));
            if place % 8 > 0 {
                index.remove(hash(place), place);
                assert_eq!(index.find(hash(place), |found| found == place), None);
            } else {
                index.replace(hash(place), place, place + 1);
                assert!(
                    index
                        .find(hash(place), |found| found == place + 1)
                        .is_some()
                );
            }
        }
        let full = index.bytes();
        index.shrink(|place| Some(hash(place - 1)));
        assert!(index.bytes() < full / 4);
        for place in (0..MANY).step_by(8) {
            assert!(
                index
                    .find(hash(place), |found| found == place + 1)
                    .is_some()
            );
        }
        index.shrink(|_| None);
    }
}
