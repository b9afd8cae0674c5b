//! What is said of a violator.

use std::io;

use super::{ACTION, DRYRUN, ERROR, Text, VIOLATION};
use crate::connected::CONNECTED;
use crate::duration::Spelled;
use crate::exempt::Part;
use crate::source::spelled;
use crate::violation::{Banned, Connections, Outcome};
use crate::words::count;

/// More in one network are only counted.
const EXCEPTIONS_TOLD: usize = 10;

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
        let ban = &banned.ban;
        let (source, set, until) = (ban.source(), ban.set(), self.time(ban.expires));
        let span = format!("for {}, until {until}", Spelled(ban.timeout.into()));
        let said = match &banned.outcome {
            Outcome::Added => format!("{ACTION} {source}: added to {set} {span}"),
            Outcome::Refreshed => format!("{ACTION} {source}: stays longer in {set}, {span}"),
            Outcome::WouldAdd => format!("{DRYRUN} {source}: would be added to {set} {span}"),
            Outcome::Refused(error) => format!("{ERROR} {error}"),
            Outcome::Kept(remaining) => {
                format!("kept: {source} is in {set} {remaining} already")
            }
            Outcome::Outlasted { rule, until } => {
                let until = self.time(*until);
                format!("kept: {source} stays in {set} by rule {rule}, until {until}")
            }
            Outcome::Connected => {
                format!("connected: {source} is {CONNECTED}, and not banned (--ban-connected)")
            }
            Outcome::BeyondMaxBans => format!("not banned: {source} is beyond --max-bans"),
            Outcome::Exempt(why) => format!("exempt: {source} is {why}"),
            Outcome::Expired => format!("expired: {source} would have left {set} {until}"),
        };
        writeln!(self.out, "  {said}")
    }

    /// Who is excepted from its ban.
    pub(super) fn exceptions(&mut self, banned: &Banned<'_>) -> io::Result<()> {
        let (source, exceptions) = (banned.ban.source(), &banned.exceptions);
        let (told, more) = exceptions.split_at(exceptions.len().min(EXCEPTIONS_TOLD));
        for Part { network, why, .. } in told {
            let network = spelled(*network);
            writeln!(self.out, "  excepted: {network} in {source} is {why}")?;
        }
        if more.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "  excepted: {} more in {source}", more.len())
    }

    /// What became of its connections.
    pub(super) fn connections(&mut self, banned: &Banned<'_>) -> io::Result<()> {
        let source = banned.ban.source();
        let Some(Connections { cut, left, error }) = &banned.connections else {
            return Ok(());
        };
        let connections = |number: u64| count(number, "connection");
        if *left > 0 {
            let left = connections(*left);
            writeln!(
                self.out,
                "  left: {left} of {source} older than its first line in the log (--cut-older)"
            )?;
        }
        match (error, cut) {
            (Some(error), _) => writeln!(self.out, "  {ERROR} {error}"),
            (None, 0) => Ok(()),
            (None, cut) if self.report.dry_run => {
                let cut = connections(*cut);
                writeln!(self.out, "  {DRYRUN} {source}: {cut} would be cut")
            }
            (None, cut) => {
                let cut = connections(*cut);
                writeln!(self.out, "  {ACTION} {source}: {cut} cut")
            }
        }
    }
}
