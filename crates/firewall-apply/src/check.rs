//! `check`: is the configuration right?

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::config::{Source, Wanted};
use crate::findings::{Findings, Problem};
use crate::instants::{self, InstantReport};
use crate::lists::Contents;
use crate::report;
use crate::words::{Count, Entries};

/// What `check` read.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration.
    pub(crate) config: Source,
    /// How many services it has; `None` when it is wrong.
    #[serde(skip)]
    pub(crate) services: Option<usize>,
    /// The lists that can be read.
    pub(crate) lists: Vec<ListRead>,
    /// What the kernel does by itself.
    pub(crate) instants: Vec<InstantReport>,
}

/// A list that can be read.
#[derive(Debug, Serialize)]
pub(crate) struct ListRead {
    /// Its name.
    pub(crate) name: String,
    /// How many entries stand in its files.
    pub(crate) entries: u64,
}

impl report::Report for Report {
    const COMMAND: &'static str = "check";
    const TEXT_IS_WANTED: bool = true;
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(services) = self.services else {
            return Ok(());
        };
        let services = Count(services as u64, "service");
        writeln!(f, "{}: {services}, no errors", self.config)?;
        for list in &self.lists {
            writeln!(
                f,
                "list {}: {}, no errors",
                list.name,
                Entries(list.entries)
            )?;
        }
        self.instants.iter().try_for_each(|one| write!(f, "{one}"))
    }
}

/// Looks for what is allowed and hardly meant.
pub(crate) fn run(config: Source, wanted: Option<&Wanted>, findings: &mut Findings) -> Report {
    let services = wanted.map(|wanted| wanted.config.services.len());
    if services == Some(0) {
        let why = "there is no service: only members of the whitelist can connect";
        findings.warn(Problem::file(&config.path, why));
    }
    for over in wanted.iter().flat_map(|wanted| &wanted.over) {
        findings.warn(over.clone());
    }
    let lists = wanted.map(|wanted| Contents::read(&wanted.lists, findings));
    let lists = lists.iter().flat_map(Contents::iter);
    let lists = lists.filter_map(|(list, content)| {
        Some(ListRead {
            name: list.name.clone(),
            entries: content?.entries,
        })
    });
    Report {
        config,
        services,
        lists: lists.collect(),
        instants: wanted.map(instants::of).unwrap_or_default(),
    }
}
