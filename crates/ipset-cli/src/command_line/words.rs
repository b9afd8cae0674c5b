use super::Stop;

/// The most words that `ipset` takes on a line, on the command line and in a file.
pub(crate) const MOST_WORDS: usize = 31;
const MOST_WORDS_IN_FILE: usize = 30;

pub(crate) fn too_long() -> Stop {
    Stop::Usage("Line is too long to parse.".into())
}

/// The words of a line of text. Quotes keep spaces together and can stand anywhere; there are no
/// empty words.
pub(crate) fn split(line: &str) -> Result<Vec<String>, Stop> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for character in line.chars() {
        if words.len() >= MOST_WORDS_IN_FILE {
            return Err(too_long());
        }
        match character {
            '"' => quoted = !quoted,
            ' ' | '\t' | '\r' | '\n' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            character => word.push(character),
        }
    }
    if quoted {
        return Err(Stop::Usage("Missing close quote!".into()));
    }
    if !word.is_empty() {
        words.push(word);
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
        assert_eq!(
            split("comment \"a b\n"),
            Err(Stop::Usage("Missing close quote!".into()))
        );
    }

    #[test]
    fn a_line_has_an_end() {
        assert_eq!(
            split(&"a ".repeat(30)).map(|words| words.len()),
            Err(too_long())
        );
        assert_eq!(split(&"a ".repeat(29)).map(|words| words.len()), Ok(29));
    }
}
