//! A whole script.

use netns_testbed::Failed;

use super::elements::{Taste, element};
use super::options;
use super::random::Random;
use super::set_type::{SET_TYPES, SetType};
use crate::pair::Pair;
use crate::script::{Case, Step};

/// How the commands reach the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Given {
    /// Each in a process of its own.
    Alone,
    /// As a file to restore.
    Restored,
    /// On standard input, as if typed.
    Typed,
}

/// Commands, each a list of words.
#[derive(Clone, Debug)]
pub(crate) struct Generated {
    name: String,
    given: Given,
    pub(crate) commands: Vec<Vec<String>>,
}

/// A set of the script.
struct Known {
    name: &'static str,
    set_type: &'static SetType,
    options: Vec<String>,
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

impl Generated {
    pub(crate) fn new(random: &mut Random, set_type: &'static SetType, seed: u64) -> Self {
        let given =
            [Given::Alone, Given::Restored, Given::Typed][usize::try_from(seed % 3).unwrap_or(0)];
        let taste = Taste {
            inet6: set_type.has_family() && random.percent(40),
            // A mistake ends a file.
            wrong: if given == Given::Restored { 2 } else { 12 },
        };
        let mut commands = Vec::new();
        let mut sets: Vec<Known> = Vec::new();
        let members = set_type.name == "list:set";
        if members {
            let others = ["hash:ip", "hash:net", "bitmap:port", "hash:net,port"];
            for name in ["b", "c", "d"] {
                let other = random.pick(&others);
                let other = SET_TYPES
                    .iter()
                    .find(|set_type| set_type.name == other)
                    .unwrap_or(set_type);
                sets.push(new_set(
                    random,
                    other,
                    Taste { wrong: 0, ..taste },
                    name,
                    &mut commands,
                ));
            }
        }
        sets.insert(0, new_set(random, set_type, taste, "a", &mut commands));
        if random.percent(50) && !members {
            sets.push(new_set(random, set_type, taste, "b", &mut commands));
        }
        let length = if given == Given::Alone { 14 } else { 30 };
        for _ in 0..length {
            let command = command(random, set_type, taste, &mut sets, &mut commands, given);
            commands.extend(command);
        }
        // In the middle of a file it would not count for what the stock tool has collected (see
        // `deliberate.rs`); without it, an element that is there already ends the file.
        if given == Given::Restored && random.percent(80) {
            commands[0].insert(0, "-exist".to_owned());
        }
        Self {
            name: format!("{} seed {seed}", set_type.name),
            given,
            commands,
        }
    }

    /// What a mistake leaves behind in a session of the stock tool meddles with it and with the
    /// lines after it (see `deliberate.rs`): of commands that are typed, those stay that succeed
    /// alone.
    pub(crate) fn without_aftermath(mut self, pair: &Pair) -> Result<Self, Failed> {
        if self.given == Given::Typed {
            let alone: Vec<Step> = self
                .commands
                .iter()
                .map(|words| {
                    // An empty word is none in a line.
                    let words = words.iter().filter(|word| !word.is_empty());
                    Step::run(&words.cloned().collect::<Vec<_>>(), &[])
                })
                .collect();
            let mut succeeded = pair.succeeds(&alone)?.into_iter();
            self.commands.retain(|words| {
                let says = |option| words.iter().any(|word| word == option);
                // The stock tool takes a counter that is not said from a line before.
                succeeded.next() == Some(true) && says("packets") == says("bytes")
            });
        }
        Ok(self)
    }

