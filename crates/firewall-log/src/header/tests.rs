//! Lines in every form of header, and what other programs write that looks like one.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::time::SystemTime;

use jiff::tz::TimeZone;

use super::*;
use crate::event::Event;
use crate::time::Clock;

const PACKET: &str = "IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=33 TOS=0x00 PREC=0x00 TTL=64 ID=4660 PROTO=UDP SPT=5353 DPT=53 LEN=13 ";

/// 2026-11-22T09:25:54.194069Z; most forms have less of it.
const AT: &str = "2026-11-22T09:25:54.194069Z";

/// Two hours east.
fn clock() -> Clock {
    let now: jiff::Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let boot: jiff::Timestamp = "2026-11-22T08:55:17.608478Z".parse().unwrap();
    Clock::new(now.into(), TimeZone::posix("EET-2").unwrap()).boot(boot.into())
}

fn at(time: LogTime) -> jiff::Timestamp {
    jiff::Timestamp::try_from(time.resolve(&clock()).unwrap()).unwrap()
}

/// Every header, as it is written byte for byte, and the host, priority and instant it says.
const WRITTEN: [(&str, &str, Option<u8>, &str); 39] = [
    (
        "2026-11-22T09:25:54.194069+00:00 fw kernel: ",
        "fw",
        None,
        AT,
    ),
    (
        "2026-11-22T09:25:54.194069+00:00 fw kernel: [ 1836.585591] ",
        "fw",
        None,
        AT,
    ),
    ("2026-11-22T09:25:54.194069+00:00 kernel: ", "", None, AT),
    (
        "Nov 22 09:25:54 fw kernel: ",
        "fw",
        None,
        "2026-11-22T07:25:54Z",
    ),
    (
        "Nov 22 09:25:54 kernel: [ 1836.585591] ",
        "",
        None,
        "2026-11-22T07:25:54Z",
    ),
    // journalctl -o short-precise, syslog-ng
    (
        "Nov 22 09:25:54.194069 fw kernel: ",
        "fw",
        None,
        "2026-11-22T07:25:54.194069Z",
    ),
    // busybox, UniFi
    (
        "Nov 22 09:25:54 fw kern.warn kernel: ",
        "fw",
        Some(4),
        "2026-11-22T07:25:54Z",
    ),
    (
        "Nov 22 09:25:54 fw kern.warn kernel: [ 1836.585591] ",
        "fw",
        Some(4),
        "2026-11-22T07:25:54Z",
    ),
    (
        "Nov 22 09:25:54 kern.info kernel: ",
        "",
        Some(6),
        "2026-11-22T07:25:54Z",
    ),
    // journalctl -o short-iso and short-iso-precise
    (
        "2026-11-22T09:25:54+0000 fw kernel: ",
        "fw",
        None,
        "2026-11-22T09:25:54Z",
    ),
    (
        "2026-11-22T10:25:54.194069+0100 fw kernel: ",
        "fw",
        None,
        AT,
    ),
    // without an offset, with a comma, with a space
    (
        "2026-11-22T11:25:54 fw kernel: ",
        "fw",
        None,
        "2026-11-22T09:25:54Z",
    ),
    ("2026-11-22T11:25:54.194069 fw kernel: ", "fw", None, AT),
    (
        "2026-11-22 11:25:54,194 fw kernel: ",
        "fw",
        None,
        "2026-11-22T09:25:54.194Z",
    ),
    (
        "2026-11-22 11:25:54 kernel: [ 1836.585591] ",
        "",
        None,
        "2026-11-22T09:25:54Z",
    ),
    (
        "2026-11-22T09:25:54,194069+00:00 fw kernel: ",
        "fw",
        None,
        AT,
    ),
    // journalctl -o short-unix
    ("1795339554.194069 fw kernel: ", "fw", None, AT),
    ("1795339554.194069 kernel: ", "", None, AT),
    // journalctl -o short-full and with-unit
    (
        "Sun 2026-11-22 09:25:54 UTC fw kernel: ",
        "fw",
        None,
        "2026-11-22T09:25:54Z",
    ),
    (
        "Sun 2026-11-22 11:25:54 EET fw kernel: ",
        "fw",
        None,
        "2026-11-22T09:25:54Z",
    ),
    (
        "Sun 2026-11-22 12:25:54 +03 fw kernel: ",
        "fw",
        None,
        "2026-11-22T09:25:54Z",
    ),
    ("Sun 2026-11-22 09:25:54.194069 UTC kernel: ", "", None, AT),
    // journalctl -o short-monotonic
    ("[ 1836.585591] fw kernel: ", "fw", None, AT),
    ("[ 1836.585591] kernel: ", "", None, AT),
    // OpenWrt's logread
    (
        "Sun Nov 22 11:25:54 2026 kern.warn kernel: ",
        "",
        Some(4),
        "2026-11-22T09:25:54Z",
    ),
    (
        "Sun Nov 22 11:25:54 2026 kern.warn kernel: [12345.678901] ",
        "",
        Some(4),
        "2026-11-22T09:25:54Z",
    ),
    // the kernel's own, dmesg and its options
    ("[ 1836.585591] ", "", None, AT),
    ("<4>[ 1836.585591] ", "", Some(4), AT),
    (
        "[Sun Nov 22 11:25:54 2026] ",
        "",
        None,
        "2026-11-22T09:25:54Z",
    ),
    ("2026-11-22T09:25:54,194069+00:00 ", "", None, AT),
    ("kern  :warn  : [ 1836.585591] ", "", Some(4), AT),
    (
        "kern  :notice: [Sun Nov 22 11:25:54 2026] ",
        "",
        Some(5),
        "2026-11-22T09:25:54Z",
    ),
    (
        "kern  :info  : 2026-11-22T09:25:54,194069+00:00 ",
        "",
        Some(6),
        AT,
    ),
    ("4,7394,1836585591,-;", "", Some(4), AT),
    ("4,7394,1836585591,-,caller=T92772;", "", Some(4), AT),
    // RFC 5424, a byte order mark, the level once more
    (
        "<4>1 2026-11-22T09:25:54.194069+00:00 fw kernel - - - [ 1836.585591] ",
        "fw",
        Some(4),
        AT,
    ),
    (
        "<4>1 2026-11-22T09:25:54.194069+00:00 fw kernel - - - \u{feff}",
        "fw",
        Some(4),
        AT,
    ),
    (
        "<4>1 2026-11-22T09:25:54.194069+00:00 fw kernel - - - \u{feff}[ 1836.585591] ",
        "fw",
        Some(4),
        AT,
    ),
    (
        "2026-11-22T09:25:54.194069+00:00 fw kernel: <4>[ 1836.585591] ",
        "fw",
        None,
        AT,
    ),
];

