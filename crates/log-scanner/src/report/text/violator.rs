//! What is said of a violator.

use std::io;

use ban_sets::network::spelled;
use jiff::tz::TimeZone;

use super::rule::name;
use super::{ACTION, DRYRUN, ERROR, Text, VIOLATION};
use crate::connected::CONNECTED;
use crate::duration::Spelled;
use crate::exempt::Part;
use crate::violation::{Banned, Connections, Outcome};
use crate::words::{count, local};

/// More in one network are only counted.
const EXCEPTIONS_TOLD: usize = 10;

/// What became of a ban, in a line.
pub(crate) fn action(banned: &Banned<'_>, zone: &TimeZone) -> String {
    let ban = &banned.ban;
    let (source, set, until) = (ban.source(), ban.set(), local(ban.expires, zone));
    let again = ban.offence.filter(|offence| offence.number > 1);
    let again = again.map_or_else(String::new, |again| format!(", {again}"));
    let span = format!("for {}, until {until}{again}", Spelled(ban.timeout.into()));
    match &banned.outcome {
        Outcome::Added => format!("{ACTION} {source}: added to {set} {span}"),
        Outcome::Refreshed => format!("{ACTION} {source}: stays longer in {set}, {span}"),
        Outcome::WouldAdd => format!("{DRYRUN} {source}: would be added to {set} {span}"),
        Outcome::Refused(error) => format!("{ERROR} {error}"),
        Outcome::Kept(remaining) => format!("kept: {source} is in {set} {remaining} already"),
        Outcome::Outlasted { rule, until } => {
            let until = local(*until, zone);
            format!("kept: {source} stays in {set} by rule {rule}, until {until}")
        }
        Outcome::Connected => {
            format!("connected: {source} is {CONNECTED}, and not banned (--ban-connected)")
        }
        Outcome::NoHandshake => {
            format!("not banned: {source} completed too few TCP handshakes (handshake)")
        }
        Outcome::BeyondMaxBans => format!("not banned: {source} is beyond --max-bans"),
        Outcome::NoRoom => {
            format!(
                "not banned: {set} is full, and what is in it ends later than a ban of {source}"
            )
        }
        Outcome::Exempt(why) => format!("exempt: {source} is {why}"),
        Outcome::Expired => format!("expired: {source} would have left {set} {until}"),
    }
}

/// What a ban is for: `501 hits within 30m, from 2026-11-22 08:00:00 +00:00 to …`.
pub(crate) fn evidence(banned: &Banned<'_>, zone: &TimeZone) -> String {
    let violator = &banned.ban.violator;
    let hits = count(violator.peak_hits, "hit");
    let ports = violator.peak_ports.map_or_else(String::new, |ports| {
        format!(" to {}", count(ports.into(), "port"))
    });
    let (first, last) = (
        local(violator.first_seen, zone),
        local(violator.last_seen, zone),
    );
    let within = banned.ban.rule.within;
    format!("{hits}{ports} within {within}, from {first} to {last}")
}

/// What became of a ban, by which rule and what for.
pub(crate) fn in_a_line(banned: &Banned<'_>, zone: &TimeZone) -> String {
    let (ban, said) = (&banned.ban, action(banned, zone));
    let (rule, evidence) = (name(ban.rule), evidence(banned, zone));
    format!("{said}; rule {} ({rule}): {evidence}", ban.number)
}

/// Who is excepted from a ban, in lines.
pub(crate) fn exceptions(banned: &Banned<'_>) -> Vec<String> {
    let (source, exceptions) = (banned.ban.source(), &banned.exceptions);
    let (told, more) = exceptions.split_at(exceptions.len().min(EXCEPTIONS_TOLD));
    let told = told.iter().map(|Part { network, why, .. }| {
        let network = spelled(*network);
        format!("excepted: {network} in {source} is {why}")
    });
    let more = (!more.is_empty()).then(|| format!("excepted: {} more in {source}", more.len()));
    told.chain(more).collect()
}

/// What became of the connections of a banned source, in lines.
pub(crate) fn connections(banned: &Banned<'_>, dry_run: bool) -> Vec<String> {
    let source = banned.ban.source();
    let Some(Connections { cut, left, error }) = &banned.connections else {
        return Vec::new();
    };
    let number = |number: u64| count(number, "connection");
    let left = (*left > 0).then(|| {
        let left = number(*left);
        format!("left: {left} of {source} older than its first line in the log (--cut-older)")
    });
    let cut = match (error, cut) {
        (Some(error), _) => Some(format!("{ERROR} {error}")),
        (None, 0) => None,
        (None, cut) if dry_run => Some(format!("{DRYRUN} {source}: {} would be cut", number(*cut))),
        (None, cut) => Some(format!("{ACTION} {source}: {} cut", number(*cut))),
    };
    left.into_iter().chain(cut).collect()
}

impl<W: io::Write> Text<'_, W> {
    /// That and when it broke the threshold.
    pub(super) fn violation(&mut self, banned: &Banned<'_>) -> io::Result<()> {
        let (violator, within) = (&banned.ban.violator, banned.ban.rule.within);
        let ports = violator.peak_ports.map_or_else(String::new, |ports| {
            let ports = count(ports.into(), "port");
            format!(", {ports} within {within}")
        });
        writeln!(
            self.out,
            "  {VIOLATION} {}: {}, {} of them within {within}{ports}, first {}, last {}",
            violator.source,
            count(violator.hits, "hit"),
            violator.peak_hits,
            self.time(violator.first_seen),
            self.time(violator.last_seen)
        )
    }

    /// What became of its ban.
    pub(super) fn action(&mut self, banned: &Banned<'_>) -> io::Result<()> {
        let said = action(banned, self.zone);
        self.indented([said])
    }

    /// Who is excepted from its ban.
    pub(super) fn exceptions(&mut self, banned: &Banned<'_>) -> io::Result<()> {
        self.indented(exceptions(banned))
    }

    /// What became of its connections.
    pub(super) fn connections(&mut self, banned: &Banned<'_>) -> io::Result<()> {
        self.indented(connections(banned, self.report.dry_run))
    }

    fn indented(&mut self, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        for line in lines {
            writeln!(self.out, "  {line}")?;
        }
        Ok(())
    }
}
