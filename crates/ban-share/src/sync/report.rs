//! What a round was, as text and as JSON.

use std::io::{self, Write};

use ban_fleet::{Host, Prefix, Synced, Wanted};
use serde::Serialize;

use super::apply::{Applied, Put};
use super::{as_text, as_texts};
use crate::config::Config;

/// So many bans the text lists, and counts the rest.
const LISTED: usize = 50;

/// A round.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    version: u32,
    fleet: String,
    host: String,
    dry_run: bool,
    pub(crate) clock_offset_ms: Option<i64>,
    /// How many records were told.
    told: usize,
    told_again: bool,
    /// How many new ones came.
    new: usize,
    snapshot: bool,
    added: Vec<Put>,
    kept: usize,
    clamped: usize,
    waiting: usize,
    void: usize,
    #[serde(serialize_with = "as_texts")]
    pardoned: Vec<Prefix>,
    taken_out: usize,
    refused: Vec<Refused>,
    pub(crate) findings: Vec<String>,
}

/// A ban that is not taken.
#[derive(Debug, Serialize)]
struct Refused {
    set: String,
    #[serde(serialize_with = "as_text")]
    prefix: Prefix,
    #[serde(serialize_with = "as_texts")]
    origins: Vec<Host>,
    why: String,
}

impl Report {
    pub(crate) fn new(config: &Config, dry_run: bool) -> Self {
        Self {
            version: 1,
            fleet: config.fleet.to_string(),
            host: config.host.to_string(),
            dry_run,
            clock_offset_ms: None,
            told: 0,
            told_again: false,
            new: 0,
            snapshot: false,
            added: Vec::new(),
            kept: 0,
            clamped: 0,
            waiting: 0,
            void: 0,
            pardoned: Vec::new(),
            taken_out: 0,
            refused: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub(crate) fn told(&mut self, synced: Synced) {
        self.told = synced.pushed;
        self.told_again = synced.told_again;
        self.new = synced.new;
        self.snapshot = synced.snapshot;
        for (origin, (count, why)) in synced.malformed {
            self.findings.push(format!(
                "{origin} told {count} lines that are no records, the first because {why}"
            ));
        }
        for (origin, why) in synced.cut_off {
            self.findings
                .push(format!("{origin} is cut off whole: {why}"));
        }
    }

    pub(crate) fn wanted(&mut self, wanted: Wanted) {
        self.waiting = wanted.waiting;
        self.void = wanted.void;
        let own = self.host.clone();
        let others = wanted.refused.into_iter();
        let others = others.filter(|refused| refused.origin.as_str() != own);
        self.refused.extend(others.map(|refused| Refused {
            set: refused.set.to_string(),
            prefix: refused.prefix,
            origins: vec![refused.origin],
            why: refused.why.to_string(),
        }));
    }

    pub(crate) fn applied(&mut self, applied: Applied) {
        self.added = applied.added;
        self.kept = applied.kept;
        self.clamped = applied.clamped;
        self.pardoned = applied.pardoned;
        self.taken_out = applied.taken_out;
        self.findings.extend(applied.troubles);
        let refused = applied.refused.into_iter();
        self.refused.extend(refused.map(|(put, why)| Refused {
            set: put.set.to_string(),
            prefix: put.prefix,
            origins: put.seen_by,
            why,
        }));
    }

    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let Self {
            host, told, new, ..
        } = self;
        let (kept, waiting, void) = (self.kept, self.waiting, self.void);
        let would = if self.dry_run { "would have " } else { "" };
        writeln!(
            out,
            "{host} of fleet {}: {would}told {told}, new {new}, {would}banned {}, there already {kept}, seen by too few {waiting}, pardoned {void}",
            self.fleet,
            self.added.len()
        )?;
        for put in self.added.iter().take(LISTED) {
            let by = names(&put.seen_by);
            writeln!(
                out,
                "[INFO] {would}banned {} in {} until {:.0}, as {by} did",
                put.prefix, put.set, put.end
            )?;
        }
        rest(out, self.added.len(), "bans")?;
        for pardoned in self.pardoned.iter().take(LISTED) {
            writeln!(out, "[INFO] {would}pardoned {pardoned}")?;
        }
        rest(out, self.pardoned.len(), "pardons")?;
        for refused in self.refused.iter().take(LISTED) {
            let by = names(&refused.origins);
            writeln!(
                out,
                "[INFO] {} in {}, banned by {by}, is not taken: {}",
                refused.prefix, refused.set, refused.why
            )?;
        }
        rest(out, self.refused.len(), "that are not taken")?;
        if self.clamped > 0 {
            let clamped = self.clamped;
            writeln!(
                out,
                "[INFO] {clamped} end when the kernel counts no longer, after 24 days and 20 hours"
            )?;
        }
        for finding in &self.findings {
            writeln!(out, "[WARNING] {finding}")?;
        }
        Ok(())
    }
}

fn rest(out: &mut impl Write, count: usize, of: &str) -> io::Result<()> {
    match count.checked_sub(LISTED) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(out, "[INFO] and {more} more {of}; --json has all"),
    }
}

fn names(hosts: &[Host]) -> String {
    let names: Vec<_> = hosts.iter().map(Host::as_str).collect();
    names.join(", ")
}
