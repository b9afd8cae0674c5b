//! A whole line: header, prefix, packet.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::Duration;

use memchr::memmem;

use crate::error::ParseError;
use crate::header::{Header, Layout};
use crate::input::Parsed;
use crate::marker::carries_marker;
use crate::packet::{self, Packet};
use crate::time::LogTime;
use crate::trace::Trace;

/// A packet that the kernel logged, with when, where and under which prefix.
///
/// An event borrows from the line it was read from and allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The time of the syslog header; where there is none, the kernel's time since boot.
    pub time: LogTime,
    /// The kernel's own `[seconds]`, to the microsecond. Under load it is the better order: syslog
    /// stamps a line when it arrives.
    pub uptime: Option<Duration>,
    /// `<pri>` of the line, if it has one: the LOG rule's level, 0 (emergency) to 7 (debug).
    pub priority: Option<u8>,
    /// The host of the syslog header; empty in a raw kernel line.
    pub host: &'a [u8],
    /// What the rule's owner put before `IN=`, byte for byte; the kernel adds no space.
    pub prefix: &'a [u8],
    /// The packet.
    pub packet: Packet<'a>,
    /// `message repeated 199 times: [ … ]`: rsyslog, where it is told to reduce repeated messages,
    /// wrote this line in place of so many that were the same; the last of them came at the event's
    /// time. `None` for a line of one packet.
    pub repeated: Option<NonZeroU32>,
    layout: Layout<'a>,
}

impl<'a> Event<'a> {
    /// An event that was not read from a line. [`render`](Self::render) writes it as rsyslog would:
    /// RFC 3339 with microseconds in UTC, RFC 3164, or the kernel's raw form, as `time` says.
    ///
    /// A time since boot is the event's [`uptime`](Self::uptime) as well.
    pub fn new(time: LogTime, host: &'a [u8], prefix: &'a [u8], packet: Packet<'a>) -> Self {
        let uptime = match time {
            LogTime::SinceBoot(uptime) => Some(uptime),
            _ => None,
        };
        Self {
            time,
            uptime,
            priority: None,
            host,
            prefix,
            packet,
            repeated: None,
            layout: Layout::of(time),
        }
    }

    /// Reads one line, with or without its line end.
    ///
    /// The line must have been written by the kernel: the syslog tag is `kernel`, or the line is in
    /// a [form](crate#the-forms-of-a-line) of the kernel's own log; where there is a `<pri>`, its
    /// facility is the kernel's. Nothing of the message can make up for that, so a line that
    /// another program wrote never counts, whatever it quotes. (A program that may write to the log
    /// socket can still claim the tag; let the syslog daemon keep what comes from the kernel in a
    /// file of its own.)
    ///
    /// Then comes the prefix, at most 127 bytes of anything, and the packet in the kernel's
    /// grammar. The last space of a line may be missing. Words that follow all that is known are
    /// [kept](Packet::extra), but a second packet in the same line is an error, and so is any
    /// deviation within the grammar: an address is read whole or not at all.
    ///
    /// Takes time linear in the length of the line and does not allocate.
    ///
    /// # Errors
    ///
    /// [`ParseError`] says whether the line is none of ours, is not the kernel's, or is not well
    /// formed, and where.
    pub fn parse(line: &'a [u8]) -> Result<Self, ParseError> {
        Self::read(strip_end(line), &mut ())
    }

    /// [`parse`](Self::parse), of a line without its end.
    pub(crate) fn read(line: &'a [u8], trace: &mut impl Trace) -> Result<Self, ParseError> {
        if !carries_firewall_text(line) {
            return Err(ParseError::not_firewall());
        }
        let (message, header) = Header::parse(line, trace)?;
        // Every text is the end of the line from here on.
        let line = line
            .get(..line.len().saturating_sub(header.end))
            .unwrap_or_default();
        let start = packet_start(message)
            .map_err(|expected| ParseError::malformed(line, message, expected))?;
        let (prefix, kernel_part) = message.split_at(start);
        let packet = whole(line, Packet::parse(kernel_part, trace))?;
        let Header {
            time,
            uptime,
            priority,
            host,
            repeated,
            layout,
            ..
        } = header;
        Ok(Self {
            time,
            uptime,
            priority,
            host,
            prefix,
            packet,
            repeated,
            layout,
        })
    }

    /// The outer `SRC=`, never an address that an ICMP error quotes; see [`Packet::source`].
    pub fn source(&self) -> Option<IpAddr> {
        self.packet.source()
    }

    /// Appends the line, without a line end.
    ///
    /// A line that the kernel and rsyslog wrote comes out byte for byte as it was read, with the
    /// space at its end.
    pub fn render(&self, out: &mut Vec<u8>) {
        let Self {
            time,
            uptime,
            priority,
            host,
            prefix,
            packet,
            repeated,
            layout,
        } = self;
        let header = Header {
            time: *time,
            uptime: *uptime,
            priority: *priority,
            host,
            repeated: *repeated,
            end: 0,
            layout: *layout,
        };
        header.render(out);
        out.extend_from_slice(prefix);
        packet.render(out);
        header.render_end(out);
    }
}

/// A line without the NUL bytes before it: what a file is filled up with that was emptied while a
/// writer kept its place.
pub(crate) fn strip_hole(line: &[u8]) -> &[u8] {
    match line {
        [0, ..] => {
            let hole = line.iter().position(|byte| *byte != 0);
            line.get(hole.unwrap_or(line.len())..).unwrap_or_default()
        }
        _ => line,
    }
}

/// A line without its line end.
pub(crate) fn strip_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What was read of the end of a line, or where that went wrong.
fn whole<'a, T>(line: &'a [u8], read: Parsed<'a, T>) -> Result<T, ParseError> {
    match read {
        Ok((_, value)) => Ok(value),
        Err(nom::Err::Error(mismatch) | nom::Err::Failure(mismatch)) => {
            Err(ParseError::malformed(line, mismatch.at, mismatch.expected))
        }
        Err(nom::Err::Incomplete(_)) => Err(ParseError::malformed(line, b"", "more")),
    }
}

/// The longest prefix the kernel takes: `NF_LOG_PREFIXLEN` of `net/netfilter/nf_log.h` without its
/// NUL.
const PREFIX_MAX: usize = 127;

/// `IN=` with ` OUT=` after it, or one of our own markers.
fn carries_firewall_text(line: &[u8]) -> bool {
    static IN: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"IN="));
    static OUT: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b" OUT="));
    let after_in = IN.find(line).and_then(|at| line.get(at + b"IN=".len()..));
    after_in.is_some_and(|rest| OUT.find(rest).is_some()) || carries_marker(line)
}

/// Where the kernel's part begins: at the last `IN=… OUT=… ` that a prefix can reach up to.
///
/// A prefix may hold such words itself, glued to anything. It cannot hold a packet: where two
/// packets begin, the line is two lines, and neither is trusted.
fn packet_start(message: &[u8]) -> Result<usize, &'static str> {
    let reach = message.len().min(PREFIX_MAX + b"IN=".len());
    let reach = message.get(..reach).unwrap_or_default();
    let mut last = None;
    let mut packet = None;
    for start in memmem::find_iter(reach, b"IN=") {
        let Ok((rest, _)) = packet::interfaces(message.get(start..).unwrap_or_default()) else {
            continue;
        };
        last = Some(start);
        if packet::begins(rest) && packet.replace(start).is_some() {
            return Err("one packet");
        }
    }
    packet
        .or(last)
        .ok_or("IN=… OUT=… after at most 127 bytes of prefix")
}
