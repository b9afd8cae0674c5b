//! What every backend has to keep.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use ban_sets::{
    ByHand, End, Entry, Family, Held, IfThere, Network, Set, SetName, Takes, Whitelist, names,
    network,
};
use jiff::{SignedDuration, Timestamp};

use crate::bench::Bench;

/// Networks of a family, each with its name here.
pub(crate) struct Cast {
    pub(crate) family: Family,
    pub(crate) wide: &'static str,
    pub(crate) narrow: &'static str,
    /// In `narrow`.
    pub(crate) inner: &'static str,
    /// In `wide` alone.
    pub(crate) outer: &'static str,
    pub(crate) stranger: &'static str,
    pub(crate) all: &'static str,
    pub(crate) of_other_family: &'static str,
}

pub(crate) const CASTS: [Cast; 2] = [
    Cast {
        family: Family::Inet,
        wide: "203.0.113.0/24",
        narrow: "203.0.113.128/25",
        inner: "203.0.113.129",
        outer: "203.0.113.7",
        stranger: "198.51.100.1",
        all: "0.0.0.0/0",
        of_other_family: "2001:db8::1",
    },
    Cast {
        family: Family::Inet6,
        wide: "2001:db8::/32",
        narrow: "2001:db8:1::/48",
        inner: "2001:db8:1::1",
        outer: "2001:db8::7",
        stranger: "2001:db9::1",
        all: "::/0",
        of_other_family: "203.0.113.1",
    },
];

type Law = fn(&mut Bench, &Cast);

pub(crate) const LAWS: [(&str, Law); 10] = [
    ("the_longest_prefix_decides", the_longest_prefix_decides),
    ("putting_again_replaces", putting_again_replaces),
    (
        "what_is_refused_changes_nothing",
        what_is_refused_changes_nothing,
    ),
    ("a_full_set_says_so", a_full_set_says_so),
    (
        "ends_are_read_as_they_were_put",
        ends_are_read_as_they_were_put,
    ),
    (
        "what_is_over_is_a_second_away",
        what_is_over_is_a_second_away,
    ),
    ("taken_out_alone", taken_out_alone),
    ("a_set_that_is_not_there", a_set_that_is_not_there),
    (
        "pardons_are_granted_and_lifted",
        pardons_are_granted_and_lifted,
    ),
    ("whitelists_hold_all_or_parts", whitelists_hold_all_or_parts),
];

fn of(text: &str) -> Network {
    network::parse(text).unwrap()
}

fn ban(text: &str) -> Entry {
    let now = Timestamp::now();
    Entry::new(of(text)).until(End::after(now, 3600))
}

fn with_comments(set: Set) -> Set {
    Set {
        comments: true,
        ..set
    }
}

fn entries(bench: &mut Bench, set: &SetName) -> Vec<Entry> {
    let members = bench.sets.members(set, Timestamp::now()).unwrap();
    members.iter().map(|(_, entry)| entry.clone()).collect()
}

fn the_longest_prefix_decides(bench: &mut Bench, cast: &Cast) {
    let set = bench.make(|set| set, cast.family);
    let excepted = ban(cast.narrow).except();
    assert!(bench.put(&set, &[ban(cast.wide), excepted]).is_empty());
    let [inner, outer, stranger] = [cast.inner, cast.outer, cast.stranger].map(of);
    for (address, matches, excepts) in [
        (inner, false, true),
        (outer, true, false),
        (stranger, false, false),
    ] {
        assert_eq!(bench.matches(&set, address), matches, "{address}");
        let is = bench.sets.excepts(&set, address.address());
        assert_eq!(is.unwrap(), excepts, "{address}");
    }
    // A network by its own entry alone.
    assert!(bench.matches(&set, of(cast.wide)));
    assert!(!bench.matches(&set, of(cast.narrow)));
    assert!(bench.put(&set, &[ban(cast.inner)]).is_empty());
    assert!(bench.matches(&set, inner));
}

