//! Lines of the kernel's LOG target: read them, tell the packet that was logged from the one it
//! quotes, find the sources that come too often, and write the same line again.
//!
//! ```
//! use std::num::NonZeroU32;
//! use std::time::{Duration, SystemTime};
//!
//! use firewall_log::{Clock, Detector, LogReader, Protocol, Threshold};
//! use jiff::tz::TimeZone;
//!
//! # fn main() -> std::io::Result<()> {
//! let log = "\
//! 2026-11-22T09:25:54.100+00:00 fw kernel: [ 1836.5] IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0
//! 2026-11-22T09:25:55.900+00:00 fw kernel: [ 1838.3] IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4661 DF PROTO=TCP SPT=40001 DPT=23 WINDOW=64240 RES=0x00 SYN URGP=0
//! 2026-11-22T09:25:56.000+00:00 fw sshd[1]: Invalid user kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=192.0.2.9 DST=203.0.113.1 …
//! ";
//! let clock = Clock::new(SystemTime::now(), TimeZone::UTC);
//! let two_in_a_minute = Threshold::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(60))
//!     .prefix("IPTABLES-BLOCKED")
//!     .prefix("IP6TABLES-BLOCKED")
//!     .protocol(Protocol::Tcp);
//! let mut detector = Detector::new([two_in_a_minute]);
//! let mut violations = Vec::new();
//!
//! let mut reader = LogReader::new(log.as_bytes());
//! while let Some(event) = reader.next_event() {
//!     match event {
//!         Ok(event) => {
//!             let Ok(at) = event.time.resolve(&clock) else { continue };
//!             violations.extend(detector.observe(&event, at));
//!         }
//!         // Stops at an I/O error; a line that is no event is only counted.
//!         Err(error) => drop(error.into_line_error()?),
//!     }
//! }
//!
//! assert_eq!(violations.len(), 1);
//! assert_eq!(violations[0].source.to_string(), "203.0.113.7");
//! assert_eq!(violations[0].hits, 2);
//! // A program other than the kernel cannot make a line count, whatever it was made to write.
//! assert_eq!(reader.counts().rejected, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What it is made for
//!
//! Whoever sends a packet writes a line of the log. So nothing in a line can crash or stall the
//! reader, and everything that decides who is banned is read strictly: the line must be [the
//! kernel's](Event::parse), the address is that of the [outer](Packet::source) packet, and a line
//! that deviates from the kernel's grammar is an [error with its place](ParseError) and not a
//! guess. What a line says and this library does not know is kept as data.
//!
//! The library asks no clock and no environment and does no I/O but through the
//! [`BufRead`](std::io::BufRead) it is given. Parsing borrows from the line, allocates nothing and
//! takes linear time.
//!
//! [`LogReader`] and [`Detector`] are for a log that is followed, event by event, [`LineDetector`] for
//! one of which nothing but the violations is wanted; [`Scan`] is for logs that are read to their end.
//!
//! # The forms of a line
//!
//! | form | example | [`LogTime`] |
//! |---|---|---|
//! | RFC 3339, rsyslog's file form; any offset, `Z`, a space for `T`; `journalctl -o short-iso` | `2026-11-22T09:25:54.194069+00:00 fw kernel: [ 1836.585591] …` | [`Rfc3339`](LogTime::Rfc3339) |
//! | the same without an offset; in this and the last, a comma for the dot | `2026-11-22 09:25:54,194 fw kernel: …` | [`Local`](LogTime::Local) |
//! | RFC 3164, rsyslog's traditional; with a fraction, `journalctl -o short-precise` | `Nov 22 09:25:54 fw kernel: [ 1836.585591] …` | [`Rfc3164`](LogTime::Rfc3164) |
//! | RFC 5424 | `<4>1 2026-11-22T09:25:54.194069+00:00 fw kernel - - - [ 1836.585591] …` | [`Rfc3339`](LogTime::Rfc3339) |
//! | `journalctl -o short-unix` | `1795339554.194069 fw kernel: …` | [`Rfc3339`](LogTime::Rfc3339) |
//! | `journalctl -o short-full`, `-o with-unit` | `Sun 2026-11-22 09:25:54 UTC fw kernel: …` | [`Rfc3339`](LogTime::Rfc3339), [`Local`](LogTime::Local) in a zone by name |
//! | `journalctl -o short-monotonic` | `[ 1836.585591] fw kernel: …` | [`SinceBoot`](LogTime::SinceBoot) |
//! | `OpenWrt`'s logread | `Sun Nov 22 09:25:54 2026 kern.warn kernel: [ 1836.585591] …` | [`Local`](LogTime::Local) |
//! | the kernel's own, `dmesg`, `dmesg -r` | `[ 1836.585591] …`, `<4>[ 1836.585591] …` | [`SinceBoot`](LogTime::SinceBoot) |
//! | `dmesg -T` | `[Sun Nov 22 09:25:54 2026] …` | [`Local`](LogTime::Local) |
//! | `dmesg --time-format iso` | `2026-11-22T09:25:54,194069+00:00 …` | [`Rfc3339`](LogTime::Rfc3339) |
//! | `dmesg -x`, before any of its forms | `kern  :warn  : [ 1836.585591] …` | as without |
//! | a record of `/dev/kmsg` | `4,7394,1836585591,-;…` | [`SinceBoot`](LogTime::SinceBoot) |
//!
//! What `journalctl -o json` and `-o export` write is read through a [`Journal`].
//!
//! Before the tag `kernel:` the host may be missing, and the facility may stand, as busybox writes
//! it (`fw kern.warn kernel: `). `<pri>` may stand before each form; it must be the kernel's. `[
//! 1836.585591]` may be missing where there is another time. Who logged (`[T92772]`, `[    C0]`),
//! the level once more (`<4>`) and a byte order mark may stand before the message, and are no part
//! of the prefix. What rsyslog writes for equal messages, `kernel: message repeated 199 times: [ …
//! ]`, is an event that is [repeated](Event::repeated).
//!
//! In no form does a line count that another program of the host wrote (`sshd[1]: kernel: …`). What
//! a program is free to choose is the tag it logs under itself; see [`Event::parse`].
#![forbid(unsafe_code)]

mod digits;
mod error;
mod event;
mod follow;
mod header;
mod input;
mod journal;
mod keyed;
mod loss;
mod marker;
pub mod packet;
mod reader;
mod render;
mod rule;
mod scan;
pub mod survey;
mod template;
mod time;
mod trace;

pub use crate::error::ParseError;
pub use crate::event::Event;
pub use crate::follow::{Detector, LineDetector, Violation};
pub use crate::journal::Journal;
pub use crate::packet::{Packet, Protocol};
pub use crate::reader::{Counts, Line, LineError, LogReader, ReadError};
pub use crate::rule::{Beside, Bout, Tally, Threshold, WhyNot};
pub use crate::scan::{Finding, Scan, ScanError, Summary};
pub use crate::time::{Clock, LogTime, TimeError};
