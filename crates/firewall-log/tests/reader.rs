//! Lines of any length, from readers of any temper.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::io::{self, BufRead, BufReader, Read};

use firewall_log::{Event, LogReader};
use proptest::prelude::*;

const LINE: &str = "[    1.000000] IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 ";

/// Gives a byte at a time, now and then with an interruption, and fails where it is told to.
struct Sour<'a> {
    bytes: &'a [u8],
    interrupted: bool,
    fails: bool,
}

impl Read for Sour<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        match (self.interrupted, self.bytes.split_first(), to.first_mut()) {
            (true, ..) => Err(io::ErrorKind::Interrupted.into()),
            (_, Some((byte, rest)), Some(to)) => {
                (*to, self.bytes) = (*byte, rest);
                Ok(1)
            }
            _ if self.fails => Err(io::Error::other("the disk is gone")),
            _ => Ok(0),
        }
    }
}

fn lines(mut reader: LogReader<impl BufRead>) -> Vec<(u64, u64, Vec<u8>, bool)> {
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line() {
        let line = line.unwrap();
        lines.push((
            line.number,
            line.position,
            line.text.to_vec(),
            line.terminated,
        ));
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_those_of_the_standard_library(text in "[ab\r\n]{0,60}", capacity in 1_usize..20) {
        let mut position = 0;
        let expected: Vec<_> = text
            .as_bytes()
            .split_inclusive(|byte| *byte == b'\n')
            .enumerate()
            .map(|(index, line)| {
                let begins = position;
                position += line.len() as u64;
                let text = line.strip_suffix(b"\n").unwrap_or(line);
                let terminated = line.ends_with(b"\n");
                (index as u64 + 1, begins, text.strip_suffix(b"\r").unwrap_or(text).to_vec(), terminated)
            })
            .collect();
        prop_assert_eq!(&lines(LogReader::new(text.as_bytes())), &expected);
        prop_assert_eq!(&lines(LogReader::new(BufReader::with_capacity(capacity, text.as_bytes()))), &expected);
        let sour = Sour { bytes: text.as_bytes(), interrupted: false, fails: false };
        prop_assert_eq!(&lines(LogReader::new(BufReader::with_capacity(capacity, sour))), &expected);
    }
}

#[test]
fn events_and_what_are_none_are_counted() {
    let forged = format!("Nov 22 09:25:54 fw sshd[1]: {LINE}");
    let log = format!(
        "{LINE}\n{forged}\r\nsomething else\n\n{}\n{LINE}",
        LINE.replace("DST", "SRC")
    );
    for capacity in [1, 7, 100, 10_000] {
        let mut reader = LogReader::new(BufReader::with_capacity(capacity, log.as_bytes()));
        let mut errors = Vec::new();
        while let Some(event) = reader.next_event() {
            match event {
                Ok(event) => assert_eq!(event, Event::parse(LINE.as_bytes()).unwrap()),
                Err(error) => errors.push(error.into_line_error().unwrap().number()),
            }
        }
        assert_eq!(errors, [2, 3, 4, 5]);
        let counts = reader.counts();
        assert_eq!(
            (
                counts.lines,
                counts.events,
                counts.unparsed,
                counts.rejected,
                counts.too_long
            ),
            (6, 2, 1, 1, 0)
        );
        assert_eq!(reader.position(), log.len() as u64);
        assert_eq!(reader.line_number(), 6);
    }
}

#[test]
fn a_line_beyond_the_limit_is_skipped_and_never_held() {
    for capacity in [3, 64, 100_000] {
        let endless = "x".repeat(50_000);
        let log = format!("{LINE}\n{endless}\n{LINE}\r\n{endless}");
        let mut reader =
            LogReader::new(BufReader::with_capacity(capacity, log.as_bytes())).max_line(LINE.len());
        assert!(reader.next_event().unwrap().is_ok());
        let error = reader
            .next_event()
            .unwrap()
            .unwrap_err()
            .into_line_error()
            .unwrap();
        assert!(error.is_too_long() && error.parse_error().is_none());
        assert_eq!(
            error.to_string(),
            format!("line 2: longer than {} bytes", LINE.len())
        );
        assert!(
            reader.next_event().unwrap().is_ok(),
            "the line end does not count"
        );
        assert!(reader.next_event().unwrap().is_err());
        assert!(reader.next_event().is_none());
        assert_eq!((reader.counts().too_long, reader.counts().lines), (2, 4));
        assert_eq!(reader.position(), log.len() as u64);
    }
}

#[test]
fn an_io_error_is_told_once_and_ends_it() {
    let bytes = format!("{LINE}\n{LINE}");
    let sour = Sour {
        bytes: bytes.as_bytes(),
        interrupted: false,
        fails: true,
    };
    let mut reader = LogReader::new(BufReader::new(sour));
    assert!(reader.next_event().unwrap().is_ok());
    let error = reader.next_event().unwrap().unwrap_err();
    assert!(error.is_io());
    assert_eq!(
        error.into_line_error().unwrap_err().to_string(),
        "the disk is gone"
    );
    assert!(reader.next_event().is_none());
    assert!(reader.next_line().is_none());
}

#[test]
fn an_error_names_its_line() {
    let mut reader = LogReader::new(&b"\nIPTABLES-BLOCKED: x\n"[..]);
    assert!(reader.next_event().unwrap().is_err());
    let error = reader.next_event().unwrap().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("line 2: carries firewall text"),
        "{error}"
    );
}
