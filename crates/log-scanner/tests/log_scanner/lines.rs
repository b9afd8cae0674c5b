//! Lines as they come from the world: summed up, in other forms, with something before the prefix.

use netns_testbed::Failed;
use serde_json::Value;

use crate::support::{START, Scanner, V4, V6, line, packet, violations};

crate::trials!(
    repeated_messages_count_as_often,
    a_prefix_behind_something_else_is_told,
    one_damaged_line_is_damaged,
);

const RULE: &str = "--rule blocked --type udp --howmany 500 --within 1m --ipset blacklist --removeafter 1h --dryrun --log fw.log";

fn repeated(second: i64, times: u32, packet: &str) -> String {
    let line = line(START + second, packet);
    let (header, message) = line.split_once("kernel: ").expect("a tag");
    format!("{header}kernel: message repeated {times} times: [ {}]\n", message.trim_end_matches('\n'))
}

/// What rsyslog with `$RepeatedMsgReduction on` makes of 500 equal packets.
fn repeated_messages_count_as_often() -> Result<(), Failed> {
    for source in [V4, V6] {
        let packet = packet("BLOCKED", source, "UDP");
        let log = line(START, &packet) + &repeated(30, 499, &packet);
        let report = Scanner::new(&log).with(RULE).at(60).json(0);
        assert_eq!(report["logs"][0]["events"], 2);
        assert_eq!(report["logs"][0]["repeated"], 499);
        assert_eq!(report["rules"][0]["matched"], 500);
        assert_eq!(violations(&report)[0]["hits"], 500, "{report}");
        let ran = Scanner::new(&log).with("events --json --log fw.log").run();
        let shown: Vec<Value> = ran
            .done(0)
            .stdout
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        assert_eq!(shown[0].get("repeated"), None);
        assert_eq!(shown[1]["repeated"], 499);
        let ran = Scanner::new(&log).with("events --log fw.log").run();
        ran.done(0).says(", repeated 499 times");
        // Since when is not known.
        let ran = Scanner::new(repeated(30, 499, &packet)).with(RULE).at(60).run();
        ran.done(0)
            .says("[WARNING] counted, but in no window: 499 packets that rsyslog summed up");
        assert!(!ran.stdout.contains("[VIOLATION]"), "{}", ran.stdout);
        // A program of the host says so, in whatever form.
        let forged = log.replace("kernel: ", "sshd[1]: kernel: ");
        let report = Scanner::new(forged).with(RULE).at(60).json(0);
        assert_eq!(report["logs"][0]["rejected"], 2);
    }
    Ok(())
}

fn a_prefix_behind_something_else_is_told() -> Result<(), Failed> {
    let packet = packet("BLOCKED", V4, "UDP");
    let log = line(START, &format!("fw\x1b[2J: {packet}")).repeat(3);
    let ran = Scanner::new(&log).with(RULE).at(60).run();
    ran.done(0).says(
        "[WARNING] not counted: 3 lines whose prefix holds IPTABLES- but does not begin with it, the first \"fw\\u{1b}[2J: IPTABLES-BLOCKED: \"",
    );
    let report = Scanner::new(&log).with(RULE).at(60).json(0);
    assert_eq!(report["logs"][0]["misplaced"], 3);
    Ok(())
}

fn one_damaged_line_is_damaged() -> Result<(), Failed> {
    let damaged = "2026-11-22T08:00:00Z fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=\n";
    let ran = Scanner::new(damaged).with(RULE).at(60).run();
    ran.done(0)
        .says("not counted: 1 line of the kernel that is damaged (");
    let ran = Scanner::new(damaged.repeat(2)).with(RULE).at(60).run();
    ran.done(0)
        .says("not counted: 2 lines of the kernel that are damaged (");
    Ok(())
}
