//! Records, hosts and states at random, of few different values, so that they meet.

use ban_fleet::{Ban, Bucket, Cause, Evidence, Host, Pardon, Prefix, Record, State, Time, Words};
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn host(number: usize) -> Host {
    format!("host{number}").parse().unwrap()
}

pub(crate) fn time() -> impl Strategy<Value = Time> {
    (1_u64..60).prop_map(Time::from_millis)
}

pub(crate) fn prefix() -> impl Strategy<Value = Prefix> {
    select(vec![
        "203.0.113.7",
        "203.0.113.8",
        "203.0.113.0/24",
        "2001:db8::7",
        "2001:db8::/64",
        "::ffff:203.0.113.7",
    ])
    .prop_map(|text| text.parse().unwrap())
}

pub(crate) fn ban() -> impl Strategy<Value = Ban> {
    let cause = prop_oneof![
        (1_u64..3, prop::option::of(0_u32..3)).prop_map(|(hits, ports)| Cause::Scan {
            rule: "blocked".parse().unwrap(),
            hits,
            ports,
        }),
        select(vec!["", "why = so"]).prop_map(|why| Cause::Hand {
            why: Words::of(why)
        }),
    ];
    (
        select(vec!["blacklist", "throttle-soft"]),
        prefix(),
        time(),
        time(),
        cause,
    )
        .prop_map(|(set, prefix, one, other, cause)| Ban {
            set: set.parse().unwrap(),
            prefix,
            end: one.max(other),
            last_hit: one.min(other),
            cause,
        })
}

pub(crate) fn pardon() -> impl Strategy<Value = Pardon> {
    (
        prefix(),
        time(),
        time(),
        select(vec!["", "the new backup server"]),
    )
        .prop_map(|(prefix, one, other, why)| Pardon {
            prefix,
            at: one.min(other),
            until: one.max(other),
            why: Words::of(why),
        })
}

pub(crate) fn evidence() -> impl Strategy<Value = Evidence> {
    (prefix(), 1_u64..4, 0_u64..9, 1_u64..5).prop_map(|(source, width, number, hits)| Evidence {
        rule: "blocked".parse().unwrap(),
        bucket: Bucket::new(width, number).unwrap(),
        source,
        hits,
    })
}

pub(crate) fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        3 => ban().prop_map(Record::Ban),
        1 => pardon().prop_map(Record::Pardon),
        1 => evidence().prop_map(Record::Evidence),
    ]
}

/// Records, and whose they are.
pub(crate) fn told() -> impl Strategy<Value = Vec<(Host, Record)>> {
    prop::collection::vec(((0_usize..3).prop_map(host), record()), 0..24)
}

pub(crate) fn state(told: &[(Host, Record)]) -> State {
    let mut state = State::default();
    for (host, record) in told {
        state.insert(host, record.clone());
    }
    state
}