#[test]
fn every_form_is_read_and_written_as_it_was_read() {
    for (header, host, priority, instant) in WRITTEN {
        let line = format!("{header}{PACKET}");
        let event = Event::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{line}"));
        assert_eq!(event.prefix, b"IPTABLES-BLOCKED: ", "{line}");
        assert_eq!(event.host, host.as_bytes(), "{line}");
        assert_eq!(event.priority, priority, "{line}");
        assert_eq!(at(event.time).to_string(), instant, "{line}");
        let mut written = Vec::new();
        event.render(&mut written);
        assert_eq!(String::from_utf8_lossy(&written), line);
    }
}

/// The table is all there is, and each of its examples is of its own form.
#[test]
fn every_example_of_the_table_is_of_its_form() {
    for (place, (_, example)) in FORMS.iter().enumerate() {
        let line = format!("{example}{PACKET}");
        let first = FORMS
            .iter()
            .position(|(parse, _)| parse(line.as_bytes()).is_ok());
        assert_eq!(first, Some(place), "{example}");
        let level = if example.starts_with("1 ") { "<4>" } else { "" };
        assert!(
            Event::parse(format!("{level}{line}").as_bytes()).is_ok(),
            "{example}"
        );
        let documented = include_str!("../lib.rs").contains(&format!("`{level}{example}"));
        assert!(documented, "{example} is not in the documentation");
    }
}

