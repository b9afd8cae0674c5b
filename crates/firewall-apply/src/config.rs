//! The configuration file, read.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ipset_netlink::{Key, SetName};
use iptables_ruleset::{Config, ConfigError, Family, Ruleset, UnixTime};
use serde::Serialize;

use crate::configured::{self, ConfiguredSet, List};
use crate::files;
use crate::findings::{Findings, Problem, causes};

/// Where the configuration comes from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Source {
    /// The file.
    pub(crate) path: PathBuf,
    /// Whether it exists; if not, the configuration is the built-in one.
    pub(crate) found: bool,
    /// The files beside it that were read after it.
    pub(crate) more: Vec<PathBuf>,
}

/// The file, or that there is none.
impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        if self.found {
            write!(f, "{path}")?;
        } else {
            write!(f, "the built-in defaults ({path} does not exist)")?;
        }
        for more in &self.more {
            write!(f, ", {}", more.display())?;
        }
        Ok(())
    }
}

/// What the configuration asks for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The configuration itself.
    pub(crate) config: Config,
    /// The text it was read from.
    pub(crate) text: String,
    /// What it says that is over.
    pub(crate) over: Vec<Problem>,
    /// The sets of both families.
    pub(crate) sets: Vec<ConfiguredSet>,
    /// The members that the configuration puts into each of them.
    pub(crate) members: BTreeMap<SetName, Vec<Key>>,
    /// The lists that files hold.
    pub(crate) lists: Vec<List>,
    /// The rules of each table, IPv4 before IPv6.
    pub(crate) rulesets: Vec<Ruleset>,
    /// The rules that another configuration can have in tables where this one has none.
    pub(crate) unwanted: Vec<Ruleset>,
}

impl Wanted {
    /// The members that the configuration puts into a set.
    pub(crate) fn members_of(&self, set: &SetName) -> &[Key] {
        self.members.get(set).map_or(&[], Vec::as_slice)
    }
}

/// Reads the file; `required` says that it has to exist.
///
/// Returns `None` when it cannot be read or asks for what cannot be: the reason is then among the
/// findings.
pub(crate) fn load(
    path: &Path,
    required: bool,
    findings: &mut Findings,
) -> (Source, Option<Wanted>) {
    let mut source = Source {
        path: path.to_owned(),
        found: true,
        more: Vec::new(),
    };
    let read = match files::read(path, MAX_SIZE) {
        // Named, it says that there is no file, and none beside it.
        Ok(_) if path == Path::new(NO_FILE) => Ok(BUILT_IN.as_bytes().to_vec()),
        Ok(bytes) => with_more(path, bytes, &mut source.more),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {
            source.found = false;
            with_more(path, BUILT_IN.as_bytes().to_vec(), &mut source.more)
        }
        Err(error) => {
            Err(format!("cannot read the configuration {}: {error}", path.display()).into())
        }
    };
    match read.and_then(|bytes| parse(path, &bytes)) {
        Ok(wanted) => (source, Some(wanted)),
        Err(problem) => {
            findings.refuse(problem);
            (source, None)
        }
    }
}

/// A configuration, and behind it the files of the directory beside it, in the order of their
/// names, each under a line that names it: what is kept of a configuration is one file.
fn with_more(path: &Path, mut text: Vec<u8>, more: &mut Vec<PathBuf>) -> Result<Vec<u8>, Problem> {
    let directory = path.with_extension(MORE);
    let cannot = |what: &Path, error: &io::Error| -> Problem {
        format!("cannot read the configuration {}: {error}", what.display()).into()
    };
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(text);
        }
        Err(error) => return Err(cannot(&directory, &error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| cannot(&directory, &error))?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|ending| ending == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        let bytes = files::read(&path, MAX_SIZE).map_err(|error| cannot(&path, &error))?;
        let Some(name) = name_of(&path) else {
            return Err(Problem::file(&path, NO_NAME));
        };
        text.extend_from_slice(format!("\n{NEXT_FILE}{name}\n").as_bytes());
        text.extend_from_slice(&bytes);
        more.push(path);
    }
    Ok(text)
}

