//! `--distinct-ports`: who scans.

use netns_testbed::Failed;
use serde_json::Value;

use crate::support::{START, Scanner, Sets, V4, V6, line, outcomes, packet, violations};

crate::trials!(scanners_and_not_visitors, in_one_window, both_are_wanted);

/// A TCP packet to each of these ports, one a second.
fn knocks(source: &str, ports: &[u16]) -> String {
    let seconds = START..;
    seconds
        .zip(ports)
        .map(|(second, port)| {
            let packet = packet("BLOCKED", source, "TCP");
            line(second, &packet.replace("DPT=22 ", &format!("DPT={port} ")))
        })
        .collect()
}

fn scan(log: &str, howmany: u32, ports: u16) -> Value {
    let rule = format!(
        "--rule blocked --type tcp --howmany {howmany} --distinct-ports {ports} --within 10s --ipset blacklist \
         --removeafter 1h --log fw.log"
    );
    Scanner::new(log).with(&rule).at(60).json(0)
}

fn scanners_and_not_visitors() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let log = knocks(V4, &[22, 22, 22, 22, 22, 22])
        + &knocks("203.0.113.8", &[22, 23, 25, 80])
        + &knocks(V6, &[22, 23, 25, 22, 23]);
    let report = scan(&log, 3, 4);
    assert_eq!(
        outcomes(&report),
        [("203.0.113.8".to_owned(), "added".to_owned())]
    );
    assert_eq!(report["rules"][0]["distinct_ports"], 4);
    assert_eq!(report["rules"][0]["matched"], 15);
    assert_eq!(violations(&report)[0]["peak_ports"], 4);
    assert_eq!(sets.names("blacklist")?, ["203.0.113.8"]);
    let flags = "--rule blocked --type tcp --howmany 3 --distinct-ports 4 --within 10s --ipset blacklist --removeafter 1h";
    let ran = Scanner::new(&log)
        .with(flags)
        .with("--log fw.log")
        .at(60)
        .run();
    ran.done(0)
        .says("At least 3 lines of rule blocked, type tcp, within 10s, to 4 ports: into ")
        .says("[VIOLATION] 203.0.113.8: 4 hits, 4 of them within 10s, 4 ports within 10s, first ");
    Ok(())
}

fn in_one_window() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    // Four ports in all, and never more than three within ten seconds.
    let ports = [1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4];
    let report = scan(&knocks(V4, &ports), 1, 4);
    assert_eq!(violations(&report).len(), 1, "1 at :05 to 4 at :11");
    let ports = [1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 4];
    assert!(violations(&scan(&knocks(V4, &ports), 1, 4)).is_empty());
    Ok(())
}

fn both_are_wanted() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let log = knocks(V4, &[1, 2, 3, 4, 5]);
    assert_eq!(violations(&scan(&log, 5, 5)).len(), 1);
    assert!(violations(&scan(&log, 6, 5)).is_empty());
    assert!(violations(&scan(&log, 5, 6)).is_empty());
    Ok(())
}
