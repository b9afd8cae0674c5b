//! The same lines give the same bans, however they come: followed with rounds at any time, after
//! restarts, beside scans, and by one scan of all. The kernel is one in memory, whose time stands
//! still.

mod repeat;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU32;

use ban_sets::{Backend as _, ByHand, End, Family, Memory};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::ban::{Banning, Known, Quota, Span};
use crate::connected::{Peers, Table};
use crate::exempt::Exemptions;
use crate::progress::Progress;
use crate::rule::RulesFile;
use crate::violation::Ban;

const RULES: &str = r#"
[[rule]]
rule = "blocked"
type = "tcp"
howmany = 3
within = "10s"
ipset = "blacklist"
removeafter = "2d"

[[rule]]
rule = "blocked"
type = "all"
howmany = 4
within = "20s"
ipset = "blacklist"
removeafter = "1d"

[[rule]]
rule = "blocked"
type = "tcp"
howmany = 5
within = "8s"
distinct-ports = 3
aggregate-v4 = 30
aggregate-v6 = 126
ipset = "networks"
removeafter = "3d"

[[rule]]
rule = "blocked"
type = "tcp"
howmany = 2
within = "4s"
aggregate-auto = true
aggregate-at = 3
ipset = "neighbours"
removeafter = "2d"
"#;

/// What the clock is set to, again and again, in seconds after the begin: each so far from the others
/// that no window holds lines of two.
const CLOCKS: [i64; 5] = [60, -10_000, 10_000, -20_000, 20_000];

/// Who is pardoned, and how many seconds after the begin.
const PARDONED: u8 = 2;
const PARDON: i64 = 75;

fn start() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().expect("a time")
}

fn after(seconds: i64) -> Timestamp {
    start()
        .saturating_add(SignedDuration::from_secs(seconds))
        .expect("a time")
}

/// The instant that all is judged at: behind all lines.
fn present() -> Present {
    present_at(after(60_000))
}

fn present_at(instant: Timestamp) -> Present {
    Present::new(AsOf::At(instant))
}

fn kernel() -> Memory {
    let mut kernel = Memory::new();
    for name in ["blacklist", "networks", "neighbours", "whitelist"] {
        for (suffix, family) in [("", Family::Inet), ("_v6", Family::Inet6)] {
            let name = format!("{name}{suffix}").parse().expect("a name");
            kernel.create(Memory::networks(name, family));
        }
    }
    // What he did in the first seconds counts nowhere.
    let by_hand = ByHand::new(after(PARDON), "");
    let pardoned = Network::from(address(PARDONED));
    kernel
        .pardon(pardoned, &by_hand, End::Never)
        .expect("granted");
    kernel
}

/// Of each of these addresses that is in a set at an instant, when its ban ends.
fn ends(kernel: &Memory, now: Timestamp) -> BTreeMap<(String, String), End> {
    let mut ends = BTreeMap::new();
    for name in kernel.names() {
        let members = kernel.clone().members(&name, now).expect("listed");
        for number in 0..16 {
            let address = address(number);
            let around = members.covering(address.into());
            let end = around
                .filter(|entry| !entry.exception)
                .map(|entry| entry.end);
            if let Some(end) = end.max() {
                ends.insert((name.to_string(), address.to_string()), end);
            }
        }
    }
    ends
}

/// Whether two ends are the same but for a second, which is no reason to touch a set, and what
/// putting takes.
fn are_about_the_same(one: End, other: End) -> bool {
    match (one, other) {
        (End::At(one), End::At(other)) => {
            one.duration_since(other).abs() <= SignedDuration::from_millis(1500)
        }
        _ => one == other,
    }
}

/// Addresses in a few networks, of both families.
fn address(number: u8) -> IpAddr {
    let host = number / 2 * 3;
    if number % 2 == 0 {
        IpAddr::from([203, 0, 113, host])
    } else {
        IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(host)])
    }
}

