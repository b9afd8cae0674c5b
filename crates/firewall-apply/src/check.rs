//! `check`: is the configuration right?

use serde::Serialize;

use crate::config::{Source, Wanted};
use crate::findings::{Findings, Problem};

/// What `check` read.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration.
    pub(crate) config: Source,
    /// What is in it; `None` when it is wrong.
    #[serde(skip)]
    pub(crate) wanted: Option<Wanted>,
}

/// Looks for what is allowed and hardly meant.
pub(crate) fn run(config: Source, wanted: Option<Wanted>, findings: &mut Findings) -> Report {
    if wanted.as_ref().is_some_and(|wanted| wanted.services == 0) {
        let why = "there is no service: only members of the whitelist can connect";
        findings.warn(Problem::file(&config.path, why));
    }
    Report { config, wanted }
}
