//! When one source hit, in few bytes.

/// The hits of one source: some four bytes each, in the order in which they came.
///
/// A hit is the distance in time from the one before it and, where they changed, its class; where ports matter, its port.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail {
    bytes: Vec<u8>,
    last: i64,
    class: u32,
    hits: u32,
    /// Whether the hits are of several classes.
    mixed: bool,
    /// The rules that counted any of them.
    pub(super) rules: u64,
}

/// One hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// In microseconds, within [`TIME_MAX`].
    pub(super) at: i64,
    /// Which rules count it, as a number.
    pub(super) class: u32,
    pub(super) port: Option<u16>,
}

/// Instants are kept within 36,000 years of 1970, so that a distance of two has a bit to spare.
pub(super) const TIME_MAX: i64 = 1 << 60;

/// Bytes of the longest hit: times of ten, classes of five, ports of three.
const LONGEST: usize = 18;

impl Trail {
    #[inline]
    pub(super) fn add(&mut self, hit: Hit, ports: bool) {
        let mut text = Text::default();
        let distance = hit.at.wrapping_sub(self.last);
        #[expect(clippy::cast_sign_loss, reason = "the sign goes to the lowest bit")]
        let zigzag = (distance << 1 ^ distance >> 63) as u64;
        let change = hit.class != self.class;
        text.put(zigzag << 1 | u64::from(change));
        if change {
            text.put(hit.class.into());
            self.class = hit.class;
            self.mixed |= self.hits > 0;
        }
        if ports {
            text.put(hit.port.map_or(0, |port| u64::from(port) + 1));
        }
        self.last = hit.at;
        self.hits = self.hits.saturating_add(1);
        self.bytes
            .extend_from_slice(text.bytes.get(..text.length).unwrap_or_default());
    }

    /// How many hits, at most `u32::MAX`.
    pub(super) fn len(&self) -> u32 {
        self.hits
    }

    /// Whether all hits are of one class, and so all rules that count one count all.
    pub(super) fn is_uniform(&self) -> bool {
        !self.mixed
    }

    /// Adds all hits of another trail. The longer of the two stays as it is.
    pub(super) fn join(&mut self, mut other: Self, ports: bool) {
        if other.bytes.len() > self.bytes.len() {
            std::mem::swap(self, &mut other);
        }
        for hit in other.iter(ports) {
            self.add(hit, ports);
        }
        self.rules |= other.rules;
    }

    /// The hits as they came.
    pub(super) fn iter(&self, ports: bool) -> impl Iterator<Item = Hit> {
        let (mut rest, mut at, mut class) = (self.bytes.as_slice(), 0_i64, 0_u32);
        std::iter::from_fn(move || {
            let step = take(&mut rest)?;
            let zigzag = step >> 1;
            #[expect(clippy::cast_possible_wrap, reason = "as it was put there")]
            let distance = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
            at = at.wrapping_add(distance);
            if step & 1 != 0 {
                class = u32::try_from(take(&mut rest)?).ok()?;
            }
            let port = if ports { take(&mut rest)? } else { 0 };
            let port = port
                .checked_sub(1)
                .and_then(|port| u16::try_from(port).ok());
            Some(Hit { at, class, port })
        })
    }
}

/// Numbers of seven bits a byte, the lowest first; all bytes of a number but the last have the top bit.
#[derive(Default)]
struct Text {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Text {
    #[inline]
    fn put(&mut self, mut number: u64) {
        loop {
            let byte = (number & 0x7f) as u8;
            number >>= 7;
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte | if number == 0 { 0 } else { 0x80 };
            }
            self.length += 1;
            if number == 0 {
                return;
            }
        }
    }
}

#[inline]
fn take(rest: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0_u32);
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift = (shift + 7).min(63);
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
            hits in prop::collection::vec((prop_oneof![-TIME_MAX..=TIME_MAX, 0..100_i64], prop_oneof![0_u32..3, any::<u32>()], any::<Option<u16>>()), 0..40),
            ports: bool,
        ) {
            let hits: Vec<Hit> = hits
                .into_iter()
                .map(|(at, class, port)| Hit { at, class, port: port.filter(|_| ports) })
                .collect();
            let mut trail = Trail::default();
            for hit in &hits {
                trail.add(*hit, ports);
            }
            prop_assert_eq!(trail.iter(ports).collect::<Vec<_>>(), hits.clone());
            prop_assert_eq!(usize::try_from(trail.len()).unwrap(), hits.len());
        }
    }
}
