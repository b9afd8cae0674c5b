//! What must hold of any bytes; shared by the fuzz target `log_line` and the replay of its corpus.

use std::io::BufReader;

use firewall_log::{Event, LogReader};

/// Reads `log` as a log, in blocks of two sizes, and every line of it alone.
pub(crate) fn check(log: &[u8]) {
    let (large, small) = (count(log, 64 * 1024), count(log, 7));
    assert_eq!(large, small, "the size of the blocks matters");
    log.split(|byte| *byte == b'\n').for_each(check_line);
}

/// How many lines, events and bytes there are.
fn count(log: &[u8], block: usize) -> (u64, u64, u64) {
    let mut reader = LogReader::new(BufReader::with_capacity(block, log)).max_line(2048);
    let mut answers = 0;
    while let Some(event) = reader.next_event() {
        answers += 1;
        if let Err(error) = event {
            assert!(!error.is_io());
        }
    }
    let counts = reader.counts();
    assert_eq!(answers, counts.lines);
    assert!(counts.events + counts.unparsed + counts.rejected + counts.too_long <= counts.lines);
    assert_eq!(reader.position(), log.len() as u64);
    (counts.lines, counts.events, reader.position())
}

/// What is read can be written, and is the same when it is read again.
fn check_line(line: &[u8]) {
    match Event::parse(line) {
        Ok(event) => {
            let mut written = Vec::new();
            event.render(&mut written);
            assert_eq!(
                Event::parse(&written).as_ref(),
                Ok(&event),
                "{}",
                written.escape_ascii()
            );
            assert!(event.packet.inner.is_none() || event.source().is_some());
            assert!(event.prefix.len() <= 127);
        }
        Err(error) => {
            assert!(error.offset() <= line.len());
            assert!(!error.to_string().is_empty());
        }
    }
}
