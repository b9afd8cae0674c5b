//! Keys of sets whose type is not known.

use std::fmt;

/// The key of an entry in a set whose type this crate does not know: the attributes as the kernel
/// sent them. It can be added to a set of the same type, deleted from it, and looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawKey(Box<[u8]>);

impl RawKey {
    pub(crate) fn new(attributes: Vec<u8>) -> Self {
        Self(attributes.into())
    }

    /// The netlink attributes, one after the other.
    pub fn attributes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for RawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
