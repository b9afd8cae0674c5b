//! `scan.toml(5)`: the keys of a rule, each with the help of the flag of its name.

use clap::{Arg, Command};
use clap_mangen::roff::{Roff, roman};

use crate::markdown;
use crate::page::{Issue, head, heading, literal, paragraph, see_also, subheading, term, tidy};

/// The rules as they are installed.
const PACKAGED: &str = include_str!("../rampart/scan.toml");
const README: &str = include_str!("../../crates/log-scanner/README.md");
/// The README speaks of rules from this heading on.
const FROM: &str = "What counts";

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("log-scanner reads no key of a rule")]
    NoKeys,
    #[error("key {0:?} of a rule has no flag of its name with a text")]
    NoFlag(&'static str),
    #[error("crates/log-scanner/README.md has no \"## {FROM}\"")]
    Readme,
}

/// The names of the keys.
pub(crate) struct Keys {
    pub(crate) of_the_file: &'static [&'static str],
    pub(crate) of_a_rule: &'static [&'static str],
}

/// The tables of rules, which are a section of their own.
const RULE: &str = "rule";

pub(crate) fn page(scanner: &Command, keys: &Keys, issue: &Issue) -> Result<String, Error> {
    if keys.of_a_rule.is_empty() || keys.of_the_file.is_empty() {
        return Err(Error::NoKeys);
    }
    let mut roff = Roff::new();
    head(
        &mut roff,
        "scan.toml",
        "5",
        "whom log-scanner bans by the firewall's log",
        issue,
    );
    heading(&mut roff, "SYNOPSIS");
    paragraph(&mut roff, [roman("/etc/rampart/scan.toml")]);
    heading(&mut roff, "DESCRIPTION");
    paragraph(
        &mut roff,
        [roman(
            "A file in TOML with a table [[rule]] for each rule; all are tried in one pass over the log. The keys are the \
             names of log-scanner's flags. An unknown key is an error with line and column, and nothing is done. When two \
             rules ban the same address into the same set, the later end wins.",
        )],
    );
    heading(&mut roff, "KEYS");
    for key in keys.of_the_file.iter().filter(|key| **key != RULE) {
        tell(&mut roff, scanner, key)?;
    }
    subheading(&mut roff, "[[rule]]");
    for key in keys.of_a_rule {
        tell(&mut roff, scanner, key)?;
    }
    let part = markdown::part(README, FROM, None).ok_or(Error::Readme)?;
    markdown::write(&mut roff, part);
    heading(&mut roff, "EXAMPLES");
    paragraph(&mut roff, [roman("As it is installed:")]);
    literal(&mut roff, PACKAGED.lines());
    see_also(
        &mut roff,
        &[
            "log-scanner(8)",
            "log-scanner-follow(8)",
            "firewall.toml(5)",
        ]
        .map(str::to_owned),
    );
    Ok(tidy(&roff.to_roff()))
}

/// A key, as it is installed or else with what its flag takes, and the help of the flag.
fn tell(roff: &mut Roff, scanner: &Command, key: &'static str) -> Result<(), Error> {
    let mut flags = scanner.get_arguments();
    let flag = flags.find(|flag| flag.get_long() == Some(key));
    let flag = flag.ok_or(Error::NoFlag(key))?;
    let help = flag.get_long_help().or(flag.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    if help.is_empty() {
        return Err(Error::NoFlag(key));
    }
    let begin = format!("{key} = ");
    let lines = PACKAGED.lines();
    let mut lines = lines.map(|line| line.strip_prefix("# ").unwrap_or(line));
    let example = lines.find(|line| line.starts_with(&begin));
    let example = example.map_or_else(|| format!("{begin}{}", value(flag)), str::to_owned);
    term(roff, &example, &help);
    Ok(())
}

/// What a key takes: `N`, `true`, `[ADDRESS[/PREFIX], …]`.
fn value(flag: &Arg) -> String {
    if !flag.get_action().takes_values() {
        return "true".to_owned();
    }
    let names = flag.get_value_names().unwrap_or_default();
    let name = names.first().map_or("VALUE", clap::builder::Str::as_str);
    match flag.get_action() {
        clap::ArgAction::Append => format!("[{name}, ...]"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(of_a_rule: &'static [&'static str]) -> Result<String, Error> {
        let keys = Keys {
            of_the_file: log_scanner::rules_file_keys(),
            of_a_rule,
        };
        page(
            &log_scanner::command(),
            &keys,
            &Issue::of(Some("0")).unwrap(),
        )
    }

    #[test]
    fn every_key_has_a_flag_that_tells_what_it_does() {
        let keys = log_scanner::rule_keys();
        let page = made(keys).unwrap();
        for key in ["howmany", "removeafter", "exempt", "cut-connections"] {
            assert!(keys.contains(&key), "{keys:?}");
            let key = key.replace('-', "\\-");
            assert!(page.contains(&format!("\\fB{key} = ")), "{page}");
        }
    }

    #[test]
    fn a_key_without_a_flag_is_refused() {
        assert!(matches!(made(&["no-such"]), Err(Error::NoFlag("no-such"))));
        assert!(matches!(made(&[]), Err(Error::NoKeys)));
    }
}
