//! Runs commands on the kernel's sets.

mod arguments;
mod change;
mod describe;
mod interactive;
mod known;
mod tell;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use change::Change;
use ipset_netlink::packet::IPSET_PROTOCOL as PROTOCOL;
use ipset_netlink::{Error, IfExists, IfMissing, IpSet, SetName, SetType};
use known::Known;
pub(crate) use known::KnownSet;

use crate::command_line::{
    self, Call, Command, MOST_WORDS, Options, Output, PROGRAM, Stop, VERSION, too_long,
};
use crate::output::{self, ListError};
use crate::report::Report;
use crate::{error_text, grammar, text, types};

/// The commands of one run of the program.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) options: Options,
    pub(crate) report: Report,
    source: Source,
    /// Opened once a command needs the kernel.
    sets: Option<IpSet>,
    known: Known,
}

/// Where the lines come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    CommandLine,
    File,
    Prompt,
}

impl Session {
    /// Runs one line.
    fn run(&mut self, words: Vec<String>) -> Result<(), Stop> {
        match self.read(words)? {
            Some(call) => self.call(&call),
            None => Ok(()),
        }
    }

    /// Reads one line; there is nothing to call if it has had its answer.
    pub(crate) fn read(&mut self, mut words: Vec<String>) -> Result<Option<Call>, Stop> {
        if words.len() > MOST_WORDS {
            return Err(too_long());
        }
        self.options.take_from(&mut words, &mut self.report)?;
        let definition = match words.first() {
            Some(word) => Command::find(word),
            None => None,
        };
        let Some(definition) = definition else {
            let word = words.first().map(String::as_str);
            return self.without_command(word).map(|()| None);
        };
        match (self.source, definition.command) {
            (Source::File, Command::Restore | Command::Version | Command::Help) => {
                return Err(Stop::Usage(format!(
                    "Command `{}' is invalid in restore mode.",
                    definition.name()
                )));
            }
            (Source::Prompt, Command::Restore) => {
                let text = "Restore command is not supported in interactive mode\n";
                return print(text).map(|()| None);
            }
            _ => {}
        }
        Call::of(definition, words).map(Some)
    }

    /// Opens the file of a call of `restore`; from here on the lines are its.
    pub(crate) fn open_file(&mut self, call: &Call) -> Result<File, Stop> {
        nothing_left(call)?;
        let input = match &self.options.file {
            // Its own buffer would hide what there is to read.
            None => io::stdin()
                .as_fd()
                .try_clone_to_owned()
                .map(File::from)
                .map_err(|error| {
                    let error = error_text::without_number(&error);
                    Stop::Failed(format!("Cannot read: {error}"))
                })?,
            Some(path) => open(&path_of(path)).map_err(|error| {
                let error = error_text::without_number(&error);
                Stop::Failed(format!("Cannot open {path} for reading: {error}"))
            })?,
        };
        self.source = Source::File;
        Ok(input)
    }

    fn without_command(&mut self, word: Option<&str>) -> Result<(), Stop> {
        match (self.source, word) {
            (Source::Prompt, _) => print("No command specified\n"),
            (Source::CommandLine, Some("-")) => self.prompt(),
            (_, Some(word)) => Err(Stop::Usage(format!(
                "No command specified: unknown argument {word}"
            ))),
            (_, None) => Err(Stop::Usage("No command specified.".into())),
        }
    }

    pub(crate) fn call(&mut self, call: &Call) -> Result<(), Stop> {
        let first = call.first.as_deref();
        match call.command {
            Command::Create => self.create(call),
            Command::Add | Command::Del | Command::Test => self.change(call),
            Command::List | Command::Save => self.list(call),
            Command::Destroy | Command::Flush => {
                let set = first.map(|name| self.read_set_name(name)).transpose()?;
                nothing_left(call)?;
                self.remove(call.command, set.as_ref())
            }
            Command::Rename | Command::Swap => self.rename_or_swap(call),
            Command::Help => self.help(first),
            Command::Version => self.version(),
            // A file is read by the command line alone, not by lines of a session.
            Command::Restore | Command::Quit => Err(Stop::Quit),
        }
    }

    fn create(&mut self, call: &Call) -> Result<(), Stop> {
        let (create, spec) = self.read_create(call)?;
        let if_exists = self.if_exists();
        let created = self.connect()?.create(&create, if_exists);
        self.known.forget();
        self.checked(created, Command::Create, Some(&spec.set_type))
    }

    fn change(&mut self, call: &Call) -> Result<(), Stop> {
        let change = self.read_change(call)?;
        self.make(call.command, &change)
    }

    /// Makes a change that was read.
    pub(crate) fn make(&mut self, command: Command, change: &Change) -> Result<(), Stop> {
        let (set, entry) = (&change.set, &change.entry);
        let set_type = Some(&change.spec.set_type);
        match command {
            Command::Add => {
                let if_exists = self.if_exists();
                let added = self.connect()?.add(set, entry, if_exists);
                self.checked(added, Command::Add, set_type)
            }
            Command::Del => {
                let if_missing = self.if_missing();
                let deleted = self.connect()?.delete_entry(set, entry, if_missing);
                self.checked(deleted, Command::Del, set_type)
            }
            _ => {
                let tested = self.connect()?.test(set, entry);
                let present = self.checked(tested, Command::Test, set_type)?;
                self.tell_test(change, present)
            }
        }
    }

