//! What every page has: its head, sections, text, lists and examples.

use clap_mangen::roff::{Inline, Roff, bold, roman};
use jiff::Timestamp;

/// When the pages were made, and of what.
pub(crate) struct Issue {
    /// `2026-11-29`.
    pub(crate) date: String,
    /// `rampart 0.1.0`.
    pub(crate) source: String,
}

impl Issue {
    /// The seconds since 1970, else now; `None` where it is no such number.
    pub(crate) fn of(seconds: Option<&str>) -> Option<Self> {
        let time = match seconds {
            Some(seconds) => Timestamp::from_second(seconds.parse().ok()?).ok()?,
            None => Timestamp::now(),
        };
        Some(Self {
            date: time.strftime("%Y-%m-%d").to_string(),
            source: format!("rampart {}", env!("CARGO_PKG_VERSION")),
        })
    }
}

/// The name of the manual.
pub(crate) const MANUAL: &str = "Rampart";

/// The head of a page, with its name and what it is about.
pub(crate) fn head(roff: &mut Roff, name: &str, section: &str, about: &str, issue: &Issue) {
    roff.control("TH", [name, section, &issue.date, &issue.source, MANUAL]);
    heading(roff, "NAME");
    roff.text([roman(format!("{name} - {about}"))]);
}

pub(crate) fn heading(roff: &mut Roff, text: &str) {
    roff.control("SH", [text.to_uppercase().as_str()]);
}

pub(crate) fn subheading(roff: &mut Roff, text: &str) {
    roff.control("SS", [text]);
}

pub(crate) fn paragraph(roff: &mut Roff, text: impl Into<Vec<Inline>>) {
    roff.control("PP", []);
    roff.text(text);
}

/// A term and what is said of it.
pub(crate) fn term(roff: &mut Roff, term: &str, text: &str) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(text)]);
}

/// Lines as they stand.
pub(crate) fn literal<'t>(roff: &mut Roff, lines: impl IntoIterator<Item = &'t str>) {
    roff.control("PP", []);
    roff.control("RS", ["4"]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.control("RE", []);
}

/// Other pages: `firewall-apply(8)`.
pub(crate) fn see_also(roff: &mut Roff, pages: &[String]) {
    heading(roff, "SEE ALSO");
    let last = pages.len().saturating_sub(1);
    for (at, page) in pages.iter().enumerate() {
        let (name, section) = page.split_once('(').unwrap_or((page, ""));
        let comma = if at < last { "," } else { "" };
        roff.text([bold(name), roman(format!("({section}{comma}"))]);
    }
}

/// Without what mandoc says does nothing: breaks beside an empty line, and a paragraph that begins
/// a section.
pub(crate) fn tidy(page: &str) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let line = |at: Option<usize>| at.and_then(|at| lines.get(at)).copied();
    let says_something = |at: usize| {
        let before = line(at.checked_sub(1));
        match line(Some(at)) {
            Some(".br") => before != Some("") && line(Some(at + 1)) != Some(""),
            Some(".PP") => !before.is_some_and(|before| before.starts_with(".S")),
            _ => true,
        }
    };
    let kept = lines.iter().enumerate();
    let kept = kept.filter(|(at, _)| says_something(*at));
    kept.fold(String::new(), |page, (_, line)| page + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_nothing_is_left_out() {
        let page = ".SH A\n.PP\none\n.br\n\n.br\ntwo\n.br\nthree\n.PP\nfour\n";
        let tidied = ".SH A\none\n\ntwo\n.br\nthree\n.PP\nfour\n";
        assert_eq!(tidy(page), tidied);
    }
}