fn putting_again_replaces(bench: &mut Bench, cast: &Cast) {
    let set = bench.make(with_comments, cast.family);
    let comment = |text: &str| Some(text.parse().unwrap());
    let first = ban(cast.wide).because(comment("first"));
    assert!(bench.put(&set, &[first]).is_empty());
    let refused = bench
        .sets
        .put(&set, &[ban(cast.wide)], Timestamp::now(), IfThere::Refuse);
    let refused = refused.unwrap();
    assert!(refused.iter().all(|refusal| refusal.error.is_entry_there()));
    assert_eq!(refused.len(), 1);
    let is = |entry: &Entry, why: &str, exception| {
        let said = entry
            .comment
            .as_ref()
            .map_or("", |comment| comment.as_str());
        assert_eq!((said, entry.exception), (why, exception));
        assert_eq!(entry.network, of(cast.wide));
    };
    let there = entries(bench, &set);
    assert_eq!(there.len(), 1);
    is(&there[0], "first", false);
    let exception = Entry::new(of(cast.wide))
        .because(comment("second"))
        .except();
    assert!(bench.put(&set, &[exception]).is_empty());
    let there = entries(bench, &set);
    is(&there[0], "second", true);
    assert_eq!(there[0].end, End::Never);
    assert!(bench.put(&set, &[ban(cast.wide)]).is_empty());
    let there = entries(bench, &set);
    is(&there[0], "", false);
    assert!(there[0].end < End::Never);
}

fn what_is_refused_changes_nothing(bench: &mut Bench, cast: &Cast) {
    let set = bench.make(|set| set, cast.family);
    let longest = bench.sets.longest();
    let now = Timestamp::now();
    let too_long = End::after(now, longest + 60);
    let wrong = [
        ban(cast.of_other_family),
        ban(cast.stranger).until(too_long),
        ban(cast.stranger).because(Some("why".parse().unwrap())),
        ban(cast.all),
    ];
    let right = ban(cast.outer);
    let mut all: Vec<_> = wrong.into();
    all.insert(2, right);
    all.push(ban(cast.inner));
    let refused = bench.put(&set, &all);
    let places: Vec<_> = refused.iter().map(|refusal| refusal.place).collect();
    assert_eq!(places, [0, 1, 3, 4], "{refused:?}");
    assert!(refused.iter().all(|one| !one.error.is_set_full()));
    let said = refused.iter().map(|one| one.error.to_string());
    for said in said {
        assert!(!said.is_empty());
    }
    let there: Vec<_> = entries(bench, &set).iter().map(|one| one.network).collect();
    assert_eq!(there, [of(cast.outer), of(cast.inner)]);

    let addresses = bench.make(
        |set| Set {
            takes: Takes::Addresses,
            kind: "hash:ip".to_owned(),
            ..set
        },
        cast.family,
    );
    assert_eq!(bench.put(&addresses, &[ban(cast.inner).except()]).len(), 1);
    assert!(bench.put(&addresses, &[ban(cast.inner)]).is_empty());
    let what = bench.sets.fillable(&addresses, cast.family, false).unwrap();
    assert_eq!(what.takes, Takes::Addresses);
    assert!(bench.sets.fillable(&addresses, cast.family, true).is_err());
    let other = Family::of(of(cast.of_other_family).address());
    assert!(bench.sets.fillable(&addresses, other, false).is_err());
}

