//! Hosts that tell each other over the server, and what it does meanwhile.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::server::{Member, Server, ban, now};

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("web{number}")).collect()
}

fn fleet(count: usize) -> Option<(Server, Vec<Member>)> {
    let names = names(count);
    let mut users: Vec<_> = names.iter().map(String::as_str).collect();
    users.push("admin-anna");
    let members = names.iter().map(|name| Member::new(name)).collect();
    Some((Server::start(&users)?, members))
}

/// Everybody syncs until what each told has come to all.
fn rest(server: &Server, members: &mut [Member]) {
    for _ in 0..3 {
        for member in members.iter_mut() {
            member.sync(server);
        }
    }
}

fn all_the_same(members: &[Member], expected: usize) {
    let first = members[0].members();
    assert_eq!(first.len(), expected);
    for member in members {
        assert_eq!(member.members(), first, "{}", member.policy.own);
    }
}

#[test]
fn what_one_tells_all_want() {
    for count in [3, 12] {
        let Some((server, mut members)) = fleet(count) else {
            return;
        };
        for (member, number) in members.iter_mut().zip(1..) {
            for host in 0..20 {
                member.tell(&ban(&format!("198.51.{number}.{host}")));
            }
            member.tell(&ban(&format!("2001:db8:{number}::/64")));
        }
        rest(&server, &mut members);
        all_the_same(&members, count * 21);
        // Nothing new is nothing to tell.
        let synced = members[1].sync(&server);
        assert_eq!((synced.pushed, synced.new, synced.snapshot), (0, 0, false));
        // And what is new is news.
        members[0].tell(&ban("203.0.113.7"));
        members[0].sync(&server);
        let synced = members[1].sync(&server);
        assert_eq!((synced.new, synced.snapshot), (1, false));
    }
}

#[test]
fn a_pardon_comes_to_all_and_outlives_the_server() {
    let Some((mut server, mut members)) = fleet(3) else {
        return;
    };
    let line = ban("203.0.113.7");
    members[0].tell(&line);
    rest(&server, &mut members);
    all_the_same(&members, 1);
    let mut admin = Member::new("admin-anna");
    let until = now().after(Duration::from_secs(24 * 3600));
    admin.tell(&format!(
        "pardon 203.0.113.7 at={} until={until} why=the new backup server",
        now()
    ));
    admin.sync(&server);
    rest(&server, &mut members);
    all_the_same(&members, 0);
    server.end();
    server.run();
    // The administrator is away; who scans again and who is new want him in no set.
    members[0].tell(&line);
    members.push(Member::new("web2"));
    rest(&server, &mut members);
    all_the_same(&members, 0);
}

#[test]
fn a_server_that_is_gone_or_stuck_stops_nothing_and_loses_nothing() {
    let Some((mut server, mut members)) = fleet(3) else {
        return;
    };
    members[0].tell(&ban("203.0.113.1"));
    rest(&server, &mut members);
    server.end();
    members[0].tell(&ban("203.0.113.2"));
    let error = members[0].try_sync(&server).unwrap_err().to_string();
    assert!(error.contains("cannot connect"), "{error}");
    // What it wants by what it knows goes on.
    assert_eq!(members[0].members().len(), 2);
    server.run();
    rest(&server, &mut members);
    all_the_same(&members, 2);
    // Stopped, it answers nothing: that is waited for and no longer.
    server.signal(Signal::SIGSTOP);
    members[1].tell(&ban("203.0.113.3"));
    let begin = Instant::now();
    assert!(members[1].try_sync(&server).is_err());
    assert!(begin.elapsed() < Duration::from_secs(30));
    server.signal(Signal::SIGCONT);
    rest(&server, &mut members);
    all_the_same(&members, 3);
    // Half of the hosts are cut off meanwhile, by their password.
    let mut root = server.root().unwrap();
    let _: () = redis::cmd("ACL")
        .arg("SETUSER")
        .arg("web3")
        .arg("off")
        .query(&mut root)
        .unwrap();
    members[2].tell(&ban("203.0.113.4"));
    assert!(members[2].try_sync(&server).is_err());
    let _: () = redis::cmd("ACL")
        .arg("SETUSER")
        .arg("web3")
        .arg("on")
        .query(&mut root)
        .unwrap();
    rest(&server, &mut members);
    all_the_same(&members, 4);
}

/// A ban that is prolonged each minute is one member and not one for each minute.
#[test]
fn what_is_needless_does_not_stay() {
    let Some((server, mut members)) = fleet(2) else {
        return;
    };
    let at = now();
    for minute in 0..30 {
        let hit = at.after(Duration::from_secs(minute));
        let end = hit.after(Duration::from_secs(3600));
        members[0].tell(&format!(
            "ban blacklist 203.0.113.7 end={end} last={hit} hand why="
        ));
        members[0].sync(&server);
    }
    let mut root = server.root().unwrap();
    let held = redis::cmd("ZCARD")
        .arg("rampart:main:o:web1:held")
        .query::<i64>(&mut root)
        .unwrap();
    assert_eq!(held, 1);
    // Of what is over nothing stays.
    members[0].tell(&format!(
        "ban blacklist 203.0.113.8 end={} last=1 hand why=",
        at.after(Duration::from_millis(1))
    ));
    members[0].tell(&ban("203.0.113.9"));
    members[0].sync(&server);
    members[0].tell(&ban("203.0.113.10"));
    members[0].sync(&server);
    let held = redis::cmd("ZCARD")
        .arg("rampart:main:o:web1:held")
        .query::<i64>(&mut root)
        .unwrap();
    assert_eq!(held, 3);
    members[1].sync(&server);
    assert_eq!(members[1].members().len(), 3);
}

/// Who was away for so long that the history does not reach back is told all.
#[test]
fn who_was_away_is_told_all() {
    let Some((server, mut members)) = fleet(2) else {
        return;
    };
    members[0].tell(&ban("203.0.113.1"));
    rest(&server, &mut members);
    for number in 2..5 {
        members[0].tell(&ban(&format!("203.0.113.{number}")));
        members[0].sync(&server);
    }
    let mut root = server.root().unwrap();
    let _: i64 = redis::cmd("XTRIM")
        .arg("rampart:main:o:web1:log")
        .arg("MAXLEN")
        .arg(1)
        .query(&mut root)
        .unwrap();
    let synced = members[1].sync(&server);
    assert!(synced.snapshot, "{synced:?}");
    all_the_same(&members, 4);
}