/// The files that a text holds: the first, and those that a line of their own names.
fn parts<'t>(path: &Path, bytes: &'t [u8]) -> Vec<(PathBuf, &'t [u8])> {
    let mut parts = Vec::new();
    let mut name = path.to_owned();
    let (mut start, mut at) = (0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let next = std::str::from_utf8(line).ok();
        if let Some(next) = next.and_then(|line| line.strip_prefix(NEXT_FILE)) {
            // The line break before it is none of the file.
            let whole = bytes.get(start..at).unwrap_or_default();
            let above = std::str::from_utf8(whole).is_ok_and(|text| text.lines().all(is_of_ours));
            // What stands above the first file is none.
            if !(parts.is_empty() && above) {
                parts.push((name, whole.strip_suffix(b"\n").unwrap_or(whole)));
            }
            name = PathBuf::from(next.trim_end_matches('\n'));
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push((name, bytes.get(start..).unwrap_or_default()));
    parts
}

/// What is wanted where there is no file.
pub(crate) fn built_in() -> Result<Wanted, Problem> {
    let text = BUILT_IN.to_owned();
    Ok(wanted(Config::default(), text, Path::new(""))?)
}

/// The names of our sets: those that every configuration has, and those that this one names.
pub(crate) fn set_names(wanted: Option<&Wanted>) -> Result<Vec<SetName>, String> {
    let mut names: Vec<SetName> = configured::sets(&Config::default())?
        .into_iter()
        .map(|set| set.create.name)
        .collect();
    for set in wanted.into_iter().flat_map(|wanted| &wanted.sets) {
        if !names.contains(set.name()) {
            names.push(set.name().clone());
        }
    }
    Ok(names)
}

/// What a file of this content asks for.
///
/// # Errors
///
/// What is wrong with it, with its place. A file in which nothing stands is refused: a full disk or
/// a slip leaves it behind, and nobody means it as "the defaults".
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Wanted, Problem> {
    let mut config: Option<Config> = None;
    let mut over = Vec::new();
    let now = UnixTime::from(SystemTime::now());
    let parts = parts(path, bytes);
    let first = parts.first().map_or(path, |(path, _)| path).to_owned();
    for (path, bytes) in parts {
        let text = utf8(&path, bytes)?;
        let read = match config {
            None => Config::parse(text),
            Some(before) => before.and(text),
        };
        let at = |error: &ConfigError| Problem {
            line: Some(error.line()),
            column: Some(error.column()),
            excerpt: excerpt(text, error),
            ..Problem::file(&path, error.message())
        };
        config = Some(read.map_err(|error| at(&error))?);
        over.extend(Config::over(text, now).iter().map(at));
    }
    // Each file was text, and what stands between them is.
    let mut whole = String::from_utf8_lossy(bytes).into_owned();
    let config = config.unwrap_or_default();
    let wrong = |why: String| Problem::file(path, why);
    let first = std::path::absolute(&first).map_err(|error| wrong(error.to_string()))?;
    if configured::has_relative_paths(&config) && !begins_with_its_name(&whole) {
        let name = name_of(&first).ok_or_else(|| wrong(NO_NAME.to_owned()))?;
        // What is kept of it lies elsewhere.
        whole = format!("{NEXT_FILE}{name}\n{whole}");
    }
    let folder = first.parent().unwrap_or(Path::new("/"));
    let wanted = wanted(config, whole, folder).map_err(wrong)?;
    Ok(Wanted { over, ..wanted })
}

/// Whether the first line names the file below it, or the first but for one that says when it went
/// in.
fn begins_with_its_name(text: &str) -> bool {
    let mut lines = text.lines();
    lines
        .find(|line| !is_of_ours(line))
        .is_some_and(|line| line.starts_with(NEXT_FILE))
}

/// A line above those of the first file.
fn is_of_ours(line: &str) -> bool {
    line.starts_with(OURS) && !line.starts_with(NEXT_FILE)
}

/// The name of a file as a line can hold it.
fn name_of(path: &Path) -> Option<&str> {
    path.to_str().filter(|name| !name.contains('\n'))
}

fn utf8<'t>(path: &Path, bytes: &'t [u8]) -> Result<&'t str, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        Problem::line(path, line, "this is no UTF-8 text")
    })?;
    let says_nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(says_nothing) {
        return Err(Problem::file(path, NOTHING_IN_IT));
    }
    Ok(text)
}

/// The line of the error with a caret under the place.
fn excerpt(text: &str, error: &ConfigError) -> Option<String> {
    let line = text.lines().nth(error.line().checked_sub(1)?)?;
    let number = error.line().to_string();
    let margin = " ".repeat(number.len());
    // Tabs stay tabs, so that the caret stands below its character whatever their width.
    let before: String = line
        .chars()
        .take(error.column().saturating_sub(1))
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    // What a terminal would act on instead of showing it.
    let line: String = line
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    Some(format!(" {number} | {line}\n {margin} | {before}^"))
}

fn wanted(config: Config, text: String, folder: &Path) -> Result<Wanted, String> {
    let (mut rulesets, mut unwanted) = (Vec::new(), Vec::new());
    for family in Family::BOTH {
        rulesets.extend(config.rulesets(family).map_err(|error| causes(&error))?);
        unwanted.extend(config.unwanted(family).map_err(|error| causes(&error))?);
    }
    Ok(Wanted {
        sets: configured::sets(&config)?,
        members: configured::members(&config)?,
        lists: configured::lists(&config, folder)?,
        rulesets,
        unwanted,
        over: Vec::new(),
        text,
        config,
    })
}

/// The file that stands for the built-in defaults when it is named as the configuration.
pub(crate) const NO_FILE: &str = "/dev/null";
/// The built-in defaults as a file.
const BUILT_IN: &str = "# the built-in defaults\n[policy]\n";
const NOTHING_IN_IT: &str = "nothing stands in it but blanks and comments. A file that was cut off looks like that, so that it \
     does not stand for the defaults: write out what is wanted, or remove the file to have the built-in defaults";