fn a_full_set_says_so(bench: &mut Bench, cast: &Cast) {
    let small = |set| Set {
        most: Some(2),
        comments: true,
        ..set
    };
    let set = bench.make(small, cast.family);
    let refused = bench.put(&set, &[cast.wide, cast.narrow, cast.inner].map(ban));
    assert_eq!(refused.len(), 1);
    assert!(refused[0].error.is_set_full() && refused[0].place == 2);
    let said = refused[0].error.to_string();
    assert!(said.contains(set.as_str()), "{said}");
    assert!(said.contains(&network::spelled(of(cast.inner))), "{said}");
    assert!(bench.sets.cure(&set).unwrap().contains(set.as_str()));
    let what = bench.sets.set(&set).unwrap().unwrap();
    assert_eq!((what.most, what.entries), (Some(2), Some(2)));
    assert!(what.comments && what.holds_networks() && what.family == cast.family);
    // Who is there may stay longer.
    assert!(bench.put(&set, &[ban(cast.wide)]).is_empty());
    assert!(bench.sets.take_out(&set, of(cast.wide)).unwrap());
    assert!(bench.put(&set, &[ban(cast.inner)]).is_empty());
}

fn ends_are_read_as_they_were_put(bench: &mut Bench, cast: &Cast) {
    let set = bench.make(|set| set, cast.family);
    // By a clock of one's own.
    let now: Timestamp = "2020-02-29T12:00:00.75Z".parse().unwrap();
    let longest = bench.sets.longest();
    let ends = [
        End::At(now + SignedDuration::from_millis(3_600_500)),
        End::after(now, longest),
        End::Never,
    ];
    let networks = [cast.wide, cast.narrow, cast.inner].map(of);
    let put: Vec<_> = networks
        .iter()
        .zip(ends)
        .map(|(network, end)| Entry::new(*network).until(end))
        .collect();
    let before = Instant::now();
    let refused = bench.sets.put(&set, &put, now, IfThere::Refuse).unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    let members = bench.sets.members(&set, now).unwrap();
    let took = SignedDuration::try_from(before.elapsed()).unwrap();
    for (network, end) in networks.iter().zip(ends) {
        let there = members.get(*network).unwrap().end;
        match (there, end) {
            (End::At(there), End::At(end)) => {
                let late = there.duration_since(end);
                let second = SignedDuration::from_secs(1);
                assert!(late <= second && late >= -(second + took), "{late}");
            }
            _ => assert_eq!(there, end),
        }
    }
}

