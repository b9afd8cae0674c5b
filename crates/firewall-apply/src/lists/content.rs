//! What stands in the files of a list.

use std::io;
use std::path::{Path, PathBuf};

use ipset_netlink::Family;
use ipset_netlink::address_list::{AddressList, ListReader};

use crate::configured::List;
use crate::files;
use crate::findings::{Findings, Problem};

/// What the files of a list hold.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// How many entries stand in them.
    pub(crate) entries: u64,
    /// All of them together.
    pub(crate) addresses: AddressList,
}

/// The lists of a configuration, read.
#[derive(Debug)]
pub(crate) struct Contents<'a>(Vec<(&'a List, Option<Content>)>);

impl<'a> Contents<'a> {
    /// Reads the lists; what is wrong with them is noted.
    pub(crate) fn read(lists: impl IntoIterator<Item = &'a List>, findings: &mut Findings) -> Self {
        let read = |list: &'a List| match read(list) {
            Ok(content) => {
                for family in [Family::Inet, Family::Inet6] {
                    let has_set = list.sets.iter().any(|(of, _)| *of == family);
                    if !has_set && content.addresses.address_count(family) > 0 {
                        findings.warn(format!(
                            "list \"{}\" has addresses of family {family}, for which it has no set",
                            list.name
                        ));
                    }
                }
                (list, Some(content))
            }
            Err(problems) => {
                for problem in problems {
                    findings.fail(problem);
                }
                (list, None)
            }
        };
        Self(lists.into_iter().map(read).collect())
    }

    /// Each list with what it holds; `None` for one that cannot be read.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a List, Option<&Content>)> {
        self.0
            .iter()
            .map(|(list, content)| (*list, content.as_ref()))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads the files of a list.
///
/// # Errors
///
/// A file that cannot be read, or its lines that cannot.
fn read(list: &List) -> Result<Content, Vec<Problem>> {
    let mut reader = if list.single {
        ListReader::of_single_addresses()
    } else {
        ListReader::new()
    };
    let (mut entries, mut problems) = (0, Vec::new());
    for file in &list.files {
        match read_file(&mut reader, list, file) {
            Ok(more) => entries += more,
            Err(why) => problems.extend(why),
        }
    }
    let addresses = reader.finish();
    if problems.is_empty() && list.blocks() && is_everybody(&addresses) {
        let file = list.files.first().cloned().unwrap_or_else(PathBuf::new);
        problems.push(Problem::file(
            &file,
            format!(
                "list \"{}\" is every address of a family: everybody would be blocked",
                list.name
            ),
        ));
    }
    if problems.is_empty() {
        Ok(Content { entries, addresses })
    } else {
        Err(problems)
    }
}

fn read_file(reader: &mut ListReader, list: &List, file: &Path) -> Result<u64, Vec<Problem>> {
    let name = &list.name;
    let bytes = files::read(file, MAX_SIZE).map_err(|error: io::Error| {
        let file = file.display();
        let why = format!("cannot read {file}, which fills set \"{name}\": {error}");
        vec![Problem::from(why)]
    })?;
    reader.read(&bytes).map_err(|bad| {
        let named = bad.lines().iter().take(NAMED);
        let mut problems: Vec<Problem> = named
            .map(|line| Problem::line(file, line.number(), line.to_string()))
            .collect();
        let more = bad.count().saturating_sub(problems.len() as u64);
        if more > 0 {
            let why = format!("{more} more lines of list \"{name}\" cannot be read");
            problems.push(Problem::file(file, why));
        }
        problems
    })
}

fn is_everybody(addresses: &AddressList) -> bool {
    // 2^32, and what stands for 2^128.
    addresses.address_count(Family::Inet) > u32::MAX.into()
        || addresses.address_count(Family::Inet6) == u128::MAX
}

/// Bytes of a file: some eight million lines. Who fetches a list from others does not know how much
/// they send, and all of it would be in the kernel's memory.
const MAX_SIZE: u64 = 128 << 20;
/// Of a file this many bad lines are named, the rest is counted.
const NAMED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn list(files: &[&Path]) -> List {
        List {
            name: "a".to_owned(),
            sets: Vec::new(),
            files: files.iter().map(|file| file.to_path_buf()).collect(),
            single: false,
            max_shrink: Some(50),
        }
    }

    #[test]
    fn several_files_are_one_list_and_bad_lines_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let one = write("one", "192.0.2.0/25\n192.0.2.7\n");
        let two = write("two", "192.0.2.128/25 # the rest\n2001:db8::/32\n");
        let content = read(&list(&[&one, &two])).unwrap();
        assert_eq!(content.entries, 4);
        let networks = content.addresses.networks(Family::Inet);
        assert_eq!(
            networks.map(|one| one.to_string()).collect::<Vec<_>>(),
            ["192.0.2.0/24"]
        );

        let bad = write("bad", &("192.0.2.1\n".to_owned() + &"?\n".repeat(30)));
        let missing = directory.path().join("missing");
        let problems = read(&list(&[&one, &bad, &missing])).unwrap_err();
        assert_eq!(problems.len(), 22, "{problems:#?}");
        assert_eq!(
            (problems[0].line, problems[0].path.as_ref()),
            (Some(2), Some(&bad))
        );
        assert!(
            problems[20].message.starts_with("10 more lines"),
            "{:?}",
            problems[20]
        );
        assert!(
            problems[21].message.starts_with("cannot read "),
            "{:?}",
            problems[21]
        );

        let halves = write("halves", "0.0.0.0/1\n128.0.0.0/1\n");
        let problems = read(&list(&[&halves])).unwrap_err();
        assert!(problems[0].message.contains("everybody would be blocked"));
        let all = write("all", "::/0\n");
        assert!(read(&list(&[&all])).is_err());
        let own = List {
            max_shrink: None,
            ..list(&[&all])
        };
        assert!(read(&own).is_ok());
    }

    #[test]
    fn addresses_that_no_set_is_for_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        std::fs::write(&path, "192.0.2.1\n2001:db8::1\n").unwrap();
        let only = List {
            sets: vec![(Family::Inet, "a".parse().unwrap())],
            ..list(&[&path])
        };
        let mut findings = Findings::default();
        let contents = Contents::read([&only], &mut findings);
        assert!(contents.iter().all(|(_, content)| content.is_some()));
        let said = findings.warnings[0].to_string();
        assert_eq!(
            said,
            "list \"a\" has addresses of family inet6, for which it has no set"
        );
        assert_eq!(findings.warnings.len(), 1);
    }
}