#[test]
fn who_logged_is_no_part_of_the_prefix() {
    let heads = [
        "",
        "<4>",
        "Nov 22 09:25:54 fw kernel: ",
        "2026-11-22T09:25:54.194069+00:00 fw kernel: ",
        "Nov 22 09:25:54 kernel: ",
    ];
    for caller in [
        "[T92772]",
        "[    C0]",
        "[  T123]",
        "[    T0]",
        "[C12]",
        "[T4294967295]",
        "[T92772:C1]",
        " [   T92]",
    ] {
        for head in heads {
            for stamp in ["[ 1836.585591]", "[    1.000000]", ""] {
                if stamp.is_empty() && (caller.starts_with(' ') || head.len() < 4) {
                    continue;
                }
                let line = format!("{head}{stamp}{caller} {PACKET}");
                let event =
                    Event::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{line}"));
                assert_eq!(event.prefix, b"IPTABLES-BLOCKED: ", "{line}");
                let mut written = Vec::new();
                event.render(&mut written);
                assert_eq!(String::from_utf8_lossy(&written), line);
            }
        }
    }
    // dmesg puts a date in the stamp's place.
    for line in [
        "[Sun Nov 22 11:25:54 2026] [   T92] ",
        "[Sun Nov 22 11:25:54 2026][   T92] ",
    ] {
        let line = format!("{line}{PACKET}");
        assert_eq!(
            Event::parse(line.as_bytes()).unwrap().prefix,
            b"IPTABLES-BLOCKED: "
        );
    }
    // Where a prefix only looks like it, every byte of it counts.
    for prefix in ["[X123] ", "[T] ", "[T12x] ", "[T12]", "[T99999999999] "] {
        let line = format!(
            "Nov 22 09:25:54 fw kernel: {prefix}IN=eth0 {}",
            PACKET.split_once("IN=eth0 ").unwrap().1
        );
        assert_eq!(
            Event::parse(line.as_bytes()).unwrap().prefix,
            prefix.as_bytes()
        );
    }
    // Without any time it is the kernel's and of no use.
    let error = Event::parse(format!("[    C0] {PACKET}").as_bytes()).unwrap_err();
    assert!(
        error.is_malformed() && error.to_string().contains("a time stamp"),
        "{error}"
    );
}