fn what_is_over_is_a_second_away(bench: &mut Bench, cast: &Cast) {
    let set = bench.make(|set| set, cast.family);
    let past = Timestamp::now() - SignedDuration::from_secs(5);
    let over = Entry::new(of(cast.outer)).until(End::At(past));
    assert!(bench.put(&set, &[over, ban(cast.inner)]).is_empty());
    let end = Instant::now() + Duration::from_secs(60);
    while entries(bench, &set).len() > 1 || bench.matches(&set, of(cast.outer)) {
        assert!(Instant::now() < end, "it is there for good");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(bench.matches(&set, of(cast.inner)));
    // As good as not there.
    let again = bench
        .sets
        .put(&set, &[ban(cast.outer)], Timestamp::now(), IfThere::Refuse);
    assert!(again.unwrap().is_empty());
}

fn taken_out_alone(bench: &mut Bench, cast: &Cast) {
    let set = bench.make(|set| set, cast.family);
    let all = [ban(cast.wide), ban(cast.narrow).except()];
    assert!(bench.put(&set, &all).is_empty());
    assert!(!bench.sets.take_out(&set, of(cast.inner)).unwrap());
    assert!(bench.sets.take_out(&set, of(cast.narrow)).unwrap());
    assert!(!bench.sets.take_out(&set, of(cast.narrow)).unwrap());
    assert!(bench.matches(&set, of(cast.inner)));
    assert!(bench.put(&set, &[ban(cast.inner)]).is_empty());
    let mut told = 0;
    let listed = bench.sets.list(&set, Timestamp::now(), &mut |_| {
        told += 1;
        ControlFlow::Break(())
    });
    listed.unwrap();
    assert_eq!(told, 1, "it was to end");
    assert_eq!(entries(bench, &set).len(), 2);
}

fn a_set_that_is_not_there(bench: &mut Bench, cast: &Cast) {
    let name: SetName = "nothing".parse().unwrap();
    let (now, network) = (Timestamp::now(), of(cast.outer));
    assert!(bench.sets.set(&name).unwrap().is_none());
    let said = bench.sets.fillable(&name, cast.family, true).unwrap_err();
    assert!(said.to_string().contains("does not exist"), "{said}");
    let put = bench
        .sets
        .put(&name, &[ban(cast.outer)], now, IfThere::Replace);
    assert!(put.unwrap_err().is_set_missing());
    let taken = bench.sets.take_out(&name, network);
    assert!(taken.unwrap_err().is_set_missing());
    assert!(bench.sets.members(&name, now).unwrap_err().is_set_missing());
    let matches = bench.sets.matches(&name, network);
    assert!(matches.unwrap_err().is_set_missing());
    let excepts = bench.sets.excepts(&name, network.address());
    assert!(excepts.unwrap_err().is_set_missing());
    assert!(bench.sets.pardons(now).is_ok());
}

fn pardons_are_granted_and_lifted(bench: &mut Bench, cast: &Cast) {
    let now = Timestamp::now();
    let by_hand = ByHand::new(now, "asked for by = Bob: since=never why=so");
    let end = End::after(now, 3600);
    for text in [cast.narrow, cast.outer, cast.stranger] {
        bench.sets.pardon(of(text), &by_hand, end).unwrap();
    }
    // Made once, and not made anew.
    let name = names::of_family(names::PARDONED, cast.family).unwrap();
    bench.sets.make(&name, cast.family).unwrap();
    assert!(bench.put(&name, &[ban(cast.inner)]).is_empty());
    let pardons = bench.sets.pardons(now).unwrap();
    let of_family = pardons.iter().filter(|pardon| {
        let family = Family::of(pardon.network.address());
        family == cast.family
    });
    let mut networks: Vec<_> = of_family
        .map(|pardon| {
            assert_eq!(pardon.since, now);
            pardon.network
        })
        .collect();
    networks.sort_unstable();
    let mut expected = [cast.narrow, cast.outer, cast.stranger].map(of);
    expected.sort_unstable();
    assert_eq!(networks, expected);
    let mut lifted = bench.sets.lift_pardons(of(cast.wide), now).unwrap();
    lifted.sort_unstable();
    let mut expected = [cast.narrow, cast.outer].map(of);
    expected.sort_unstable();
    assert_eq!(lifted, expected);
    let news = bench.sets.pardons(now).unwrap();
    let nobody = ban_sets::Pardons::default();
    assert_eq!(news.news(&nobody, of(cast.inner)), None);
    assert_eq!(news.news(&nobody, of(cast.stranger)), Some(now));
}

fn whitelists_hold_all_or_parts(bench: &mut Bench, cast: &Cast) {
    let name = names::of_family(names::WHITELIST, cast.family).unwrap();
    bench.sets.make(&name, cast.family).unwrap();
    let members = [ban(cast.narrow), ban(cast.outer)];
    assert!(bench.put(&name, &members).is_empty());
    let mut opened = Whitelist::open(bench.sets.as_mut()).into_iter().flatten();
    let mut whitelist = opened
        .find(|whitelist| whitelist.family() == cast.family)
        .unwrap();
    let mut parts = [cast.narrow, cast.outer].map(of);
    parts.sort_unstable();
    for (text, held) in [
        (cast.inner, Held::All),
        (cast.narrow, Held::All),
        (cast.stranger, Held::Parts(Vec::new())),
        (cast.wide, Held::Parts(parts.to_vec())),
    ] {
        let is = whitelist.held(bench.sets.as_mut(), of(text)).unwrap();
        assert_eq!(is, held, "{text}");
    }
    let all = whitelist.read(bench.sets.as_mut()).unwrap();
    assert_eq!(all, parts);
}
