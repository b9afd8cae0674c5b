//! Sections of a README, as sections of a page.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use crate::page::{heading, literal, paragraph, subheading};

/// The part of `text` from the heading `## FROM` to before the heading `## UNTIL`, or to the end.
/// `None` where there is no such heading.
pub(crate) fn part<'t>(text: &'t str, from: &str, until: Option<&str>) -> Option<&'t str> {
    let start = text.find(&format!("\n## {from}\n"))? + 1;
    let rest = text.get(start..)?;
    match until {
        Some(until) => rest.get(..rest.find(&format!("\n## {until}\n"))?),
        None => Some(rest),
    }
}

/// Writes a part: headings, paragraphs, lists and examples. A link is its words.
pub(crate) fn write(roff: &mut Roff, part: &str) {
    let mut words: Vec<Inline> = Vec::new();
    let mut style: fn(String) -> Inline = roman;
    let mut in_item = false;
    let mut example: Option<String> = None;
    for event in Parser::new(part) {
        match event {
            Event::Start(Tag::Emphasis) => style = italic,
            Event::Start(Tag::Strong) => style = bold,
            Event::End(TagEnd::Emphasis | TagEnd::Strong) => style = roman,
            Event::Start(Tag::Item) => in_item = true,
            Event::Start(Tag::CodeBlock(_)) => {
                flush(roff, &mut words, in_item);
                example = Some(String::new());
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some(text) = example.take() {
                    literal(roff, text.lines());
                }
            }
            Event::End(TagEnd::Heading(level)) => {
                let text: String = words.drain(..).map(plain).collect();
                match level {
                    HeadingLevel::H1 | HeadingLevel::H2 => heading(roff, &text),
                    _ => subheading(roff, &text),
                }
            }
            Event::End(TagEnd::Paragraph) => flush(roff, &mut words, in_item),
            Event::End(TagEnd::Item) => {
                flush(roff, &mut words, in_item);
                in_item = false;
            }
            Event::Text(text) => match &mut example {
                Some(example) => example.push_str(&text),
                None => words.push(style(text.into_string())),
            },
            Event::Code(text) => words.push(bold(text.into_string())),
            Event::SoftBreak | Event::HardBreak => words.push(roman(" ")),
            _ => {}
        }
    }
    flush(roff, &mut words, in_item);
}

fn flush(roff: &mut Roff, words: &mut Vec<Inline>, in_item: bool) {
    if words.is_empty() {
        return;
    }
    let words = std::mem::take(words);
    if in_item {
        roff.control("IP", ["*", "2"]);
        roff.text(words);
    } else {
        paragraph(roff, words);
    }
}

fn plain(inline: Inline) -> String {
    match inline {
        Inline::Roman(text) | Inline::Italic(text) | Inline::Bold(text) => text,
        Inline::LineBreak => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# x

## First

a `code` and [a link](y)
goes on

* one
* two,
  long

## Second

    key = 1

## Third
";

    #[test]
    fn a_part_ends_before_the_next() {
        let part = part(TEXT, "First", Some("Third")).unwrap();
        assert!(
            part.starts_with("## First") && part.ends_with("key = 1\n"),
            "{part}"
        );
        assert!(super::part(TEXT, "Fourth", None).is_none());
        assert!(super::part(TEXT, "First", Some("Fourth")).is_none());
    }

    #[test]
    fn every_form_has_its_macros() {
        let mut roff = Roff::new();
        write(&mut roff, part(TEXT, "First", Some("Third")).unwrap());
        assert_eq!(
            roff.to_roff(),
            "\
.SH FIRST
.PP
a \\fBcode\\fR and a link goes on
.IP * 2
one
.IP * 2
two, long
.SH SECOND
.PP
.RS 4
.nf
key = 1
.fi
.RE
"
        );
    }
}
