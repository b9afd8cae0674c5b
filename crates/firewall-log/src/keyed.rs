//! Hashing of addresses with a key that is drawn at random: whoever is logged chooses the
//! addresses. It is quicker than std's.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A key, which is three secret numbers: a hash multiplies with them and folds the product. Who
/// does not know them cannot find addresses that collide, and nothing that can be asked tells them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    first: u64,
    second: u64,
    factor: u64,
}

impl Key {
    /// A new key, drawn from where std's maps draw theirs.
    pub(crate) fn random() -> Self {
        let [first, second, factor] =
            [0_u8, 1, 2].map(|number| RandomState::new().hash_one(number));
        Self {
            first,
            second,
            factor: factor | 1,
        }
    }

    /// The hash of an address, the lower half of its bits first; all of its 64 bits are equally
    /// good.
    #[inline]
    pub(crate) fn hash(&self, [one, other]: [u64; 2]) -> u64 {
        let mixed = fold(one ^ self.first, other ^ self.second);
        fold(mixed ^ one.rotate_left(32) ^ other, self.factor)
    }
}

/// The halves of a product, one on the other.
#[inline]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    #[expect(clippy::cast_possible_truncation, reason = "the halves")]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

impl BuildHasher for Key {
    type Hasher = Words;

    #[inline]
    fn build_hasher(&self) -> Words {
        Words {
            key: *self,
            words: [0; 2],
        }
    }
}

/// The last two words that it was given, for [`Key::hash`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    key: Key,
    words: [u64; 2],
}

impl Hasher for Words {
    #[inline]
    fn finish(&self) -> u64 {
        self.key.hash(self.words)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let word = self.key.hash(self.words);
            self.write_u64(word ^ u64::from(*byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        let [_, last] = self.words;
        self.words = [last, word];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_another_and_neighbours_part() {
        let (one, other) = (Key::random(), Key::random());
        assert_ne!(one.hash([1, 2]), other.hash([1, 2]));
        // Addresses of one network, the usual attack: their hashes fill all of 256 buckets alike.
        for key in [one, other] {
            let mut buckets = [[0_u32; 256]; 2];
            for host in 0..65_536 {
                let hash = key.hash([0x2001_0db8 << 32, host]).to_le_bytes();
                buckets[0][usize::from(hash[0])] += 1;
                buckets[1][usize::from(hash[7])] += 1;
            }
            let crowded = buckets.as_flattened().iter().max().unwrap();
            assert!(*crowded < 400, "{crowded} of 65536 in one of 256 buckets");
        }
    }
}
