//! When sources hit, in few bytes.

/// One hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hit {
    /// In microseconds, within [`TIME_MAX`].
    pub(super) at: i64,
    /// Which rules count it, as a number.
    pub(super) class: u32,
    pub(super) port: Option<u16>,
}

/// Instants are kept within 36,000 years of 1970, so that a distance of two has a bit to spare.
pub(super) const TIME_MAX: i64 = 1 << 60;

/// The hits of many sources in the order in which they came: a log is written as it is read, one end at a time, and needs no memory but that.
///
/// A hit is eight bytes if it is within half an hour of the one before it: source and class in a word, and the distance in another; where ports
/// matter, a third.
#[derive(Debug, Clone, Default)]
pub(super) struct Hits {
    full: Vec<Vec<u32>>,
    words: Vec<u32>,
    last: i64,
}

/// Words of a piece; what has to be copied when there are more.
const PIECE: usize = if cfg!(test) { 16 } else { 1 << 14 };

/// The most words of a hit.
const LONGEST: usize = 6;

/// Of the first word of a hit that is spelled out.
const LONG: u32 = 1 << 31;

/// The bits of a source in the first word of a short hit, under those of the class.
const SOURCE_BITS: u32 = 16;

impl Hits {
    /// Adds a hit of a source that has this number.
    #[inline]
    pub(super) fn add(&mut self, source: usize, hit: Hit, ports: bool) {
        if self.words.len() > PIECE - LONGEST {
            let full = std::mem::replace(&mut self.words, Vec::with_capacity(PIECE));
            self.full.push(full);
        }
        let distance = hit.at.wrapping_sub(self.last);
        self.last = hit.at;
        let is_short = hit.class >> (31 - SOURCE_BITS) == 0;
        match (u16::try_from(source), i32::try_from(distance)) {
            (Ok(source), Ok(distance)) if is_short => {
                let first = hit.class << SOURCE_BITS | u32::from(source);
                self.words.extend([first, distance.cast_unsigned()]);
            }
            _ => self.add_long(source, hit),
        }
        if ports {
            self.words
                .push(hit.port.map_or(0, |port| u32::from(port) + 1));
        }
    }

    #[cold]
    fn add_long(&mut self, source: usize, hit: Hit) {
        let at = hit.at.cast_unsigned();
        let source = u32::try_from(source).unwrap_or(u32::MAX);
        #[expect(clippy::cast_possible_truncation, reason = "the halves")]
        let halves = [(at >> 32) as u32, at as u32];
        self.words.extend([LONG, source, hit.class]);
        self.words.extend(halves);
    }

    /// How many words they take.
    pub(super) fn len(&self) -> usize {
        self.full.iter().map(Vec::len).sum::<usize>() + self.words.len()
    }

    /// The hits as they came, each with the number of its source.
    pub(super) fn iter(&self, ports: bool) -> impl Iterator<Item = (usize, Hit)> {
        let mut pieces = self.full.iter().chain([&self.words]);
        let (mut words, mut at) = (&[][..], 0_i64);
        std::iter::from_fn(move || {
            while words.is_empty() {
                words = pieces.next()?;
            }
            let (source, class) = match *words {
                [LONG, source, class, high, low, ref rest @ ..] => {
                    at = (u64::from(high) << 32 | u64::from(low)).cast_signed();
                    words = rest;
                    (source, class)
                }
                [first, distance, ref rest @ ..] => {
                    at = at.wrapping_add(distance.cast_signed().into());
                    words = rest;
                    (first & ((1 << SOURCE_BITS) - 1), first >> SOURCE_BITS)
                }
                _ => return None,
            };
            let mut port = None;
            if ports {
                let (first, rest) = words.split_first()?;
                port = first
                    .checked_sub(1)
                    .and_then(|port| u16::try_from(port).ok());
                words = rest;
            }
            Some((usize::try_from(source).ok()?, Hit { at, class, port }))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn hits_come_out_as_they_went_in(
            hits in prop::collection::vec((
                prop_oneof![0_usize..3, any::<u32>().prop_map(|number| number as usize), 65_535..65_537_usize],
                prop_oneof![-TIME_MAX..=TIME_MAX, 0..100_i64],
                prop_oneof![0_u32..3, any::<u32>(), 32_767..32_769_u32],
                any::<Option<u16>>(),
            ), 0..40),
            ports: bool,
        ) {
            let hits: Vec<(usize, Hit)> = hits
                .into_iter()
                .map(|(source, at, class, port)| (source, Hit { at, class, port: port.filter(|_| ports) }))
                .collect();
            let mut kept = Hits::default();
            for (source, hit) in &hits {
                kept.add(*source, *hit, ports);
            }
            prop_assert_eq!(kept.iter(ports).collect::<Vec<_>>(), hits);
        }
    }
}
