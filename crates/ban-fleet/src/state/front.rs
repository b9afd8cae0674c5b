//! Records of one thing, of which none makes another needless.

use crate::record::{Ban, Pardon};
use crate::time::Time;

/// What lasts until an instant, and is for what was until another.
pub(super) trait Dated: Ord {
    /// For a ban, the last hit; for a pardon, its instant.
    fn evidence(&self) -> Time;
    fn end(&self) -> Time;

    /// Whether the other can be left out beside this, whatever is asked of them later.
    fn replaces(&self, other: &Self) -> bool {
        let (own, others) = (
            (self.evidence(), self.end()),
            (other.evidence(), other.end()),
        );
        own.0 >= others.0 && own.1 >= others.1 && (own != others || self >= other)
    }
}

impl Dated for Ban {
    fn evidence(&self) -> Time {
        self.last_hit
    }

    fn end(&self) -> Time {
        self.end
    }
}

impl Dated for Pardon {
    fn evidence(&self) -> Time {
        self.at
    }

    fn end(&self) -> Time {
        self.until
    }
}

/// Of all records that were put in those that none of the others replaces, from the earliest
/// evidence to the latest, and so from the latest end to the earliest. Which they are does not
/// depend on the order in which they came, or how often.
///
/// One number, the latest end, would not do: a ban that lasts a week and whose evidence a pardon
/// voids must not hide one that lasts an hour and whose evidence came later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Front<T>(Vec<T>);

impl<T> Default for Front<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Dated> Front<T> {
    /// Takes it in, unless there is one that replaces it; those that it replaces.
    pub(super) fn put(&mut self, record: T) -> Option<Vec<T>> {
        if self.0.iter().any(|own| own.replaces(&record)) {
            return None;
        }
        let all = std::mem::take(&mut self.0).into_iter();
        let replaced;
        (replaced, self.0) = all.partition(|own| record.replaces(own));
        let place = self
            .0
            .partition_point(|own| own.evidence() < record.evidence());
        self.0.insert(place, record);
        Some(replaced)
    }

    /// Keeps what ends after this.
    pub(super) fn prune(&mut self, now: Time) {
        self.0.retain(|own| own.end() > now);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}
