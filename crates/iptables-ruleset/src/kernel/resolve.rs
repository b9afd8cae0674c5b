//! ipsets, found by name.

use std::error::Error;

use crate::Family;

/// An ipset as the kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelSet {
    index: u16,
    family: Option<Family>,
}

impl KernelSet {
    /// The set with the kernel's `index`, its members being of `family`; `None` for a type without
    /// one, `list:set`.
    pub fn new(index: u16, family: Option<Family>) -> Self {
        Self { index, family }
    }

    /// The kernel's number for it; rules refer to the set by it.
    pub fn index(self) -> u16 {
        self.index
    }

    /// The family of its members.
    pub fn family(self) -> Option<Family> {
        self.family
    }
}

/// Finds ipsets by name. Any `FnMut(&str) -> Result<KernelSet, E>` does.
pub trait ResolveSet {
    /// Why a set could not be found.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// The set of that name.
    ///
    /// # Errors
    /// When there is none, or the kernel cannot be asked.
    fn resolve(&mut self, name: &str) -> Result<KernelSet, Self::Error>;
}

impl<F, E> ResolveSet for F
where
    F: FnMut(&str) -> Result<KernelSet, E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Error = E;

    fn resolve(&mut self, name: &str) -> Result<KernelSet, E> {
        self(name)
    }
}
