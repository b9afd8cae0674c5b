//! A chapter as its reader comes by: commands, files, packets from outside.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use netns_testbed::Failed;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::traffic::Traffic;

/// One file of `src/`.
pub(crate) struct Chapter {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) items: Vec<Item>,
}

/// What a test does something with.
pub(crate) enum Item {
    /// Commands with what they print.
    Console {
        commands: Vec<Command>,
        not_run: bool,
    },
    /// A file that the reader writes.
    File {
        line: usize,
        path: String,
        text: String,
    },
    /// Packets that come meanwhile.
    Traffic(Traffic),
    Rust,
    Picture,
}

/// A command and the lines that it prints.
pub(crate) struct Command {
    /// Of the chapter, counted from one.
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) prints: Vec<String>,
}

impl Item {
    pub(crate) fn is_block(&self) -> bool {
        !matches!(self, Self::Traffic(_))
    }

    /// How many commands are run.
    pub(crate) fn commands(&self) -> usize {
        match self {
            Self::Console { commands, not_run } if !not_run => commands.len(),
            _ => 0,
        }
    }
}

/// The folder of the chapters.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The names of the files of all chapters, and of the summary.
pub(crate) fn names() -> Result<Vec<String>, Failed> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "md") {
            let name = path.file_name().and_then(|name| name.to_str());
            names.push(name.ok_or("a name that is not UTF-8")?.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

impl Chapter {
    pub(crate) fn open(name: &str) -> Result<Self, Failed> {
        let text = fs::read_to_string(folder().join(name))?;
        let items = items(name, &text)?;
        Ok(Self {
            name: name.to_owned(),
            text,
            items,
        })
    }
}

fn items(name: &str, text: &str) -> Result<Vec<Item>, Failed> {
    let mut items = Vec::new();
    let mut not_run = false;
    let mut block: Option<(String, usize, String)> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        let line = line_of(text, &range);
        let place = format!("src/{name}:{line}");
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                block = Some((info.to_string(), line, String::new()));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                return Err(format!("{place}: an indented block has no kind").into());
            }
            Event::Text(more) if block.is_some() => {
                if let Some((.., text)) = &mut block {
                    text.push_str(&more);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                let (info, line, text) = block.take().ok_or("a block ends that did not begin")?;
                items.push(item(
                    &format!("src/{name}:{line}"),
                    &info,
                    line,
                    &text,
                    not_run,
                )?);
                not_run = false;
            }
            Event::Html(comment) | Event::InlineHtml(comment) => match directive(comment.trim()) {
                Some(("not run", reason)) if reason.len() > 10 => not_run = true,
                Some(("traffic", packets)) => items.push(Item::Traffic(
                    Traffic::parse(packets).ok_or_else(|| format!("{place}: no traffic"))?,
                )),
                _ => return Err(format!("{place}: neither a reason nor traffic").into()),
            },
            Event::Start(Tag::Paragraph) if not_run => {
                return Err(format!("{place}: a reason, and no block behind it").into());
            }
            _ => {}
        }
    }
    Ok(items)
}

fn directive(comment: &str) -> Option<(&str, &str)> {
    let words = comment.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    words.split_once(": ")
}

fn item(place: &str, info: &str, line: usize, text: &str, not_run: bool) -> Result<Item, Failed> {
    let kind = info.split([',', ' ']).next().unwrap_or_default();
    if not_run && kind != "console" {
        return Err(format!("{place}: only a console is not run").into());
    }
    let file = text
        .strip_prefix("# /")
        .and_then(|rest| rest.split_once('\n'));
    match (kind, file) {
        ("console", _) => Ok(Item::Console {
            commands: commands(place, line, text)?,
            not_run,
        }),
        ("toml" | "text", Some((path, _))) => Ok(Item::File {
            line,
            path: format!("/{path}"),
            text: text.to_owned(),
        }),
        ("text", None) => Ok(Item::Picture),
        ("rust", _) => Ok(Item::Rust),
        _ => Err(format!("{place}: a block that nothing is done with: {info:?}").into()),
    }
}

/// The commands of a block; `\` at the end of a line goes on in the next.
fn commands(place: &str, line: usize, text: &str) -> Result<Vec<Command>, Failed> {
    let mut commands: Vec<Command> = Vec::new();
    let mut goes_on = false;
    for (number, shown) in text.lines().enumerate() {
        let begins = shown.strip_prefix("# ").or(shown.strip_prefix("$ "));
        match (begins, commands.last_mut()) {
            (_, Some(command)) if goes_on => {
                command.text.push('\n');
                command.text.push_str(shown);
                goes_on = shown.ends_with('\\');
            }
            (Some(text), _) => {
                commands.push(Command {
                    line: line + number + 1,
                    text: text.to_owned(),
                    prints: Vec::new(),
                });
                goes_on = text.ends_with('\\');
            }
            (None, Some(command)) => command.prints.push(shown.to_owned()),
            (None, None) => return Err(format!("{place}: begins without a command").into()),
        }
    }
    Ok(commands)
}

fn line_of(text: &str, range: &Range<usize>) -> usize {
    let before = text.get(..range.start).unwrap_or_default();
    before.matches('\n').count() + 1
}
