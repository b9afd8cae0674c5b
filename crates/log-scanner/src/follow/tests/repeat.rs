//! The same lines give the same offences, however and whenever they are read: by one scan at the end,
//! or followed, scanned and begun anew in between, as the time goes.

use super::*;
use crate::reason::Record;

/// Short bans that grow, of addresses and of networks, by several rules and into several sets.
const RULES: &str = r#"
[[rule]]
rule = "blocked"
type = "tcp"
howmany = 2
within = "4s"
ipset = "blacklist"
removeafter = "8s"
repeat = { within = "3m", factor = 2, at-most = "1m" }

[[rule]]
rule = "blocked"
type = "all"
howmany = 3
within = "9s"
ipset = "other"
removeafter = "15s"
repeat = { within = "3m", factor = 3, at-most = "2m" }

[[rule]]
rule = "blocked"
type = "tcp"
howmany = 3
within = "9s"
aggregate-v4 = 30
aggregate-v6 = 126
ipset = "networks"
removeafter = "10s"
repeat = { within = "40s", factor = 2, at-most = "30s" }

[[rule]]
rule = "blocked"
type = "udp"
howmany = 2
within = "9s"
ipset = "blacklist"
removeafter = "9s"
"#;

/// A few sources that come back after a few seconds or minutes.
fn again() -> impl Strategy<Value = Shot> {
    let source = prop_oneof![3 => Just(6_u8), 2 => Just(7), 1 => 5_u8..10];
    let pause = prop_oneof![12 => 0_i64..4, 3 => 5_i64..25, 1 => 25_i64..70, 1 => 70_i64..250];
    (source, pause, 1_u16..5, prop::bool::weighted(0.2)).prop_map(
        |(source, pause, port, is_udp)| Shot {
            source,
            pause,
            late: 0,
            port,
            is_udp,
            is_step: false,
        },
    )
}

fn with_sets() -> Memory {
    let kernel = kernel();
    for (name, family) in [("other", Family::Inet), ("other_v6", Family::Inet6)] {
        let name = name.parse().expect("a name");
        kernel.create(Memory::networks(name, family));
    }
    kernel
}

/// What is remembered at an instant, by its comments.
fn remembered(kernel: &Memory, now: Timestamp) -> BTreeMap<Network, Record> {
    let offenders = crate::offender::Offenders::read(&mut kernel.clone(), now).expect("read");
    let records = offenders.iter();
    records.filter(|(_, record)| record.until >= now).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_offences(
        shots in vec(again(), 1..80),
        cuts in vec((0_usize..80, 0_u8..6), 0..14),
        time_goes in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rules.toml");
        std::fs::write(&path, RULES).expect("written");
        let rules = RulesFile::read(&path).expect("rules").rules;
        let lines = lines(&shots);
        let mut now = 60;
        let times: Vec<_> = shots.iter().map(|shot| { now += shot.pause; after(now) }).collect();
        let end = *times.last().expect("a shot");
        let mut cuts: Vec<_> = cuts.into_iter().map(|(at, what)| (at.min(lines.len()), what)).collect();
        cuts.sort_unstable();

        let scanned = with_sets();
        scan(&scanned, &rules, &lines.concat(), &present_at(end));

        let followed = with_sets();
        let first = if time_goes { start() } else { end };
        let mut run = Run::begin(&followed, &rules, "", first);
        let mut read = 0;
        for (cut, what) in cuts {
            let (before, lines_now) = (lines[..cut].concat(), lines[read..cut].concat());
            if time_goes {
                run.now = *times[..cut].last().unwrap_or(&first);
                run.case.judge.set_present(present_at(run.now));
            }
            run.case.lines(lines_now.as_bytes());
            read = cut;
            let now = run.now;
            match what {
                0 => run = Run::begin(&followed, &rules, &before, now),
                1 => scan(&followed, &rules, &before, &present_at(now)),
                2 => run.forget(),
                3 => run.round(&followed, true),
                _ => run.round(&followed, false),
            }
        }
        run.now = end;
        run.case.judge.set_present(present_at(end));
        run.case.lines(lines[read..].concat().as_bytes());
        run.round(&followed, true);
        // Once more, and nothing is counted twice.
        scan(&followed, &rules, &lines.concat(), &present_at(end));

        let expected = remembered(&scanned, end);
        prop_assert_eq!(remembered(&followed, end), expected);
        if !time_goes {
            let (followed, scanned) = (ends(&followed, end), ends(&scanned, end));
            prop_assert!(followed.keys().eq(scanned.keys()), "{:?}\n{:?}", followed, scanned);
            for (who, end) in &scanned {
                let other = followed[who];
                prop_assert!(are_about_the_same(other, *end), "{:?}: {:?} {:?}", who, other, end);
            }
        }
    }
}
