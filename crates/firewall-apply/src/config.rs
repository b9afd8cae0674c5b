//! The configuration file, read.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

use ipset_netlink::{CreateSet, Key, SetName, SetType, Timeout};
use iptables_ruleset::config::SetType as ConfiguredType;
use iptables_ruleset::{Config, ConfigError, Family, Ruleset};
use serde::Serialize;

use crate::files;
use crate::findings::{Findings, Problem, causes};

/// Where the configuration comes from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Source {
    /// The file.
    pub(crate) path: PathBuf,
    /// Whether it exists; if not, the configuration is the built-in one.
    pub(crate) found: bool,
}

/// The file, or that there is none.
impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        if self.found {
            write!(f, "{path}")
        } else {
            write!(f, "the built-in defaults ({path} does not exist)")
        }
    }
}

/// What the configuration asks for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The configuration itself.
    pub(crate) config: Config,
    /// The text it was read from.
    pub(crate) text: String,
    /// The sets of both families.
    pub(crate) sets: Vec<CreateSet>,
    /// The members that the configuration puts into each of them.
    pub(crate) members: BTreeMap<SetName, Vec<Key>>,
    /// The rules, IPv4 before IPv6.
    pub(crate) rulesets: [Ruleset; 2],
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
    };
    let wanted = match files::read(path, MAX_SIZE) {
        // Named, it says that there is no file.
        Ok(_) if path == Path::new(NO_FILE) => built_in(),
        Ok(bytes) => parse(path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {
            source.found = false;
            built_in()
        }
        Err(error) => {
            Err(format!("cannot read the configuration {}: {error}", path.display()).into())
        }
    };
    match wanted {
        Ok(wanted) => (source, Some(wanted)),
        Err(problem) => {
            findings.refuse(problem);
            (source, None)
        }
    }
}

/// What is wanted where there is no file.
pub(crate) fn built_in() -> Result<Wanted, Problem> {
    Ok(wanted(Config::default(), BUILT_IN)?)
}

/// The names of our sets, which are the same with every configuration.
pub(crate) fn set_names() -> Result<Vec<SetName>, String> {
    let sets = sets(&Config::default())?;
    Ok(sets.into_iter().map(|set| set.name).collect())
}

/// What a file of this content asks for.
///
/// # Errors
///
/// What is wrong with it, with its place. A file in which nothing stands is refused: a full disk or
/// a slip leaves it behind, and nobody means it as "the defaults".
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Wanted, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        Problem::line(path, line, "this is no UTF-8 text")
    })?;
    let says_nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(says_nothing) {
        return Err(Problem::file(path, NOTHING_IN_IT));
    }
    let config = Config::parse(text).map_err(|error| Problem {
        line: Some(error.line()),
        column: Some(error.column()),
        excerpt: excerpt(text, &error),
        ..Problem::file(path, error.message())
    })?;
    wanted(config, text).map_err(|why| Problem::file(path, why))
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

fn wanted(config: Config, text: &str) -> Result<Wanted, String> {
    let ruleset = |family| config.ruleset(family).map_err(|error| causes(&error));
    let rulesets = [ruleset(Family::Ipv4)?, ruleset(Family::Ipv6)?];
    Ok(Wanted {
        sets: sets(&config)?,
        members: members(&config)?,
        rulesets,
        text: text.to_owned(),
        config,
    })
}

fn members(config: &Config) -> Result<BTreeMap<SetName, Vec<Key>>, String> {
    let mut members = BTreeMap::new();
    for set in config.required_sets().map_err(|error| causes(&error))? {
        let keys: Result<Vec<Key>, _> = set
            .members
            .iter()
            .map(|member| match set.set_type {
                ConfiguredType::HashIp => Ok(Key::ip(member.address())),
                _ => Key::net(member.address(), member.prefix_length()),
            })
            .collect();
        members.insert(name_of(&set.name)?, keys.map_err(|error| causes(&error))?);
    }
    Ok(members)
}

fn name_of(name: &iptables_ruleset::SetName) -> Result<SetName, String> {
    name.as_str()
        .parse()
        .map_err(|error: ipset_netlink::SetNameError| causes(&error))
}

fn sets(config: &Config) -> Result<Vec<CreateSet>, String> {
    let required = config.required_sets().map_err(|error| causes(&error))?;
    required
        .into_iter()
        .map(|set| {
            let name = name_of(&set.name)?;
            let set_type = match set.set_type {
                ConfiguredType::HashIp => SetType::HashIp,
                ConfiguredType::HashNet => SetType::HashNet,
                other => return Err(format!("cannot create sets of type {}", other.name())),
            };
            let family = match set.family {
                Family::Ipv4 => ipset_netlink::Family::Inet,
                Family::Ipv6 => ipset_netlink::Family::Inet6,
            };
            Ok(CreateSet::new(name, set_type, family)
                .timeout(Timeout::PERMANENT)
                .max_elements(set.maxelem.get()))
        })
        .collect()
}

/// The file that stands for the built-in defaults when it is named as the configuration.
pub(crate) const NO_FILE: &str = "/dev/null";
/// The built-in defaults as a file.
const BUILT_IN: &str = "# the built-in defaults\n[policy]\n";
const NOTHING_IN_IT: &str = "nothing stands in it but blanks and comments. A file that was cut off looks like that, so that it \
     does not stand for the defaults: write out what is wanted, or remove the file to have the built-in defaults";
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
    fn the_defaults_ask_for_eight_sets() {
        let names: Vec<_> = set_names()
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        let bases = ["whitelist", "blacklist", "throttle-soft", "throttle-hard"];
        let with_v6 = bases.map(|base| format!("{base}_v6"));
        assert_eq!(names, [bases.map(str::to_owned), with_v6].concat());
    }
}
