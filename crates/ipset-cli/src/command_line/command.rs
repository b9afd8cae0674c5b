//! The commands.

use super::Stop;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Create,
    Add,
    Del,
    Test,
    Destroy,
    List,
    Save,
    Restore,
    Flush,
    Rename,
    Swap,
    Help,
    Version,
    Quit,
}

/// How many words belong to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    PerhapsOne,
    Two,
}

/// A command by its names.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) command: Command,
    /// The first is the one it is called by.
    names: &'static [&'static str],
    takes: Takes,
    /// What the help says after the name.
    pub(crate) help: &'static str,
}

/// A command with the words that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) command: Command,
    pub(crate) first: Option<String>,
    /// There is one if the command takes two.
    pub(crate) second: Option<String>,
    /// The words after them.
    pub(crate) rest: Vec<String>,
}

impl Definition {
    pub(crate) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// A command is called by the beginning of any of its names.
    fn is(&self, word: &str) -> bool {
        let name = word.strip_prefix("--").unwrap_or(word);
        !name.is_empty() && word != "-" && self.names.iter().any(|known| known.starts_with(name))
    }
}

impl Command {
    pub(crate) fn name(self) -> &'static str {
        COMMANDS
            .iter()
            .find(|known| known.command == self)
            .map_or("", Definition::name)
    }

    /// The command that a word stands for.
    pub(crate) fn find(word: &str) -> Option<&'static Definition> {
        COMMANDS.iter().find(|known| known.is(word))
    }
}

impl Call {
    /// Splits a line that begins with the word for this command.
    pub(crate) fn of(definition: &Definition, words: Vec<String>) -> Result<Self, Stop> {
        let mut words = words.into_iter().skip(1);
        let mut call = Self {
            command: definition.command,
            first: None,
            second: None,
            rest: Vec::new(),
        };
        if definition.takes != Takes::Nothing {
            call.first = words.next();
        }
        if definition.takes == Takes::Two {
            let missing = |what| {
                Stop::Usage(format!(
                    "Missing {what} argument to command {}",
                    definition.name()
                ))
            };
            if call.first.is_none() {
                return Err(missing("mandatory"));
            }
            call.second = Some(words.next().ok_or_else(|| missing("second mandatory"))?);
        }
        call.rest = words.collect();
        Ok(call)
    }
}

/// In the order of the help. Of two that a word could stand for, the first is meant.
pub(crate) static COMMANDS: [Definition; 14] = [
    Definition {
        command: Command::Create,
        names: &["create", "new", "-N"],
        takes: Takes::Two,
        help: "SETNAME TYPENAME [type-specific-options]\n        Create a new set",
    },
    Definition {
        command: Command::Add,
        names: &["add", "-A"],
        takes: Takes::Two,
        help: "SETNAME ENTRY\n        Add entry to the named set",
    },
    Definition {
        command: Command::Del,
        names: &["del", "-D"],
        takes: Takes::Two,
        help: "SETNAME ENTRY\n        Delete entry from the named set",
    },
    Definition {
        command: Command::Test,
        names: &["test", "-T"],
        takes: Takes::Two,
        help: "SETNAME ENTRY\n        Test entry in the named set",
    },
    Definition {
        command: Command::Destroy,
        names: &["destroy", "x", "-X"],
        takes: Takes::PerhapsOne,
        help: "[SETNAME]\n        Destroy a named set or all sets",
    },
    Definition {
        command: Command::List,
        names: &["list", "-L"],
        takes: Takes::PerhapsOne,
        help: "[SETNAME]\n        List the entries of a named set or all sets",
    },
    Definition {
        command: Command::Save,
        names: &["save", "-S"],
        takes: Takes::PerhapsOne,
        help: "[SETNAME]\n        Save the named set or all sets to stdout",
    },
    Definition {
        command: Command::Restore,
        names: &["restore", "-R"],
        takes: Takes::Nothing,
        help: "\n        Restore a saved state",
    },
    Definition {
        command: Command::Flush,
        names: &["flush", "-F"],
        takes: Takes::PerhapsOne,
        help: "[SETNAME]\n        Flush a named set or all sets",
    },
    Definition {
        command: Command::Rename,
        names: &["rename", "e", "-E"],
        takes: Takes::Two,
        help: "FROM-SETNAME TO-SETNAME\n        Rename two sets",
    },
    Definition {
        command: Command::Swap,
        names: &["swap", "w", "-W"],
        takes: Takes::Two,
        help: "FROM-SETNAME TO-SETNAME\n        Swap the contect of two existing sets",
    },
    Definition {
        command: Command::Help,
        names: &["help", "-h", "-H"],
        takes: Takes::PerhapsOne,
        help: "[TYPENAME]\n        Print help, and settype specific help",
    },
    Definition {
        command: Command::Version,
        names: &["version", "-v", "-V"],
        takes: Takes::Nothing,
        help: "\n        Print version information",
    },
    Definition {
        command: Command::Quit,
        names: &["quit"],
        takes: Takes::Nothing,
        help: "\n        Quit interactive mode",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_called_by_the_beginning_of_its_names() {
        for (word, command) in [
            ("n", Some(Command::Create)),
            ("-N", Some(Command::Create)),
            ("--create", Some(Command::Create)),
            ("--", None),
            ("-", None),
            ("", None),
            ("--N", None),
            ("de", Some(Command::Del)),
            ("des", Some(Command::Destroy)),
            ("x", Some(Command::Destroy)),
            ("s", Some(Command::Save)),
            ("sw", Some(Command::Swap)),
            ("re", Some(Command::Restore)),
            ("ren", Some(Command::Rename)),
            ("e", Some(Command::Rename)),
            ("-H", Some(Command::Help)),
            ("-v", Some(Command::Version)),
            ("-Nx", None),
            ("creates", None),
        ] {
            let found = Command::find(word).map(|definition| definition.command);
            assert_eq!(found, command, "{word:?}");
        }
    }
}
