//! Each folder of `tests/cases` is a configuration and the text of its rules; that the kernel and
//! the stock tools agree is tried here, that the text is right also in `tests/config_files.rs`,
//! without privileges.

use std::fs;
use std::path::{Path, PathBuf};

use iptables_ruleset::{Config, Family};
use netns_testbed::{Failed, Namespace, Trial, trial};

use crate::fixture::{apply, make_sets, rulesets, saved_all, tool};

pub(crate) fn trials() -> Vec<Trial> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    cases.sort();
    let name = |case: &PathBuf| {
        case.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    cases
        .into_iter()
        .map(|case| trial(format!("case_{}", name(&case)), move || check(&case)))
        .collect()
}

fn check(case: &Path) -> Result<(), Failed> {
    let config = Config::parse(&fs::read_to_string(case.join("firewall.toml"))?)?;
    apply(&config)?;
    let rulesets = rulesets(&config)?;
    for (family, file) in [
        (Family::Ipv4, "iptables.save"),
        (Family::Ipv6, "ip6tables.save"),
    ] {
        let expected = fs::read_to_string(case.join(file))?;
        assert_eq!(
            saved_all(&rulesets, family)?,
            expected,
            "what {file} prints of our rules"
        );
        let read_back = Namespace::new()?.run(|| -> Result<String, Failed> {
            make_sets(&config)?;
            tool(family, "-restore")?.input(expected.clone()).run(&[])?;
            saved_all(&rulesets, family)
        })?;
        assert_eq!(read_back, expected, "the file through {file}'s own tools");
    }
    Ok(())
}