/// Whatever a program says, under whatever name: after each of these the line is its own.
#[test]
fn what_a_program_wrote_is_not_the_kernels_in_any_form() {
    let stamps = [
        "Nov 22 09:25:54",
        "Nov 22 09:25:54.194069",
        "2026-11-22T09:25:54.194069+00:00",
        "2026-11-22T09:25:54+0000",
        "2026-11-22T09:25:54",
        "2026-11-22 09:25:54,194",
        "2026-11-22T09:25:54,194069+00:00",
        "1795339554.194069",
        "Sun 2026-11-22 09:25:54 UTC",
        "Sun Nov 22 09:25:54 2026",
        "[ 1836.585591]",
        "[Sun Nov 22 09:25:54 2026]",
    ];
    let tags = [
        "sshd[1]:",
        "fw sshd[1]:",
        "fw auth.info sshd[1]:",
        "auth.info sshd[1]:",
        "fw kern.warn sshd[1]:",
        "kern.warn sshd[1]:",
        "fw kernel[1]:",
        "kernel[1]:",
        "fw sshd[1]: kern.warn",
    ];
    let said: Vec<String> = WRITTEN
        .iter()
        .map(|(header, ..)| (*header).to_owned())
        .chain(
            [
                "kernel: ",
                "fw kernel: ",
                "kern.warn kernel: ",
                "message repeated 9 times: [",
                "kernel: message repeated 9 times: [ ",
                "x",
            ]
            .map(str::to_owned),
        )
        .collect();
    for stamp in stamps {
        for tag in tags {
            for said in &said {
                for end in ["", "]"] {
                    let line = format!("{stamp} {tag} {said}{PACKET}{end}");
                    let error = Event::parse(line.as_bytes()).expect_err(&line);
                    assert!(error.is_rejected(), "{line}\n{error}");
                    let name = if tag.contains("sshd") {
                        "written by sshd[1]:"
                    } else {
                        "written by kernel[1]:"
                    };
                    assert!(error.to_string().contains(name), "{line}\n{error}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_header_is_told_from_what_another_program_wrote() {
    for (line, why) in [
        (
            "Nov 22 09:25:54 fw something else ",
            "its header is not one that is known",
        ),
        (
            "Nov 31 09:25:54 fw kernel: ",
            "its header is not one that is known",
        ),
        (
            "11/22/2026 09:25:54 fw kernel: ",
            "its header is not one that is known",
        ),
        ("", "its header is not one that is known"),
        ("kernel: ", "its header is not one that is known"),
        ("user  :notice: [ 1836.585591] ", "the kernel's facility"),
        ("12,7394,1836585591,-;", "the kernel's facility"),
        ("<12>[ 1836.585591] ", "the kernel's facility"),
        (
            "Nov 22 09:25:54 fw kernel: <12>[ 1836.585591] ",
            "the kernel's facility",
        ),
        ("Nov 22 09:25:54 fw nginx: ", "was written by nginx:"),
        (
            "<4>1 2026-11-22T09:25:54.194069+00:00 fw sshd 812 - - kernel: ",
            "was written by sshd:",
        ),
        (
            "Nov 22 09:25:54 fw a-name-that-is-longer-than-an-excerpt[1]: ",
            "was written by a-name-that-is-longer-th…:",
        ),
        // Of these only dmesg writes none, and only so.
        (
            "2026-11-22 09:25:54,194069 ",
            "was written by IPTABLES-BLOCKED:",
        ),
        (
            "2026-11-22T09:25:54.194069+00:00 ",
            "was written by IPTABLES-BLOCKED:",
        ),
        (
            "Sun Nov 22 09:25:54 2026 ",
            "was written by IPTABLES-BLOCKED:",
        ),
    ] {
        let line = format!("{line}{PACKET}");
        let error = Event::parse(line.as_bytes()).expect_err(&line);
        assert!(error.is_rejected(), "{line}\n{error}");
        assert!(error.to_string().contains(why), "{line}\n{error}");
    }
}

/// As rsyslog 8.2302 and 8.2504 write them, and older ones with the kernel's stamp.
#[test]
fn a_repeated_message_is_read_with_its_number() {
    for header in [
        "Nov 22 09:25:54 fw kernel: ",
        "2026-11-22T09:25:54.194069+00:00 fw kernel: ",
        "<4>1 2026-11-22T09:25:54.194069+00:00 fw kernel - - - ",
    ] {
        for inner in [
            "",
            " ",
            " [ 1836.585591] ",
            "[ 1836.585591] ",
            " [ 1836.585591][    C0] ",
            " <4>[ 1836.585591] ",
        ] {
            let line = format!("{header}message repeated 199 times: [{inner}{PACKET}]");
            let event =
                Event::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{line}"));
            assert_eq!(event.repeated.map(NonZeroU32::get), Some(199));
            assert_eq!(event.prefix, b"IPTABLES-BLOCKED: ");
            assert_eq!(event.uptime.is_some(), inner.contains("1836"));
            let mut written = Vec::new();
            event.render(&mut written);
            assert_eq!(String::from_utf8_lossy(&written), line);
            // A daemon may strip the space.
            let bare = line.replace(" ]", "]");
            assert_eq!(Event::parse(bare.as_bytes()).as_ref(), Ok(&event));
        }
    }
    for line in [
        "message repeated 0 times: [",
        "message repeated 2147483648 times: [",
        "message repeated 99999999999999999999 times: [",
        "message repeated x times: [",
        "message repeated 2 times: ",
    ] {
        let line = format!("Nov 22 09:25:54 fw kernel: {line}{PACKET}]");
        let error = Event::parse(line.as_bytes()).expect_err(&line);
        assert!(error.is_malformed(), "{line}\n{error}");
        assert!(error.offset() <= line.len());
    }
    // Cut short.
    let line = format!("Nov 22 09:25:54 fw kernel: message repeated 2 times: [ {PACKET}");
    assert!(Event::parse(line.as_bytes()).unwrap_err().is_malformed());
    // The kernel itself says no such thing, nor is a sum of sums written: neither begins with what
    // is counted.
    for line in [
        format!("[ 1836.585591] message repeated 2 times: [{PACKET}]"),
        format!(
            "Nov 22 09:25:54 fw kernel: message repeated 2 times: [message repeated 2 times: [{PACKET}]"
        ),
    ] {
        let event = Event::parse(line.as_bytes()).unwrap();
        assert!(event.prefix.starts_with(b"message repeated "));
    }
}

#[test]
fn hours_that_come_twice_are_the_last_that_has_been() {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let line = format!("2026-10-25T02:30:00 fw kernel: {PACKET}");
    let event = Event::parse(line.as_bytes()).unwrap();
    for (now, expected) in [
        ("2026-10-25T00:45:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:45:00Z", "2026-10-25T01:30:00Z"),
    ] {
        let now: jiff::Timestamp = now.parse().unwrap();
        let clock = Clock::new(now.into(), zone.clone());
        let at = event.time.resolve(&clock).unwrap();
        assert_eq!(
            at,
            SystemTime::from(expected.parse::<jiff::Timestamp>().unwrap())
        );
    }
}
