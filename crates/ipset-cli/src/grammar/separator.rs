//! Where a text is cut: `/`, `-`, `,` and `:` separate, unless they are its first or last
//! character. Names with a `-` stand in brackets: `[ftp-data]`, `[ftp-data]-[ssh]`.

use crate::report::{Refused, Report};

pub(super) const CIDR: char = '/';
pub(super) const RANGE: char = '-';
pub(super) const ELEMENT: char = ',';
pub(super) const PROTOCOL: char = ':';

/// Cuts at the first separator.
pub(super) fn cut(text: &str, separator: char) -> Option<(&str, &str)> {
    if text.starts_with(separator) || text.ends_with(separator) {
        return None;
    }
    text.split_once(separator)
}

/// Cuts a range, whose ends can stand in brackets.
pub(super) fn cut_range<'a>(
    report: &mut Report,
    text: &'a str,
) -> Result<Option<(&'a str, &'a str)>, Refused> {
    if !text.starts_with('[') {
        return Ok(cut(text, RANGE));
    }
    let Some((first, rest)) = text
        .find(']')
        .and_then(|end| text.split_at_checked(end + 1))
    else {
        return Err(report.syntax_error(format_args!(
            "cannot find closing escape character ']' in {text}"
        )));
    };
    if rest.is_empty() {
        return Ok(None);
    }
    match rest.strip_prefix(RANGE) {
        Some(last) => Ok(Some((first, last))),
        None => Err(report.syntax_error(format_args!("range separator expected after '{first}'"))),
    }
}

/// Whether it looks like a range.
pub(super) fn has_range(text: &str) -> bool {
    if !text.starts_with('[') {
        return cut(text, RANGE).is_some();
    }
    let tail = text.find(']').and_then(|end| text.get(end..));
    tail.is_some_and(|tail| cut(tail, RANGE).is_some())
}

/// Takes the brackets off.
pub(super) fn strip<'a>(report: &mut Report, text: &'a str) -> Result<&'a str, Refused> {
    match text.strip_prefix('[') {
        None => Ok(text),
        Some(inner) => inner.strip_suffix(']').ok_or_else(|| {
            report.syntax_error(format_args!(
                "cannot find closing escape character ']' in {text}"
            ))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_text_do_not_separate() {
        assert_eq!(cut("a-b-c", RANGE), Some(("a", "b-c")));
        assert_eq!(cut("-a-b", RANGE), None);
        assert_eq!(cut("a-b-", RANGE), None);
        assert_eq!(cut("", RANGE), None);
        assert_eq!(cut("-", RANGE), None);
    }

    #[test]
    fn brackets_hold_a_name_together() {
        let range = |text| {
            let mut report = Report::default();
            cut_range(&mut report, text)
                .map(|cut| cut.map(|(first, last)| format!("{first} {last}")))
                .map_err(|_| report.text().to_owned())
        };
        assert_eq!(range("[a-b]"), Ok(None));
        assert_eq!(range("[a-b]-[c]"), Ok(Some("[a-b] [c]".into())));
        assert_eq!(range("a-[c-d]"), Ok(Some("a [c-d]".into())));
        assert_eq!(
            range("[a"),
            Err("Syntax error: cannot find closing escape character ']' in [a\n".into())
        );
        assert_eq!(
            range("[a]b"),
            Err("Syntax error: range separator expected after '[a]'\n".into())
        );
        assert!(has_range("[a-b]-c"));
        assert!(!has_range("[a-b]"));
        assert!(!has_range("[a-b"));
        assert!(strip(&mut Report::default(), "[").is_err());
        assert_eq!(strip(&mut Report::default(), "[]").ok(), Some(""));
    }
}
