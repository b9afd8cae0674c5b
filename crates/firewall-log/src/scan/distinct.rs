//! How many different sources there were, where they are too many to remember each.

/// The registers of a `HyperLogLog` (Flajolet and others, 2007): a standard error of 1.04 / 256,
/// 0.4 %.
const REGISTERS: usize = 1 << BITS;
const BITS: u32 = 16;

/// An estimate of the number of different hashes.
#[derive(Debug, Clone)]
pub(crate) struct Distinct {
    /// The longest run of zeros seen, and one.
    registers: Box<[u8]>,
}

impl Default for Distinct {
    fn default() -> Self {
        Self {
            registers: vec![0; REGISTERS].into(),
        }
    }
}

impl Distinct {
    #[inline]
    pub(crate) fn add(&mut self, hash: u64) {
        let place = usize::try_from(hash >> (64 - BITS)).unwrap_or_default();
        let run = (hash << BITS | 1 << (BITS - 1)).leading_zeros() + 1;
        if let (Some(register), Ok(run)) = (self.registers.get_mut(place), u8::try_from(run)) {
            *register = run.max(*register);
        }
    }

    /// As if this had been given what the other has.
    pub(crate) fn join(&mut self, other: &Self) {
        for (one, other) in self.registers.iter_mut().zip(&other.registers) {
            *one = (*one).max(*other);
        }
    }

    pub(crate) fn estimate(&self) -> u64 {
        #![allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "an estimate"
        )]
        const ALPHA: f64 = 0.7213 / (1.0 + 1.079 / REGISTERS as f64);
        let count = REGISTERS as f64;
        let sum: f64 = self
            .registers
            .iter()
            .map(|run| (-f64::from(*run)).exp2())
            .sum();
        let zeros = memchr::memchr_iter(0, &self.registers).count();
        let raw = ALPHA * count * count / sum;
        // While many registers are empty, how many says more.
        let estimate = if raw < 2.5 * count && zeros > 0 {
            count * (count / zeros as f64).ln()
        } else {
            raw
        };
        estimate.round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyed::Key;

    #[test]
    fn the_estimate_is_within_two_percent() {
        let key = Key::random();
        let (mut all, mut parts) = (Distinct::default(), [(); 2].map(|()| Distinct::default()));
        let mut next = 0_u64;
        for count in [1000_u64, 50_000, 150_000, 200_000, 1_000_000, 3_000_000] {
            for number in next..count {
                let hash = key.hash([number, 0]);
                all.add(hash);
                parts[usize::from(number % 3 == 0)].add(hash);
            }
            next = count;
            let mut joined = parts[0].clone();
            joined.join(&parts[1]);
            assert_eq!(joined.estimate(), all.estimate());
            let error = all.estimate().abs_diff(count);
            assert!(error * 50 <= count, "{} of {count}", all.estimate());
        }
    }
}
