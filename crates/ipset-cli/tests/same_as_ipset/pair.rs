//! Two namespaces side by side: in one our program does the work, in the other the stock tool.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::slice::SliceIndex;
use std::{env, fs, thread};

use netns_testbed::{Failed, Namespace, Tool};
use tempfile::TempDir;

use crate::compare::same;
use crate::script::{Action, Case, Step, os};

pub(crate) struct Pair {
    ours: Side,
    stock: Side,
    /// Whether the kernel lets a script choose the seed of a hash; Linux 5.10 does not.
    knows_initval: bool,
}

/// A namespace and a working directory with the program that is tried there, and the stock tool to
/// look at it.
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

    /// Runs the case on both sides, beginning without sets, and gives the first `limit`
    /// differences, in words.
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
            let (mut ours, mut stock) = (ours?, stock?);
            if stock.status.signal().is_some() && ours.status.code() == Some(1) {
                // The stock tool fell over a mistake that ours names; what follows has no measure.
                return Ok(different);
            }
            let restores = arguments.iter().any(|argument| argument == b"restore");
            mistakes.push(None);
            if restores && stock.status.code() != Some(0) {
                let line;
                (stock, line) =
                    self.stock
                        .first_mistake(&case.steps[..=number], &mistakes, stock)?;
                mistakes[number] = Some(line);
                if !String::from_utf8_lossy(&stock.stderr).contains("Error in line ") {
                    ours.stderr = without_line(&ours.stderr, line);
                }
            }
            if ours.status != stock.status
                || !same(&ours.stdout, &stock.stdout, says_initval)
                || !same(&ours.stderr, &stock.stderr, says_initval)
            {
                different.push(difference(&step.text, &ours, &stock));
                if different.len() >= limit {
                    return Ok(different);
                }
            }
        }
        different.extend(self.state(says_initval)?);
        Ok(different)
    }

    /// Which commands the stock tool carries out, one after the other, beginning without sets.
    pub(crate) fn succeeds(&self, steps: &[Step]) -> Result<Vec<bool>, Failed> {
        self.stock.clear()?;
        steps
            .iter()
            .map(|step| match &step.action {
                Action::Run(arguments) => Ok(self.stock.run(arguments, &[])?.status.success()),
                Action::WriteFile(_) | Action::SameFile(_) => Ok(false),
            })
            .collect()
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
            // From a second thread: a program may answer before it has read everything, or not read
            // it at all.
            let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
            let output = child.wait_with_output()?;
            let _ = writer.join();
            Ok(output)
        })
    }

    /// What the tool says of the first mistake in the file that the last of `steps` reads, and in
    /// which line that is; the lines before it are applied, which the stock tool does not always do
    /// (see `deliberate.rs`).
    fn first_mistake(
        &self,
        steps: &[Step],
        mistakes: &[Option<usize>],
        mut said: Output,
    ) -> Result<(Output, usize), Failed> {
        let (last, before) = steps.split_last().expect("there is a last step");
        let file = File::of(last, before);
        // The first so many lines pass; so many do not.
        let (mut pass, mut fail) = (0, file.lines.len().max(1));
        while fail - pass > 1 {
            let middle = usize::midpoint(pass, fail);
            self.again(before, mistakes)?;
            let output = file.run(self, ..middle)?;
            if output.status.success() {
                pass = middle;
            } else {
                fail = middle;
                said = output;
            }
        }
        self.again(before, mistakes)?;
        file.run(self, ..pass)?;
        file.run(self, pass..fail)?;
        Ok((said, fail))
    }

    /// Everything again from the beginning, files that have a mistake only up to that line.
    fn again(&self, steps: &[Step], mistakes: &[Option<usize>]) -> Result<(), Failed> {
        self.clear()?;
        for (number, (step, mistake)) in steps.iter().zip(mistakes).enumerate() {
            match (&step.action, mistake) {
                (Action::Run(arguments), None) => drop(self.run(arguments, &step.input)?),
                (Action::Run(_), Some(line)) => {
                    let file = File::of(step, &steps[..number]);
                    file.run(self, ..line - 1)?;
                    file.run(self, line - 1..*line)?;
                }
                (Action::WriteFile(name), _) => {
                    fs::write(self.directory.path().join(name), step.input.concat())?;
                }
                (Action::SameFile(_), _) => {}
            }
        }
        Ok(())
    }
}

/// What a step restores: its standard input, or a file that an earlier step wrote.
struct File<'a> {
    arguments: &'a [Vec<u8>],
    name: Option<&'a str>,
    lines: &'a [Vec<u8>],
}

impl<'a> File<'a> {
    fn of(step: &'a Step, before: &'a [Step]) -> Self {
        let Action::Run(arguments) = &step.action else {
            panic!("{} restores nothing", step.text);
        };
        let written = before.iter().rev().find_map(|step| match &step.action {
            Action::WriteFile(name) if arguments.iter().any(|word| word == name.as_bytes()) => {
                Some((name.as_str(), step.input.as_slice()))
            }
            _ => None,
        });
        Self {
            arguments,
            name: written.map(|(name, _)| name),
            lines: written.map_or(step.input.as_slice(), |(_, lines)| lines),
        }
    }

    /// Runs the step with some of the lines.
    fn run(
        &self,
        side: &Side,
        lines: impl SliceIndex<[Vec<u8>], Output = [Vec<u8>]>,
    ) -> Result<Output, Failed> {
        let part = self.lines.get(lines).unwrap_or_default();
        let Some(name) = self.name else {
            return side.run(self.arguments, part);
        };
        let path = side.directory.path().join(name);
        fs::write(&path, part.concat())?;
        let output = side.run(self.arguments, part)?;
        fs::write(&path, self.lines.concat())?;
        Ok(output)
    }
}

/// What our program says of a mistake in this line, without the line, which the stock tool does not
/// always name (see `deliberate.rs`).
fn without_line(said: &[u8], line: usize) -> Vec<u8> {
    let (begin, prefix) = ("ipset v7.17: ", format!("Error in line {line}: "));
    let Some(rest) = said.strip_prefix(format!("{begin}{prefix}").as_bytes()) else {
        return said.to_vec();
    };
    [begin.as_bytes(), rest].concat()
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