/// A line of a source, so many seconds after the one before, to one of a few ports.
#[derive(Clone, Debug)]
struct Shot {
    source: u8,
    pause: i64,
    late: i64,
    port: u16,
    is_udp: bool,
    /// The clock is set before it.
    is_step: bool,
}

fn shot() -> impl Strategy<Value = Shot> {
    let source = prop_oneof![2 => Just(2_u8), 1 => Just(3), 2 => 0_u8..16];
    let pause = prop_oneof![6 => 0_i64..3, 1 => 0_i64..30];
    let (is_udp, is_step) = (prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    (source, pause, 0_i64..8, 1_u16..5, is_udp, is_step).prop_map(
        |(source, pause, late, port, is_udp, is_step)| Shot {
            source,
            pause,
            late,
            port,
            is_udp,
            is_step,
        },
    )
}

fn lines(shots: &[Shot]) -> Vec<String> {
    let mut clocks = CLOCKS.into_iter();
    let mut now = clocks.next().unwrap_or_default();
    let line = |shot: &Shot| {
        if shot.is_step {
            now = clocks.next().unwrap_or(now);
        }
        now += shot.pause;
        let (at, port) = (after(now - shot.late), shot.port);
        let transport = if shot.is_udp {
            format!("PROTO=UDP SPT=4000 DPT={port} LEN=8 ")
        } else {
            format!("PROTO=TCP SPT=4000 DPT={port} WINDOW=1 RES=0x00 SYN URGP=0 ")
        };
        match address(shot.source) {
            IpAddr::V4(source) => format!(
                "{at} fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC={source} DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 {transport}\n"
            ),
            IpAddr::V6(source) => {
                let groups = source.segments().map(|group| format!("{group:04x}"));
                format!(
                    "{at} fw kernel: IP6TABLES-BLOCKED: IN=eth0 OUT= SRC={} DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 {transport}\n",
                    groups.join(":")
                )
            }
        }
    };
    shots.iter().map(line).collect()
}

fn exemptions() -> Exemptions {
    Exemptions::new(BTreeSet::from([address(4)]), &[])
}

/// One scan of a log.
fn scan(kernel: &Memory, rules: &[Rule], log: &str, present: &Present) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log");
    std::fs::write(&path, log).expect("written");
    let (exemptions, now) = (exemptions(), present.instant);
    let (mut sets, _) = Sets::of(Box::new(kernel.clone()), rules);
    let exempt = exemptions
        .in_networks(rules, Some(&mut sets))
        .expect("told");
    let pardons = pardons(Some(&mut sets), now).expect("told");
    let mut logs = crate::log::open(&[path], false, &Progress::default()).expect("opened");
    let as_of = AsOf::At(present.instant);
    let scan = crate::scan::run(rules, &exempt, &pardons, as_of, present, &mut logs).expect("read");
    let mut bans = Vec::new();
    for ((rule, number), found) in rules.iter().zip(1..).zip(scan.found) {
        let violators = found.violators.into_iter();
        bans.extend(violators.filter_map(|one| Ban::new(rule, number, one, scan.as_of)));
    }
    let mut banning = Banning {
        sets: Some(&mut sets),
        exemptions: &exemptions,
        pardons: &pardons,
        dry_run: false,
        as_of: scan.as_of,
        present,
        quota: &Quota::new(NonZeroU32::new(1000), Span::Run),
        known: Known::Nothing,
    };
    let mut nobody = Table::new(|_| Ok(Peers::default()));
    banning.act(rules, bans, &mut nobody).expect("done");
}

/// A run that follows.
struct Run<'r> {
    case: Case<'r>,
    pace: Pace,
    now: Timestamp,
}

