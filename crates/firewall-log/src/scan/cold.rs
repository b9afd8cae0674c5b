//! Hits of sources without number.

use super::hits::Hit;

/// A hit of a source that has no place of its own.
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
    pub(super) fn new(address: A, hit: Hit) -> Option<Self> {
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

    pub(super) fn hit(&self) -> Hit {
        let [high, low] = self.at;
        let port = (self.tag & ((1 << PORT_BITS) - 1)).checked_sub(1);
        #[expect(clippy::cast_possible_wrap, reason = "as it was put there")]
        let high = high as i32;
        Hit {
            at: i64::from(high) << 32 | i64::from(low),
            class: self.tag >> PORT_BITS,
            port: port.and_then(|port| u16::try_from(port).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::address::{V4, V6};

    #[test]
    fn a_cold_hit_is_small_and_keeps_all() {
        assert_eq!((size_of::<Cold<V4>>(), size_of::<Cold<V6>>()), (16, 28));
        for at in [0, -1, 1 << 60, -(1 << 60), 1_790_000_000_123_456] {
            for (class, port) in [(0, None), (32_767, Some(65_535)), (1, Some(0))] {
                let hit = Hit { at, class, port };
                let cold = Cold::new(V4::from_bits(1), hit).unwrap();
                assert_eq!(cold.hit(), hit);
            }
        }
        let hit = Hit {
            at: 0,
            class: 32_768,
            port: None,
        };
        assert!(Cold::new(V4::from_bits(1), hit).is_none());
    }
}
