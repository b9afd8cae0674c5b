//! Options that stand anywhere on a line and are about how its command is run.

use super::Stop;
use crate::report::Report;

/// The options that were said. They hold for the lines of a file that come after, too.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options are there or not, in any mixture"
)]
pub(crate) struct Options {
    /// How to write a listing; the command has a default.
    pub(crate) output: Option<Output>,
    pub(crate) sorted: bool,
    pub(crate) quiet: bool,
    pub(crate) resolve: bool,
    pub(crate) exist: bool,
    /// Names of sets only.
    pub(crate) names: bool,
    /// Headers of sets only.
    pub(crate) terse: bool,
    /// Where `restore` reads and listings are written.
    pub(crate) file: Option<String>,
}

/// How a listing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Plain,
    Save,
    Xml,
    Json,
}

impl Options {
    /// Takes the options out of a line, wherever they stand.
    pub(crate) fn take_from(
        &mut self,
        words: &mut Vec<String>,
        report: &mut Report,
    ) -> Result<(), Stop> {
        for option in &OPTIONS {
            while let Some(at) = words.iter().position(|word| option.is(word)) {
                words.remove(at);
                match option.effect {
                    Effect::Flag(set) => set(self),
                    Effect::Value(set) => {
                        if at >= words.len() {
                            return Err(Stop::Usage(format!(
                                "Missing mandatory argument to option {}",
                                option.short
                            )));
                        }
                        set(self, &words.remove(at), report)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// One of the options.
pub(crate) struct EnvironmentOption {
    pub(crate) short: &'static str,
    long: &'static str,
    effect: Effect,
    /// What the help says after its short name.
    pub(crate) help: &'static str,
}

#[derive(Clone, Copy)]
enum Effect {
    Flag(fn(&mut Options)),
    Value(fn(&mut Options, &str, &mut Report) -> Result<(), Stop>),
}

impl EnvironmentOption {
    fn is(&self, word: &str) -> bool {
        let word = if word.starts_with("--") {
            word.get(1..).unwrap_or(word)
        } else {
            word
        };
        word == self.short || word == self.long
    }
}

/// In the order of the help, which is the order in which a line is searched for them.
pub(crate) static OPTIONS: [EnvironmentOption; 8] = [
    EnvironmentOption {
        short: "-o",
        long: "-output",
        effect: Effect::Value(set_output),
        help: "plain|save|xml\n       \
               Specify output mode for listing sets.\n       \
               Default value for \"list\" command is mode \"plain\"\n       \
               and for \"save\" command is mode \"save\".",
    },
    EnvironmentOption {
        short: "-s",
        long: "-sorted",
        effect: Effect::Flag(|options| options.sorted = true),
        help: "\n        Print elements sorted (if supported by the set type).",
    },
    EnvironmentOption {
        short: "-q",
        long: "-quiet",
        effect: Effect::Flag(|options| options.quiet = true),
        help: "\n        Suppress any notice or warning message.",
    },
    EnvironmentOption {
        short: "-r",
        long: "-resolve",
        effect: Effect::Flag(|options| options.resolve = true),
        help: "\n        Try to resolve IP addresses in the output (slow!)",
    },
    EnvironmentOption {
        short: "-!",
        long: "-exist",
        effect: Effect::Flag(|options| options.exist = true),
        help: "\n        \
               Ignore errors when creating or adding sets or\n        \
               elements that do exist or when deleting elements\n        \
               that don't exist.",
    },
    EnvironmentOption {
        short: "-n",
        long: "-name",
        effect: Effect::Flag(|options| options.names = true),
        help: "\n        When listing, just list setnames from the kernel.\n",
    },
    EnvironmentOption {
        short: "-t",
        long: "-terse",
        effect: Effect::Flag(|options| options.terse = true),
        help: "\n        \
               When listing, list setnames and set headers\n        \
               from kernel only.",
    },
    EnvironmentOption {
        short: "-f",
        long: "-file",
        effect: Effect::Value(set_file),
        help: "\n        \
               Read from the given file instead of standard\n        \
               input (restore) or write to given file instead\n        \
               of standard output (list/save).",
    },
];

fn set_output(options: &mut Options, mode: &str, report: &mut Report) -> Result<(), Stop> {
    options.output = Some(match mode {
        "plain" => Output::Plain,
        "xml" => Output::Xml,
        "save" => Output::Save,
        "json" => Output::Json,
        _ => Err(report.syntax_error(format_args!("unknown output mode '{mode}'")))?,
    });
    Ok(())
}

fn set_file(options: &mut Options, file: &str, _: &mut Report) -> Result<(), Stop> {
    if options.file.is_some() {
        return Err(Stop::Usage(
            "-file option cannot be used when full io is activated".into(),
        ));
    }
    options.file = Some(file.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(line: &str) -> (Options, Vec<String>, Result<(), Stop>) {
        let mut options = Options::default();
        let mut words = line.split(' ').map(String::from).collect();
        let taken = options.take_from(&mut words, &mut Report::default());
        (options, words, taken)
    }

    #[test]
    fn options_stand_anywhere_and_have_two_names() {
        let (options, words, taken) = take("-! add --quiet a -sorted 1.1.1.1 --f x");
        assert_eq!(taken, Ok(()));
        assert_eq!(words, ["add", "a", "1.1.1.1"]);
        assert!(options.exist && options.quiet && options.sorted && !options.terse);
        assert_eq!(options.file.as_deref(), Some("x"));
    }

    #[test]
    fn an_option_takes_the_next_word_whatever_it_is() {
        let (_, words, taken) = take("-o -s list");
        assert_eq!(words, ["list"]);
        assert!(matches!(taken, Err(Stop::Refused)));
        let (.., taken) = take("list -f");
        let Err(Stop::Usage(text)) = taken else {
            panic!("{taken:?}");
        };
        assert_eq!(text, "Missing mandatory argument to option -f");
    }
}
