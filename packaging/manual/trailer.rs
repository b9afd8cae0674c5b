//! What stands behind the options in `--help`, as sections of a page.
//!
//! A line that ends with a colon is the heading of the indented lines behind it, and a paragraph
//! may begin with one of the [`HEADINGS`]. Everything else is a note.

/// Headings that a paragraph can begin with, followed by its text.
const HEADINGS: [&str; 5] = ["Example", "Examples", "Exit status", "Files", "JSON"];
/// Where what has no heading belongs.
const NOTES: &str = "Notes";
/// The order of the field; what is not named stands with the notes.
const ORDER: [&str; 5] = [NOTES, "Files", "JSON", "Exit status", "Examples"];
/// A line that is longer is a sentence and no heading.
const LONGEST_HEADING: usize = 40;

/// A part of a page.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Block {
    /// A paragraph.
    Text(String),
    /// Lines as they stand.
    Literal(Vec<String>),
}

/// The sections of `help`, in their order.
pub(crate) fn sections(help: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut current = NOTES.to_owned();
    for paragraph in help.split("\n\n") {
        let mut lines = paragraph.lines().filter(|line| !line.trim().is_empty());
        let Some(first) = lines.next() else { continue };
        let mut first = first;
        if !is_indented(first) {
            (current, first) = heading(first).unwrap_or_else(|| (NOTES.to_owned(), first));
        }
        let blocks = blocks(
            Some(first)
                .filter(|line| !line.is_empty())
                .into_iter()
                .chain(lines),
        );
        match sections
            .iter_mut()
            .find(|section| section.heading == current)
        {
            Some(section) => section.blocks.extend(blocks),
            None => sections.push(Section {
                heading: current.clone(),
                blocks,
            }),
        }
    }
    let rank = |section: &Section| ORDER.iter().position(|known| *known == section.heading);
    sections.sort_by_key(|section| rank(section).unwrap_or(0));
    sections
}

/// The heading that a line begins with, and the rest of the line.
fn heading(line: &str) -> Option<(String, &str)> {
    let known = HEADINGS.iter().find_map(|heading| {
        let rest = line.strip_prefix(heading)?.strip_prefix(':')?;
        // One example is no other section than several.
        let heading = if *heading == "Example" {
            "Examples"
        } else {
            heading
        };
        Some((heading.to_owned(), rest.trim_start()))
    });
    known.or_else(|| {
        let heading = line.strip_suffix(':')?;
        (heading.len() <= LONGEST_HEADING && !heading.contains(". "))
            .then(|| (heading.to_owned(), ""))
    })
}

fn blocks<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in lines {
        match (is_indented(line), blocks.last_mut()) {
            (true, Some(Block::Literal(literal))) => literal.push(line.to_owned()),
            (true, _) => blocks.push(Block::Literal(vec![line.to_owned()])),
            (false, Some(Block::Text(text))) => {
                text.push(' ');
                text.push_str(line.trim());
            }
            (false, _) => blocks.push(Block::Text(line.trim().to_owned())),
        }
    }
    for block in &mut blocks {
        if let Block::Literal(lines) = block {
            outdent(lines);
        }
    }
    blocks
}

fn is_indented(line: &str) -> bool {
    line.starts_with(' ')
}

/// Takes away the spaces that all lines begin with.
fn outdent(lines: &mut [String]) {
    let spaces = |line: &String| line.len() - line.trim_start_matches(' ').len();
    let common = lines.iter().map(spaces).min().unwrap_or(0);
    for line in lines {
        line.drain(..common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_texts_and_examples() {
        let help = "\
Examples:
  One:
    do this

  Two:
    do that

DURATION is whole
numbers, like these:
    5m

Exit status: 0 done; 1 not.

Exit codes of others:
  3  never";
        let found = sections(help);
        let headings: Vec<_> = found
            .iter()
            .map(|section| section.heading.as_str())
            .collect();
        assert_eq!(
            headings,
            ["Notes", "Exit codes of others", "Exit status", "Examples"]
        );
        let literal =
            |lines: &[&str]| Block::Literal(lines.iter().map(|line| (*line).to_owned()).collect());
        let text = |text: &str| Block::Text(text.to_owned());
        let blocks: Vec<_> = found.into_iter().map(|section| section.blocks).collect();
        assert_eq!(
            blocks,
            [
                vec![
                    text("DURATION is whole numbers, like these:"),
                    literal(&["5m"])
                ],
                vec![literal(&["3  never"])],
                vec![text("0 done; 1 not.")],
                vec![
                    literal(&["One:", "  do this"]),
                    literal(&["Two:", "  do that"])
                ],
            ]
        );
    }
}
