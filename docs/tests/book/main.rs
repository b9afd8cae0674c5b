//! The book, held against the programs: its commands are run on a host of their own and print what
//! it says they print, its files are read by who reads such files, and its links lead somewhere.
//!
//! | in the source | what becomes of it |
//! |---|---|
//! | `console` | each line behind `# ` or `$ ` is a command of a shell, run in order, one shell a chapter; what it prints, without a line that begins so, is compared with the lines below it, and it has to succeed. `…` is any text, alone in a line any lines. |
//! | `console` behind `<!-- not run: REASON -->` | the commands of our programs are read by the programs' own command lines |
//! | `toml`, `text` that begin with `# /PATH` | the file of that path, written where the chapter has come to; one of `/etc/rampart` is checked by its reader, a crontab as above |
//! | `text` otherwise | a picture |
//! | `rust` | a documentation test of this package |
//! | `<!-- traffic: ADDRESS tcp|udp|ping|answers COUNT [PORT] -->` | packets from outside to the host; without PORT each to another |

mod chapter;
mod command_line;
mod compare;
mod host;
mod links;
mod reader;
mod traffic;

use netns_testbed::{Failed, run, trial};

use crate::chapter::{Chapter, Item};

fn main() -> std::process::ExitCode {
    let mut trials = vec![
        trial("book::no_block_escapes", no_block_escapes),
        trial("book::the_rust_is_a_documentation_test", rust_is_tested),
        trial("book::every_page_is_in_the_summary", links::summary),
        trial("book::every_link_leads_somewhere", links::all),
        trial("compare::dots_are_any_text", || {
            compare::dots_are_any_text();
            Ok(())
        }),
        trial("command_line::mistakes_are_found", || {
            command_line::mistakes();
            Ok(())
        }),
    ];
    // That they cannot be listed is said by the trials above.
    for name in chapter::names().unwrap_or_default() {
        let chapter = name.clone();
        trials.push(trial(format!("chapter::{name}"), move || {
            reader::read(&Chapter::open(&chapter)?)
        }));
    }
    run(trials)
}

/// Every fence that stands in a line is a block that the reader of chapters knows.
fn no_block_escapes() -> Result<(), Failed> {
    let mut commands = 0;
    for name in chapter::names()? {
        let chapter = Chapter::open(&name)?;
        let fence = |line: &&str| {
            let line = line.trim_start_matches([' ', '>', '*', '-']);
            line.starts_with("```") || line.starts_with("~~~")
        };
        let fences = chapter.text.lines().filter(fence).count();
        let blocks = chapter.items.iter().filter(|item| item.is_block()).count();
        assert_eq!(fences, 2 * blocks, "{name}: fences and blocks");
        assert!(
            !chapter.text.contains("<pre") && !chapter.text.contains("<code"),
            "{name}: a block in HTML"
        );
        commands += chapter.items.iter().map(Item::commands).sum::<usize>();
    }
    assert!(commands > 50, "only {commands} commands are run");
    Ok(())
}

/// A chapter with Rust in it is one that the library names.
fn rust_is_tested() -> Result<(), Failed> {
    let library = include_str!("../../lib.rs");
    for name in chapter::names()? {
        let chapter = Chapter::open(&name)?;
        let has_rust = chapter.items.iter().any(|item| matches!(item, Item::Rust));
        let named = library.contains(&format!("include_str!(\"src/{name}\")"));
        assert_eq!(has_rust, named, "{name}: Rust, and named in lib.rs");
    }
    Ok(())
}
