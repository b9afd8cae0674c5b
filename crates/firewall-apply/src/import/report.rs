//! What was read, what was written, and what to do next.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use serde::Serialize;

use super::saved::SavedMembers;
use super::translation::Translation;
use super::write::{FIREWALL, SCAN};
use crate::args::Origin;
use crate::report;
use crate::words::Count;

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Whose files they are.
    from: &'static str,
    /// The directory or file that was asked for.
    pub(super) path: PathBuf,
    /// The files that were read.
    read: Vec<PathBuf>,
    /// The directory that was written into.
    to: PathBuf,
    /// The files that were written; none when nothing was.
    pub(super) written: Vec<PathBuf>,
    /// How many of each there are.
    services: usize,
    output: usize,
    forward: usize,
    lists: usize,
    members: usize,
    rules: usize,
    /// Members of `members.save`.
    saved: usize,
    /// How many settings and lines could not be translated: each is an error.
    left: usize,
    /// How many are translated and differ: each is a warning.
    differ: usize,
}

impl Report {
    /// Of an import that has read nothing yet.
    pub(super) fn new(origin: Origin, path: PathBuf, to: PathBuf) -> Self {
        Self {
            from: origin.name(),
            path,
            read: Vec::new(),
            to,
            written: Vec::new(),
            services: 0,
            output: 0,
            forward: 0,
            lists: 0,
            members: 0,
            rules: 0,
            saved: 0,
            left: 0,
            differ: 0,
        }
    }

    /// Takes over what there is of everything.
    pub(super) fn describe(&mut self, made: &Translation) {
        let firewall = &made.firewall;
        for path in &made.read {
            if !self.read.contains(path) {
                self.read.push(path.clone());
            }
        }
        self.services = firewall.services.len();
        self.output = firewall.output.len();
        self.forward = firewall.forward.len() + firewall.port_forwards.len();
        self.lists = firewall.sets.len() + firewall.blocklists.len();
        self.members = firewall.whitelist.len() + firewall.blacklist.len();
        self.rules = made.rules.len();
        self.saved = made.saved.count();
        self.left = made.left.count();
        self.differ = made.notes.count();
    }
}

impl report::Report for Report {
    const COMMAND: &'static str = "import";
    const TEXT_IS_WANTED: bool = false;
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for path in &self.read {
            writeln!(f, "read   {}", path.display())?;
        }
        if self.written.is_empty() {
            return writeln!(f, "Nothing was written.");
        }
        for path in &self.written {
            writeln!(f, "wrote  {}", path.display())?;
        }
        let counted = [
            (self.services, "service"),
            (self.output, "service going out"),
            (self.forward, "service passed on"),
            (self.lists, "list"),
            (self.members, "member"),
            (self.rules, "rule of scans"),
            (self.saved, "member with an end of its own"),
        ];
        for (number, what) in counted.into_iter().filter(|(number, _)| *number > 0) {
            let what = match (number, what.split_once(' ')) {
                (2.., Some((first, rest))) => format!("{number} {first}s {rest}"),
                (1, Some(_)) => format!("1 {what}"),
                _ => Count(number as u64, what).to_string(),
            };
            writeln!(f, "       {what}")?;
        }
        writeln!(
            f,
            "left   {}; translated with a difference or a word: {}",
            self.left, self.differ
        )?;
        writeln!(f, "Nothing was applied. Next:")?;
        for path in &self.written {
            let file = path.display();
            match path.file_name().and_then(|name| name.to_str()) {
                Some(FIREWALL) => {
                    writeln!(f, "  firewall-apply --config {file} check")?;
                    writeln!(
                        f,
                        "  firewall-apply --config {file} apply --confirm-within 60s"
                    )?;
                }
                Some(SCAN) => writeln!(f, "  log-scanner --rules {file} --dryrun")?,
                Some(SavedMembers::FILE) => {
                    writeln!(f, "  firewall-apply restore --file {file}")?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
