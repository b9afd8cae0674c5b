//! The sources of one family and prefix length.

use std::collections::VecDeque;

use super::index::{Index, PLACES};
use super::known::Known;
use super::singles::{PAGE, Page, Single};
use crate::follow::history::Source;
use crate::keyed::Key;

/// The sources of one family and prefix length.
#[derive(Debug, Clone)]
pub(super) struct Table {
    key: Key,
    /// What of the bits of a network is kept: words, and the bits that are below them.
    words: usize,
    below: u32,
    has_ports: bool,
    /// Where each source is.
    index: Index,
    /// Sources that were seen once, the oldest first.
    pages: VecDeque<Page>,
    /// The number of the first page.
    first: u32,
    /// What the pages take.
    page_bytes: usize,
    /// All others.
    known: Known,
    /// How many sources there are on pages.
    singles: usize,
}

/// The places of known sources begin here, those of others end.
const KNOWN: u32 = PLACES / 2;
/// A place on a page is the page's number, which begins anew after these, and the place on it.
const PAGES: u32 = KNOWN / PAGE;
/// Of so many pages each may have few sources; of more, one that has fewer than [`FEW`] is filled,
/// although an instant does not fit.
const FEW_PAGES: usize = 64;
const FEW: usize = PAGE as usize / 16;

impl Table {
    /// An empty table of networks of so many of an address's bits; `has_ports`: whether any rule
    /// asks for ports.
    pub(super) fn new(is_v4: bool, length: u8, has_ports: bool) -> Self {
        let bits = if is_v4 { 32 } else { 128 };
        let words = u32::from(length).div_ceil(32).max(1);
        Self {
            key: Key::random(),
            words: usize::try_from(words).unwrap_or(4),
            below: bits - 32 * words.min(bits / 32),
            has_ports,
            index: Index::new(),
            pages: VecDeque::new(),
            first: 0,
            page_bytes: 0,
            known: Known::new(),
            singles: 0,
        }
    }

    /// Says how much memory all tables may take.
    pub(super) fn expect(&mut self, bytes: usize) {
        let ports = if self.has_ports { 2 } else { 0 };
        // A network, a hit, a port, and what the index takes.
        let single = 4 * self.words + 6 + ports + 5;
        self.index.expect((bytes / single).min(KNOWN as usize));
    }

    /// Has the processor fetch what tells where a network is.
    #[inline]
    pub(super) fn fetch(&self, network: u128) -> u32 {
        self.index.fetch(hash(self.key, network >> self.below))
    }

    pub(super) fn count(&self) -> usize {
        self.singles + self.known.count()
    }

