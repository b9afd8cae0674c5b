//! `-m comment`.

use std::fmt;

use super::MatchKind;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::model::Quoted;
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family};

/// `-m comment`: matches everything and is shown by `iptables -S`. It takes 256 bytes of kernel
/// memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
    /// # Errors
    /// When the text is empty, longer than 255 bytes or contains a control character.
    pub fn new(text: &str) -> Result<Self, BuildError> {
        if text.is_empty() || text.len() > XT_MAX_COMMENT_LEN - 1 {
            return Err(BuildError::value("comment", text, "must be 1 to 255 bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err(BuildError::value(
                "comment",
                text,
                "must not contain control characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl MatchKind for Comment {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        write!(f, "-m comment --comment {} ", Quoted(&self.0))
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let info = Info::new().put_start(TEXT, self.0.as_bytes())?;
        encoder.extension("comment", 0, info.finish());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let info = decoder.extension("comment")?;
        Self::new(info.text(TEXT)?).ok()
    }

    fn ask(&self, _packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        Answer::yes("")
    }
}

/// `XT_MAX_COMMENT_LEN`, `linux/netfilter/xt_comment.h`.
const XT_MAX_COMMENT_LEN: usize = 256;
/// All of struct `xt_comment_info`.
const TEXT: Field<XT_MAX_COMMENT_LEN, XT_MAX_COMMENT_LEN> = Field::at(0);

#[cfg(test)]
mod tests {
    use super::super::testing::{info, text};
    use super::*;

    #[test]
    fn comments_are_quoted_and_bounded() {
        let comment = Comment::new("say \"hi\"").unwrap();
        assert_eq!(
            text(comment.clone(), Family::Ipv4),
            "-m comment --comment \"say \\\"hi\\\"\""
        );
        let (name, revision, bytes) = info(comment, Family::Ipv4);
        assert_eq!(
            (name, revision, bytes.len(), &bytes[..9]),
            ("comment", 0, 256, &b"say \"hi\"\0"[..])
        );
        assert!(Comment::new(&"x".repeat(255)).is_ok());
        for bad in ["", "line\nbreak", &"x".repeat(256)] {
            assert!(Comment::new(bad).is_err(), "{bad:?}");
        }
    }
}
