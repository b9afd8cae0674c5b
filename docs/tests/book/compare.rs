//! What is shown and what is printed.

/// Whether the lines are those shown. `…` is any text within a line; alone in its line it is any
/// lines.
pub(crate) fn same(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line.trim() == "…" => {
            (0..=printed.len()).any(|skip| same(rest, printed.get(skip..).unwrap_or_default()))
        }
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, others)| same_line(line, first) && same(rest, others)),
    }
}

fn same_line(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (shown.trim_end(), printed.trim_end());
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    true
}

pub(crate) fn dots_are_any_text() {
    for (shown, printed, expected) in [
        ("a\nb", "a\nb", true),
        ("a\nb", "a", false),
        ("a", "a\nb", false),
        ("until …", "until 2026-11-29", true),
        ("a … b … c", "a 1 b 2 c", true),
        ("a … b", "a 1 c", false),
        ("a …b", "a b c", false),
        ("…", "", true),
        ("a\n…\nb", "a\n1\n2\nb", true),
        ("a\n…\nb", "a\n1\n2", false),
        ("a\n…", "a", true),
    ] {
        let shown: Vec<String> = shown.lines().map(str::to_owned).collect();
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(same(&shown, &lines), expected, "{shown:?} {printed:?}");
    }
}
