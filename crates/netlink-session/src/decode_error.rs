//! An answer that could not be understood.

use std::fmt;

/// An answer that could not be understood. With a kernel on the other side this is a bug, of the
/// kernel or of who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<str>);

impl DecodeError {
    /// One with a reason that goes on after "the answer makes no sense: ", such as `it has no name`.
    pub fn new(reason: impl Into<Box<str>>) -> Self {
        Self(reason.into())
    }

    /// What makes no sense.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl From<netlink_packet_core::DecodeError> for DecodeError {
    fn from(error: netlink_packet_core::DecodeError) -> Self {
        Self(error.to_string().into())
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer makes no sense: {}", self.0)
    }
}

impl std::error::Error for DecodeError {}
