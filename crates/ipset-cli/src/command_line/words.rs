//! A line of a file in words, as `ipset` cuts it.

use super::Stop;

/// The most words that `ipset` takes on a line, on the command line and in a file.
pub(crate) const MOST_WORDS: usize = 31;
const MOST_WORDS_IN_FILE: usize = 30;

pub(crate) fn too_long() -> Stop {
    Stop::Usage("Line is too long to parse.".into())
}

/// The words of a line of text. Quotes keep spaces together and can stand anywhere; there are no
/// empty words. An open quote that ends with the line is a mistake, but one before the line's
/// newline only hides the word it is in: that is what `ipset` makes of them.
pub(crate) fn split(line: &str) -> Result<Vec<String>, Stop> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if words.len() >= MOST_WORDS_IN_FILE {
            return Err(too_long());
        }
        let is_last = characters.peek().is_none();
        let ends_word = match character {
            '"' => {
                quoted = !quoted;
                is_last
            }
            ' ' | '\t' | '\r' | '\n' if !quoted => true,
            ' ' | '\t' | '\r' | '\n' => {
                word.push(character);
                false
            }
            character => {
                word.push(character);
                is_last
            }
        };
        if ends_word && is_last && quoted {
            return Err(Stop::Usage("Missing close quote!".into()));
        }
        if ends_word && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_spaces_together() {
        let words = split("add a\t1.1.1.1 comment \"a  b\"c \"\"\r\n").unwrap();
        assert_eq!(words, ["add", "a", "1.1.1.1", "comment", "a  bc"]);
        assert_eq!(split("a b\"c\"").unwrap(), ["a", "bc"]);
    }

    #[test]
    fn a_quote_must_be_closed() {
        let open = Err(Stop::Usage("Missing close quote!".into()));
        assert_eq!(split("comment \"a b"), open);
        assert_eq!(split("comment a\""), open);
        assert_eq!(split("comment \"a b\n").unwrap(), ["comment"]);
    }

    #[test]
    fn a_line_has_an_end() {
        let words = |line: &str| split(line).map(|words| words.len());
        assert_eq!(words(&"a ".repeat(29)), Ok(29));
        assert_eq!(words(&"a ".repeat(30)), Ok(30));
        assert_eq!(words(&format!("{}\n", "a ".repeat(30))), Err(too_long()));
    }
}
