//! Whom a host believes: what a member can do whose password is stolen.

use std::num::NonZeroUsize;
use std::time::Duration;

use ban_fleet::{
    Cut, Host, MemoryEngine, Node, Policy, PolicyError, Prefix, Refusal, Synced, Time,
};

use crate::drawn::host;

const NOW: Time = Time::MAX;

fn now() -> Time {
    Time::from_millis(1_795_339_554_000)
}

struct One {
    engine: MemoryEngine,
    node: Node,
    policy: Policy,
    now: Time,
}

impl One {
    fn new() -> Self {
        let own: Host = "own".parse().unwrap();
        let mut policy = Policy::new(own.clone());
        policy.from.push("host*".parse().unwrap());
        policy
            .take_set("throttle-soft".parse().unwrap(), NonZeroUsize::MIN)
            .unwrap();
        policy
            .take_set("blacklist".parse().unwrap(), NonZeroUsize::new(2).unwrap())
            .unwrap();
        let mut one = Self {
            engine: MemoryEngine::default(),
            node: Node::new(own),
            policy,
            now: now(),
        };
        one.sync();
        one
    }

    fn sync(&mut self) -> Synced {
        let own = self.policy.own.clone();
        self.node
            .sync(&mut self.engine.session(&own), &self.policy, self.now)
            .unwrap()
    }

    fn write(&mut self, origin: &str, lines: impl IntoIterator<Item = String>) {
        let lines = lines.into_iter().map(String::into_bytes).collect();
        self.engine.write(&origin.parse().unwrap(), lines);
    }

    /// As `set prefix end-in-seconds`.
    fn wanted(&self) -> Vec<String> {
        let wanted = self.node.wanted(&self.policy, self.now);
        let members = wanted.members.into_iter();
        members
            .map(|((set, prefix), member)| {
                format!("{set} {prefix} {}", member.end.since(self.now).as_secs())
            })
            .collect()
    }

    fn refused(&self) -> Vec<Refusal> {
        let wanted = self.node.wanted(&self.policy, self.now);
        wanted
            .refused
            .into_iter()
            .map(|refused| refused.why)
            .collect()
    }
}

fn ban(set: &str, prefix: &str, seconds: u64) -> String {
    let end = now().after(Duration::from_secs(seconds));
    format!(
        "ban {set} {prefix} end={end} last={} scan rule=blocked hits=5 ports=-",
        now()
    )
}

fn many(from: u32, count: u32) -> impl Iterator<Item = String> {
    (from..from + count).map(|number| {
        let address = std::net::Ipv4Addr::from_bits(0xc633_0000 + number);
        ban("throttle-soft", &address.to_string(), 3600)
    })
}

#[test]
fn two_must_have_seen_it_where_the_policy_says_so() {
    let mut one = One::new();
    one.write(
        "host1",
        [
            ban("blacklist", "203.0.113.7", 900),
            ban("throttle-soft", "203.0.113.7", 900),
        ],
    );
    one.sync();
    assert_eq!(one.wanted(), ["throttle-soft 203.0.113.7 900"]);
    assert_eq!(one.node.wanted(&one.policy, one.now).waiting, 1);
    // The end is one that two agree on.
    one.write("host2", [ban("blacklist", "203.0.113.7", 500)]);
    one.sync();
    assert_eq!(
        one.wanted(),
        ["blacklist 203.0.113.7 500", "throttle-soft 203.0.113.7 900"]
    );
    one.write("host3", [ban("blacklist", "203.0.113.7", 800)]);
    one.sync();
    assert_eq!(one.wanted()[0], "blacklist 203.0.113.7 800");
    // This host is one of them, and an administrator needs nobody.
    one.node
        .tell(ban_fleet::Record::parse(ban("blacklist", "203.0.113.8", 70).as_bytes()).unwrap());
    assert_eq!(one.wanted().len(), 2);
    one.write("host1", [ban("blacklist", "203.0.113.8", 60)]);
    one.write("admin-anna", [ban("blacklist", "203.0.113.9", 50)]);
    one.sync();
    assert_eq!(
        one.wanted()[1..3],
        ["blacklist 203.0.113.8 60", "blacklist 203.0.113.9 50"]
    );
}

