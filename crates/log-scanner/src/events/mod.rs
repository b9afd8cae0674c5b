//! `events`: every line as the scanner sees it.

mod json;
mod text;

use std::io::{BufReader, Write};

use firewall_log::packet::{Network, Transport};
use firewall_log::{Event, LogReader};
use jiff::Timestamp;

use crate::args::EventsArgs;
use crate::clock::{AsOf, Present};
use crate::error::Stop;
use crate::log;
use crate::progress::Progress;

/// What a line is.
enum Seen<'a> {
    Event {
        event: Box<Event<'a>>,
        time: Option<Timestamp>,
    },
    /// Not of a firewall.
    Other(&'a [u8]),
    /// `column` counts bytes, from 1.
    Unparsed {
        why: String,
        column: usize,
    },
    Rejected(String),
}

/// Shows every line; their numbers run on from log to log.
pub(crate) fn run(args: &EventsArgs, out: &mut impl Write) -> Result<(), Stop> {
    let present = Present::new(args.as_of.map_or(AsOf::Now, AsOf::At));
    let mut before = 0;
    let mut tally = text::Tally::default();
    for mut log in log::open(&args.log.paths, !args.log.no_rotated, &Progress::default())? {
        let mut reader = LogReader::new(BufReader::with_capacity(log::BUFFER, &mut log.text));
        let after = loop {
            let (number, seen) = match reader.next_line() {
                None => break Ok(()),
                Some(Ok(line)) => (line.number, Seen::new(line.text, &present)),
                Some(Err(error)) => match error.into_line_error() {
                    // A line nobody has looked into yet can only be too long.
                    Ok(error) => (
                        error.number(),
                        Seen::Unparsed {
                            why: error.to_string(),
                            column: 1,
                        },
                    ),
                    Err(error) => break Err(error),
                },
            };
            let number = before + number;
            if args.json {
                json::write(number, &seen, out)?;
            } else {
                tally.count(&seen);
                text::write(number, &seen, &present.zone, out)?;
            }
        };
        let lines = reader.line_number();
        after.map_err(|error| log.unreadable(lines, error))?;
        before += lines;
    }
    if !args.json {
        tally.write(out)?;
    }
    out.flush()?;
    Ok(())
}

impl<'a> Seen<'a> {
    fn new(line: &'a [u8], present: &Present) -> Self {
        match Event::parse(line) {
            Ok(event) => Self::Event {
                time: present.date(event.time),
                event: Box::new(event),
            },
            Err(error) if error.is_not_firewall_line() => Self::Other(line),
            Err(error) if error.is_rejected() => Self::Rejected(error.to_string()),
            Err(error) => Self::Unparsed {
                why: error.to_string(),
                column: error.offset() + 1,
            },
        }
    }
}

/// Type and code of an ICMP or ICMPv6 packet.
fn icmp(network: &Network<'_>) -> Option<(u8, u8)> {
    match network.transport()? {
        Transport::Icmp(part) => part.whole().map(|icmp| (icmp.kind, icmp.code)),
        Transport::Icmpv6(part) => part.whole().map(|icmp| (icmp.kind, icmp.code)),
        _ => None,
    }
}

/// The flags of a TCP packet, in the kernel's words and order.
fn flags(network: &Network<'_>) -> impl Iterator<Item = &'static str> {
    let tcp = match network.transport() {
        Some(Transport::Tcp(part)) => part.whole(),
        _ => None,
    };
    tcp.map(|tcp| tcp.flags.names()).into_iter().flatten()
}
