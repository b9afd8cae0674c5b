//! Too many: of one rule, and for a set.

use super::*;
use crate::reason::{ByHand, Evidence, Reason};

#[test]
fn a_flood_by_one_rule_takes_nothing_from_another() {
    let flooded = Rule {
        max_bans: NonZeroU32::new(2),
        ..rule()
    };
    let rules = [flooded, rule()];
    let [flooded, other] = &rules;
    let with = |source: &str, peak_hits| {
        let mut ban = ban(flooded, 1, source);
        ban.violator.peak_hits = peak_hits;
        ban
    };
    let bans = || {
        vec![
            with("198.51.100.1", 501),
            with("198.51.100.2", 900),
            with("198.51.100.3", 700),
            with("198.51.100.4", 502),
            ban(other, 2, SOURCE),
            ban(other, 2, "2001:db8::7"),
        ]
    };
    let mut kernel = kernel();
    let acted = Asked::default().act(&mut kernel, &rules, bans());
    let told = Told::from(acted.expect("decided"));
    let (added, beyond) = (Outcome::Added, Outcome::BeyondMaxBans);
    let expected = [&beyond, &added, &added, &beyond, &added, &added];
    assert_eq!(told.outcomes.iter().collect::<Vec<_>>(), expected);
    assert_eq!(
        told.warnings,
        [
            "not banned: 2 violators of rule 1 (blocked tcp), a flood whose sources may be forged: one run adds at most 2 new bans by it \
             (max-bans), those with the most evidence"
        ]
    );
    // The others have their turn next.
    let acted = Asked::default().act(&mut kernel, &rules, bans());
    let told = Told::from(acted.expect("decided"));
    assert!(!told.outcomes.contains(&beyond) && told.warnings.is_empty());
    // Who is banned by both rules is banned by the one that may.
    let bans = vec![
        with("198.51.100.5", 900),
        with("198.51.100.6", 900),
        with("198.51.100.7", 501),
        ban(other, 2, "198.51.100.7"),
    ];
    let acted = Asked::default().act(&mut kernel, &rules, bans);
    let told = Told::from(acted.expect("decided"));
    assert!(!told.outcomes.contains(&beyond), "{:?}", told.outcomes);
}

/// Room for four, with comments.
fn small() -> Memory {
    kernel_with(|set| Set {
        most: Some(4),
        comments: true,
        ..set
    })
}

fn by_scan(key: &str, seconds: u32) -> Entry {
    let seen = [time("2026-11-22T08:00:00Z"), time("2026-11-22T08:59:00Z")];
    let evidence = Evidence::new(&rule(), 501, seen, seen[1]);
    let comment = Reason::Scan(evidence).comment();
    entry(key, seconds).because(comment)
}

fn by_hand(key: &str, seconds: u32) -> Entry {
    let reason = Reason::Ban(ByHand::new(time("2026-11-22T08:00:00Z"), ""));
    entry(key, seconds).because(reason.comment())
}

fn dropped(acted: &Acted<'_>) -> Vec<String> {
    let dropped = acted.dropped.iter();
    let dropped = dropped.map(|one| format!("{} {} {}", one.source, one.set, one.timeout));
    dropped.collect()
}

#[test]
fn what_ends_soonest_gives_way() {
    for (set, [a, b, c, d, e, f]) in [
        (
            "blacklist",
            [1, 2, 3, 4, 5, 6].map(|n| format!("198.51.100.{n}")),
        ),
        (
            "blacklist_v6",
            [1, 2, 3, 4, 5, 6].map(|n| format!("2001:db8::{n}")),
        ),
    ] {
        let mut kernel = small();
        let there = [
            by_scan(&a, 300),
            by_hand(&b, 10),
            by_scan(&c, 200),
            entry(&d, 20),
        ];
        add(&mut kernel, set, there);
        let rule = rule();
        let bans = |sources: &[&String]| -> Vec<_> {
            sources.iter().map(|source| ban(&rule, 1, source)).collect()
        };
        let dry = Asked {
            dry_run: true,
            ..Asked::default()
        };
        let rules = std::slice::from_ref(&rule);
        let before = members(&kernel, set);
        let acted = dry.act(&mut kernel, rules, bans(&[&e])).expect("decided");
        assert_eq!(dropped(&acted), [format!("{c} {set} 200")]);
        assert_eq!(members(&kernel, set), before);

        let acted = Asked::default().act(&mut kernel, rules, bans(&[&e]));
        assert_eq!(
            dropped(&acted.expect("decided")),
            [format!("{c} {set} 200")]
        );
        let now = [
            format!("{a} 300"),
            format!("{b} 10"),
            format!("{d} 20"),
            format!("{e} {DAY}"),
        ];
        assert_eq!(members(&kernel, set), now);

        // One more has a place to take; of those that ask, none ends later than the other.
        let acted = Asked::default().act(&mut kernel, rules, bans(&[&c, &f]));
        let mut acted = acted.expect("decided");
        assert_eq!(dropped(&acted), [format!("{a} {set} 300")]);
        acted.banned.sort_by_key(|banned| banned.ban.source());
        let outcomes = acted.banned.into_iter().map(|banned| banned.outcome);
        let outcomes: Vec<_> = outcomes.collect();
        assert_eq!(outcomes, [Outcome::Added, Outcome::NoRoom]);

        // The same again, with the one that had to go: nothing moves.
        let short = Rule {
            removeafter: "10m".parse().expect("a time"),
            ..self::rule()
        };
        let rules = [self::rule(), short];
        let [rule, short] = &rules;
        let again = vec![ban(rule, 1, &c), ban(rule, 1, &e), ban(short, 2, &a)];
        let before = members(&kernel, set);
        let acted = Asked::default().act(&mut kernel, &rules, again);
        let acted = acted.expect("decided");
        assert!(acted.dropped.is_empty(), "{:?}", acted.dropped);
        assert_eq!(members(&kernel, set), before);
        let is_without = |banned: &&Banned<'_>| banned.outcome == Outcome::NoRoom;
        assert_eq!(acted.banned.iter().filter(is_without).count(), 1);
    }
}

/// What is kept by this run may have to give way in it.
#[test]
fn who_gives_way_is_not_called_kept() {
    let mut kernel = small();
    let there = [
        ("198.51.100.1", 100),
        ("198.51.100.2", DAY),
        ("198.51.100.3", DAY),
        (SOURCE, DAY),
    ];
    add(
        &mut kernel,
        "blacklist",
        there.map(|(key, seconds)| by_scan(key, seconds)),
    );
    let short = Rule {
        removeafter: "2m".parse().expect("a time"),
        ..rule()
    };
    let rules = [short, rule()];
    let [short, rule] = &rules;
    let bans = vec![ban(short, 1, "198.51.100.1"), ban(rule, 2, "198.51.100.9")];
    let told = Told::from(
        Asked::default()
            .act(&mut kernel, &rules, bans)
            .expect("decided"),
    );
    assert_eq!(told.outcomes, [Outcome::NoRoom, Outcome::Added]);
}

/// Whose bans they are is not known without comments, so nobody has to give way.
#[test]
fn nobody_gives_way_where_it_is_not_known_who_banned_him() {
    let mut kernel = kernel_with(|set| Set {
        most: Some(1),
        ..set
    });
    add(&mut kernel, "blacklist", [entry("198.51.100.1", 100)]);
    let told = Asked::default().ban(&mut kernel, &[SOURCE]);
    assert!(refusal(&told.outcomes[0]).contains("full"));
    assert_eq!(members(&kernel, "blacklist"), ["198.51.100.1 100"]);
}