#[test]
fn what_is_protected_or_beyond_a_bound_is_refused_and_named() {
    let mut one = One::new();
    for protected in ["203.0.113.7", "2001:db8::/32", "::ffff:192.0.2.1"] {
        one.policy
            .protected
            .entry(protected.parse().unwrap(), || ());
    }
    one.policy.longest = Duration::from_secs(1000);
    one.write(
        "host1",
        [
            ban("throttle-soft", "203.0.113.7", 60),
            ban("throttle-soft", "::ffff:203.0.113.7", 60),
            ban("throttle-soft", "203.0.113.0/24", 60),
            ban("throttle-soft", "2001:db8:1::/48", 60),
            ban("throttle-soft", "192.0.2.1", 60),
            ban("throttle-soft", "198.51.0.0/16", 60),
            ban("throttle-soft", "2001:470::/47", 60),
            ban("throttle-soft", "198.51.100.9", 60)
                .replace("last=17953395", "last=17953396")
                .replace("end=17953396", "end=17953399"),
            // Longer than this host takes is cut; a set that it does not take is none of its business.
            ban("throttle-soft", "198.51.100.7", 5000),
            ban("whitelist", "198.51.100.8", 60),
            ban("another", "198.51.100.8", 60),
        ],
    );
    one.write("stranger", [ban("throttle-soft", "198.51.100.8", 60)]);
    let synced = one.sync();
    assert_eq!(synced.new, 9);
    assert_eq!(one.wanted(), ["throttle-soft 198.51.100.7 1000"]);
    let protected = |text: &str| Refusal::Protected(text.parse::<Prefix>().unwrap());
    let mut refused = one.refused();
    refused.sort_by_key(ToString::to_string);
    assert_eq!(
        refused,
        [
            protected("2001:db8::/32"),
            protected("203.0.113.7"),
            protected("203.0.113.7"),
            protected("203.0.113.7"),
            protected("::ffff:192.0.2.1"),
            Refusal::Ahead,
            Refusal::TooWide,
            Refusal::TooWide,
        ]
    );
    let whitelist = "WhiteList-mine".parse().unwrap();
    let error = one
        .policy
        .take_set(whitelist, NonZeroUsize::MIN)
        .unwrap_err();
    assert!(matches!(&error, PolicyError::Whitelist(_)), "{error}");
}

#[test]
fn who_has_too_much_is_cut_off_whole_until_he_has_less() {
    let mut one = One::new();
    one.policy.max_per_origin = 100;
    one.write("host1", many(0, 100));
    one.write("host2", many(1000, 5));
    let synced = one.sync();
    assert_eq!((synced.cut_off, one.wanted().len()), (vec![], 105));
    one.write("host1", many(100, 1));
    let synced = one.sync();
    assert_eq!(synced.cut_off, [(host(1), Cut::TooMany(100))]);
    assert_eq!(one.wanted().len(), 5, "the others' stay");
    // Nothing is kept of it, however much it tells.
    one.write("host1", many(200, 1000));
    one.sync();
    assert_eq!(one.node.state().count(&host(1)), 0);
    // Who comes later sees the same.
    let mut late = One::new();
    late.policy.max_per_origin = 100;
    late.engine = one.engine.clone();
    late.node = Node::new(late.policy.own.clone());
    assert_eq!(late.sync().cut_off, [(host(1), Cut::TooMany(100))]);
    assert_eq!(late.wanted().len(), 5);
    // It has fewer again.
    one.engine.lose_last(2);
    let synced = one.sync();
    assert_eq!((synced.cut_off, one.wanted().len()), (vec![], 105));
}

