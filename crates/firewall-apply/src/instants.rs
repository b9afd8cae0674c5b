//! What the `[[instant]]` of a configuration do, in words and numbers.

use std::fmt::{self, Display, Formatter};

use iptables_ruleset::config::Instant;
use serde::Serialize;

use crate::config::Wanted;
use crate::words::{Span, join};

/// What one of them does.
#[derive(Debug, Serialize)]
pub(crate) struct InstantReport {
    /// Its name.
    name: String,
    /// tcp, udp or icmp.
    #[serde(rename = "type")]
    protocol: String,
    /// Ports and ranges; empty for every port.
    ports: Vec<String>,
    /// By so many packets a source is in the set where they come at once.
    howmany: u32,
    /// Seconds; `None` where one packet is enough.
    within: Option<u32>,
    /// By so many within the time it is in the set for sure.
    surely: u64,
    /// As the file names it.
    ipset: String,
    /// The sets that the kernel adds to, of both families.
    sets: Vec<String>,
    /// Seconds.
    removeafter: u32,
    /// Entries of a family at a time.
    at_most: u32,
}

/// Those of a configuration.
pub(crate) fn of(wanted: &Wanted) -> Vec<InstantReport> {
    let config = &wanted.config;
    let instants = config.instants.iter().map(|instant| {
        let sets = iptables_ruleset::Family::BOTH
            .into_iter()
            .filter_map(|family| config.set_of_instant(instant, family).ok().flatten());
        InstantReport::new(instant, sets.map(|set| set.to_string()).collect())
    });
    instants.collect()
}

impl InstantReport {
    fn new(instant: &Instant, sets: Vec<String>) -> Self {
        let seconds = |time: std::time::Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        Self {
            name: instant.name.to_string(),
            protocol: instant.protocol.to_string(),
            ports: instant.ports.iter().map(ToString::to_string).collect(),
            howmany: instant.howmany,
            within: (instant.howmany > 1).then(|| seconds(instant.within)),
            surely: instant.surely(),
            ipset: instant.ipset.to_string(),
            sets,
            removeafter: seconds(instant.removeafter),
            at_most: instant.at_most,
        }
    }

    /// A sentence on each line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Self {
            name,
            protocol,
            howmany,
            surely,
            ..
        } = self;
        let ports = match self.ports.as_slice() {
            [] => String::new(),
            some => format!(" to {}", join(some.iter().cloned())),
        };
        let ends = Span(self.removeafter);
        let into = format!(
            "into {} for {ends} ({}, at most {} at a time)",
            self.ipset,
            join(self.sets.iter().cloned()),
            self.at_most
        );
        let mut lines = match self.within.map(Span) {
            None => vec![format!(
                "instant {name}: one packet, {protocol}{ports}, that is blocked puts its source {into}"
            )],
            Some(within) => vec![
                format!(
                    "instant {name}: {howmany} packets within {within}, {protocol}{ports}, that are blocked put their source {into}"
                ),
                format!(
                    "  at packet {howmany} where they come at once, at packet {surely} within {within} however they come, and never where \
                     no {within} has {howmany}; a rule of scan.toml is exact"
                ),
            ],
        };
        lines.push(
            "  who can forge the source of packets can have anybody put there who is not in the whitelist; gateways, resolvers and \
             others whom this host needs belong into it"
                .to_owned(),
        );
        lines
    }
}

/// Line by line, to be read behind what was asked for.
impl Display for InstantReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
