//! Scripts: cases, which begin without any set, of steps.
//!
//! ```text
//! == what the case is about
//! create x hash:ip initval 1      the arguments of a command; "a b" is one, and \x20 a space
//! restore
//! < add x 192.0.2.1               a line of its standard input, quotes as they are
//! %file saved                     a file in the working directory, with the lines that follow
//! < create y hash:net
//! %same saved                     the file that both have written
//! ```
//!
//! `\n \r \t \\ \" \xHH` stand for a byte, `\{TEXT*N}` for N times TEXT; `\c` at the end of an
//! input line leaves out its newline. Lines that are empty or begin with `#` mean nothing.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStringExt as _;

/// What begins without any set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// One line of a case, with its input.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// As it is written, to be shown.
    pub(crate) text: String,
    pub(crate) action: Action,
    /// The lines of the standard input or of the file, each with its newline.
    pub(crate) input: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Run(Vec<Vec<u8>>),
    WriteFile(String),
    SameFile(String),
}

impl Step {
    /// A command with its standard input, as they are.
    pub(crate) fn run(arguments: &[String], input: &[String]) -> Self {
        Self {
            text: arguments
                .iter()
                .map(|argument| show(argument))
                .collect::<Vec<_>>()
                .join(" "),
            action: Action::Run(
                arguments
                    .iter()
                    .map(|argument| argument.clone().into_bytes())
                    .collect(),
            ),
            input: input
                .iter()
                .map(|line| format!("{line}\n").into_bytes())
                .collect(),
        }
    }
}

impl Case {
    /// Whether a line says which seed the hashes have; without it the kernel takes a random one.
    pub(crate) fn says_initval(&self) -> bool {
        let says = |bytes: &[u8]| bytes.windows(7).any(|window| window == b"initval");
        self.steps.iter().any(|step| {
            let said = match &step.action {
                Action::Run(words) => words.iter().any(|word| says(word)),
                Action::WriteFile(_) | Action::SameFile(_) => false,
            };
            said || step.input.iter().any(|line| says(line))
        })
    }

    /// The same for a kernel that takes no seed.
    pub(crate) fn without_initval(&self) -> Self {
        let mut case = self.clone();
        for step in &mut case.steps {
            if let Action::Run(words) = &mut step.action {
                while let Some(at) = words.iter().position(|word| word.ends_with(b"initval")) {
                    words.drain(at..words.len().min(at + 2));
                }
            }
            for line in &mut step.input {
                let option = b" initval ";
                while let Some(at) = line.windows(option.len()).position(|part| part == option) {
                    let value = at + option.len();
                    let blank = |byte: &u8| byte.is_ascii_whitespace();
                    let end = line[value..].iter().position(blank);
                    line.drain(at..end.map_or(line.len(), |end| value + end));
                }
            }
        }
        case
    }
}

/// The cases of `text`.
///
/// # Panics
///
/// On a line that is not well formed.
pub(crate) fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case {
                name: name.to_owned(),
                steps: Vec::new(),
            });
            continue;
        }
        let case = cases.last_mut().expect("a script begins with `== NAME`");
        if let Some(input) = line.strip_prefix('<') {
            let step = case.steps.last_mut().expect("input belongs to a command");
            let mut bytes = plain(input.strip_prefix(' ').unwrap_or(input));
            match bytes.strip_suffix(b"\\c") {
                Some(whole) => bytes.truncate(whole.len()),
                None => bytes.push(b'\n'),
            }
            step.input.push(bytes);
            continue;
        }
        let action = match line.split_once(' ') {
            Some(("%file", name)) => Action::WriteFile(name.to_owned()),
            Some(("%same", name)) => Action::SameFile(name.to_owned()),
            _ => Action::Run(words(line)),
        };
        case.steps.push(Step {
            text: line.to_owned(),
            action,
            input: Vec::new(),
        });
    }
    cases
}

/// One argument as a script would spell it.
fn show(argument: &str) -> String {
    if argument.is_empty() || argument.contains([' ', '"', '\\']) {
        let mut shown = String::from("\"");
        for character in argument.chars() {
            if matches!(character, '"' | '\\') {
                shown.push('\\');
            }
            shown.push(character);
        }
        shown + "\""
    } else {
        argument.to_owned()
    }
}

/// The script of a case, to be run again.
pub(crate) fn written(case: &Case) -> String {
    let mut text = format!("== {}\n", case.name);
    for step in &case.steps {
        let _ = writeln!(text, "{}", step.text);
        for line in &step.input {
            let _ = writeln!(
                text,
                "< {}",
                String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line))
            );
        }
    }
    text
}

pub(crate) fn os(argument: &[u8]) -> OsString {
    OsString::from_vec(argument.to_vec())
}

/// `text` with its escapes resolved; `\c` stays.
fn plain(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let (escaped, after) = escape(&rest[at..]);
        bytes.extend(escaped);
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The bytes that the escape at the beginning of `text` stands for, and what follows it.
fn escape(text: &str) -> (Vec<u8>, &str) {
    let (kind, after) = (text.as_bytes()[1], &text[2..]);
    match kind {
        b'n' => (vec![b'\n'], after),
        b'r' => (vec![b'\r'], after),
        b't' => (vec![b'\t'], after),
        b'\\' | b'"' => (vec![kind], after),
        b'c' => (b"\\c".to_vec(), after),
        b'x' => {
            let byte = u8::from_str_radix(&after[..2], 16).expect("two hexadecimal digits");
            (vec![byte], &after[2..])
        }
        b'{' => {
            let (inside, after) = after.split_once('}').expect("`\\{` is closed");
            let (repeated, times) = inside.rsplit_once('*').expect("\\{TEXT*N}");
            let times = times.parse().expect("a number of times");
            (repeated.as_bytes().repeat(times), after)
        }
        other => panic!("`\\{}` means nothing in a script", char::from(other)),
    }
}

/// The arguments in `line`.
fn words(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut rest = line;
    while let Some(&next) = rest.as_bytes().first() {
        if next == b'\\' {
            let (escaped, after) = escape(rest);
            word.get_or_insert_default().extend(escaped);
            rest = after;
            continue;
        }
        rest = rest
            .get(1..)
            .unwrap_or_else(|| panic!("write bytes over 127 as \\xHH: {line}"));
        match next {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    assert!(!quoted, "an open quote in {line}");
    words
}
