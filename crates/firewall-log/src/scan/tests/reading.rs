//! Lines of any length and logs that end in the middle.

use super::*;

#[test]
fn lines_without_end_are_counted_and_never_held() {
    let line = Shot {
        source: 2,
        second: 1,
        prefix: 0,
        port: 1,
        what: What::Gre,
        way: Way::In,
    }
    .line();
    let long = "x".repeat(LINE_MAX + 1);
    for (log, lines, too_long, events) in [
        (format!("{line}{long}\n{line}"), 3, 1, 2),
        (format!("{}\n{line}", "x".repeat(LINE_MAX)), 2, 0, 1),
        (format!("{}\r\n{line}", "x".repeat(LINE_MAX)), 2, 0, 1),
        (
            format!("{line}{}\n{line}", "IN= OUT= ".repeat(BLOCK)),
            3,
            1,
            2,
        ),
        (format!("{line}{}", "x".repeat(3 * BLOCK + 5)), 2, 1, 1),
        ("\n".repeat(BLOCK + 1), BLOCK as u64 + 1, 0, 0),
        (String::new(), 0, 0, 0),
        (line.trim_end_matches('\n').to_owned(), 1, 0, 1),
    ] {
        for workers in 1..4 {
            let mut scan = Scan::new([], clock()).workers(NonZeroUsize::new(workers).unwrap());
            let summary = scan.read(log.as_bytes()).unwrap();
            assert_eq!(
                (
                    summary.counts.lines,
                    summary.counts.too_long,
                    summary.counts.events
                ),
                (lines, too_long, events)
            );
            assert_eq!(summary.bytes, log.len() as u64);
            let mut reader = LogReader::new(log.as_bytes());
            while reader.next_event().is_some() {}
            assert_eq!(summary.counts, reader.counts());
        }
    }
}

/// Fails after its text.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self.0.read(to) {
            Ok(0) => Err(io::Error::other("the disk is gone")),
            other => other,
        }
    }
}

#[test]
fn an_error_says_what_was_read_until_then() {
    let line = Shot {
        source: 2,
        second: 1,
        prefix: 0,
        port: 1,
        what: What::Gre,
        way: Way::In,
    }
    .line();
    let log = format!("{line}{line}{}", &line[..20]);
    let mut scan = Scan::new([], clock());
    let error = scan.read(Failing(log.as_bytes())).unwrap_err();
    assert_eq!(error.summary().counts.lines, 2);
    assert_eq!(error.to_string(), "cannot read the log after line 2");
    assert_eq!(error.into_io().to_string(), "the disk is gone");
}
