//! What `sync` puts into sets, and what not.

use std::time::Duration;

use netns_testbed::{Failed, Trial, trial};

use crate::host::{ban, fleet};
use crate::server::now;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_ban_of_one_is_in_the_sets_of_all", of_all),
        trial("a_blacklist_asks_for_two", two),
        trial("who_is_protected_here_is_told_and_not_banned", protected),
        trial("the_longer_ban_stays", longer),
        trial("a_pardon_lets_go_everywhere_and_lasts", pardon),
        trial("a_dry_run_changes_nothing", dry_run),
        trial("what_is_done_by_hand_is_told", by_hand),
    ]
}

fn of_all() -> Result<(), Failed> {
    let (_server, [web1, web2, web3]) = fleet(["web1", "web2", "web3"])?;
    web1.tell(&ban("throttle-soft", "203.0.113.7", 3600));
    web1.tell(&ban("throttle-soft", "198.51.100.0/24", 3600));
    web1.tell(&ban("throttle-soft", "2001:db8:7::/64", 3600));
    let told = web1.sync(0);
    assert_eq!((&told["told"], &told["version"]), (&3.into(), &1.into()));
    for host in [&web2, &web3] {
        let report = host.sync(0);
        assert_eq!(
            report["added"].as_array().map(Vec::len),
            Some(3),
            "{report}"
        );
        let members = host.members("throttle-soft");
        assert_eq!(members.len(), 2, "{members:?}");
        assert!(
            members[1]
                .starts_with("203.0.113.7 comment \"fleet: from=web1 rule=blocked hits=501 last="),
            "{members:?}"
        );
        assert!(members[0].starts_with("198.51.100.0/24 "), "{members:?}");
        let left = host.left("throttle-soft", "203.0.113.7");
        assert!((3000..=3601).contains(&left), "{left}");
        assert_eq!(host.members("throttle-soft_v6").len(), 1);
        // What was found here is put here by whoever found it, and there is no echo.
        let again = host.sync(0);
        assert_eq!(
            (&again["told"], &again["new"], &again["kept"]),
            (&0.into(), &0.into(), &3.into()),
            "{again}"
        );
        assert_eq!(again["added"], serde_json::json!([]));
    }
    assert!(web1.members("throttle-soft").is_empty());
    Ok(())
}

fn two() -> Result<(), Failed> {
    let (_server, [web1, web2, web3]) = fleet(["web1", "web2", "web3"])?;
    web1.tell(&ban("blacklist", "203.0.113.7", 3600));
    web1.sync(0);
    assert_eq!(web3.sync(0)["waiting"], 1);
    assert!(web3.members("blacklist").is_empty());
    web2.tell(&ban("blacklist", "203.0.113.7", 7200));
    web2.sync(0);
    let report = web3.sync(0);
    assert_eq!(
        report["added"][0]["seen_by"],
        serde_json::json!(["web1", "web2"])
    );
    // The end that two agree on.
    let left = web3.left("blacklist", "203.0.113.7");
    assert!((3000..=3601).contains(&left), "{left}");
    Ok(())
}

