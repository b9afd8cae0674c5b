//! `save`: the sets into a file.

pub(crate) mod aside;
pub(crate) mod everybody;
pub(crate) mod file;
pub(crate) mod format;
pub(crate) mod members;
pub(crate) mod parse;

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use format::{Member, Saved, SavedSet};
use ipset_netlink::{Comment, CreateSet, Element, Entry, Set, SetName, SetType};
use jiff::Timestamp;
use serde::Serialize;

use crate::config::{Wanted, set_names};
use crate::findings::{Findings, causes};
use crate::turn::wait_for_turn;
use crate::words::Count;
use crate::{report, sets};

/// What `save` did.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where to; - is standard output.
    pub(crate) path: PathBuf,
    /// When; `None` when nothing was written.
    pub(crate) saved: Option<Timestamp>,
    /// The sets that are ours.
    pub(crate) sets: Vec<SetReport>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "save";
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(saved) = self.saved else {
            return Ok(());
        };
        // Standard output has the file itself.
        if self.path.as_os_str() == "-" {
            return Ok(());
        }
        for set in &self.sets {
            let what = match set.outcome {
                Outcome::Saved => Count(set.members as u64, "member").to_string(),
                Outcome::Missing => "there is no such set".to_owned(),
                Outcome::Unsaved => "not saved".to_owned(),
            };
            writeln!(f, "{:<16}  {what}", set.name)?;
        }
        writeln!(f, "saved to {} at {saved}", self.path.display())
    }
}

/// What `save` did with a set.
#[derive(Debug, Serialize)]
pub(crate) struct SetReport {
    /// Its name.
    pub(crate) name: String,
    /// Whether it is in the file.
    pub(crate) outcome: Outcome,
    /// How many members are.
    pub(crate) members: usize,
}

/// Whether a set is in the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It is.
    Saved,
    /// There is no such set.
    Missing,
    /// It is of a kind that the file does not hold, or could not be listed.
    Unsaved,
}

/// Writes our sets to `path`, with those that the configuration names where it can be read.
pub(crate) fn run(path: &Path, wanted: Option<&Wanted>, findings: &mut Findings) -> Report {
    let mut report = Report {
        path: path.to_owned(),
        saved: None,
        sets: Vec::new(),
    };
    let names = match set_names(wanted) {
        Ok(names) => names,
        Err(why) => {
            findings.fail(why);
            return report;
        }
    };
    let _turn = wait_for_turn(findings);
    let Some(mut kernel) = sets::connect(findings) else {
        return report;
    };
    // Before the sets are read: a ban may end a moment early at the next boot, never late.
    let at = whole_seconds(Timestamp::now());
    let mut saved = Saved {
        at: Some(at),
        sets: Vec::new(),
    };
    let mut unreadable = false;
    let remembered: Vec<SetName> = sets::REMEMBERED
        .iter()
        .filter_map(|name| name.parse().ok())
        .filter(|name| !names.contains(name))
        .collect();
    for name in names.iter().chain(&remembered) {
        let (outcome, members) = match kernel.list(name) {
            Ok(set) => match keep(set, findings) {
                Some(set) => {
                    let members = set.members.len();
                    saved.sets.push(set);
                    (Outcome::Saved, members)
                }
                None => (Outcome::Unsaved, 0),
            },
            Err(error) if error.is_set_not_found() && remembered.contains(name) => continue,
            Err(error) if error.is_set_not_found() => {
                findings.fail(format!("cannot save set \"{name}\": there is no such set"));
                (Outcome::Missing, 0)
            }
            Err(error) => {
                findings.fail(causes(&error));
                unreadable = true;
                (Outcome::Unsaved, 0)
            }
        };
        report.sets.push(SetReport {
            name: name.to_string(),
            outcome,
            members,
        });
        if unreadable {
            break;
        }
    }
    let place = path.display();
    if unreadable {
        findings.fail(format!(
            "{place} is left as it was: what is in it may be all there is of that set"
        ));
    } else if saved.sets.is_empty() {
        findings.fail(format!(
            "{place} is left as it was: there is no set to save"
        ));
    } else {
        match write(&saved, path) {
            Ok(()) => report.saved = Some(at),
            Err(why) => findings.fail(why),
        }
    }
    report
}

fn write(saved: &Saved, path: &Path) -> Result<(), String> {
    let content = saved.text();
    if path == Path::new("-") {
        let mut out = io::stdout().lock();
        return out
            .write_all(&content)
            .and_then(|()| out.flush())
            .map_err(|error| format!("cannot write to standard output: {error}"));
    }
    file::write_whole(path, &content).map_err(|error| causes(&error))
}

/// The set as the file holds it; `None`, and an error, when it cannot hold it.
pub(crate) fn keep(set: Set, findings: &mut Findings) -> Option<SavedSet> {
    let header = set.header;
    let name = header.name.clone();
    if let SetType::Other(set_type) = &header.set_type {
        findings.fail(format!(
            "cannot save set \"{name}\": its type is {set_type}, which is not known"
        ));
        return None;
    }
    let mut unwritable = 0;
    // Names of interfaces and sets that no word of a line can be.
    let (entries, wordless): (Vec<_>, Vec<_>) = set.entries.into_iter().partition(is_a_word);
    for entry in &wordless {
        findings.fail(format!(
            "cannot save {:?} of set \"{name}\": no line can hold it",
            entry.key.to_string()
        ));
    }
    let members = entries
        .into_iter()
        .map(|mut entry| {
            // The kernel takes comments that no line of such a file can hold.
            let writable = |comment: &Comment| Comment::try_from(comment.as_bytes()).is_ok();
            unwritable += usize::from(
                entry
                    .comment
                    .as_ref()
                    .is_some_and(|comment| !writable(comment)),
            );
            entry.comment = entry.comment.filter(writable);
            Member { line: 0, entry }
        })
        .collect();
    if unwritable > 0 {
        findings.warn(format!(
            "set \"{name}\": {unwritable} comments hold a quote or a line break and are not saved, their members are"
        ));
    }
    Some(SavedSet {
        name,
        create: Some(CreateSet::from(&header)),
        members,
    })
}

fn is_a_word(entry: &Entry) -> bool {
    let is_a_word = |name: &[u8]| {
        let wrong = |c: char| c.is_whitespace() || c == '"';
        std::str::from_utf8(name).is_ok_and(|name| !name.contains(wrong))
    };
    entry.key.elements().iter().all(|element| match element {
        Element::Interface(interface) => is_a_word(interface.name_bytes()),
        Element::Set(set) => is_a_word(set.as_bytes()),
        _ => true,
    })
}

/// The second that `time` lies in; what a file says in seconds is read back the same.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
