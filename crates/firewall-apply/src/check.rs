//! `check`: is the configuration right?

use serde::Serialize;

use crate::config::{Source, Wanted};
use crate::findings::{Findings, Problem};

/// What `check` read.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration.
    pub(crate) config: Source,
    /// How many services it has; `None` when it is wrong.
    #[serde(skip)]
    pub(crate) services: Option<usize>,
}

/// Looks for what is allowed and hardly meant.
pub(crate) fn run(config: Source, wanted: Option<&Wanted>, findings: &mut Findings) -> Report {
    let services = wanted.map(|wanted| wanted.config.services.len());
    if services == Some(0) {
        let why = "there is no service: only members of the whitelist can connect";
        findings.warn(Problem::file(&config.path, why));
    }
    Report { config, services }
}