impl<'r> Run<'r> {
    fn begin(kernel: &Memory, rules: &'r [Rule], log: &str, now: Timestamp) -> Self {
        let (mut sets, _) = Sets::of(Box::new(kernel.clone()), rules);
        let exempt = exemptions()
            .in_networks(rules, Some(&mut sets))
            .expect("told");
        let pardons = pardons(Some(&mut sets), now).expect("told");
        drop(sets);
        let judge = Judge::new(rules, &exempt, &pardons, present_at(now));
        let mut run = Self {
            case: Case {
                rules,
                exempt,
                pardons,
                is_outdated: false,
                judge,
                pending: Pending::default(),
            },
            pace: Pace::new(NonZeroU32::new(1000), Instant::now()),
            now,
        };
        run.case.lines(log.as_bytes());
        run.round(kernel, true);
        run
    }

    fn forget(&mut self) {
        self.case.judge.forget();
        self.case.pending.forget(self.case.rules, self.now);
    }

    fn round(&mut self, kernel: &Memory, all: bool) {
        let (mut sets, _) = Sets::of(Box::new(kernel.clone()), self.case.rules);
        let pardons = Pardons::default();
        let mut round = Round {
            pardons: (&pardons, &pardons),
            sets: Some(&mut sets),
            exemptions: &exemptions(),
            peering: &mut Table::new(|_| Ok(Peers::default())),
            dry_run: false,
            present: &present_at(self.now),
        };
        let Case { rules, pending, .. } = &mut self.case;
        round
            .act(rules, pending, &mut self.pace, all)
            .expect("done");
    }
}

/// The rules, as a file of them says them.
fn rules() -> Vec<Rule> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("rules.toml");
    std::fs::write(&path, RULES).expect("written");
    RulesFile::read(&path).expect("rules").rules
}

/// What comes after a clock was set back is not late, however long it stays behind what came before.
#[test]
fn a_clock_that_is_set_back() {
    let (rules, kernel) = (rules(), kernel());
    let shots = |is_step| Shot {
        source: 0,
        pause: 1,
        late: 0,
        port: 1,
        is_udp: false,
        is_step,
    };
    let [before, mut after @ ..] = [shots(false), shots(true), shots(false), shots(false)];
    for shot in &mut after {
        shot.source = 1;
    }
    let lines = lines(&[&[before], after.as_slice()].concat());
    let mut run = Run::begin(&kernel, &rules, "", present().instant);
    for line in &lines {
        run.case.lines(line.as_bytes());
        run.case.judge.forget();
    }
    run.round(&kernel, true);
    let banned = ends(&kernel, present().instant).into_keys();
    let banned: Vec<_> = banned.filter(|(set, _)| set == "blacklist_v6").collect();
    assert_eq!(
        banned,
        [("blacklist_v6".to_owned(), address(1).to_string())]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_they_come(
        shots in vec(shot(), 1..80),
        cuts in vec((0_usize..80, 0_u8..6), 0..12),
    ) {
        let rules = rules();
        let lines = lines(&shots);
        let mut cuts: Vec<_> = cuts.into_iter().map(|(at, what)| (at.min(lines.len()), what)).collect();
        cuts.sort_unstable();

        let scanned = kernel();
        scan(&scanned, &rules, &lines.concat(), &present());

        let followed = kernel();
        let mut run = Run::begin(&followed, &rules, "", present().instant);
        let mut read = 0;
        for (cut, what) in cuts {
            let (before, now) = (lines[..cut].concat(), lines[read..cut].concat());
            run.case.lines(now.as_bytes());
            read = cut;
            match what {
                0 => run = Run::begin(&followed, &rules, &before, present().instant),
                1 => scan(&followed, &rules, &before, &present()),
                2 => run.forget(),
                3 => run.round(&followed, true),
                _ => run.round(&followed, false),
            }
        }
        run.case.lines(lines[read..].concat().as_bytes());
        run.round(&followed, true);
        let at = present().instant;
        let (followed, scanned) = (ends(&followed, at), ends(&scanned, at));
        prop_assert!(followed.keys().eq(scanned.keys()), "{:?}\n{:?}", followed, scanned);
        for (who, end) in &scanned {
            let other = followed[who];
            prop_assert!(are_about_the_same(other, *end), "{:?}: {:?} {:?}", who, other, end);
        }
    }
}
