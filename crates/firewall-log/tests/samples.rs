//! Lines with their expectation above them: what the library reads is what stands there, and what
//! it writes is the line.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod common;

use common::{describe, samples};
use firewall_log::{Event, ParseError};
use serde_json::Value;

const KERNEL: &str = include_str!("samples/kernel.log");
const UNSEEN: &str = include_str!("samples/unseen.log");
const RSYSLOG: &str = include_str!("samples/rsyslog.log");
const NOT_EVENTS: &str = include_str!("samples/not_events.log");

fn lines_of_the_kernel() -> impl Iterator<Item = (Value, &'static str)> {
    samples(KERNEL).chain(samples(UNSEEN))
}

#[test]
fn every_line_is_read_as_expected() {
    let mut read = 0;
    for (expected, line) in lines_of_the_kernel() {
        let event = Event::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{line}"));
        assert_eq!(describe(&event), expected, "{line}");
        read += 1;
    }
    assert_eq!(
        read,
        KERNEL.matches("\n<").count() + UNSEEN.matches("\n<").count()
    );
    assert!(read > 130, "only {read} lines");
}

/// What rsyslog wrote of what was given to it as the kernel's log, with and without reduction of
/// repeated messages.
#[test]
fn every_line_of_rsyslog_is_read_as_expected_and_written_as_it_was_read() {
    let mut read = 0;
    for (mut expected, line) in samples(RSYSLOG) {
        let event = Event::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{line}"));
        let object = expected.as_object_mut().unwrap();
        let host = object.remove("host").unwrap();
        let repeated = object.remove("repeated").unwrap();
        assert_eq!(host, String::from_utf8_lossy(event.host).as_ref());
        assert_eq!(
            repeated.as_u64(),
            event.repeated.map(|times| times.get().into())
        );
        assert_eq!(describe(&event), expected, "{line}");
        let mut written = Vec::new();
        event.render(&mut written);
        assert_eq!(String::from_utf8_lossy(&written), line);
        read += 1;
    }
    assert!(read > 10, "only {read} lines");
}