#[test]
fn who_is_too_fast_is_cut_off_whole_until_it_is_made_up_for() {
    let mut one = One::new();
    one.policy.max_new_per_minute = 60;
    one.write("host1", many(0, 60));
    one.write("host2", many(1000, 10));
    assert_eq!(one.sync().cut_off, []);
    assert_eq!(one.wanted().len(), 70);
    one.write("host1", many(100, 30));
    assert_eq!(one.sync().cut_off, [(host(1), Cut::TooFast(60))]);
    assert_eq!(one.wanted().len(), 10);
    one.now = one.now.after(Duration::from_secs(29));
    assert_eq!(one.sync().cut_off.len(), 1);
    one.now = one.now.after(Duration::from_secs(1));
    assert_eq!(one.sync().cut_off, []);
    assert_eq!(one.wanted().len(), 100);
    // Who goes on for hours is let in ten minutes after the end.
    for _ in 0..5 {
        one.write("host1", many(2000, 2000));
        one.sync();
    }
    one.now = one.now.after(Duration::from_secs(601));
    assert_eq!(one.sync().cut_off, []);
    // Who was away for ten minutes may be told what came in ten minutes, and a snapshot is no haste.
    one.now = one.now.after(Duration::from_secs(600));
    one.write("host2", many(5000, 600));
    assert_eq!(one.sync().cut_off, []);
    one.engine.restart_empty();
    one.write("host3", many(6000, 3000));
    let synced = one.sync();
    assert!(synced.snapshot && synced.cut_off.is_empty(), "{synced:?}");
}

#[test]
fn what_is_no_record_is_counted_against_who_told_it() {
    let mut one = One::new();
    let lines = [
        "",
        "ban",
        &"x".repeat(100_000),
        "pardon 203.0.113.7 at=1 until=2 why=\u{1b}[2J",
    ];
    one.write("host1", lines.map(str::to_owned));
    one.engine.write(
        &host(1),
        vec![
            vec![0xff; 600],
            vec![0],
            ban("throttle-soft", "203.0.113.7", 60).into_bytes(),
        ],
    );
    let synced = one.sync();
    let (count, first) = &synced.malformed[&host(1)];
    assert_eq!(
        (*count, first.to_string().as_str()),
        (6, "column 1: a field is missing")
    );
    assert_eq!(one.wanted(), ["throttle-soft 203.0.113.7 60"]);
}

#[test]
fn a_pardon_is_an_administrators_or_passed_on_by_two() {
    let pardon = |at: Time| format!("pardon 203.0.113.7 at={at} until={NOW} why=");
    let mut one = One::new();
    one.write(
        "host1",
        [
            ban("throttle-soft", "203.0.113.7", 600),
            ban("throttle-soft", "203.0.113.0/24", 600),
        ],
    );
    one.write("host2", [pardon(now())]);
    one.write("stranger", [pardon(now())]);
    one.sync();
    assert_eq!(one.wanted().len(), 2, "one host alone pardons nobody");
    // Nor do two whose pardons are as late as no two of them are.
    one.write("host3", [pardon(Time::from_millis(now().millis() - 1))]);
    one.sync();
    assert_eq!(one.wanted().len(), 2);
    one.write("host3", [pardon(now())]);
    one.sync();
    assert_eq!(one.wanted(), Vec::<String>::new());
    let pardoned = "203.0.113.7".parse().unwrap();
    assert_eq!(
        one.refused(),
        [Refusal::Pardoned(pardoned)],
        "the network around him is let go, too"
    );
    // A pardon of the future would never end.
    let mut one = One::new();
    one.write("host1", [ban("throttle-soft", "203.0.113.7", 600)]);
    one.write("admin-anna", [pardon(now().after(Duration::from_secs(61)))]);
    one.sync();
    assert_eq!(one.wanted().len(), 1);
}
