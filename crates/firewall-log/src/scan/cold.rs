//! Hits of sources without number.

use std::marker::PhantomData;

use super::address::Address;
use super::hits::{Hit, Hits};

/// The hits of sources that have no place of their own, each with its source.
#[derive(Debug, Clone)]
pub(super) struct Cold<A> {
    hits: Hits,
    number: usize,
    sources: PhantomData<A>,
}

impl<A: Address> Cold<A> {
    /// None yet; `ports`: whether those matter.
    pub(super) fn new(ports: bool) -> Self {
        Self {
            hits: Hits::new(ports),
            number: 0,
            sources: PhantomData,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, source: A, hit: Hit) {
        self.hits.add_with(0, hit, source.kept());
        self.number += 1;
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.number
    }

    /// Gives them as they came.
    #[inline]
    pub(super) fn each(&self, mut take: impl FnMut(A, Hit)) {
        self.hits.each_with(|_, hit, words| {
            let Some((source, rest)) = A::split(words) else {
                return &[];
            };
            take(source, hit);
            rest
        });
    }
}
