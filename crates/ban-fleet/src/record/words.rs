//! What an administrator says of why.

use std::fmt;
use std::str::FromStr;

/// An administrator's words, on one line; may be none.
///
/// They are shown on terminals of the whole fleet, so nothing in them steers one or turns its text
/// round.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Words(Box<str>);

/// Why a text are no words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// It is too long.
    #[error("words have at most {most} bytes, and these {0}", most = Words::MAX_LEN)]
    TooLong(usize),
    /// It has a character that steers a terminal, breaks a line or turns text round.
    #[error("{0:?} is no character of plain words")]
    Character(char),
    /// It begins or ends with a space.
    #[error("words neither begin nor end with a space")]
    Space,
}

impl Words {
    /// How many bytes they have at most.
    pub const MAX_LEN: usize = 200;

    /// As many of these as can be said: what is no plain character is left out, and what is too
    /// long is cut.
    pub fn of(text: &str) -> Self {
        let mut plain = String::new();
        for character in text.trim().chars().filter(|c| is_plain(*c)) {
            if plain.len() + character.len_utf8() > Self::MAX_LEN {
                break;
            }
            plain.push(character);
        }
        Self(plain.trim().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(character: char) -> bool {
    // What marks the direction of text (UAX #9), line and paragraph separators, and what has no
    // width.
    let turns = matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !character.is_control() && !turns
}

impl FromStr for Words {
    type Err = WordsError;

    fn from_str(text: &str) -> Result<Self, WordsError> {
        if text.len() > Self::MAX_LEN {
            return Err(WordsError::TooLong(text.len()));
        }
        if let Some(other) = text.chars().find(|c| !is_plain(*c)) {
            return Err(WordsError::Character(other));
        }
        if text.trim() == text {
            Ok(Self(text.into()))
        } else {
            Err(WordsError::Space)
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_said() {
        let hostile = format!(" \u{1b}[2Jfriend\u{202e}\n{} ", "é".repeat(200));
        let words = Words::of(&hostile);
        assert!(words.as_str().starts_with("[2Jfriendé"), "{words}");
        assert!(words.as_str().len() > 190, "{words}");
        assert_eq!(words.as_str().parse(), Ok(words));
        for wrong in [" a", "a ", "a\tb", "\u{feff}", &"x".repeat(201)] {
            assert!(wrong.parse::<Words>().is_err(), "{wrong:?}");
        }
    }
}
