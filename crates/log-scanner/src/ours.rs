//! The sets that an administrator means who names none: those of the rules file and the firewall's.

use std::path::{Path, PathBuf};

use ban_sets::names::V6;
use ban_sets::{Backend, Set, SetName, Takes};
use clap::Args;

use crate::error::{Fatal, chain};
use crate::names::{BANNING, INSTANT};
use crate::rule::{RulesFile, SetPair};
use crate::status::complain;

/// Which sets are looked into.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Looks into the sets that these rules fill, besides the firewall's own blacklist,
    /// throttle-hard and throttle-soft, and those that its own rules fill (blacklist-instant and
    /// the like) [default: /etc/rampart/scan.toml, where it is there]
    #[arg(long, value_name = "FILE", conflicts_with = "sets")]
    rules: Option<PathBuf>,

    #[expect(clippy::doc_markdown, reason = "it is the text of --help")]
    /// Looks into this set and NAME_v6 instead; can be repeated
    #[arg(long = "set", value_name = "NAME")]
    sets: Vec<SetPair>,
}

impl SetArgs {
    /// The rules file that is named.
    pub(crate) fn rules(&self) -> Option<&Path> {
        self.rules.as_deref()
    }
}

/// Where the rules are that the timers scan by.
const RULES: &str = "/etc/rampart/scan.toml";

/// The sets that there are of those that are meant, each once.
///
/// # Errors
///
/// The rules file cannot be read, a set that is named is missing or of a type that holds no
/// networks, or the kernel does not answer.
pub(crate) fn sets(backend: &mut dyn Backend, args: &SetArgs) -> Result<Vec<Set>, Fatal> {
    let trouble = |why: String| Fatal::Sets(vec![why]);
    let mut found = Vec::new();
    if !args.sets.is_empty() {
        for pair in &args.sets {
            let before = found.len();
            for name in pair.both() {
                found.extend(banning(backend, name).map_err(trouble)?);
            }
            if found.len() == before {
                return Err(trouble(format!(
                    "there is no set \"{pair}\" or \"{pair}{V6}\" of type hash:ip or hash:net"
                )));
            }
        }
        return Ok(found);
    }
    let mut names: Vec<SetName> = Vec::new();
    let own = BANNING
        .iter()
        .chain(&INSTANT)
        .filter_map(|name| name.parse::<SetPair>().ok());
    let pairs = own.chain(of_rules(args.rules.as_deref())?);
    for name in pairs.flat_map(|pair| [pair.inet, pair.inet6]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in &names {
        found.extend(banning(backend, name).map_err(trouble)?);
    }
    Ok(found)
}

/// The sets of a rules file. Who looks for a ban in a hurry is not stopped by a mistake in the file
/// that he did not name.
fn of_rules(path: Option<&Path>) -> Result<Vec<SetPair>, Fatal> {
    let file = rules_file(path)?;
    let rules = file.map(|file| file.rules).unwrap_or_default();
    Ok(rules.into_iter().map(|rule| rule.ipset).collect())
}

/// The rules file that is named, or else the one that the timers scan by, where it is there and
/// right.
pub(crate) fn rules_file(path: Option<&Path>) -> Result<Option<RulesFile>, Fatal> {
    let file = path.unwrap_or(Path::new(RULES));
    if path.is_none() && !file.exists() {
        return Ok(None);
    }
    match RulesFile::read(file) {
        Ok(file) => Ok(Some(file)),
        Err(source) => {
            let fatal = Fatal::Rules {
                path: file.to_owned(),
                source,
            };
            if path.is_some() {
                return Err(fatal);
            }
            complain(&format!("[WARNING] {}", chain(&fatal)));
            Ok(None)
        }
    }
}

/// A set that can hold addresses or networks, where it is there.
fn banning(backend: &mut dyn Backend, name: &SetName) -> Result<Option<Set>, String> {
    let set = backend.set(name).map_err(|error| chain(&error))?;
    Ok(set.filter(|set| matches!(set.takes, Takes::Networks | Takes::Addresses)))
}