fn protected() -> Result<(), Failed> {
    let (_server, [web1, web2]) = fleet(["web1", "web2"])?;
    web2.configure(
        "[take]\nfrom = [\"web1\"]\nexempt = [\"198.51.100.9\"]\nsets = { throttle-soft = 1 }\n",
    )?;
    web2.ipset(&["add", "whitelist", "203.0.113.0/28"])?;
    web2.ipset(&["add", "whitelist_v6", "2001:db8:7::9"])?;
    for network in [
        "203.0.113.7",
        "198.51.100.0/24",
        "2001:db8:7::/64",
        "127.0.0.2",
        "203.0.112.0/22",
    ] {
        web1.tell(&ban("throttle-soft", network, 3600));
    }
    web1.tell(&ban("throttle-soft", "203.0.113.77", 3600));
    web1.sync(0);
    let report = web2.sync(0);
    let mut refused: Vec<_> = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| {
            format!(
                "{} {}",
                refused["prefix"].as_str().unwrap(),
                refused["why"].as_str().unwrap()
            )
        })
        .collect();
    refused.sort_unstable();
    assert_eq!(refused.len(), 5, "{report}");
    assert!(
        refused[0].starts_with("127.0.0.2 127.0.0.0/8 is protected"),
        "{refused:?}"
    );
    assert!(
        refused[1].starts_with("198.51.100.0/24 198.51.100.9 is protected"),
        "{refused:?}"
    );
    assert!(
        refused[4].starts_with("203.0.113.7 203.0.113.0/28 is protected"),
        "{refused:?}"
    );
    assert_eq!(web2.members("throttle-soft").len(), 1);
    assert!(web2.members("throttle-soft_v6").is_empty());
    let text = web2.share(&["sync"]);
    let text = String::from_utf8_lossy(&text.stdout);
    assert!(
        text.contains("[INFO] 203.0.113.7 in throttle-soft, banned by web1, is not taken: 203.0.113.0/28 is protected here"),
        "{text}"
    );
    // Whoever is excepted from a network here, or was let go here, stays so.
    web2.ipset(&["add", "throttle-soft", "192.0.2.0/24", "timeout", "9000"])?;
    web2.ipset(&[
        "add",
        "throttle-soft",
        "192.0.2.7",
        "timeout",
        "9000",
        "nomatch",
    ])?;
    web2.ipset(&["create", "pardoned", "hash:net", "timeout", "0", "comment"])?;
    let comment = format!("unban: since={}", time(Duration::from_secs(600)));
    web2.ipset(&[
        "add",
        "pardoned",
        "192.0.3.7",
        "timeout",
        "9000",
        "comment",
        &comment,
    ])?;
    web1.tell(&ban("throttle-soft", "192.0.2.7", 3600));
    web1.tell(&ban("throttle-soft", "192.0.3.7", 3600));
    web1.sync(0);
    let report = web2.sync(0);
    assert_eq!(report["added"], serde_json::json!([]), "{report}");
    assert_eq!(
        report["refused"].as_array().map(Vec::len),
        Some(7),
        "{report}"
    );
    Ok(())
}

/// So much later than now, as comments say it.
fn time(later: Duration) -> jiff::Timestamp {
    let millis = now().after(later).millis().try_into().unwrap();
    jiff::Timestamp::from_millisecond(millis).unwrap()
}

fn longer() -> Result<(), Failed> {
    let (_server, [web1, web2]) = fleet(["web1", "web2"])?;
    web2.ipset(&[
        "add",
        "throttle-soft",
        "203.0.113.7",
        "timeout",
        "9000",
        "comment",
        "scan: by hand",
    ])?;
    web2.ipset(&[
        "add",
        "throttle-soft",
        "203.0.113.8",
        "timeout",
        "60",
        "comment",
        "scan: mine",
    ])?;
    web2.ipset(&["add", "throttle-soft", "203.0.113.9", "timeout", "0"])?;
    for last in 7..10 {
        web1.tell(&ban("throttle-soft", &format!("203.0.113.{last}"), 3600));
    }
    web1.sync(0);
    let report = web2.sync(0);
    assert_eq!(
        (&report["kept"], report["added"].as_array().map(Vec::len)),
        (&2.into(), Some(1))
    );
    assert!(web2.left("throttle-soft", "203.0.113.7") > 8000);
    assert!(web2.left("throttle-soft", "203.0.113.8") > 3000);
    assert_eq!(web2.left("throttle-soft", "203.0.113.9"), 0);
    // The reason of this host stays.
    assert!(
        web2.members("throttle-soft")
            .contains(&"203.0.113.8 comment \"scan: mine\"".to_owned())
    );
    Ok(())
}

