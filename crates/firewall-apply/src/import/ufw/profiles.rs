//! applications.d: whether the profiles are still as the rules have them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::super::source::Source;
use super::super::translation::Translation;
use super::tuple::Tuple;
use crate::findings::Problem;

/// Names each rule whose profile has changed since: the rule has the ports that it had then.
pub(super) fn compare<'a>(
    directory: &Path,
    tuples: impl Iterator<Item = &'a Tuple>,
    made: &mut Translation,
) -> Result<(), Problem> {
    let profiles = read(&directory.join("applications.d"), made)?;
    let mut told = std::collections::BTreeSet::new();
    for tuple in tuples {
        let Some(name) = &tuple.profiles[0] else {
            continue;
        };
        let ports = profiles.get(name.as_str());
        let as_told = ports.is_some_and(|ports| {
            let mut each = ports.split('|');
            each.any(|part| part.split('/').next() == Some(tuple.port.as_str()))
        });
        if !as_told && told.insert(name) {
            let why = match ports {
                Some(ports) => format!(
                    "the rule has port {}, and the profile has {ports} by now; it is taken as the rule has it",
                    tuple.port
                ),
                None => format!(
                    "there is no such profile any more; the rule has port {}",
                    tuple.port
                ),
            };
            made.note(&tuple.place, &format!("profile {name}"), &why);
        }
    }
    Ok(())
}

/// The ports of each profile: `80,443/tcp|53`.
fn read(directory: &Path, made: &mut Translation) -> Result<BTreeMap<String, String>, Problem> {
    let mut profiles = BTreeMap::new();
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(profiles);
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    for path in paths.into_iter().filter(|path| path.is_file()) {
        let Some(source) = Source::read_if_there(&path)? else {
            continue;
        };
        let mut name = String::new();
        for (_, text) in source.lines() {
            if let Some(section) = text
                .strip_prefix('[')
                .and_then(|text| text.strip_suffix(']'))
            {
                section.clone_into(&mut name);
            } else if let Some(("ports", ports)) = text.split_once('=') {
                profiles.insert(name.clone(), ports.to_owned());
            }
        }
        made.read.push(path);
    }
    Ok(profiles)
}
