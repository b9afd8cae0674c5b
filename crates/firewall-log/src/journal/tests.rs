//! Records as journalctl writes them.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use super::*;
use crate::event::Event;

const MESSAGE: &str = "IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=33 TOS=0x00 PREC=0x00 TTL=64 ID=4660 PROTO=UDP SPT=5353 DPT=53 LEN=13 ";

/// Each line of what a journal gives, also where it is read in small pieces.
fn lines(records: &[u8]) -> Vec<String> {
    let mut text = Vec::new();
    Journal::new(records).read_to_end(&mut text).unwrap();
    let mut again = Vec::new();
    let mut journal = Journal::new(records);
    let mut piece = [0; 7];
    loop {
        let read = journal.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        again.extend_from_slice(piece.get(..read).unwrap());
    }
    assert_eq!(text, again);
    String::from_utf8(text)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn export(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut record = b"__CURSOR=s=1;i=2\n".to_vec();
    for (name, value) in fields {
        if value.contains('\n') {
            record.extend_from_slice(name.as_bytes());
            record.push(b'\n');
            record.extend_from_slice(&(value.len() as u64).to_le_bytes());
            record.extend_from_slice(value.as_bytes());
        } else {
            record.extend_from_slice(format!("{name}={value}").as_bytes());
        }
        record.push(b'\n');
    }
    record.push(b'\n');
    record
}

fn json(fields: &[(&str, &str)]) -> Vec<u8> {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), serde_json::Value::from(*value)));
    let mut record = b"{\"__CURSOR\":\"s=1\",".to_vec();
    let object = serde_json::to_vec(&fields.collect::<serde_json::Map<_, _>>()).unwrap();
    record.extend_from_slice(object.get(1..).unwrap());
    record.push(b'\n');
    record
}

fn kernel(message: &str) -> Vec<(&str, &str)> {
    vec![
        ("__REALTIME_TIMESTAMP", "1795339554194069"),
        ("_SOURCE_MONOTONIC_TIMESTAMP", "1836585591"),
        ("_TRANSPORT", "kernel"),
        ("SYSLOG_FACILITY", "0"),
        ("PRIORITY", "4"),
        ("_HOSTNAME", "fw"),
        ("SYSLOG_IDENTIFIER", "kernel"),
        ("MESSAGE", message),
    ]
}

fn with<'a>(
    mut fields: Vec<(&'a str, &'a str)>,
    name: &str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    fields
        .iter_mut()
        .filter(|(field, _)| *field == name)
        .for_each(|(_, old)| *old = value);
    fields
}

#[test]
fn the_kernels_records_are_lines_of_the_kernel() {
    for form in [json, export] {
        let records = [form(&kernel(MESSAGE)), form(&kernel(MESSAGE))].concat();
        let lines = lines(&records);
        let line = format!("2026-11-22T09:25:54.194069+00:00 fw kernel: [ 1836.585591] {MESSAGE}");
        assert_eq!(lines, [line.clone(), line]);
        assert!(Event::parse(lines[0].as_bytes()).is_ok());
    }
    // As an array of bytes.
    let bytes = format!("{:?}", MESSAGE.as_bytes());
    let record = String::from_utf8(json(&kernel("X")))
        .unwrap()
        .replace("\"X\"", &bytes);
    assert!(Event::parse(lines(record.as_bytes())[0].as_bytes()).is_ok());
}

#[test]
fn nobody_elses_are() {
    let names = [
        "sshd",
        "kernel",
        "kernel: x",
        "kernel:",
        "x kernel: ",
        "",
        "a\nb",
    ];
    for form in [json, export] {
        for name in names {
            for (field, value) in [
                ("_TRANSPORT", "syslog"),
                ("_TRANSPORT", ""),
                ("SYSLOG_FACILITY", "1"),
                ("SYSLOG_FACILITY", "x"),
            ] {
                let fields = with(
                    with(kernel(MESSAGE), "SYSLOG_IDENTIFIER", name),
                    field,
                    value,
                );
                let lines = lines(&form(&fields));
                assert_eq!(lines.len(), 1);
                let error = Event::parse(lines[0].as_bytes()).expect_err(&lines[0]);
                assert!(error.is_rejected(), "{error}");
            }
        }
        // A line break stays within its record.
        let forged = format!("x\n{MESSAGE}\n2026-11-22T09:25:54Z fw kernel: {MESSAGE}");
        let lines = lines(&form(&kernel(&forged)));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("x\\x0aIPTABLES-"), "{lines:?}");
        // Nor is what a host calls itself.
        let fields = with(
            with(kernel(MESSAGE), "_HOSTNAME", "fw kernel:"),
            "_TRANSPORT",
            "syslog",
        );
        assert!(Event::parse(lines_of(&form(&fields)).as_bytes()).is_err());
    }
}

fn lines_of(records: &[u8]) -> String {
    lines(records).concat()
}

#[test]
fn what_is_damaged_is_passed_over() {
    let whole = [
        json(&kernel(MESSAGE)),
        b"{\"MESSAGE\":\n\n{\"a\":[[[]]]}\n".to_vec(),
        json(&kernel(MESSAGE)),
    ]
    .concat();
    let found = lines(&whole);
    assert_eq!(
        found
            .iter()
            .filter(|line| Event::parse(line.as_bytes()).is_ok())
            .count(),
        2
    );
    let huge = [json(&kernel(&"x".repeat(3 << 20))), json(&kernel(MESSAGE))].concat();
    assert!(Event::parse(lines(&huge)[1].as_bytes()).is_ok());
    let mut length = b"__CURSOR=x\nMESSAGE\n".to_vec();
    length.extend_from_slice(&u64::MAX.to_le_bytes());
    length.extend_from_slice(b"abc\n");
    assert_eq!(lines(&length).len(), 1);
    for form in [json, export] {
        let record = form(&kernel("a\nb"));
        for end in 0..record.len() {
            let _ = lines(record.get(..end).unwrap());
        }
    }
    // What is no journal is as it is.
    for text in ["", "{", "{x", "__CURSO", "Nov 22 09:25:54 fw kernel: x\n"] {
        assert_eq!(lines_of(text.as_bytes()), text.trim_end());
    }
}
