//! `refresh`: the files of lists, read anew, replace what is in their sets; rules stay.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::args::RefreshArgs;
use crate::config::{Source, Wanted};
use crate::configured::List;
use crate::findings::Findings;
use crate::lists::{Contents, ListReport, Planned, put_in};
use crate::turn::wait_for_turn;
use crate::words::join;
use crate::{report, sets};

/// What `refresh` did.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration.
    pub(crate) config: Source,
    /// The lists; none where nothing could be done.
    pub(crate) lists: Vec<ListReport>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "refresh";
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut lists = self.lists.iter();
        lists.try_for_each(|list| writeln!(f, "{list}"))
    }
}

/// Reads the lists that are named, or all of them, and puts them into their sets.
pub(crate) fn run(
    config: Source,
    wanted: Option<&Wanted>,
    args: &RefreshArgs,
    findings: &mut Findings,
) -> Report {
    let mut report = Report {
        config,
        lists: Vec::new(),
    };
    let Some(wanted) = wanted else { return report };
    let lists = match named(&wanted.lists, &args.names) {
        Ok(lists) => lists,
        Err(why) => {
            findings.refuse(why);
            return report;
        }
    };
    if lists.is_empty() {
        findings.warn(format!(
            "there is no list to be read anew: no [[blocklist]], and no [[set]] with a file, in {}",
            report.config
        ));
        return report;
    }
    let _turn = wait_for_turn(findings);
    let Some(mut kernel) = sets::connect(findings) else {
        return report;
    };
    let contents = Contents::read(lists, findings);
    let planned = Planned::all(&mut kernel, &contents, wanted, args.allow_shrink, findings);
    for planned in &planned {
        for set in planned.sets.iter().filter(|set| set.found.is_none()) {
            let name = &set.name;
            findings.fail(format!(
                "there is no set \"{name}\"; `firewall-apply` makes it"
            ));
        }
    }
    report.lists = put_in(&mut kernel, &planned, findings);
    report
}

/// The lists of these names; all where none is named.
fn named<'a>(lists: &'a [List], names: &[String]) -> Result<Vec<&'a List>, String> {
    if names.is_empty() {
        return Ok(lists.iter().collect());
    }
    let find = |name: &String| {
        lists.iter().find(|list| list.name == *name).ok_or_else(|| {
            let known = join(lists.iter().map(|list| list.name.clone()));
            match known.as_str() {
                "" => format!("there is no list \"{name}\", nor any other"),
                known => format!("there is no list \"{name}\"; known are {known}"),
            }
        })
    };
    names.iter().map(find).collect()
}
