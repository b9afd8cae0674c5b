//! What is a record, and what is wrong with what is none.

use super::*;

const LINES: [&str; 6] = [
    "ban blacklist 203.0.113.7 end=1795425954000 last=1795339554000 scan rule=blocked hits=501 ports=20",
    "ban throttle-soft 2001:db8::/64 end=253402300799999 last=0 scan rule=limited_tcp hits=18446744073709551615 ports=-",
    "ban blacklist 203.0.113.0/24 end=2 last=1 hand why=asked for by = Bob: why=so",
    "ban blacklist 203.0.113.0/24 end=1 last=1 hand why=",
    "pardon ::ffff:203.0.113.7 at=1 until=2 why=the new backup server",
    "evidence blocked width=450000 bucket=3989643 203.0.113.7 hits=3",
];

#[test]
fn a_record_is_read_as_it_was_written() {
    for line in LINES {
        let record =
            Record::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(record.to_string(), line);
    }
}

#[test]
fn a_record_that_is_cut_is_none() {
    for line in LINES {
        for end in 0..line.len() {
            let Ok(record) = Record::parse(&line.as_bytes()[..end]) else {
                continue;
            };
            // Numbers and words may end anywhere.
            assert_eq!(record.to_string(), line[..end]);
        }
    }
}

#[test]
fn what_is_wrong_and_where() {
    let ban = LINES[0];
    for (line, expected) in [
        (String::new(), "column 1: a field is missing"),
        ("bann".into(), "column 1: a record is a ban"),
        ("ban ".into(), "column 5: a field is missing"),
        ("ban".into(), "column 4: a field is missing"),
        (
            ban.replace("blacklist", "black list"),
            "column 11: this is no address",
        ),
        (
            ban.replace("blacklist", "bl:ck"),
            "column 5: ':' in a name of a set",
        ),
        (
            ban.replace(".7 ", ".7/32 "),
            "column 15: the shortest text of this prefix is 203.0.113.7",
        ),
        (
            ban.replace("203.0.113.7", "2001:DB8::1"),
            "column 15: the shortest text of this prefix is 2001:db8::1",
        ),
        (ban.replace("end=", "End="), "column 27: end= is missing"),
        (
            ban.replace("end=1", "end=+1"),
            "column 31: this is not a number from 0",
        ),
        (
            ban.replace("end=1", "end=01"),
            "column 31: this is not a number from 0",
        ),
        (
            ban.replace("end=1795425954000", "end=253402300800000"),
            "column 31: this is not a number",
        ),
        (
            ban.replace("end=1795425954000", "end=1795339553999"),
            "column 50: a ban does not end before",
        ),
        (
            ban.replace("hits=501", "hits=0"),
            "column 87: this is not a number from 1",
        ),
        (
            ban.replace("ports=20", "ports="),
            "column 97: this is not a number",
        ),
        (
            ban.replace("scan rule", "fleet rule"),
            "column 64: a ban is by a scan or by hand",
        ),
        (format!("{ban} "), "column 100: the record ends before this"),
        (
            format!("{ban} x"),
            "column 100: the record ends before this",
        ),
        (ban.replace("ban ", "ban  "), "column 5: a field is missing"),
        (format!("{} ", LINES[4]), "column 44: words neither begin"),
        (
            LINES[4].replace("the", "\u{1b}the"),
            "column 44: '\\u{1b}' is no character",
        ),
        (
            LINES[4].replace("at=1", "at=3"),
            "column 38: a pardon is not forgotten before",
        ),
        (
            LINES[5].replace("450000", "0"),
            "column 24: this is not a number from 1",
        ),
        (
            LINES[5].replace("450000", "604800001"),
            "column 24: this is not a number from 1",
        ),
        (
            LINES[5].replace("3989643", "563116224000"),
            "column 38: this bucket ends after",
        ),
        ("x".repeat(513), "column 513: the line is too long"),
    ] {
        let error = Record::parse(line.as_bytes()).expect_err(&line).to_string();
        assert!(error.starts_with(expected), "{line}\n{error}\n{expected}");
    }
    let error = Record::parse(b"ban \xff").expect_err("not UTF-8");
    assert_eq!(error.to_string(), "column 5: this is not UTF-8");
}

#[test]
fn the_longest_record_has_room_in_a_line() {
    let longest = [
        format!(
            "ban {} x/127 end=1 last=1 hand why={}",
            "s".repeat(28),
            "w".repeat(200)
        ),
        format!(
            "ban {} x end=1 last=1 scan rule={} hits={} ports={}",
            "s".repeat(28),
            "r".repeat(32),
            u64::MAX,
            u32::MAX
        ),
    ];
    for line in longest {
        assert!(line.len() + 39 + 30 <= MAX_LINE, "{line}");
    }
}