/// What the ending of a configuration's name is replaced with in that of the directory of more.
const MORE: &str = "d";
/// What a line begins with that names the file below it.
const NEXT_FILE: &str = "# rampart next file: ";
/// What each line begins with that no file has.
const OURS: &str = "# rampart ";
const NO_NAME: &str = "the name of the file is no text of one line";
/// Bytes of a configuration: far more than the kernel takes rules.
pub(crate) const MAX_SIZE: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_not_the_defaults() {
        for text in ["", "\n", "  # x\n\t\n#y"] {
            let problem = parse(Path::new("x"), text.as_bytes()).unwrap_err();
            assert!(problem.to_string().starts_with("x: nothing stands in it"));
        }
        assert!(parse(Path::new("x"), BUILT_IN.as_bytes()).is_ok());
    }

    #[test]
    fn the_place_of_an_error_is_shown() {
        let text = "[log]\n\tblocked-levle = 4\n";
        let error = Config::parse(text).unwrap_err();
        let shown = excerpt(text, &error).unwrap();
        assert_eq!(shown, " 2 | \tblocked-levle = 4\n   | \t^");
    }

    #[test]
    fn a_file_that_is_no_text_is_named_with_the_line() {
        let problem = parse(Path::new("x"), b"[log]\n\xff\n").unwrap_err();
        assert_eq!(problem.to_string(), "x:2: this is no UTF-8 text");
    }

    #[test]
    fn files_beside_it_are_read_in_the_order_of_their_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("firewall.toml");
        let more = directory.path().join("firewall.d");
        std::fs::create_dir(&more).unwrap();
        let write = |name: &str, text: &str| std::fs::write(more.join(name), text).unwrap();
        write(
            "20-b.toml",
            "[log]\nblocked-level = 2\n[[service]]\nuse = \"mdns\"\n",
        );
        write("10-a.toml", "[log]\nblocked-level = 1\nallowed-level = 3");
        write("readme.txt", "no");
        write(".hidden.toml", "no");
        let mut findings = Findings::default();
        let mut load = |required| load(&path, required, &mut findings);
        let (source, wanted) = load(false);
        let wanted = wanted.unwrap();
        assert!(!source.found && source.more.len() == 2);
        assert!(source.to_string().ends_with("20-b.toml"), "{source}");
        let levels = |wanted: &Wanted| {
            let log = &wanted.config.log;
            (log.blocked_level.number(), log.allowed_level.number())
        };
        assert_eq!(levels(&wanted), (2, 3));
        // ssh and https are there although no file names them.
        assert_eq!(wanted.config.services.len(), 3);

        std::fs::write(
            &path,
            "[log]\nlimited-level = 7\n[[service]]\nuse = \"ssh\"\n",
        )
        .unwrap();
        let (_, wanted) = load(true);
        let wanted = wanted.unwrap();
        assert_eq!(wanted.config.services.len(), 2);
        // What is kept of it is one file, and means the same.
        let again = parse(Path::new("kept"), wanted.text.as_bytes()).unwrap();
        assert_eq!(again.config, wanted.config);
        assert!(!findings.failed(), "{findings:?}");
    }

    #[test]
    fn the_file_of_a_mistake_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("firewall.toml");
        let more = directory.path().join("firewall.d");
        std::fs::create_dir(&more).unwrap();
        std::fs::write(&path, "[log]\n").unwrap();
        let problem = |text: &[u8]| {
            std::fs::write(more.join("10-a.toml"), text).unwrap();
            let mut findings = Findings::default();
            assert!(load(&path, true, &mut findings).1.is_none());
            findings.errors.remove(0)
        };
        let wrong = problem(b"# x\n[log]\n\nquite = []\n");
        assert_eq!(wrong.path, Some(more.join("10-a.toml")));
        assert_eq!((wrong.line, wrong.column), (Some(4), Some(1)));
        assert!(
            wrong.to_string().contains("did you mean \"quiet\"?"),
            "{wrong}"
        );
        assert!(wrong.excerpt.unwrap().starts_with(" 4 | quite = []"));
        let wrong = problem(b"[log]\n\xff");
        assert_eq!(
            (wrong.path, wrong.line),
            (Some(more.join("10-a.toml")), Some(2))
        );
        let wrong = problem(b"# nothing\n");
        assert_eq!(wrong.path, Some(more.join("10-a.toml")));
    }

    #[test]
    fn the_defaults_ask_for_eight_sets() {
        let names: Vec<_> = set_names(None)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        let bases = ["whitelist", "blacklist", "throttle-soft", "throttle-hard"];
        let with_v6 = bases.map(|base| format!("{base}_v6"));
        assert_eq!(names, [bases.map(str::to_owned), with_v6].concat());
    }
}