#[test]
fn every_line_is_written_as_it_was_read_in_every_form() {
    for (_, line) in lines_of_the_kernel() {
        let (priority, kernel) = line.split_at(3);
        let (_, message) = line.split_once("] ").unwrap();
        for form in [
            format!("{priority}{kernel}"),
            kernel.to_owned(),
            format!("Nov 22 09:25:54 fw-host kernel: {kernel}"),
            format!("Nov  2 09:25:54 fw-host kernel: {message}"),
            format!("{priority}Nov 22 09:25:54 fw-host kernel: {kernel}"),
            format!("2026-11-22T09:25:54.194069+00:00 fw-host kernel: {kernel}"),
            format!("2026-11-22T09:25:54.194069123-09:30 fw-host kernel: {message}"),
            format!("2026-11-22 09:25:54Z fw-host kernel: {kernel}"),
            format!("2026-11-22T09:25:54.1+0100 fw-host kernel:  {kernel}"),
            format!("{priority}1 2026-11-22T09:25:54.194069+00:00 fw-host kernel - - - {kernel}"),
            format!("{priority}1 2026-11-22T09:25:54.194069+00:00 fw-host kernel - - -  {message}"),
            format!("{priority}1 - - kernel - - [a b=\"c]\\\"d \"][e] {kernel}"),
        ] {
            let event =
                Event::parse(form.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{form}"));
            let mut written = Vec::new();
            event.render(&mut written);
            assert_eq!(String::from_utf8_lossy(&written), form);
            for end in ["\n", "\r\n", "\r"] {
                assert_eq!(
                    Event::parse(format!("{form}{end}").as_bytes()).as_ref(),
                    Ok(&event)
                );
            }
            // A syslog daemon may strip the space at the end.
            assert_eq!(
                Event::parse(form.trim_end().as_bytes()).as_ref(),
                Ok(&event),
                "{form}"
            );
        }
    }
}

#[test]
fn what_must_not_count_does_not_and_says_where() {
    let mut kinds = std::collections::BTreeSet::new();
    for (expected, line) in samples(NOT_EVENTS) {
        let error = Event::parse(line.as_bytes()).expect_err(line);
        let kind = match &error {
            error if error.is_rejected() => "rejected",
            error if error.is_malformed() => "unparsed",
            _ => "other",
        };
        let exactly_one = [
            ParseError::is_rejected,
            ParseError::is_malformed,
            ParseError::is_not_firewall_line,
        ];
        assert_eq!(exactly_one.iter().filter(|holds| holds(&error)).count(), 1);
        assert_eq!(kind, expected["kind"], "{error}\n{line}");
        let (at, wanted) = (&line[error.offset()..], expected["at"].as_str().unwrap());
        assert!(
            at.starts_with(wanted) && at.is_empty() == wanted.is_empty(),
            "{error}\n{line}\n{at}"
        );
        kinds.insert(kind);
    }
    assert_eq!(kinds.len(), 3);
}

#[test]
fn a_line_cut_short_anywhere_never_shows_another_address() {
    for (_, line) in lines_of_the_kernel() {
        for form in [
            line.to_owned(),
            format!("Nov 22 09:25:54 fw-host kernel: {}", &line[3..]),
        ] {
            let whole = Event::parse(form.as_bytes()).unwrap();
            for cut in 0..form.len() {
                match Event::parse(&form.as_bytes()[..cut]) {
                    Ok(event) => {
                        assert_eq!(event.source(), whole.source(), "{}", &form[..cut]);
                        assert_eq!(event.packet.destination(), whole.packet.destination());
                        assert_eq!(event.prefix, whole.prefix);
                    }
                    Err(error) => assert!(error.offset() <= cut),
                }
            }
        }
    }
}

#[test]
fn two_lines_run_together_anywhere_never_count_as_the_second() {
    let lines: Vec<&str> = samples(KERNEL).map(|(_, line)| line).step_by(7).collect();
    for first in &lines {
        let event = Event::parse(first.as_bytes()).unwrap();
        let source = event.source();
        let mut packet = Vec::new();
        event.packet.render(&mut packet);
        let packet_at = first.len() - packet.len();
        let second = "<4>[    9.000000] IPTABLES-BLOCKED: IN=eth0 OUT= SRC=198.51.100.66 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 ";
        for cut in 0..first.len() {
            let joined = [&first.as_bytes()[..cut], second.as_bytes()].concat();
            if let Ok(event) = Event::parse(&joined) {
                // What is left of the first may end before it says anything; then it is part of the
                // prefix.
                let begins = ["MAC=", "MACSRC=", "SRC=", "ARP ", "PHYSIN=", "PHYSOUT="];
                let said = &first[packet_at.min(cut)..cut];
                let nothing_said = !begins.iter().any(|key| said.contains(key));
                let in_prefix = event
                    .prefix
                    .ends_with(b"<4>[    9.000000] IPTABLES-BLOCKED: ");
                let plain = cut == 0;
                assert!(
                    event.source() == source || plain || (nothing_said && in_prefix),
                    "{}",
                    String::from_utf8_lossy(&joined)
                );
            }
            let whole = [second.as_bytes(), &first.as_bytes()[cut..]].concat();
            if let Ok(event) = Event::parse(&whole) {
                assert_eq!(
                    event.source(),
                    Some([198, 51, 100, 66].into()),
                    "{}",
                    String::from_utf8_lossy(&whole)
                );
            }
        }
    }
}

#[test]
fn words_of_a_newer_kernel_are_kept() {
    let line = b"[    1.000000] IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 MARK=0x1 CTMARK=7 NEW ";
    let event = Event::parse(line).unwrap();
    assert_eq!(event.packet.extra, b"CTMARK=7 NEW");
    let mut written = Vec::new();
    event.render(&mut written);
    assert_eq!(written, line);
}

#[test]
fn bytes_that_are_no_text_are_data_in_a_prefix_and_an_error_elsewhere() {
    let line = |prefix: &[u8], end: &[u8]| {
        [b"[    1.000000] ", prefix, b"IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 ", end].concat()
    };
    assert_eq!(
        Event::parse(&line(b"\0\xff\xfe", b"")).unwrap().prefix,
        b"\0\xff\xfe"
    );
    assert!(Event::parse(&line(b"", b"\0")).unwrap_err().is_malformed());
    assert!(
        Event::parse(&[b"\0\0\0\0".to_vec(), line(b"", b"")].concat())
            .unwrap_err()
            .is_rejected()
    );
    assert_eq!(
        Event::parse(&line(b"", b"\xff")).unwrap().packet.extra,
        b"\xff"
    );
}

#[test]
fn an_error_says_what_was_expected_and_found() {
    let error = Event::parse(b"[1.0] IN=eth0 OUT= SRC=203.0.113.7 SRC=198.51.100.66 ").unwrap_err();
    assert_eq!(
        error.to_string(),
        "malformed firewall line: expected DST= at byte 35, found `SRC=198.51.100.66 `"
    );
    let error = Event::parse(b"Nov 22 09:25:54 fw sshd[1]: IN= OUT=").unwrap_err();
    assert_eq!(
        error.to_string(),
        "carries firewall text but was written by sshd[1]: expected the kernel's tag at byte 19, found `sshd[1]: IN= OUT=`"
    );
}
