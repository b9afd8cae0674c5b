//! A member whose password is stolen.

use ban_fleet::{Cut, Engine as _, Mark, Push, Record};

use crate::server::{Member, Server, ban};

#[test]
fn nobody_writes_in_the_name_of_another() {
    let Some(server) = Server::start(&["web1", "web2"]) else {
        return;
    };
    let record = Record::parse(ban("203.0.113.7").as_bytes()).unwrap();
    let push = Push {
        records: &[record],
        gone: &[],
        is_all: true,
        mark: Mark::new(1),
    };
    let mut engine = server.connect("web1").unwrap();
    engine.push(&"web1".parse().unwrap(), &push).unwrap();
    let error = engine.push(&"web2".parse().unwrap(), &push).unwrap_err();
    assert!(error.is_refused(), "{error:?}");
    // Nor does it end the server or read its configuration, or take away what others told.
    let mut stolen = server.user("web1").unwrap();
    for command in [
        "FLUSHALL",
        "SHUTDOWN",
        "CONFIG GET *",
        "DEL rampart:main:o:web2:held",
        "KEYS *",
        "ACL LIST",
        "EVAL x 0",
        "PUBLISH a b",
    ] {
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap());
        for word in words {
            asked.arg(word);
        }
        let error = asked.exec(&mut stolen).unwrap_err();
        assert_eq!(error.code(), Some("NOPERM"), "{command}: {error}");
    }
}

#[test]
fn any_bytes_are_survived_and_named() {
    let Some(server) = Server::start(&["web1", "web2"]) else {
        return;
    };
    let mut reader = Member::new("web2");
    reader.policy.max_per_origin = 100;
    let mut stolen = server.user("web1").unwrap();
    let (log, held) = ("rampart:main:o:web1:log", "rampart:main:o:web1:held");
    let xadd = |fields: &[&[u8]], stolen: &mut redis::Connection| {
        let mut xadd = redis::cmd("XADD");
        xadd.arg(log).arg("*");
        for field in fields {
            xadd.arg(*field);
        }
        xadd.exec(stolen).unwrap();
    };
    xadd(&[b"r", b"\xff\0\r\n*1\r\n$4\r\nPING\r\n"], &mut stolen);
    reader.sync(&server);
    let good = ban("203.0.113.7");
    let huge = vec![b'x'; 1_000_000];
    for fields in [
        &[b"x".as_slice(), b"y".as_slice()] as &[&[u8]],
        &[b"r", b""],
        &[b"r", &huge],
        &[b"\xff", b"\xff", b"r", good.as_bytes()],
    ] {
        xadd(fields, &mut stolen);
    }
    let synced = reader.sync(&server);
    assert_eq!(synced.new, 1, "{synced:?}");
    assert_eq!(synced.malformed.values().next().unwrap().0, 2, "{synced:?}");
    // Over its bound it is cut off whole, by what is new and by all there is.
    for number in 0..150 {
        let line = ban(&format!("198.51.100.{number}"));
        xadd(&[b"r", line.as_bytes()], &mut stolen);
        redis::cmd("ZADD")
            .arg(held)
            .arg("inf")
            .arg(&line)
            .exec(&mut stolen)
            .unwrap();
    }
    let cut = [("web1".parse().unwrap(), Cut::TooMany(100))];
    assert_eq!(reader.sync(&server).cut_off, cut);
    assert_eq!(reader.members(), []);
    let mut late = Member::new("web2");
    late.policy.max_per_origin = 100;
    assert_eq!(late.sync(&server).cut_off, cut);
    // Keys of another type are its own trouble.
    redis::cmd("DEL").arg(held).exec(&mut stolen).unwrap();
    redis::cmd("SET")
        .arg(held)
        .arg("x")
        .exec(&mut stolen)
        .unwrap();
    assert_eq!(reader.sync(&server).malformed.len(), 0);
    // And a history whose entries come from the future is only one.
    redis::cmd("XADD")
        .arg(log)
        .arg("18446744073709551615-1")
        .arg("r")
        .arg("x")
        .exec(&mut stolen)
        .unwrap();
    reader.sync(&server);
    let mut other = Member::new("web2");
    other.tell(&ban("203.0.113.9"));
    other.sync(&server);
    assert_eq!(other.members().len(), 1);
}
