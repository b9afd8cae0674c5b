//! `events` shows what the scan counts.

use netns_testbed::Failed;
use serde_json::{Value, json};

use crate::support::{START, Scanner, V4, V6, line, packet};

crate::trials!(
    every_kind_of_line,
    the_object_to_the_letter,
    readable_text,
    numbers_run_on,
    as_many_as_the_scan_counts
);

fn objects(scanner: Scanner) -> Vec<Value> {
    let ran = scanner
        .with("events --json --log fw.log --as-of 2026-11-22T09:00:00Z")
        .run();
    ran.done(0);
    assert_eq!(ran.stderr, "");
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect()
}

/// An ICMP error in a line with MARK=, a raw line, and what is no event.
fn log() -> String {
    let error = "DROP IN=eth0 OUT=eth1 MACSRC=02:00:00:00:00:01 MACDST=02:00:00:00:00:02 MACPROTO=0800 SRC=203.0.113.7 \
                 DST=192.0.2.1 LEN=56 TOS=0x00 PREC=0x00 TTL=63 ID=1 PROTO=ICMP TYPE=3 CODE=3 [SRC=192.0.2.1 \
                 DST=203.0.113.7 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=2 DF PROTO=UDP SPT=33434 DPT=53 LEN=8 ] MARK=0x2a ";
    [
        line(START, &packet("BLOCKED", V4, "TCP")),
        line(START, error),
        format!(
            "Nov 22 08:00:01 fw kernel: {}\n",
            packet("ALLOWED", V6, "ICMPv6")
        ),
        "Nov 22 08:00:01 fw sshd[1]: Server listening\n".to_owned(),
        "Nov 22 08:00:01 fw sshd[1]: IPTABLES-BLOCKED: IN=eth0 OUT= \n".to_owned(),
        "Nov 22 08:00:01 fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=1.2.3 \n".to_owned(),
    ]
    .concat()
}

fn every_kind_of_line() -> Result<(), Failed> {
    let objects = objects(Scanner::new(log()));
    assert_eq!(objects.len(), 6);
    assert_eq!(
        objects[1],
        json!({
            "n": 2, "time": "2026-11-22T08:00:00Z", "host": "fw", "prefix": "DROP ", "in": "eth0", "out": "eth1",
            "src": "203.0.113.7", "dst": "192.0.2.1", "proto": "ICMP", "spt": null, "dpt": null, "len": 56, "ttl": 63,
            "flags": [], "icmp_type": 3, "icmp_code": 3, "mark": 42, "mac": "02:00:00:00:00:02:02:00:00:00:00:01:08:00",
            "inner": {
                "src": "192.0.2.1", "dst": "203.0.113.7", "proto": "UDP", "spt": 33434, "dpt": 53, "len": 28, "ttl": 64,
                "flags": [], "icmp_type": null, "icmp_code": null, "mark": null, "mac": null, "inner": null,
            },
        })
    );
    assert_eq!(objects[2]["time"], "2026-11-22T08:00:01Z");
    assert_eq!(objects[2]["src"], V6);
    assert_eq!(objects[2]["icmp_type"], 128);
    assert_eq!(
        objects[3],
        json!({"n": 4, "other": "Nov 22 08:00:01 fw sshd[1]: Server listening"})
    );
    assert_eq!(objects[4]["n"], 5);
    assert!(objects[4]["rejected"].is_string(), "{}", objects[4]);
    assert_eq!(
        objects[5]["column"], 63,
        "where SRC= has its value: {}",
        objects[5]
    );
    assert!(objects[5]["unparsed"].is_string());
    Ok(())
}

fn the_object_to_the_letter() -> Result<(), Failed> {
    let scanner = Scanner::new(line(START, &packet("BLOCKED", V4, "TCP")));
    let ran = scanner.with("events --json --log fw.log").run();
    ran.done(0);
    assert_eq!(
        ran.stdout,
        concat!(
            r#"{"n":1,"time":"2026-11-22T08:00:00Z","host":"fw","prefix":"IPTABLES-BLOCKED: ","in":"eth0","out":"","#,
            r#""src":"203.0.113.7","dst":"192.0.2.1","proto":"TCP","spt":40000,"dpt":22,"len":60,"ttl":64,"flags":["SYN"],"#,
            r#""icmp_type":null,"icmp_code":null,"mark":null,"mac":"02:00:00:00:00:02:02:00:00:00:00:01:08:00","inner":null}"#,
            "\n",
        )
    );
    Ok(())
}

fn readable_text() -> Result<(), Failed> {
    let log = log() + "\u{1b}[2J\n";
    let ran = Scanner::new(log)
        .with("events --log fw.log --as-of 2026-11-22T09:00:00Z")
        .run();
    ran.done(0)
        .says(
            "     1  2026-11-22 08:00:00 +00:00  IPTABLES-BLOCKED: in eth0 TCP 203.0.113.7 port 40000 -> 192.0.2.1 port 22 \
             SYN length 60 ttl 64\n",
        )
        .says(
            "     2  2026-11-22 08:00:00 +00:00  DROP in eth0 out eth1 ICMP type 3 code 3 203.0.113.7 -> 192.0.2.1 \
             length 56 ttl 63, quoting UDP 192.0.2.1 port 33434 -> 203.0.113.7 port 53 length 28 ttl 64\n",
        )
        .says("     4  other: Nov 22 08:00:01 fw sshd[1]: Server listening\n")
        .says("     5  rejected: ")
        .says("     6  unparsed at column 63: ")
        .says("     7  other: \\u{1b}[2J\n")
        .says("\nlines 7, events 3, unparsed 1, rejected 1, other 2\n");
    assert!(!ran.stdout.contains('\u{1b}'));
    Ok(())
}

fn numbers_run_on() -> Result<(), Failed> {
    let scanner = Scanner::new(log())
        .write("fw.log.1", log())
        .with("events --json --log fw.log.1 --log fw.log");
    let ran = scanner.run();
    let numbers: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("an object")["n"].clone())
        .collect();
    assert_eq!(numbers, (1..=12).map(Value::from).collect::<Vec<_>>());
    Ok(())
}

fn as_many_as_the_scan_counts() -> Result<(), Failed> {
    let report = Scanner::new(log()).rule().with("--dryrun").at(60).json(0);
    let objects = objects(Scanner::new(log()));
    let with = |key: &str| {
        objects
            .iter()
            .filter(|object| object.get(key).is_some())
            .count()
    };
    let counted = &report["logs"][0];
    assert_eq!(counted["lines"], objects.len());
    assert_eq!(counted["events"], with("src"));
    assert_eq!(counted["unparsed"], with("unparsed"));
    assert_eq!(counted["rejected"], with("rejected"));
    Ok(())
}
