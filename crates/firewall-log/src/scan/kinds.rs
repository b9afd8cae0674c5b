//! Which packets are counted alike.

use super::bank::Bank;
use crate::detect::Nature;

/// A few prefixes in one log, each with packets of a few natures.
const NAMED: usize = 64;

/// The kinds of packets, by number. There are no more than the rules make, whatever prefixes and natures there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds {
    kinds: Vec<Kind>,
    /// The kinds of the last prefixes and natures.
    named: Vec<(Box<[u8]>, Nature, u32)>,
}

/// Packets that are counted alike.
#[derive(Debug, Clone)]
struct Kind {
    /// The class in each bank, where any of its rules counts them.
    classes: Vec<Option<u32>>,
    is_counted: bool,
}

impl Kinds {
    /// Whether any rule counts packets of this kind.
    #[inline]
    pub(super) fn is_counted(&self, kind: u32) -> bool {
        let kind = usize::try_from(kind)
            .ok()
            .and_then(|kind| self.kinds.get(kind));
        kind.is_some_and(|kind| kind.is_counted)
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
        let known = self.kinds.iter().position(|kind| kind.classes == classes);
        let place = known.unwrap_or_else(|| {
            for (bank, class) in banks.iter_mut().zip(&classes) {
                bank.add_kind(*class);
            }
            let is_counted = classes.iter().any(Option::is_some);
            self.kinds.push(Kind {
                classes,
                is_counted,
            });
            self.kinds.len() - 1
        });
        let kind = u32::try_from(place).unwrap_or(u32::MAX);
        self.named.truncate(NAMED - 1);
        self.named.push((prefix.into(), nature, kind));
        kind
    }
}
