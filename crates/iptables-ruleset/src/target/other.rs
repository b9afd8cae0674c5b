//! What a rule of others does that is none of the other targets.

use std::fmt;

use crate::encoding::Expression;
use crate::match_;

/// What a rule in the kernel does, where it is none of the other targets. It is shown with its
/// bytes and never written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other(match_::Other);

impl Other {
    /// What the kernel calls it: `queue`, or `target` and the name of an xt target.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Its attributes, or the structure of an xt target.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    pub(super) fn new(expression: &Expression) -> Self {
        Self(match_::Other::new(expression))
    }

    pub(super) fn save(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-j {}", self.0)
    }

    pub(crate) fn expression(&self) -> &Expression {
        self.0.expression()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.0.refuse()
    }
}
