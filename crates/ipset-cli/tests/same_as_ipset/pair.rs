//! Two namespaces side by side: in one our program does the work, in the other the stock tool.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use netns_testbed::{Failed, Namespace, Tool};
use tempfile::TempDir;

use crate::compare::same;
use crate::script::{Action, Case, Step, os};

/// What stands before the number of the line in which a file has its mistake.
const MISTAKE: &str = "Error in line ";

pub(crate) struct Pair {
    ours: Side,
    stock: Side,
    /// Whether the kernel lets a script choose the seed of a hash; Linux 5.10 does not.
    knows_initval: bool,
}

/// A namespace and a working directory with the program that is tried there, and the stock tool to look at it.
struct Side {
    namespace: Namespace,
    directory: TempDir,
    program: PathBuf,
    stock: PathBuf,
}

/// The program under test.
pub(crate) fn ours() -> PathBuf {
    env::var_os("IPSET_CLI").map_or_else(|| env!("CARGO_BIN_EXE_ipset-cli").into(), PathBuf::from)
}

impl Pair {
    pub(crate) fn new() -> Result<Self, Failed> {
        let tool = Tool::require("ipset")?;
        let stock = Side::new(tool.path().to_owned(), tool.path())?;
        let seeded = stock.look(&["create", "seeded", "hash:ip", "initval", "1"])?;
        Ok(Self {
            ours: Side::new(ours(), tool.path())?,
            stock,
            knows_initval: seeded.status.success(),
        })
    }

    /// Runs the case on both sides, beginning without sets, and gives the first `limit` differences, in words.
    ///
    /// # Errors
    ///
    /// When something is in the way of comparing.
    pub(crate) fn run(&self, case: &Case, limit: usize) -> Result<Vec<String>, Failed> {
        self.ours.clear()?;
        self.stock.clear()?;
        let without;
        let case = if self.knows_initval {
            case
        } else {
            without = case.without_initval();
            &without
        };
        let says_initval = case.says_initval();
        // Of every step so far, the line in which its file has a mistake.
        let mut mistakes = Vec::new();
        let mut different = Vec::new();
        for (number, step) in case.steps.iter().enumerate() {
            let Action::Run(arguments) = &step.action else {
                different.extend(self.file(step, says_initval)?);
                mistakes.push(None);
                continue;
            };
            let (ours, stock) = thread::scope(|scope| {
                let ours = scope.spawn(|| self.ours.run(arguments, &step.input));
                let stock = self.stock.run(arguments, &step.input);
                (ours.join().expect("the thread runs a program"), stock)
            });
            let (ours, stock) = (ours?, stock?);
            if ours.status != stock.status
                || !same(&ours.stdout, &stock.stdout, says_initval)
                || !same(&ours.stderr, &stock.stderr, says_initval)
            {
                different.push(difference(&step.text, &ours, &stock));
                if different.len() >= limit {
                    return Ok(different);
                }
            }
            mistakes.push(mistake(&stock));
            if mistake(&stock).is_some() {
                self.stock.again(&case.steps[..=number], &mistakes)?;
            }
        }
        different.extend(self.state(says_initval)?);
        Ok(different)
    }

    /// In what the kernel's sets differ.
    fn state(&self, says_initval: bool) -> Result<Option<String>, Failed> {
        for arguments in [["save", "-q"], ["list", "-t"]] {
            let ours = self.ours.look(&arguments)?;
            let stock = self.stock.look(&arguments)?;
            if !same(&ours.stdout, &stock.stdout, says_initval) {
                let title = format!("the state afterwards, by `ipset {}`", arguments.join(" "));
                return Ok(Some(difference(&title, &ours, &stock)));
            }
        }
        Ok(None)
    }

    /// Writes a file on both sides, or says in what the two that are there differ.
    fn file(&self, step: &Step, says_initval: bool) -> Result<Option<String>, Failed> {
        match &step.action {
            Action::WriteFile(name) => {
                for side in [&self.ours, &self.stock] {
                    fs::write(side.directory.path().join(name), step.input.concat())?;
                }
            }
            Action::SameFile(name) => {
                let [ours, stock] = [&self.ours, &self.stock]
                    .map(|side| fs::read(side.directory.path().join(name)));
                let (Ok(ours), Ok(stock)) = (&ours, &stock) else {
                    let both_missing = ours.is_err() && stock.is_err();
                    let text = format!("{name}: ours {ours:?}, stock {stock:?}\n");
                    return Ok((!both_missing).then_some(text));
                };
                if !same(ours, stock, says_initval) {
                    return Ok(Some(format!("{name}\n{}", by_line(ours, stock))));
                }
            }
            Action::Run(_) => {}
        }
        Ok(None)
    }
}

impl Side {
    fn new(program: PathBuf, stock: &Path) -> Result<Self, Failed> {
        Ok(Self {
            namespace: Namespace::new()?,
            directory: TempDir::new()?,
            program,
            stock: stock.to_owned(),
        })
    }

