//! Which packets are counted alike.

use super::bank::Bank;
use crate::marker::is_misplaced;
use crate::rule::Nature;

/// A few prefixes in one log, each with packets of a few natures.
const NAMED: usize = 64;

/// The kinds of packets, by number. There are no more than the rules make, whatever prefixes and
/// natures there are.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "the kinds are what it is of")]
pub(super) struct Kinds {
    kinds: Vec<Kind>,
    /// The kinds of the last prefixes and natures.
    named: Vec<(Box<[u8]>, Nature, u32)>,
    /// Of the prefixes that hold a [marker](crate::marker) and do not begin with it, the first by
    /// their bytes.
    misplaced: Option<Vec<u8>>,
}

/// Packets that are counted alike.
#[derive(Debug, Clone)]
struct Kind {
    /// The class in each bank, where any of its rules counts them.
    classes: Vec<Option<u32>>,
    is_counted: bool,
    /// Whether the prefix holds a marker and does not begin with it.
    is_misplaced: bool,
}

impl Kinds {
    /// Whether any rule counts packets of this kind.
    #[inline]
    pub(super) fn is_counted(&self, kind: u32) -> bool {
        self.kind(kind).is_some_and(|kind| kind.is_counted)
    }

    /// Whether their prefix holds a marker and does not begin with it.
    #[inline]
    pub(super) fn is_misplaced(&self, kind: u32) -> bool {
        self.kind(kind).is_some_and(|kind| kind.is_misplaced)
    }

    /// Such a prefix, if there was one.
    pub(super) fn misplaced(&self) -> Option<&[u8]> {
        self.misplaced.as_deref()
    }

    #[inline]
    fn kind(&self, kind: u32) -> Option<&Kind> {
        self.kinds.get(usize::try_from(kind).ok()?)
    }

    /// The kind of packets with a prefix and of a nature. A new one is made known to the banks.
    pub(super) fn of(&mut self, banks: &mut [Bank], prefix: &[u8], nature: Nature) -> u32 {
        let mut named = self.named.iter();
        if let Some((_, _, kind)) = named.find(|(name, of, _)| *of == nature && **name == *prefix) {
            return *kind;
        }
        let classes: Vec<_> = banks
            .iter()
            .map(|bank| bank.class(prefix, nature))
            .collect();
        let is_misplaced = is_misplaced(prefix);
        if is_misplaced && self.misplaced().is_none_or(|first| prefix < first) {
            self.misplaced = Some(prefix.to_vec());
        }
        let mut kinds = self.kinds.iter();
        let known =
            kinds.position(|kind| kind.classes == classes && kind.is_misplaced == is_misplaced);
        let place = known.unwrap_or_else(|| {
            for (bank, class) in banks.iter_mut().zip(&classes) {
                bank.add_kind(*class);
            }
            let is_counted = classes.iter().any(Option::is_some);
            self.kinds.push(Kind {
                classes,
                is_counted,
                is_misplaced,
            });
            self.kinds.len() - 1
        });
        let kind = u32::try_from(place).unwrap_or(u32::MAX);
        self.named.truncate(NAMED - 1);
        self.named.push((prefix.into(), nature, kind));
        kind
    }
}
