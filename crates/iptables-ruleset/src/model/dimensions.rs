//! What of a packet an element of a set is.

use std::fmt;

use super::Direction;

/// For each dimension of a set's elements the end of the packet that it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dimensions(Vec<Direction>);

impl Dimensions {
    /// One dimension.
    pub(crate) fn new(direction: Direction) -> Self {
        Self(vec![direction])
    }

    pub(crate) fn push(&mut self, direction: Direction) {
        self.0.push(direction);
    }

    pub(crate) fn directions(&self) -> &[Direction] {
        &self.0
    }

    /// Their number and the bits of those that are the source: `dim` and `flags` of struct
    /// `xt_set_info`, `linux/netfilter/xt_set.h`.
    pub(crate) fn encode(&self) -> [u8; 2] {
        let mut sources = 0;
        for (dimension, direction) in (1..).zip(&self.0) {
            if *direction == Direction::Source {
                sources |= bit(dimension);
            }
        }
        [u8::try_from(self.0.len()).unwrap_or(u8::MAX), sources]
    }

    /// What [`encode`](Self::encode) made.
    pub(crate) fn decode([number, sources]: [u8; 2]) -> Option<Self> {
        let number = u32::from(number);
        let directions = (1..=number).map(|dimension| {
            if sources & bit(dimension) == 0 {
                Direction::Destination
            } else {
                Direction::Source
            }
        });
        (1..=IPSET_DIM_MAX)
            .contains(&number)
            .then(|| Self(directions.collect()))
    }

    /// Why no set has so many, if so.
    pub(crate) fn check(&self) -> Result<(), String> {
        match u32::try_from(self.0.len()) {
            Ok(1..=IPSET_DIM_MAX) => Ok(()),
            _ => Err(format!("an ipset has at most {IPSET_DIM_MAX} dimensions")),
        }
    }
}

/// `src,dst`
impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, direction) in self.0.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { "," })?;
            f.write_str(match direction {
                Direction::Source => "src",
                Direction::Destination => "dst",
            })?;
        }
        Ok(())
    }
}

/// `IPSET_DIM_ONE_SRC` is bit 1.
fn bit(dimension: u32) -> u8 {
    1u8.checked_shl(dimension).unwrap_or(0)
}

/// `linux/netfilter/ipset/ip_set.h`.
const IPSET_DIM_MAX: u32 = 6;