    /// Without sets and without files.
    fn clear(&self) -> Result<(), Failed> {
        // A set that another one lists as a member cannot be destroyed before that is empty.
        let destroyed = self.start(
            &self.stock,
            &[b"restore".to_vec()],
            b"flush\ndestroy\n".to_vec(),
        )?;
        if !destroyed.status.success() {
            let said = destroyed.stderr.escape_ascii();
            return Err(format!("cannot clear the sets: {said}").into());
        }
        for entry in fs::read_dir(self.directory.path())? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    fn look(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| argument.as_bytes().to_vec())
            .collect();
        self.start(&self.stock, &arguments, Vec::new())
    }

    fn run(&self, arguments: &[Vec<u8>], input: &[Vec<u8>]) -> Result<Output, Failed> {
        self.start(&self.program, arguments, input.concat())
    }

    fn start(
        &self,
        program: &Path,
        arguments: &[Vec<u8>],
        input: Vec<u8>,
    ) -> Result<Output, Failed> {
        self.namespace.run(|| {
            let mut child = Command::new(program)
                .args(arguments.iter().map(|argument| os(argument)))
                .current_dir(self.directory.path())
                .env("LC_ALL", "C")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
            let stdin = child.stdin.take();
            // From a second thread: a program may answer before it has read everything, or not read it at all.
            let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
            let output = child.wait_with_output()?;
            let _ = writer.join();
            Ok(output)
        })
    }

    /// Everything again from the beginning, but files that have a mistake only up to that line.
    ///
    /// The stock tool collects lines and loses those that it has not sent when a later one is wrong; ours applies
    /// every line before the mistake (see `deliberate.rs`).
    fn again(&self, steps: &[Step], mistakes: &[Option<usize>]) -> Result<(), Failed> {
        self.clear()?;
        let mut files: Vec<(&str, &[Vec<u8>])> = Vec::new();
        for (step, mistake) in steps.iter().zip(mistakes) {
            match (&step.action, mistake) {
                (Action::Run(arguments), None) => drop(self.run(arguments, &step.input)?),
                (Action::Run(arguments), Some(line)) => {
                    self.run_up_to(arguments, &step.input, &files, *line)?;
                }
                (Action::WriteFile(name), _) => {
                    fs::write(self.directory.path().join(name), step.input.concat())?;
                    files.push((name, &step.input));
                }
                (Action::SameFile(_), _) => {}
            }
        }
        Ok(())
    }

    /// Runs a command that reads `input`, or one of `files`, with what stands there before `line` and then with this
    /// line alone, which leaves behind what it did before it failed.
    fn run_up_to(
        &self,
        arguments: &[Vec<u8>],
        input: &[Vec<u8>],
        files: &[(&str, &[Vec<u8>])],
        line: usize,
    ) -> Result<(), Failed> {
        let read = files
            .iter()
            .rev()
            .find(|(name, _)| arguments.iter().any(|argument| argument == name.as_bytes()));
        let lines = read.map_or(input, |(_, lines)| lines);
        let wrong = lines.get(line - 1..line).unwrap_or_default();
        for part in [lines.get(..line - 1).unwrap_or(lines), wrong] {
            if let Some((name, _)) = read {
                fs::write(self.directory.path().join(name), part.concat())?;
            }
            self.run(arguments, part)?;
        }
        if let Some((name, whole)) = read {
            fs::write(self.directory.path().join(name), whole.concat())?;
        }
        Ok(())
    }
}

/// The number of the wrong line, if that is what the output says.
fn mistake(output: &Output) -> Option<usize> {
    let text = String::from_utf8_lossy(&output.stderr);
    let (_, after) = text.split_once(MISTAKE)?;
    after
        .split(':')
        .next()?
        .parse()
        .ok()
        .filter(|&line| line > 0)
}

fn difference(what: &str, ours: &Output, stock: &Output) -> String {
    let mut text = format!("{what}\n");
    if ours.status != stock.status {
        let _ = writeln!(text, "ours:  {}\nstock: {}", ours.status, stock.status);
    }
    for (name, ours, stock) in [
        ("stdout", &ours.stdout, &stock.stdout),
        ("stderr", &ours.stderr, &stock.stderr),
    ] {
        if ours != stock {
            let _ = writeln!(text, "{name}:");
            text.push_str(&by_line(ours, stock));
        }
    }
    text
}

/// The lines that differ.
fn by_line(ours: &[u8], stock: &[u8]) -> String {
    let lines = |bytes: &[u8]| -> Vec<String> {
        bytes
            .split_inclusive(|&byte| byte == b'\n')
            .map(|line| line.escape_ascii().to_string())
            .collect()
    };
    let (ours, stock) = (lines(ours), lines(stock));
    let mut text = String::new();
    let common = ours
        .iter()
        .zip(&stock)
        .take_while(|(ours, stock)| ours == stock);
    let skip = common.count();
    for (name, lines) in [("ours ", &ours), ("stock", &stock)] {
        for (number, line) in lines.iter().enumerate().skip(skip).take(12) {
            let _ = writeln!(text, "  {name} {:3}: {line}", number + 1);
        }
    }
    text
}
