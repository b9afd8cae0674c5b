//! Why a request came to nothing.

use std::io;

use crate::DecodeError;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request of so many bytes is longer than a message can be, or shorter than its header. It
    /// was not sent.
    #[error("a request of {0} bytes is not a message")]
    Length(usize),
    /// The request was not sent, so that the kernel knows nothing of it.
    #[error(transparent)]
    Unsent(io::Error),
    /// The answer did not come in time ([`io::ErrorKind::TimedOut`]), the kernel had no room for it
    /// (`ENOBUFS`), or it was cut short ([`io::ErrorKind::InvalidData`]).
    #[error(transparent)]
    Lost(io::Error),
    /// There is an answer, and it makes no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The kernel refused.
    #[error("{}", os_error(*code))]
    Refused {
        /// Its error number: of `errno.h` below 4096, of the subsystem from there on.
        code: u32,
        /// The request as the kernel quotes it; it can have been written into.
        request: Vec<u8>,
    },
    /// What was to be dumped changed while it was read.
    #[error("it changed while it was read")]
    Interrupted,
}

impl Error {
    /// Whether a change that was asked for may have been made all the same.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Decode(_))
    }

    /// The kernel's error number, if it refused.
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Unsent(error) | Error::Lost(error) => error,
            Error::Refused { code, .. } => os_error(code),
            Error::Length(_) => Self::new(io::ErrorKind::InvalidInput, error),
            Error::Decode(_) | Error::Interrupted => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

fn os_error(code: u32) -> io::Error {
    io::Error::from_raw_os_error(i32::try_from(code).unwrap_or(i32::MAX))
}
