//! Sources that were seen once, in the order in which they came: as are all of a flood of forged
//! ones. Columns, so that nothing is padded: 10 to 22 bytes a source, and two more where a rule asks
//! for ports.

/// The most sources of a page. In the tests of this crate so few that there are many.
pub(super) const PAGE: u32 = if cfg!(test) { 16 } else { 4096 };

/// Sources in the order in which they came.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Words of a network.
    words: usize,
    /// Whether any rule asks for ports.
    has_ports: bool,
    /// The networks, the lowest word first.
    networks: Vec<u32>,
    /// What is packed by [`Single::pack`].
    hits: Vec<[u8; 6]>,
    /// Empty unless a rule asks for ports.
    ports: Vec<u16>,
    /// What instants are counted from, in microseconds.
    base: i64,
    /// How many have not been taken out.
    live: usize,
    /// The number of the last hit that was put in.
    pub(super) last: u64,
}

/// The hit of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Single {
    /// In microseconds.
    pub(super) at: i64,
    pub(super) port: Option<u16>,
    /// The number of the set of rules that count it.
    pub(super) set: u32,
}

// From the highest bit: set (7), whether there is a port (1), microseconds from the base (40).
const TIME_BITS: u32 = 40;
/// Six days: instants within so much of the first of a page can be packed.
const HALF: i64 = 1 << (TIME_BITS - 1);
/// A set, and a port, that no hit has.
const TAKEN_OUT: u64 = 0xff;

impl Single {
    fn pack(self, base: i64) -> Option<[u8; 6]> {
        let since = u64::try_from(self.at.checked_sub(base)?).ok()?;
        let flags = u64::from(self.set) << 1 | u64::from(self.port.is_some());
        if since >> TIME_BITS > 0 || flags >= TAKEN_OUT - 1 {
            return None;
        }
        let [one, two, three, four, five, six, ..] = (flags << TIME_BITS | since).to_le_bytes();
        Some([one, two, three, four, five, six])
    }
}

impl Page {
    /// An empty page for hits at about an instant, with room for so many.
    pub(super) fn new(words: usize, has_ports: bool, at: i64, room: usize) -> Self {
        Self {
            words,
            has_ports,
            networks: Vec::with_capacity(room * words),
            hits: Vec::with_capacity(room),
            ports: Vec::with_capacity(if has_ports { room } else { 0 }),
            base: at.saturating_sub(HALF),
            live: 0,
            last: 0,
        }
    }

    /// How many were put in.
    pub(super) fn len(&self) -> usize {
        self.hits.len()
    }

    /// How many have not been taken out.
    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// Whether all were taken out.
    pub(super) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// In bytes.
    pub(super) fn bytes(&self) -> usize {
        let columns = 4 * self.networks.capacity() + 6 * self.hits.capacity();
        size_of::<Self>() + columns + 2 * self.ports.capacity()
    }

    /// Puts one in; `false` if it does not fit.
    pub(super) fn push(&mut self, network: u128, single: Single) -> bool {
        if self.hits.len() >= PAGE as usize || single.port.is_some() && !self.has_ports {
            return false;
        }
        let Some(hit) = single.pack(self.base) else {
            return false;
        };
        self.hits.push(hit);
        #[expect(clippy::cast_possible_truncation, reason = "a word at a time")]
        self.networks
            .extend((0..self.words).map(|word| (network >> (32 * word)) as u32));
        if self.has_ports {
            self.ports.push(single.port.unwrap_or_default());
        }
        self.live += 1;
        true
    }

    #[inline]
    pub(super) fn network(&self, number: usize) -> Option<u128> {
        let begin = number * self.words;
        let words = self.networks.get(begin..begin + self.words)?.iter().rev();
        Some(words.fold(0, |bits, word| bits << 32 | u128::from(*word)))
    }

    /// The hit; `None` if it was taken out.
    pub(super) fn get(&self, number: usize) -> Option<Single> {
        let [one, two, three, four, five, six] = *self.hits.get(number)?;
        let packed = u64::from_le_bytes([one, two, three, four, five, six, 0, 0]);
        let flags = packed >> TIME_BITS;
        if flags == TAKEN_OUT {
            return None;
        }
        let since = i64::try_from(packed & ((1 << TIME_BITS) - 1)).ok()?;
        Some(Single {
            at: self.base.saturating_add(since),
            port: self.ports.get(number).copied().filter(|_| flags & 1 == 1),
            set: u32::try_from(flags >> 1).ok()?,
        })
    }

    pub(super) fn take_out(&mut self, number: usize) {
        if let Some([.., flags]) = self.hits.get_mut(number) {
            if *flags != u8::MAX {
                *flags = u8::MAX;
                self.live -= 1;
            }
        }
    }

    /// Gives back the room of those that were taken out, if they are most; `moved` is told of each
    /// other its network, and from where to where it moves.
    pub(super) fn compact(&mut self, mut moved: impl FnMut(u128, usize, usize)) {
        if self.live * 2 >= self.len() {
            return;
        }
        let mut next = Self::new(self.words, self.has_ports, 0, self.live);
        (next.base, next.last) = (self.base, self.last);
        for number in 0..self.len() {
            let Some((network, single)) = self.network(number).zip(self.get(number)) else {
                continue;
            };
            let place = next.len();
            if next.push(network, single) {
                moved(network, number, place);
            }
        }
        *self = next;
    }
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_fits_comes_back(
            at in prop_oneof![any::<i64>(), -HALF..HALF],
            port in option::of(any::<u16>()),
            set in prop_oneof![0..130_u32, any::<u32>()],
            network: u128,
            words in 1_usize..5,
        ) {
            let network = network >> (128 - 32 * words);
            let mut page = Page::new(words, true, 0, 0);
            let single = Single { at, port, set };
            let fits = (-HALF..HALF).contains(&at) && set < 127;
            prop_assert_eq!(page.push(network, single), fits);
            prop_assert_eq!(page.get(0), Some(single).filter(|_| fits));
            if fits {
                prop_assert_eq!(page.network(0), Some(network));
                page.take_out(0);
                prop_assert_eq!(page.get(0), None);
                prop_assert!(page.is_empty());
            }
        }
    }
}
