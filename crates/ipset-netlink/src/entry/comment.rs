//! Comments of entries.

use std::fmt;
use std::str::FromStr;

use crate::bytes::{Text, first_wrong};

/// The comment of an entry: at most 255 bytes, without `"`, NUL or line breaks, and most often
/// UTF-8.
///
/// The kernel would take a `"` and so would a listing, but `ipset save` then writes a line that
/// `ipset restore` cannot read. A comment that was *read* from the kernel is kept as it is, byte
/// for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Comment(Text);

impl Comment {
    /// The longest comment the kernel takes, in bytes.
    pub const MAX_LEN: usize = IPSET_MAX_COMMENT_SIZE;

    /// The comment as text, to be shown. Where it is not UTF-8 stands U+FFFD: what is to be the
    /// comment again is [`as_bytes`](Self::as_bytes).
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The comment as the kernel has it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// A comment as the kernel reports it, whoever wrote it.
    pub(crate) fn from_kernel(text: &[u8]) -> Self {
        Self(Text::new(text))
    }
}

impl TryFrom<&[u8]> for Comment {
    type Error = CommentError;

    /// Also takes what is not UTF-8.
    fn try_from(text: &[u8]) -> Result<Self, Self::Error> {
        if text.len() > Self::MAX_LEN {
            return Err(CommentError(Fault::TooLong(text.len())));
        }
        let wrong = |c| matches!(c, '"' | '\0' | '\n' | '\r');
        if let Some(character) = first_wrong(text, wrong) {
            return Err(CommentError(Fault::Character(character)));
        }
        Ok(Self(Text::new(text)))
    }
}

impl FromStr for Comment {
    type Err = CommentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.as_bytes().try_into()
    }
}

impl AsRef<str> for Comment {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
            let not_utf_8 = [b"\xff", bad.as_bytes()].concat();
            assert!(Comment::try_from(&not_utf_8[..]).is_err(), "{bad:?}");
        }
        let odd = Comment::try_from(&b"caf\xe9"[..]).unwrap();
        assert_eq!(
            (odd.as_bytes(), odd.as_str()),
            (&b"caf\xe9"[..], "caf\u{fffd}")
        );
    }
}
