use std::fmt;

/// An answer that could not be understood. With a kernel on the other side this is a bug, of the
/// kernel or of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<str>);

impl DecodeError {
    pub(crate) fn new(what: impl Into<Box<str>>) -> Self {
        Self(what.into())
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
