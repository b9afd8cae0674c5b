//! What holds for any bytes that a host is told, whoever made them; for the fuzzer and the tests.

use ban_fleet::{Host, MAX_LINE, MemoryEngine, Node, Policy, Record, Time};
use std::num::NonZeroUsize;

/// How many records an origin may have here.
const MOST: usize = 8;

/// Lines that another host tells: each is the one text of a record or none, and a host that is told
/// them goes on, within its bounds.
pub(crate) fn check(bytes: &[u8]) {
    let lines: Vec<Vec<u8>> = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let mut records = 0;
    for line in &lines {
        if let Ok(record) = Record::parse(line) {
            records += 1;
            assert!(line.len() <= MAX_LINE);
            assert_eq!(record.to_string().as_bytes(), *line, "a second text");
        }
    }
    let (Ok(own), Ok(other)) = ("own".parse::<Host>(), "other".parse::<Host>()) else {
        return;
    };
    let mut policy = Policy::new(own.clone());
    policy.from.extend("*".parse().ok());
    policy.max_per_origin = MOST;
    policy.rules.extend("blocked".parse().ok());
    for set in ["blacklist", "throttle-soft"] {
        if let Ok(set) = set.parse() {
            let _ = policy.take_set(set, NonZeroUsize::MIN);
        }
    }
    let mut engine = MemoryEngine::default();
    let mut node = Node::new(own.clone());
    let malformed =
        |synced: &ban_fleet::Synced| synced.malformed.get(&other).map_or(0, |(count, _)| *count);
    let now = Time::from_millis(1);
    // Once as news, and once more by a host that comes later.
    if node.sync(&mut engine.session(&own), &policy, now).is_err() {
        return;
    }
    let number = lines.len();
    engine.write(&other, lines);
    let Ok(synced) = node.sync(&mut engine.session(&own), &policy, now) else {
        return;
    };
    assert!(node.state().count(&other) <= MOST);
    assert!(node.wanted(&policy, now).members.len() <= MOST);
    if !node.intake().is_cut_off(&other) {
        assert_eq!(malformed(&synced), number - records);
    }
    let mut late = Node::new(own.clone());
    if late.sync(&mut engine.session(&own), &policy, now).is_ok()
        && !late.intake().is_cut_off(&other)
    {
        assert_eq!(late.wanted(&policy, now), node.wanted(&policy, now));
    }
}
