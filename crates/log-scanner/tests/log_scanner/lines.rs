//! Lines as they come from the world: summed up, in other forms, with something before the prefix.

use netns_testbed::Failed;
use serde_json::Value;

use crate::support::{START, Scanner, V4, V6, compressed, line, packet, violations};

crate::trials!(
    repeated_messages_count_as_often,
    a_prefix_behind_something_else_is_told,
    one_damaged_line_is_damaged,
    what_the_log_lacks_is_told,
    a_line_that_is_there_twice_is_told,
    records_of_the_journal_are_lines,
);

const RULE: &str = "--rule blocked --type udp --howmany 500 --within 1m --ipset blacklist --removeafter 1h --dryrun --log fw.log";

fn repeated(second: i64, times: u32, packet: &str) -> String {
    let line = line(START + second, packet);
    let (header, message) = line.split_once("kernel: ").expect("a tag");
    format!(
        "{header}kernel: message repeated {times} times: [ {}]\n",
        message.trim_end_matches('\n')
    )
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
        let ran = Scanner::new(repeated(30, 499, &packet))
            .with(RULE)
            .at(60)
            .run();
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

fn what_the_log_lacks_is_told() -> Result<(), Failed> {
    let log = [
        line(START, &packet("BLOCKED", V4, "UDP")),
        "2026-11-22T08:00:00.194069+00:00 fw log-collector: 4711 packets lost\n".to_owned(),
        "2026-11-22T08:00:00.194069+00:00 fw log-collector: packets lost, how many is not known\n".to_owned(),
        "Nov 22 08:00:00 fw rsyslogd: imjournal: 9 messages lost due to rate-limiting (20000 allowed within 600 seconds)\n".to_owned(),
    ];
    let ran = Scanner::new(log.concat()).with(RULE).at(60).run();
    ran.done(0).says(
        "[WARNING] not counted: 4720 packets that by its own account the log lacks (3 lines)",
    );
    Ok(())
}

/// Two inputs, or a copy of the log in it. What has no stamp of the kernel may be two packets that
/// are equal.
fn a_line_that_is_there_twice_is_told() -> Result<(), Failed> {
    let packet = packet("BLOCKED", V4, "UDP");
    let stamped: String = (0..2000)
        .map(|number| {
            let stamp = format!("1836.{number:06}]");
            line(START, &packet)
                .replace("1836.585591]", &stamp)
                .repeat(2)
        })
        .collect();
    let ran = Scanner::new(stamped).with(RULE).at(60).run();
    ran.done(0)
        .says("[WARNING] counted twice: 2000 lines the same as the one before, kernel time stamp included");
    let bare = line(START, &packet).replace("[ 1836.585591] ", "");
    let ran = Scanner::new(bare.repeat(2000)).with(RULE).at(60).run();
    assert!(
        !ran.done(0).stdout.contains("counted twice"),
        "{}",
        ran.stdout
    );
    Ok(())
}

/// What `journalctl -k -o json` and `-o export` write, as they are and compressed.
fn records_of_the_journal_are_lines() -> Result<(), Failed> {
    let message = packet("BLOCKED", V4, "UDP");
    let record = |second: i64, transport: &str| {
        let micros = (START + second) * 1_000_000;
        serde_json::json!({
            "__CURSOR": "s=1", "__REALTIME_TIMESTAMP": micros.to_string(), "_TRANSPORT": transport, "SYSLOG_FACILITY": "0",
            "_HOSTNAME": "fw", "SYSLOG_IDENTIFIER": "kernel", "_PID": "812", "MESSAGE": message,
        })
    };
    let records: Vec<Value> = (0..10)
        .map(|second| record(second, "kernel"))
        .chain((0..5).map(|second| record(second, "syslog")))
        .collect();
    let json: String = records.iter().map(|record| format!("{record}\n")).collect();
    let export = |record: &Value| {
        let fields = record.as_object().into_iter().flatten();
        let fields = fields.filter(|(name, _)| *name != "__CURSOR");
        let fields =
            fields.map(|(name, value)| format!("{name}={}\n", value.as_str().unwrap_or_default()));
        format!("__CURSOR=s=1\n{}\n", fields.collect::<String>())
    };
    let export: String = records.iter().map(export).collect();
    let rule = RULE.replace("500", "10");
    for log in [json, export] {
        for (path, scanner) in [
            ("fw.log", Scanner::new(&log)),
            ("fw.gz", Scanner::new("").write("fw.gz", compressed(&log))),
        ] {
            let rule = rule.replace("fw.log", path);
            let scanner = scanner.with(&rule).at(60);
            let ran = scanner.run();
            ran.done(0)
                .says("[VIOLATION] 203.0.113.7: 10 hits")
                .says("not counted: 5 lines with a firewall's text that the kernel did not write");
            assert!(!ran.stdout.contains("was cut"), "{}", ran.stdout);
        }
    }
    Ok(())
}