    pub(crate) fn case(&self) -> Case {
        let words =
            |words: &[&str]| -> Vec<String> { words.iter().map(|&word| word.to_owned()).collect() };
        let lines: Vec<String> = self.commands.iter().map(|words| line(words)).collect();
        let steps = match self.given {
            Given::Alone => self
                .commands
                .iter()
                .map(|words| Step::run(words, &[]))
                .collect(),
            Given::Restored => vec![
                Step::run(&words(&["restore"]), &lines),
                Step::run(&words(&["list", "-o", "xml"]), &[]),
            ],
            Given::Typed => vec![
                Step::run(&words(&["-"]), &lines),
                Step::run(&words(&["list", "-sorted"]), &[]),
            ],
        };
        Case {
            name: self.name.clone(),
            steps,
        }
    }
}

/// As the tool's own quoting has it.
fn line(words: &[String]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            if word.contains([' ', '\t']) {
                format!("\"{word}\"")
            } else {
                word.clone()
            }
        })
        .collect();
    quoted.join(" ")
}

fn new_set(
    random: &mut Random,
    set_type: &'static SetType,
    taste: Taste,
    name: &'static str,
    commands: &mut Vec<Vec<String>>,
) -> Known {
    let options = options::create(random, set_type, taste);
    let type_name = if random.percent(10) {
        set_type.alias
    } else {
        set_type.name
    };
    let mut words: Vec<String> = ["create", name, type_name].map(str::to_owned).to_vec();
    words.extend(options.iter().cloned());
    if random.percent(8) {
        words.push("-exist".to_owned());
    }
    commands.push(words);
    Known {
        name,
        set_type,
        options,
    }
}

fn command(
    random: &mut Random,
    set_type: &'static SetType,
    taste: Taste,
    sets: &mut Vec<Known>,
    before: &mut Vec<Vec<String>>,
    given: Given,
) -> Option<Vec<String>> {
    let owned = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
    let names = if random.percent(taste.wrong) { 5 } else { 2 };
    let name = random.pick(&NAMES[..names]);
    match random.below(100) {
        0..=71 => {
            let among = if random.percent(85) {
                1
            } else {
                sets.len() as u64
            };
            let set = &sets[usize::try_from(random.below(among)).unwrap_or(0)];
            let word = match random.below(20) {
                0..=12 => random.pick(&["add", "add", "add", "add", "-A"]),
                13..=15 => "del",
                // One that succeeds ends a file (see `deliberate.rs`).
                _ if given == Given::Restored => "del",
                _ => "test",
            };
            let mut words = vec![
                word.to_owned(),
                set.name.to_owned(),
                element(random, set.set_type, taste),
            ];
            if random.percent(if word.ends_with(['d', 'A']) { 90 } else { 15 }) {
                words.extend(options::entry(random, set.set_type, taste, &set.options));
            }
            if given != Given::Restored && random.percent(15) && word != "test" {
                words.insert(0, (random.pick(&["-exist", "-!"])).to_owned());
            }
            Some(words)
        }
        72..=74 if given == Given::Restored => None,
        72..=74 => {
            let set = new_set(random, set_type, taste, name, before);
            sets.push(set);
            None
        }
        75..=77 if given != Given::Restored => owned(&["swap", name, random.pick(&NAMES[..3])]),
        78..=80 if given != Given::Restored => owned(&["rename", name, random.pick(&NAMES)]),
        81 => owned(&["flush", name]),
        82..=84 if given != Given::Restored => owned(&["destroy", name]),
        85 if given != Given::Restored => owned(&[random.pick(&["destroy", "flush"])]),
        86..=88 => owned(&["list", name, "-o", random.pick(&["plain", "save", "xml"])]),
        89..=91 => owned(&["save", name]),
        92 => owned(&["list", "-sorted"]),
        93 if given == Given::Alone => owned(&[
            "list",
            "-terse",
            "-o",
            random.pick(&["plain", "save", "xml"]),
        ]),
        94 if given == Given::Alone => owned(&["list", "-n"]),
        95 => owned(&["save", "-sorted"]),
        96 if given == Given::Alone => {
            owned(&["-q", "add", name, &element(random, set_type, taste)])
        }
        97 if given == Given::Alone => {
            owned(&["-q", "test", name, &element(random, set_type, taste)])
        }
        _ => owned(&["list"]),
    }
}
