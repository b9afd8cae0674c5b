//! Sources that sent more than one packet, each in a list by its last.

use std::ops::Range;

use crate::follow::history::Source;

/// The sources, by number, and the list.
#[derive(Debug, Clone)]
pub(super) struct Known {
    slots: Vec<Slot>,
    /// The first slot that has none.
    free: u32,
    oldest: u32,
    youngest: u32,
    count: usize,
    /// What the sources take beside their slots.
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Slot {
    network: [u64; 2],
    /// `None` where the slot is free.
    source: Option<Source>,
    /// The number of its last hit.
    last: u64,
    older: u32,
    /// The next free slot, where this is one.
    younger: u32,
}

const NONE: u32 = u32::MAX;

impl Known {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            oldest: NONE,
            youngest: NONE,
            count: 0,
            bytes: 0,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// In bytes.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>() + self.bytes
    }

    /// The one whose last hit is the longest ago, and the number of that hit.
    pub(super) fn oldest(&self) -> Option<(u32, u64)> {
        Some((self.oldest, self.slot(self.oldest)?.last))
    }

    /// All of them.
    pub(super) fn numbers(&self) -> Range<u32> {
        0..u32::try_from(self.slots.len()).unwrap_or(NONE)
    }

    #[inline]
    pub(super) fn network(&self, number: u32) -> Option<u128> {
        let slot = self.slot(number)?;
        let [low, high] = slot.network.map(u128::from);
        slot.source.as_ref().map(|_| high << 64 | low)
    }

    /// Changes a source, and counts what it takes.
    pub(super) fn change<T>(
        &mut self,
        number: u32,
        change: impl FnOnce(&mut Source) -> T,
    ) -> Option<T> {
        let source = self.slot_mut(number)?.source.as_mut()?;
        let before = source.bytes();
        let answer = change(source);
        let after = source.bytes();
        self.bytes = self.bytes + after - before;
        Some(answer)
    }

    /// Puts a source in, as the youngest; its number.
    pub(super) fn push(&mut self, network: u128, source: Source, last: u64) -> u32 {
        self.bytes += source.bytes();
        self.count += 1;
        #[expect(clippy::cast_possible_truncation, reason = "the halves")]
        let network = [network as u64, (network >> 64) as u64];
        let new = Slot {
            network,
            source: Some(source),
            last,
            older: NONE,
            younger: NONE,
        };
        let mut number = self.free;
        if let Some(slot) = self.slot_mut(number) {
            let next = slot.younger;
            *slot = new;
            self.free = next;
        } else {
            if self.slots.len() == self.slots.capacity() {
                // Twice the size would be room for nobody.
                self.slots.reserve_exact(16 + self.slots.len() / 8);
            }
            number = u32::try_from(self.slots.len()).unwrap_or(NONE);
            self.slots.push(new);
        }
        self.link(number);
        number
    }

    /// Makes a source the youngest.
    pub(super) fn touch(&mut self, number: u32, last: u64) {
        if self.youngest != number {
            self.unlink(number);
            self.link(number);
        }
        if let Some(slot) = self.slot_mut(number) {
            slot.last = last;
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        let source = self.slot_mut(number).and_then(|slot| slot.source.take());
        let Some(source) = source else {
            return;
        };
        self.unlink(number);
        let free = std::mem::replace(&mut self.free, number);
        if let Some(slot) = self.slot_mut(number) {
            slot.younger = free;
        }
        self.bytes -= source.bytes();
        self.count -= 1;
    }

    /// Gives back free slots, if most are, and says whether it did; `moved` is told of each source its
    /// network, and from where to where it moves: in order, and to where nobody is any more.
    pub(super) fn compact(&mut self, mut moved: impl FnMut(u128, u32, u32)) -> bool {
        if self.count * 2 >= self.slots.len() {
            return false;
        }
        let mut next = 0;
        let mut places = Vec::with_capacity(self.slots.len());
        for number in self.numbers() {
            let network = self.network(number);
            places.push(network.map_or(NONE, |_| next));
            if let Some(network) = network {
                moved(network, number, next);
                next += 1;
            }
        }
        let place = |number: u32| {
            let number = usize::try_from(number).ok();
            let place = number.and_then(|number| places.get(number));
            place.copied().unwrap_or(NONE)
        };
        self.slots.retain(|slot| slot.source.is_some());
        self.slots.shrink_to_fit();
        for slot in &mut self.slots {
            (slot.older, slot.younger) = (place(slot.older), place(slot.younger));
        }
        (self.oldest, self.youngest) = (place(self.oldest), place(self.youngest));
        self.free = NONE;
        true
    }

    fn link(&mut self, number: u32) {
        let before = std::mem::replace(&mut self.youngest, number);
        match self.slot_mut(before) {
            Some(slot) => slot.younger = number,
            None => self.oldest = number,
        }
        if let Some(slot) = self.slot_mut(number) {
            (slot.older, slot.younger) = (before, NONE);
        }
    }

    fn unlink(&mut self, number: u32) {
        let Some((older, younger)) = self.slot(number).map(|slot| (slot.older, slot.younger))
        else {
            return;
        };
        match self.slot_mut(older) {
            Some(slot) => slot.younger = younger,
            None => self.oldest = younger,
        }
        match self.slot_mut(younger) {
            Some(slot) => slot.older = older,
            None => self.youngest = older,
        }
    }

    fn slot(&self, number: u32) -> Option<&Slot> {
        self.slots.get(usize::try_from(number).ok()?)
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(number).ok()?)
    }
}