fn pardon() -> Result<(), Failed> {
    let (_server, [web1, web2, admin]) = fleet(["web1", "web2", "admin-anna"])?;
    let line = ban("throttle-soft", "203.0.113.7", 3600);
    web1.tell(&line);
    web1.ipset(&[
        "add",
        "throttle-soft",
        "203.0.113.7",
        "timeout",
        "3600",
        "comment",
        "scan: found",
    ])?;
    web1.sync(0);
    web2.sync(0);
    assert_eq!(web2.members("throttle-soft").len(), 1);
    let until = now().after(Duration::from_secs(86400));
    admin.tell(&format!(
        "pardon 203.0.113.0/28 at={} until={until} why=the backup server",
        now()
    ));
    admin.sync(0);
    for host in [&web1, &web2] {
        let report = host.sync(0);
        assert_eq!(
            report["pardoned"],
            serde_json::json!(["203.0.113.0/28"]),
            "{report}"
        );
        assert!(host.members("throttle-soft").is_empty());
        let pardoned = host.members("pardoned");
        assert!(
            pardoned[0].starts_with("203.0.113.0/28 comment \"unban: since=")
                && pardoned[0].ends_with("Z why=the backup server\""),
            "{pardoned:?}"
        );
        assert_eq!(host.sync(0)["pardoned"], serde_json::json!([]));
    }
    // The same log is told again, and what came later counts.
    web1.tell(&line);
    web1.sync(0);
    web2.sync(0);
    assert!(web2.members("throttle-soft").is_empty());
    web1.tell(&ban("throttle-soft", "203.0.113.7", 3600));
    web1.sync(0);
    web2.sync(0);
    assert_eq!(web2.members("throttle-soft").len(), 1);
    Ok(())
}

fn dry_run() -> Result<(), Failed> {
    let (_server, [web1, web2]) = fleet(["web1", "web2"])?;
    web1.tell(&ban("throttle-soft", "203.0.113.7", 3600));
    assert_eq!(web1.sync_with(&["--dry-run"], 0)["told"], 1);
    assert_eq!(web2.sync(0)["new"], 0);
    assert_eq!(web1.sync(0)["told"], 1);
    let report = web2.sync_with(&["--dry-run"], 0);
    assert_eq!(report["added"][0]["prefix"], "203.0.113.7", "{report}");
    assert!(web2.members("throttle-soft").is_empty());
    assert_eq!(web2.sync(0)["added"][0]["prefix"], "203.0.113.7");
    Ok(())
}

fn by_hand() -> Result<(), Failed> {
    let (_server, [web1, web2, admin]) = fleet(["web1", "web2", "admin-anna"])?;
    let done = |host: &crate::host::Host, args: &[&str], expected: &str| {
        let output = host.share(args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{output:?}");
        assert!(text.contains(expected), "{text}");
        text
    };
    let ban = [
        "ban",
        "203.0.113.7",
        "--for",
        "1h",
        "--why",
        "the neighbours complain",
    ];
    done(&web1, &ban, "it is one host's word");
    web1.sync(0);
    assert_eq!(web2.sync(0)["waiting"], 1);
    done(&admin, &ban, "it needs nobody else who has seen it");
    admin.sync(0);
    web2.sync(0);
    let members = web2.members("blacklist");
    assert!(
        members[0].starts_with("203.0.113.7 comment \"fleet: from=admin-anna,web1 last=")
            && members[0].ends_with("Z why=the neighbours complain\""),
        "{members:?}"
    );
    let left = web2.left("blacklist", "203.0.113.7");
    assert!((3000..=3601).contains(&left), "{left}");
    let told = done(
        &web2,
        &["snapshot"],
        "admin-anna ban blacklist 203.0.113.7 end=",
    );
    assert_eq!(told.lines().count(), 2, "{told}");
    done(
        &web2,
        &["snapshot", "--of", "web1"],
        "web1 ban blacklist 203.0.113.7 end=",
    );
    done(
        &web2,
        &["pardon", "203.0.113.7"],
        "it holds here, and elsewhere once 2 hosts say so",
    );
    web2.sync(0);
    assert!(web2.members("blacklist").is_empty());
    web1.sync(0);
    assert_eq!(web1.members("blacklist").len(), 1);
    done(
        &admin,
        &["pardon", "203.0.113.0/24", "--why", "sorry"],
        "it holds everywhere",
    );
    admin.sync(0);
    web1.sync(0);
    assert!(web1.members("blacklist").is_empty());
    for wrong in [
        ["ban", "203.0.113.7", "--for", "0s"],
        ["pardon", "nobody", "--why", "a"],
    ] {
        assert_eq!(web1.share(&wrong).status.code(), Some(2), "{wrong:?}");
    }
    Ok(())
}
