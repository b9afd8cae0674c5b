//! The last configuration that went in, kept for the day when the next one cannot.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use iptables_ruleset::{Chain, Ruleset, Table};
use jiff::Timestamp;

use crate::args::DEFAULT_SAVED;
use crate::config::{self, MAX_SIZE, Wanted};
use crate::files;
use crate::findings::{Findings, causes};
use crate::rules::family_name;
use crate::save::file::write_whole;

/// The file that a configuration is kept in, and what is in it.
#[derive(Debug)]
pub(crate) struct Last {
    /// The file; `None` where no configuration is to be kept.
    path: Option<PathBuf>,
    /// What went in last, or why that cannot be read; `None` where there is no file.
    content: Option<Result<Kept, String>>,
}

/// A configuration that went in.
#[derive(Debug)]
pub(crate) struct Kept {
    /// When it went in; `None` when the file does not say.
    pub(crate) at: Option<Timestamp>,
    /// What it asks for.
    pub(crate) wanted: Wanted,
    /// How many rules each of our chains got then, by `family/chain`.
    pub(crate) rules: BTreeMap<String, usize>,
}

impl Last {
    /// Reads the file of this path, or else the one beside the saved sets, where there is such a
    /// place.
    pub(crate) fn read(named: Option<&Path>, saved: &Path) -> Self {
        let path = match named {
            Some(path) if path == Path::new(config::NO_FILE) => None,
            Some(path) => Some(path.to_owned()),
            None if saved == Path::new(config::NO_FILE) => None,
            None => Some(saved.with_file_name(NAME)),
        };
        let content = path.as_deref().and_then(read);
        Self { path, content }
    }

    /// The file of this path, whatever is in it.
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            path: Some(path.to_owned()),
            content: None,
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether a firewall went in before, on this host.
    pub(crate) fn exists(&self) -> bool {
        self.content.is_some()
    }

    /// What went in last, if it can be read.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.content.as_ref()?.as_ref().ok()
    }

    /// Why it cannot be read, if so.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.content.as_ref()?.as_ref().err().map(String::as_str)
    }

    /// Keeps a configuration that went in.
    pub(crate) fn keep(&self, wanted: &Wanted, findings: &mut Findings) {
        let Some(path) = &self.path else { return };
        let text = format!(
            "{MAGIC}1 applied={:.0} rules={}\n{}",
            Timestamp::now(),
            counts(wanted),
            body(&wanted.text)
        );
        // The place of the saved sets is made; elsewhere a directory that is not there is a slip.
        let parent = path.parent().unwrap_or(Path::new("/"));
        let ours = Path::new(DEFAULT_SAVED).parent() == Some(parent);
        let there = ours || parent.as_os_str().is_empty() || parent.is_dir();
        let written = if there {
            write_whole(path, text.as_bytes()).map_err(|error| causes(&error))
        } else {
            Err(format!("there is no directory {}", parent.display()))
        };
        if let Err(why) = written {
            findings.warn(format!(
                "this configuration is not kept in {} for the day when the next one cannot go in: {why}",
                path.display()
            ));
        }
    }
}

/// The configuration in the file, or why it cannot be read; `None` where there is no file.
fn read(path: &Path) -> Option<Result<Kept, String>> {
    match files::read(path, MAX_SIZE) {
        Ok(bytes) => Some(parse(path, &bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(format!("cannot read {}: {error}", path.display()))),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Kept, String> {
    let wanted = config::parse(path, bytes).map_err(|problem| problem.to_string())?;
    let header = wanted.text.lines().next().unwrap_or_default();
    let value = |key: &str| {
        let words = header.strip_prefix(MAGIC)?.split_ascii_whitespace();
        words
            .filter_map(|word| word.split_once('='))
            .find(|(name, _)| *name == key)
    };
    let at = value("applied").and_then(|(_, at)| at.parse().ok());
    let rules = value("rules").map_or("", |(_, rules)| rules).split(',');
    let rules = rules
        .filter_map(|rule| {
            let (chain, count) = rule.split_once(':')?;
            Some((chain.to_owned(), count.parse().ok()?))
        })
        .collect();
    Ok(Kept { at, wanted, rules })
}

/// How many rules each chain gets: `inet/FIREWALL_INPUT:12,inet/raw/LOG_AND_DROP:2,…`
fn counts(wanted: &Wanted) -> String {
    let of_family = |ruleset: &Ruleset| {
        let count = |chain: &Chain| format!("{}:{}", key(ruleset, chain), chain.rules().len());
        ruleset.chains().map(count).collect::<Vec<_>>()
    };
    let counts: Vec<String> = wanted.rulesets.iter().flat_map(of_family).collect();
    counts.join(",")
}

/// The name of a chain of ours among those of all tables: `inet/FIREWALL_INPUT`, and in another table
/// than `filter` `inet/raw/LOG_AND_DROP`.
pub(crate) fn key(ruleset: &Ruleset, chain: &Chain) -> String {
    let family = family_name(ruleset.family());
    match ruleset.table() {
        Table::Filter => format!("{family}/{}", chain.name()),
        table => format!("{family}/{table}/{}", chain.name()),
    }
}

/// The text of a configuration without the first line that [`Last::keep`] writes.
pub(crate) fn body(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if first.starts_with(MAGIC) => rest,
        _ => text,
    }
}

/// The name of the file, which lies beside the saved sets.
const NAME: &str = "firewall.last.toml";
/// The first words of the file.
const MAGIC: &str = "# rampart firewall.last ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_in_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let saved = directory.path().join("sets.save");
        let mut findings = Findings::default();
        let before = Last::read(None, &saved);
        assert!(!before.exists());
        let config = "service = []\n";
        let wanted = config::parse(Path::new("x"), config.as_bytes()).unwrap();
        before.keep(&wanted, &mut findings);
        let path = directory.path().join("firewall.last.toml");
        let after = Last::read(None, &saved);
        assert_eq!(after.path(), Some(&*path));
        let kept = after.kept().unwrap();
        assert!(kept.at.is_some());
        assert_eq!(kept.rules.get("inet6/LOG_AND_DROP"), Some(&2));
        assert_eq!(body(&kept.wanted.text), config);
        // What comes from it goes back as it was.
        after.keep(&kept.wanted, &mut findings);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(MAGIC).count(), 1, "{text}");
        assert!(findings.warnings.is_empty(), "{findings:?}");
    }

    #[test]
    fn nowhere_is_no_place() {
        let mut findings = Findings::default();
        let wanted = config::built_in().unwrap();
        let null = Path::new("/dev/null");
        for last in [
            Last::read(None, null),
            Last::read(Some(null), Path::new(DEFAULT_SAVED)),
        ] {
            assert_eq!(last.path(), None);
            last.keep(&wanted, &mut findings);
        }
        assert!(findings.warnings.is_empty(), "{findings:?}");
        Last::read(None, Path::new("/nonexistent/sets.save")).keep(&wanted, &mut findings);
        assert_eq!(findings.warnings.len(), 1);
        assert!(!Path::new("/nonexistent").exists());
    }
}
