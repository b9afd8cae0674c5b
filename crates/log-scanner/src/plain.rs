//! Bytes that anyone may have written, made fit for a terminal.

/// The text with everything that could steer a terminal or hide in it escaped, as in `\u{1b}`;
/// bytes that are not UTF-8 become U+FFFD.
pub(crate) fn plain(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '"' | '\'' => text.push(character),
            other => text.extend(other.escape_debug()),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_and_control_does_not() {
        assert_eq!(plain("IPTABLES-é \"x\": ".as_bytes()), "IPTABLES-é \"x\": ");
        assert_eq!(plain(b"\x1b[2J\n\\"), "\\u{1b}[2J\\n\\\\");
        assert_eq!(plain("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(plain(b"\xff"), "\u{fffd}");
    }
}
