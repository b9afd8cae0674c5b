//! A ban says, in the set, which rule made it and why.

use netns_testbed::Failed;

use crate::support::{Scanner, Sets, V4, V6, blocked};

crate::trials!(
    a_ban_has_its_reason_in_the_set,
    a_longer_ban_keeps_when_it_began,
    what_somebody_wrote_there_stays,
    a_set_without_comments_is_filled_and_named_once,
);

/// What the stock tool reads behind `comment`.
fn comment(sets: &Sets, name: &str, member: &str) -> Result<String, Failed> {
    let members = sets.members(name)?;
    let text = members.get(member).ok_or("not there")?;
    let comment = text.split_once(" comment ").ok_or("no comment")?.1;
    Ok(comment.trim_matches('"').to_owned())
}

fn a_ban_has_its_reason_in_the_set() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    let ran = Scanner::new(blocked(&[V4, V6], 0..7)).rule().at(60).run();
    assert!(!ran.done(0).stdout.contains("comment"), "{}", ran.stdout);
    let expected = "scan: rule=blocked type=tcp hits=7 in=10s first=2026-11-22T08:00:00Z \
                    last=2026-11-22T08:00:06Z since=2026-11-22T08:01:00Z";
    assert_eq!(comment(&sets, "blacklist", V4)?, expected);
    assert_eq!(comment(&sets, "blacklist_v6", V6)?, expected);
    Ok(())
}

fn a_longer_ban_keeps_when_it_began() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    Scanner::new(blocked(&[V4], 0..7))
        .rule()
        .at(60)
        .run()
        .done(0);
    let again = Scanner::new(blocked(&[V4], 0..70)).rule().at(70).run();
    again.done(0).says("stays longer in blacklist");
    assert_eq!(
        comment(&sets, "blacklist", V4)?,
        "scan: rule=blocked type=tcp hits=11 in=10s first=2026-11-22T08:00:00Z \
         last=2026-11-22T08:01:09Z since=2026-11-22T08:01:00Z"
    );
    Ok(())
}

fn what_somebody_wrote_there_stays() -> Result<(), Failed> {
    let sets = Sets::as_firewall_apply()?;
    sets.add("blacklist", "203.0.113.7 timeout 100 comment by-hand")?;
    Scanner::new(blocked(&[V4], 0..7))
        .rule()
        .at(6)
        .run()
        .done(0);
    assert_eq!(comment(&sets, "blacklist", V4)?, "by-hand");
    sets.assert_left("blacklist", V4, 3600)
}

fn a_set_without_comments_is_filled_and_named_once() -> Result<(), Failed> {
    let sets = Sets::of_networks()?;
    let others = ["203.0.113.8", "203.0.113.9"];
    let scan = || {
        Scanner::new(blocked(&[&others[..], &[V4]].concat(), 0..7))
            .rule()
            .at(60)
    };
    let said = "  no reasons are kept in blacklist, created without comments ";
    let ran = scan().run();
    assert_eq!(
        ran.done(0).stdout.matches(said).count(),
        1,
        "{}",
        ran.stdout
    );
    assert_eq!(sets.names("blacklist")?.len(), 3);
    // Where nothing is added there is nothing to say.
    assert!(!scan().run().done(0).stdout.contains(said));
    Ok(())
}
