//! Each line of the log as one readable line.

use std::io;

use firewall_log::Protocol;
use firewall_log::packet::{Network, Transport};
use jiff::tz::TimeZone;

use super::Seen;
use crate::words::{local, plain};

/// Writes line `n` and a line feed.
pub(super) fn write(
    n: u64,
    seen: &Seen<'_>,
    zone: &TimeZone,
    out: &mut impl io::Write,
) -> io::Result<()> {
    write!(out, "{n:>6}  ")?;
    match seen {
        Seen::Event { event, time } => {
            let time = time.map_or_else(|| "no date".to_owned(), |time| local(time, zone));
            let packet = &event.packet;
            write!(out, "{time}  {}", plain(event.prefix).trim_end())?;
            for (word, interface) in [("in", packet.in_interface), ("out", packet.out_interface)] {
                if !interface.is_empty() {
                    write!(out, " {word} {}", plain(interface))?;
                }
            }
            write_packet(&packet.network, out)?;
            if let Some(inner) = &packet.inner {
                write!(out, ", quoting")?;
                write_packet(inner, out)?;
            }
            if let Some(times) = event.repeated {
                write!(out, ", repeated {times} times")?;
            }
            writeln!(out)
        }
        Seen::Other(line) => writeln!(out, "other: {}", plain(line)),
        Seen::Unparsed { why, column } => writeln!(
            out,
            "unparsed at column {column}: {}",
            plain(why.as_bytes())
        ),
        Seen::Rejected(why) => writeln!(out, "rejected: {}", plain(why.as_bytes())),
    }
}

fn write_packet(network: &Network<'_>, out: &mut impl io::Write) -> io::Result<()> {
    match network.protocol() {
        Some(Protocol::Other(number)) => write!(out, " protocol {number}")?,
        Some(protocol) => write!(out, " {protocol}")?,
        None => {}
    }
    if let Some((kind, code)) = super::icmp(network) {
        write!(out, " type {kind} code {code}")?;
    }
    let ports = network.transport().and_then(Transport::ports);
    if let (Some(source), Some(destination)) = (network.source(), network.destination()) {
        match ports {
            Some((from, to)) => write!(out, " {source} port {from} -> {destination} port {to}")?,
            None => write!(out, " {source} -> {destination}")?,
        }
    } else {
        write!(out, " no IP addresses")?;
    }
    for flag in super::flags(network) {
        write!(out, " {flag}")?;
    }
    if let (Some(length), Some(ttl)) = (network.length(), network.ttl()) {
        write!(out, " length {length} ttl {ttl}")?;
    }
    Ok(())
}

/// How many lines there were of each kind.
#[derive(Default)]
pub(super) struct Tally {
    events: u64,
    unparsed: u64,
    rejected: u64,
    other: u64,
}

impl Tally {
    pub(super) fn count(&mut self, seen: &Seen<'_>) {
        *match seen {
            Seen::Event { .. } => &mut self.events,
            Seen::Other(_) => &mut self.other,
            Seen::Unparsed { .. } => &mut self.unparsed,
            Seen::Rejected(_) => &mut self.rejected,
        } += 1;
    }

    pub(super) fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        let Self {
            events,
            unparsed,
            rejected,
            other,
        } = self;
        let lines = events + unparsed + rejected + other;
        writeln!(
            out,
            "lines {lines}, events {events}, unparsed {unparsed}, rejected {rejected}, other {other}"
        )
    }
}
