use std::{fmt, str::FromStr};

/// The comment of an entry: at most 255 bytes of UTF-8, without `"`, NUL or line breaks.
///
/// The kernel would take a `"` and so would a listing, but `ipset save` then writes a line that
/// `ipset restore` cannot read. A comment that was *read* from the kernel is kept as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Comment(Box<str>);

impl Comment {
    /// The longest comment the kernel takes, in bytes.
    pub const MAX_LEN: usize = IPSET_MAX_COMMENT_SIZE;

    /// The comment as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A comment as the kernel reports it, whoever wrote it.
    pub(crate) fn from_kernel(text: &str) -> Self {
        Self(text.into())
    }
}

impl FromStr for Comment {
    type Err = CommentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_LEN {
            return Err(CommentError(Fault::TooLong(text.len())));
        }
        if let Some(character) = text.chars().find(|c| matches!(c, '"' | '\0' | '\n' | '\r')) {
            return Err(CommentError(Fault::Character(character)));
        }
        Ok(Self(text.into()))
    }
}

impl AsRef<str> for Comment {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is not a [`Comment`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct CommentError(Fault);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("a comment of {0} bytes is longer than the kernel's {IPSET_MAX_COMMENT_SIZE}")]
    TooLong(usize),
    #[error("a comment cannot contain {0:?}")]
    Character(char),
}

// linux/netfilter/ipset/ip_set.h
const IPSET_MAX_COMMENT_SIZE: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_a_save_file_can_hold() {
        assert_eq!(
            "port scan, 'x'".parse::<Comment>().unwrap().as_str(),
            "port scan, 'x'"
        );
        assert!("x".repeat(255).parse::<Comment>().is_ok());
        assert_eq!(
            "x".repeat(256).parse::<Comment>().unwrap_err().to_string(),
            "a comment of 256 bytes is longer than the kernel's 255"
        );
        for bad in ["a\"b", "a\0", "a\nb", "a\r"] {
            assert!(bad.parse::<Comment>().is_err(), "{bad:?}");
        }
    }
}