    fn remove(&mut self, command: Command, set: Option<&SetName>) -> Result<(), Stop> {
        let if_missing = self.if_missing();
        let sets = self.connect()?;
        let removed = match (command, set) {
            (Command::Destroy, Some(set)) => sets.destroy(set, if_missing),
            (Command::Destroy, None) => sets.destroy_all(),
            (_, Some(set)) => sets.flush(set),
            (_, None) => sets.flush_all(),
        };
        self.known.forget();
        self.checked(removed, command, None)
    }

    fn rename_or_swap(&mut self, call: &Call) -> Result<(), Stop> {
        let from = self.read_set_name(call.first.as_deref().unwrap_or_default())?;
        let to = self.read_set_name(call.second.as_deref().unwrap_or_default())?;
        nothing_left(call)?;
        let sets = self.connect()?;
        let done = match call.command {
            Command::Rename => sets.rename(&from, &to),
            _ => sets.swap(&from, &to),
        };
        self.known.forget();
        self.checked(done, call.command, None)
    }

    fn list(&mut self, call: &Call) -> Result<(), Stop> {
        let mut out: Box<dyn Write> = match &self.options.file {
            None => Box::new(io::stdout().lock()),
            Some(path) => match File::create(path_of(path)) {
                Ok(file) => Box::new(file),
                Err(error) => {
                    let error = error_text::without_number(&error);
                    let text = format!("Cannot open {path} for writing: {error}");
                    return Err(self.report.error(text).into());
                }
            },
        };
        let name = call.first.as_deref();
        let set = name.map(|name| self.read_set_name(name)).transpose()?;
        nothing_left(call)?;
        // The first listing of a session decides for those that come after.
        let output = *self.options.output.get_or_insert(match call.command {
            Command::Save => Output::Save,
            _ => Output::Plain,
        });
        self.connect()?;
        let Some(sets) = &mut self.sets else {
            return Ok(());
        };
        let mut out = BufWriter::with_capacity(1 << 16, &mut out);
        let listed = output::list(
            sets,
            set.as_ref(),
            call.command,
            output,
            &self.options,
            &mut out,
        )
        .and_then(|()| out.flush().map_err(ListError::Output));
        match listed {
            Ok(()) => Ok(()),
            Err(ListError::Output(error)) => Err(cannot_write(&error)),
            Err(ListError::Kernel(error)) => self.checked(Err(error), call.command, None),
        }
    }

    fn help(&mut self, type_name: Option<&str>) -> Result<(), Stop> {
        let mut out = io::stdout().lock();
        command_line::help(&mut out).map_err(|error| cannot_write(&error))?;
        if self.is_quiet() {
            return Ok(());
        }
        let spec = match type_name {
            None => None,
            Some(name) => match types::find(name) {
                Some(spec) => Some(spec),
                None => return Err(Stop::Usage(format!("Unknown settype: `{name}'"))),
            },
        };
        command_line::type_help(&mut out, spec).map_err(|error| cannot_write(&error))
    }

    fn version(&mut self) -> Result<(), Stop> {
        print(&format!(
            "{PROGRAM} v{VERSION}, protocol version: {PROTOCOL}\n"
        ))?;
        let kernel = self.connect()?.protocol();
        if kernel.current != PROTOCOL {
            self.report.warning(format_args!(
                "Kernel support protocol versions {}-{} while userspace supports protocol versions \
                 {PROTOCOL}-{PROTOCOL}",
                kernel.minimum, kernel.current
            ));
        }
        Ok(())
    }

    /// The session with the kernel.
    pub(crate) fn connect(&mut self) -> Result<&mut IpSet, Stop> {
        let connected = self.sets.take().map_or_else(IpSet::connect, Ok);
        let sets = self.checked(connected, Command::Version, None)?;
        Ok(self.sets.insert(sets))
    }

    /// Puts an error of the kernel into the report.
    pub(crate) fn checked<T>(
        &mut self,
        result: Result<T, Error>,
        command: Command,
        set_type: Option<&SetType>,
    ) -> Result<T, Stop> {
        result.map_err(|error| {
            let text = error_text::explain(&error, command, set_type);
            self.report.error(text).into()
        })
    }

    fn if_exists(&self) -> IfExists {
        if self.options.exist {
            IfExists::Update
        } else {
            IfExists::Fail
        }
    }

    fn if_missing(&self) -> IfMissing {
        if self.options.exist {
            IfMissing::Ignore
        } else {
            IfMissing::Fail
        }
    }

    fn read_set_name(&mut self, text: &str) -> Result<SetName, Stop> {
        Ok(grammar::read_set_name(&mut self.report, text)?)
    }
}

fn path_of(text: &str) -> PathBuf {
    OsString::from_vec(text::bytes(text)).into()
}

/// Opens a file to read it, which a directory is not.
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from_raw_os_error(EISDIR));
    }
    Ok(file)
}

/// Prints at once.
fn print(text: &str) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    out.write_all(&text::bytes(text))
        .and_then(|()| out.flush())
        .map_err(|error| cannot_write(&error))
}

fn nothing_left(call: &Call) -> Result<(), Stop> {
    match call.rest.first() {
        None => Ok(()),
        Some(word) => Err(Stop::Usage(format!("Unknown argument {word}"))),
    }
}

/// Nobody is told that nobody listens.
fn cannot_write(error: &io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Stop::Quit;
    }
    Stop::Failed(format!(
        "Cannot write: {}",
        error_text::without_number(error)
    ))
}

// asm-generic/errno-base.h
const EISDIR: i32 = 21;
