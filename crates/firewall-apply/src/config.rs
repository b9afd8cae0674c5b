//! The configuration file, read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ipset_netlink::{CreateSet, SetName, SetType, Timeout};
use iptables_ruleset::config::SetType as ConfiguredType;
use iptables_ruleset::{Config, ConfigError, Family, Ruleset};
use serde::Serialize;

use crate::findings::{Findings, Problem, causes};

/// Where the configuration comes from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Source {
    /// The file.
    pub(crate) path: PathBuf,
    /// Whether it exists; if not, the configuration is the built-in one.
    pub(crate) found: bool,
}

/// What the configuration asks for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// How many services it has.
    pub(crate) services: usize,
    /// The sets of both families.
    pub(crate) sets: Vec<CreateSet>,
    /// The rules, IPv4 before IPv6.
    pub(crate) rulesets: [Ruleset; 2],
}

/// Reads the file; `required` says that it has to exist.
///
/// `None` when it cannot be read or asks for what cannot be: the reason is then among the findings.
pub(crate) fn load(
    path: &Path,
    required: bool,
    findings: &mut Findings,
) -> (Source, Option<Wanted>) {
    let mut source = Source {
        path: path.to_owned(),
        found: true,
    };
    let config = match fs::read(path) {
        Ok(bytes) => parse(path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {
            source.found = false;
            Ok(Config::default())
        }
        Err(error) => {
            Err(format!("cannot read the configuration {}: {error}", path.display()).into())
        }
    };
    let wanted = config.and_then(|config| wanted(&config).map_err(|why| Problem::file(path, why)));
    match wanted {
        Ok(wanted) => (source, Some(wanted)),
        Err(problem) => {
            findings.refuse(problem);
            (source, None)
        }
    }
}

/// The names of our sets, which are the same with every configuration.
pub(crate) fn set_names() -> Result<Vec<SetName>, String> {
    let sets = sets(&Config::default())?;
    Ok(sets.into_iter().map(|set| set.name).collect())
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Config, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        Problem::line(path, line, "this is no UTF-8 text")
    })?;
    Config::parse(text).map_err(|error| Problem {
        line: Some(error.line()),
        column: Some(error.column()),
        excerpt: excerpt(text, &error),
        ..Problem::file(path, error.message())
    })
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

fn wanted(config: &Config) -> Result<Wanted, String> {
    let ruleset = |family| {
        let ruleset = config.ruleset(family).map_err(|error| causes(&error))?;
        ruleset.check().map_err(|error| causes(&error))?;
        Ok::<_, String>(ruleset)
    };
    Ok(Wanted {
        services: config.services.len(),
        sets: sets(config)?,
        rulesets: [ruleset(Family::Ipv4)?, ruleset(Family::Ipv6)?],
    })
}

fn sets(config: &Config) -> Result<Vec<CreateSet>, String> {
    let required = config.required_sets().map_err(|error| causes(&error))?;
    required
        .into_iter()
        .map(|set| {
            let name: SetName = set
                .name
                .as_str()
                .parse()
                .map_err(|error: ipset_netlink::SetNameError| causes(&error))?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
