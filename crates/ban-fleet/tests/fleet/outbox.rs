//! The outbox on a disk: cut short, hostile, and by several at once.

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;

use ban_fleet::{Outbox, Record, Time};
use proptest::prelude::*;

use crate::drawn::{host, record, state};

fn ban(number: u32, end: u64) -> Record {
    let line = format!(
        "ban blacklist 203.0.{}.{} end={end} last=1 hand why=",
        number / 256,
        number % 256
    );
    Record::parse(line.as_bytes()).unwrap()
}

const NOW: Time = Time::MAX;

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

#[test]
fn a_file_that_is_cut_anywhere_keeps_what_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = Outbox::new(directory.path().join("outbox"));
    let bans: Vec<_> = (0..4).map(|number| ban(number, 1000)).collect();
    outbox.append(&bans, at(1)).unwrap();
    let whole = fs::read(outbox.path()).unwrap();
    for end in 0..whole.len() {
        fs::write(outbox.path(), &whole[..end]).unwrap();
        let contents = outbox.read(at(1)).unwrap();
        let lines = whole[..end].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(contents.records, bans[..lines.saturating_sub(1)], "{end}");
        // What is appended is a line of its own.
        outbox.append(&[ban(99, 1000)], at(1)).unwrap();
        let contents = outbox.read(at(1)).unwrap();
        assert!(
            contents.records.contains(&ban(99, 1000)),
            "{end}: {contents:?}"
        );
        assert_eq!(
            contents.records.len(),
            lines.saturating_sub(1) + 1,
            "{end}: {contents:?}"
        );
    }
}

#[test]
fn what_is_no_record_is_named_and_what_is_one_kept() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = Outbox::new(directory.path().join("outbox"));
    outbox.append(&[ban(1, 1000)], at(1)).unwrap();
    let mut bytes = fs::read(outbox.path()).unwrap();
    bytes.extend(b"ban blacklist 203.0.113.0/8 end=9 last=1 hand why=\n\xff\xfe\0\n");
    bytes.extend(vec![b'x'; 100_000]);
    bytes.extend(format!("\n{}\n", ban(2, 1000)).bytes());
    for _ in 0..20 {
        bytes.extend(b"?\n");
    }
    fs::write(outbox.path(), bytes).unwrap();
    let contents = outbox.read(at(1)).unwrap();
    assert_eq!(contents.records, [ban(1, 1000), ban(2, 1000)]);
    assert_eq!(contents.damage.count, 23);
    assert_eq!(contents.damage.first.len(), 10);
    let (line, why) = &contents.damage.first[0];
    assert_eq!(
        (*line, why.as_str()),
        (
            3,
            "column 15: the first address of this network is 203.0.0.0"
        )
    );
    outbox.prune(at(1)).unwrap();
    let contents = outbox.read(at(1)).unwrap();
    assert!(
        contents.damage.is_none() && contents.records.len() == 2,
        "{contents:?}"
    );
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let outbox = Outbox::new(&path);
    assert_eq!(outbox.read(at(1)).unwrap().records, []);
    for text in [
        "root:x:0:0",
        "rampart-outbox 2 0\n",
        "rampart-outbox 1 x\n",
        "\n",
    ] {
        fs::write(&path, text).unwrap();
        for error in [
            outbox.append(&[ban(1, 9)], at(1)),
            outbox.prune(at(1)),
            outbox.read(at(1)).map(drop),
        ] {
            let error = error.expect_err(text).to_string();
            assert!(
                error.contains("is no outbox: its first line is not `rampart-outbox 1`"),
                "{error}"
            );
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let elsewhere = directory.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    fs::remove_file(&path).unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert!(outbox.append(&[ban(1, 9)], at(1)).is_err());
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "");
    let nowhere = Outbox::new(directory.path().join("missing/outbox"));
    let error = nowhere
        .append(&[ban(1, 9)], at(1))
        .expect_err("no directory")
        .to_string();
    assert!(error.starts_with("cannot lock \""), "{error}");
}

#[test]
fn it_is_never_much_larger_than_what_holds() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = Outbox::new(directory.path().join("outbox"));
    let mut most = 0;
    for round in 1..60 {
        let bans: Vec<_> = (0..100)
            .map(|number| ban(round * 100 + number, u64::from(round) + 5))
            .collect();
        outbox.append(&bans, at(round.into())).unwrap();
        most = most.max(fs::metadata(outbox.path()).unwrap().len());
        assert_eq!(
            outbox.read(at(round.into())).unwrap().records.len(),
            100 * round.min(5) as usize,
            "{round}"
        );
    }
    // 500 that hold are some 30 kB, and all would be 350 kB.
    assert!(most < 200_000, "{most}");
    outbox.prune(NOW).unwrap();
    assert!(fs::metadata(outbox.path()).unwrap().len() < 64);
}

#[test]
fn several_that_append_and_prune_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = Outbox::new(directory.path().join("outbox"));
    thread::scope(|scope| {
        for writer in 0..4 {
            let outbox = &outbox;
            scope.spawn(move || {
                for number in 0..50 {
                    outbox
                        .append(&[ban(writer * 256 + number, 1000)], at(1))
                        .unwrap();
                    if number % 10 == writer {
                        outbox.prune(at(1)).unwrap();
                    }
                    // Who reads meanwhile sees whole lines alone.
                    assert!(outbox.read(at(1)).unwrap().damage.count <= 1);
                }
            });
        }
    });
    let contents = outbox.read(at(1)).unwrap();
    assert_eq!(contents.records.len(), 200);
    assert!(contents.damage.is_none(), "{contents:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_holds_what_was_put_in(
        parts in prop::collection::vec(prop::collection::vec(record(), 0..8), 1..5),
        prunes in any::<u8>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let outbox = Outbox::new(directory.path().join("outbox"));
        for (number, part) in parts.iter().enumerate() {
            outbox.append(part, at(0)).unwrap();
            if prunes >> number & 1 == 1 && outbox.path().exists() {
                outbox.prune(at(0)).unwrap();
            }
        }
        let told: Vec<_> = parts.iter().flatten().map(|record| (host(0), record.clone())).collect();
        let expected: Vec<_> = state(&told).records_of(&host(0)).collect();
        prop_assert_eq!(outbox.read(at(0)).unwrap().records, expected);
    }
}