    /// In bytes.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.index.bytes() + self.page_bytes + self.known.bytes()
    }

    /// Whether something has to be dropped before there is one source more.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.pages.len() >= PAGES as usize || self.known.count() >= KNOWN as usize - 1
    }

    /// Changes the source of a network, which is new if it is not known; `number` is that of its hit.
    pub(super) fn change<T>(
        &mut self,
        network: u128,
        number: u64,
        change: impl FnOnce(&mut Source) -> T,
    ) -> Option<T> {
        let network = network >> self.below;
        let hash = hash(self.key, network);
        let is = |place| self.network(place) == Some(network);
        let place = self.index.find(hash, is);
        if let Some(known) = place.and_then(|place| place.checked_sub(KNOWN)) {
            self.known.touch(known, number);
            return self.known.change(known, change);
        }
        let single = place.and_then(|place| self.single(place));
        let mut source = single.map_or(Source::New, |Single { at, port, set }| Source::SeenOnce {
            at,
            port,
            set,
        });
        let answer = change(&mut source);
        if matches!(source, Source::New) || place.is_some() && !matches!(source, Source::Known(_)) {
            // Nothing has to be remembered of the hit.
            return Some(answer);
        }
        if let Some(old) = place {
            self.take_out(old);
            let new = self.keep(network, source, number);
            self.index.replace(hash, old, new);
        } else {
            let new = self.keep(network, source, number);
            let Self {
                key,
                pages,
                first,
                known,
                index,
                ..
            } = self;
            let hash_of = |place| Some(self::hash(*key, network_of(pages, *first, known, place)?));
            index.insert(hash, new, hash_of);
        }
        Some(answer)
    }

    /// Puts a source where it belongs; its place.
    fn keep(&mut self, network: u128, source: Source, number: u64) -> u32 {
        if let Source::SeenOnce { at, port, set } = source {
            let single = Single { at, port, set };
            if let Some(place) = self.keep_single(network, single, number) {
                return place;
            }
        }
        KNOWN + self.known.push(network, source, number)
    }

    fn keep_single(&mut self, network: u128, single: Single, number: u64) -> Option<u32> {
        if self.put(network, single, number) {
            return self.last_place();
        }
        let young = self.pages.back().map_or(PAGE as usize, Page::len);
        let is_wasteful = young < FEW && self.pages.len() > FEW_PAGES;
        if is_wasteful || self.pages.len() >= PAGES as usize {
            return None;
        }
        // The next one will be as long.
        let room = if self.pages.is_empty() { 0 } else { young };
        let page = Page::new(self.words, self.has_ports, single.at, room);
        self.page_bytes += page.bytes();
        self.pages.push_back(page);
        let put = self.put(network, single, number);
        put.then(|| self.last_place()).flatten()
    }

    /// Puts one on the youngest page; `false` if it does not fit.
    fn put(&mut self, network: u128, single: Single, number: u64) -> bool {
        let Some(page) = self.pages.back_mut() else {
            return false;
        };
        let before = page.bytes();
        if !page.push(network, single) {
            return false;
        }
        page.last = number;
        self.page_bytes = self.page_bytes + page.bytes() - before;
        self.singles += 1;
        true
    }

    fn last_place(&self) -> Option<u32> {
        let page = self.pages.len().checked_sub(1)?;
        let last = self.pages.back()?.len().checked_sub(1)?;
        place(self.first, page, last)
    }

    fn take_out(&mut self, place: u32) {
        let (page, number) = on_page(self.first, place);
        let Some(page) = self.pages.get_mut(page) else {
            return;
        };
        page.take_out(number);
        self.singles -= 1;
        self.give_back();
    }

    /// Gives back the first pages, if nothing is on them any more.
    fn give_back(&mut self) {
        while self.pages.front().is_some_and(Page::is_empty) {
            let page = self.pages.pop_front();
            self.page_bytes -= page.as_ref().map_or(0, Page::bytes);
            self.first = (self.first + 1) % PAGES;
        }
    }

    fn single(&self, place: u32) -> Option<Single> {
        let (page, number) = on_page(self.first, place);
        self.pages.get(page)?.get(number)
    }

    #[inline]
    fn network(&self, place: u32) -> Option<u128> {
        network_of(&self.pages, self.first, &self.known, place)
    }

    /// The number of the last hit of what would be dropped next.
    pub(super) fn oldest(&self) -> Option<u64> {
        let page = self.pages.front().map(|page| page.last);
        let known = self.known.oldest().map(|(_, last)| last);
        page.into_iter().chain(known).min()
    }

    /// Drops a source that sent nothing for the longest time, or a page of them; how many.
    pub(super) fn drop_oldest(&mut self) -> u64 {
        let page = self.pages.front().map(|page| page.last);
        let before = self.count();
        match self.known.oldest() {
            Some((known, last)) if page.is_none_or(|page| last < page) => self.drop_known(known),
            _ => self.drop_page(),
        }
        (before - self.count()) as u64
    }

    fn drop_known(&mut self, known: u32) {
        if let Some(network) = self.known.network(known) {
            self.index.remove(hash(self.key, network), KNOWN + known);
        }
        self.known.remove(known);
        self.compact_known();
    }

    fn drop_page(&mut self) {
        let Some(page) = self.pages.pop_front() else {
            return;
        };
        fetch(&self.index, self.key, &page);
        for number in 0..page.len() {
            if page.get(number).is_none() {
                continue;
            }
            let place = place(self.first, 0, number);
            if let Some((network, place)) = page.network(number).zip(place) {
                self.index.remove(hash(self.key, network), place);
            }
            self.singles -= 1;
        }
        self.page_bytes -= page.bytes();
        self.first = (self.first + 1) % PAGES;
        self.shrink_index();
        self.give_back();
    }

    fn compact_known(&mut self) {
        let Self {
            key, index, known, ..
        } = self;
        let has_moved = known.compact(|network, old, new| {
            index.replace(hash(*key, network), KNOWN + old, KNOWN + new);
        });
        if has_moved {
            self.shrink_index();
        }
    }

    fn shrink_index(&mut self) {
        let Self {
            key,
            pages,
            first,
            known,
            index,
            ..
        } = self;
        index.shrink(|place| Some(hash(*key, network_of(pages, *first, known, place)?)));
    }

    /// Keeps those of which `keep` says so, which may change them.
    pub(super) fn retain(&mut self, keep: &mut impl FnMut(&mut Source) -> bool) {
        let Self {
            key,
            index,
            pages,
            first,
            known,
            ..
        } = self;
        self.page_bytes = 0;
        let mut emptied = false;
        for (page_number, page) in pages.iter_mut().enumerate() {
            let (mut over, before) = (Vec::new(), page.live());
            for number in 0..page.len() {
                let Some(Single { at, port, set }) = page.get(number) else {
                    continue;
                };
                if !keep(&mut Source::SeenOnce { at, port, set }) {
                    over.push(number);
                    page.take_out(number);
                }
            }
            self.singles -= before - page.live();
            if page.is_empty() && before > 0 {
                // All at once, below: after a flood there are many.
                emptied = true;
                continue;
            }
            for number in over {
                let place = place(*first, page_number, number);
                if let Some((network, place)) = page.network(number).zip(place) {
                    index.remove(hash(*key, network), place);
                }
            }
            page.compact(|network, old, new| {
                let places = place(*first, page_number, old).zip(place(*first, page_number, new));
                if let Some((old, new)) = places {
                    index.replace(hash(*key, network), old, new);
                }
            });
        }
        if emptied {
            index.clear(|place| {
                let page = pages.get(on_page(*first, place).0);
                place < KNOWN && page.is_some_and(Page::is_empty)
            });
        }
        for page in pages.iter_mut() {
            page.compact(|_, _, _| {});
            self.page_bytes += page.bytes();
        }
        for number in known.numbers() {
            if known.change(number, &mut *keep) == Some(false) {
                if let Some(network) = known.network(number) {
                    index.remove(hash(*key, network), KNOWN + number);
                }
                known.remove(number);
            }
        }
        self.give_back();
        // What is left of a flood would keep what was freed below it from the system.
        self.pages.shrink_to(2 * self.pages.len());
        self.compact_known();
        self.shrink_index();
    }
}

fn hash(key: Key, network: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the halves")]
    key.hash([network as u64, (network >> 64) as u64])
}

/// Has the processor fetch what tells where the sources of a page are.
fn fetch(index: &Index, key: Key, page: &Page) {
    let networks = (0..page.len()).filter_map(|number| page.network(number));
    let fetched = networks.fold(0, |all, network| all ^ index.fetch(hash(key, network)));
    std::hint::black_box(fetched);
}

/// The place of what is at a number of a page.
fn place(first: u32, page: usize, number: usize) -> Option<u32> {
    let page = (first + u32::try_from(page).ok()?) % PAGES;
    Some(page * PAGE + u32::try_from(number).ok()?)
}

/// The page of a place, and the number there.
fn on_page(first: u32, place: u32) -> (usize, usize) {
    let page = (place / PAGE + PAGES - first) % PAGES;
    (page as usize, (place % PAGE) as usize)
}

#[inline]
fn network_of(pages: &VecDeque<Page>, first: u32, known: &Known, place: u32) -> Option<u128> {
    if let Some(number) = place.checked_sub(KNOWN) {
        return known.network(number);
    }
    let (page, number) = on_page(first, place);
    pages.get(page)?.network(number)
}
