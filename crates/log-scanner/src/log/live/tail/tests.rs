//! Any file that grows, is put aside and is made anew, against what was written.

use std::fs::OpenOptions;
use std::io::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A log, who writes it, and who follows it.
struct Log {
    directory: TempDir,
    /// Who writes has it open.
    writer: Option<File>,
    written: u32,
    tail: Tail,
    read: String,
}

impl Log {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        Self {
            tail: Tail::new(&path, true, Vec::new(), true).expect("followed"),
            directory,
            writer: None,
            written: 0,
            read: String::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// One more line, in two pieces.
    fn write(&mut self, long: bool) {
        let path = self.path("log");
        let writer = self.writer.get_or_insert_with(|| {
            let open = OpenOptions::new().create(true).append(true).open(path);
            open.expect("opened")
        });
        let rest = if long {
            "x".repeat(200_000)
        } else {
            String::new()
        };
        write!(writer, "{}", self.written).expect("written");
        writeln!(writer, " {rest} {}", self.written).expect("written");
        self.written += 1;
    }

    /// The log gets another name; who writes it goes on until he is told.
    fn rename(&self) {
        let _ = fs::rename(self.path("log.1"), self.path("log.2"));
        let _ = fs::rename(self.path("log"), self.path("log.1"));
    }

    fn copy_and_truncate(&self) {
        let _ = fs::rename(self.path("log.1"), self.path("log.2"));
        let _ = fs::copy(self.path("log"), self.path("log.1"));
        if let Ok(log) = OpenOptions::new().write(true).open(self.path("log")) {
            log.set_len(0).expect("emptied");
        }
    }

    fn follow(&mut self) {
        let read = &mut self.read;
        let mut each = |lines: &[u8]| {
            assert!(lines.ends_with(b"\n"));
            read.push_str(std::str::from_utf8(lines).expect("text"));
        };
        while self.tail.read(1, &mut each).expect("read") {}
    }

    /// The numbers of the lines that were read.
    fn numbers(&self) -> Vec<u32> {
        let first = |line: &str| line.split(' ').next()?.parse().ok();
        let numbers: Option<Vec<u32>> = self.read.lines().map(first).collect();
        numbers.expect("whole lines")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_read_once(steps in vec((0_u8..9, any::<bool>()), 1..60)) {
        let mut log = Log::new();
        let mut unread = 0;
        for (step, follows) in steps {
            match step {
                // Twice between two looks, and there would be nothing left of what was in between.
                0 if unread == 0 => {
                    log.rename();
                    unread += 1;
                }
                1 if unread == 0 => {
                    log.copy_and_truncate();
                    unread += 1;
                }
                2 => log.writer = None,
                3 => log.write(true),
                _ => log.write(false),
            }
            if follows {
                log.follow();
                unread = 0;
            }
        }
        log.follow();
        prop_assert_eq!(log.numbers(), (0..log.written).collect::<Vec<_>>());
        prop_assert!(log.tail.take_warnings().is_empty());
    }
}

#[test]
fn what_was_put_aside_more_than_once_is_read_as_long_as_it_is_there() {
    let mut log = Log::new();
    log.write(false);
    log.follow();
    for _ in 0..2 {
        log.write(false);
        log.rename();
        log.writer = None;
    }
    log.write(false);
    log.follow();
    assert_eq!(log.numbers(), [0, 1, 2, 3]);
    assert!(log.tail.take_warnings().is_empty());

    for _ in 0..3 {
        log.write(false);
        log.rename();
        log.writer = None;
    }
    log.write(false);
    log.follow();
    assert_eq!(log.numbers(), [0, 1, 2, 3, 4, 5, 6, 7]);
    // The oldest of them was read because it was open.
    assert_eq!(log.tail.take_warnings().len(), 1);
    fs::remove_file(log.path("log.2")).expect("removed");
    for _ in 0..2 {
        log.write(false);
        log.rename();
        log.writer = None;
        fs::remove_file(log.path("log.2")).expect("removed");
    }
    log.write(false);
    log.follow();
    assert_eq!(log.numbers(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let warnings = log.tail.take_warnings();
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains("more than once")),
        "{warnings:?}"
    );
}

#[test]
fn what_nobody_copied_is_said_to_be_gone() {
    let mut log = Log::new();
    log.write(false);
    log.follow();
    log.write(false);
    fs::write(log.path("log"), "").expect("emptied");
    log.write(false);
    log.follow();
    assert_eq!(log.numbers(), [0, 2]);
    let warnings = log.tail.take_warnings();
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains("was emptied")),
        "{warnings:?}"
    );

    // Also where as much was written again at once.
    fs::write(log.path("log"), "7 \n8 \n9 \n").expect("written anew");
    log.follow();
    assert_eq!(log.numbers(), [0, 2, 7, 8, 9]);
}

#[test]
fn a_log_that_went_comes_again() {
    let mut log = Log::new();
    log.follow();
    assert!(log.tail.is_missing());
    log.write(false);
    log.follow();
    assert!(!log.tail.is_missing());
    fs::remove_file(log.path("log")).expect("removed");
    // Who has it open writes on.
    log.write(false);
    log.follow();
    assert!(log.tail.is_missing());
    log.writer = None;
    log.write(false);
    log.follow();
    assert_eq!(log.numbers(), [0, 1, 2]);
    fs::create_dir(log.path("other")).expect("made");
    fs::remove_file(log.path("log")).expect("removed");
    fs::rename(log.path("other"), log.path("log")).expect("renamed");
    log.follow();
    assert!(log.tail.is_missing(), "a directory is no log");
}

/// As with cp, which writes into a file that is there.
#[test]
fn a_copy_over_an_older_one_is_no_log() {
    let mut log = Log::new();
    log.write(false);
    log.follow();
    log.rename();
    log.writer = None;
    log.write(false);
    log.follow();
    fs::copy(log.path("log"), log.path("log.1")).expect("copied");
    log.follow();
    log.write(false);
    fs::copy(log.path("log"), log.path("log.1")).expect("copied");
    fs::write(log.path("log"), "").expect("emptied");
    log.follow();
    log.write(false);
    log.follow();
    assert_eq!(log.numbers(), [0, 1, 2, 3]);
    assert!(log.tail.take_warnings().is_empty());
}
