//! Hashing of addresses, which whoever is logged chooses: with a key drawn at random, and quicker
//! than std's.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Multiplies with secret numbers and folds. Whoever does not know them cannot find addresses that
/// collide; nobody can ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    first: u64,
    second: u64,
    factor: u64,
}

impl Key {
    /// From what std's maps draw their keys from.
    pub(crate) fn random() -> Self {
        let [first, second, factor] =
            [0_u8, 1, 2].map(|number| RandomState::new().hash_one(number));
        Self {
            first,
            second,
            factor: factor | 1,
        }
    }

    /// A number of all of the 64 bits.
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
        // Addresses of one network, the usual attack: their hashes fill all of 256 shelves alike.
        for key in [one, other] {
            let mut shelves = [[0_u32; 256]; 2];
            for host in 0..65_536 {
                let hash = key.hash([0x2001_0db8 << 32, host]).to_le_bytes();
                shelves[0][usize::from(hash[0])] += 1;
                shelves[1][usize::from(hash[7])] += 1;
            }
            let crowded = shelves.as_flattened().iter().max().unwrap();
            assert!(*crowded < 400, "{crowded} of 65536 in one of 256 shelves");
        }
    }
}
