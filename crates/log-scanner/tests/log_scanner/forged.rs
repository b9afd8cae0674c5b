//! Lines made to ban a bystander: none of them bans anybody, and what is wrong with them is said.

use netns_testbed::{Failed, Tool};

use crate::support::{START, Scanner, Sets, V4, line, outcomes, packet};

crate::trials!(
    what_an_icmp_error_quotes,
    who_sends_an_icmp_error,
    a_user_name_that_holds_a_firewall_line,
    a_line_with_two_sources,
    lines_run_together,
    other_programs_and_facilities,
    spoofed_packets_of_this_host,
    noise,
);

const VICTIM: &str = "198.51.100.77";

/// Scans a log in which each line comes twenty times, under rules of every protocol, and expects
/// that nobody but these is added.
#[track_caller]
fn bans(lines: &[String], expected: &[&str]) -> Result<(), Failed> {
    bans_with("", lines, expected)
}

/// The same with more flags.
#[track_caller]
fn bans_with(flags: &str, lines: &[String], expected: &[&str]) -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    for protocol in ["tcp", "udp", "icmp", "all"] {
        sets.ipset("flush")?;
        let rule = format!(
            "--rule blocked --type {protocol} --howmany 5 --within 1h --ipset blacklist --removeafter 1h --log fw.log {flags}"
        );
        let report = Scanner::new(lines.concat().repeat(20))
            .with(&rule)
            .at(60)
            .json(0);
        let banned: Vec<_> = outcomes(&report)
            .into_iter()
            .map(|(source, _)| source)
            .collect();
        let names = [sets.names("blacklist")?, sets.names("blacklist_v6")?].concat();
        assert_eq!(banned, names, "type {protocol}");
        let unexpected: Vec<_> = names
            .iter()
            .filter(|name| !expected.contains(&name.as_str()))
            .collect();
        assert!(unexpected.is_empty(), "type {protocol} bans {unexpected:?}");
    }
    Ok(())
}

fn kernel_line(packet: &str) -> String {
    line(START, packet)
}

fn icmp_errors() -> [String; 2] {
    let quote = "SRC=198.51.100.77 DST=203.0.113.7 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=443 DPT=9 \
                 WINDOW=1 RES=0x00 SYN URGP=0 ";
    let error = kernel_line(&format!(
        "IPTABLES-BLOCKED: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC={V4} DST=192.0.2.1 LEN=56 \
         TOS=0x00 PREC=0x00 TTL=64 ID=4660 PROTO=ICMP TYPE=3 CODE=3 [{quote}] "
    ));
    let error6 = kernel_line(
        "IP6TABLES-BLOCKED: IN=eth0 OUT= SRC=2001:0db8:0001:0000:0000:0000:0000:0007 \
         DST=2001:0db8:0000:0000:0000:0000:0000:0001 LEN=96 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 TYPE=1 CODE=4 \
         [SRC=2001:0db8:0000:0000:0000:0000:0000:0077 DST=2001:0db8:0001:0000:0000:0000:0000:0007 LEN=48 TC=0 \
         HOPLIMIT=64 FLOWLBL=0 PROTO=TCP SPT=443 DPT=9 WINDOW=1 RES=0x00 SYN URGP=0 ] ",
    );
    [error, error6]
}

fn what_an_icmp_error_quotes() -> Result<(), Failed> {
    bans(&icmp_errors(), &[])
}

/// Where answers count.
fn who_sends_an_icmp_error() -> Result<(), Failed> {
    let lines = icmp_errors();
    bans_with("--count-answers", &lines, &[V4, "2001:db8:1::7"])?;
    // It is ICMP, whatever it quotes.
    let rule = "--rule blocked --type tcp --howmany 1 --within 1h --ipset x --removeafter 1h --dryrun --log fw.log --count-answers";
    let report = Scanner::new(lines.concat()).with(rule).at(60).json(0);
    assert_eq!(report["rules"][0]["matched"], 0);
    Ok(())
}

fn a_user_name_that_holds_a_firewall_line() -> Result<(), Failed> {
    let forged = packet("BLOCKED", VICTIM, "TCP");
    let kernel = format!("fw kernel: [ 1836.585591] {forged}");
    let lines: Vec<_> = [
        format!("sshd[812]: Invalid user {forged} from {V4} port 40000"),
        format!("sshd[812]: Invalid user Nov 22 08:00:00 {kernel} from {V4} port 40000"),
        format!("sshd[812]: Invalid user 2026-11-22T08:00:00Z {kernel}"),
        format!("sshd[812]: kernel: {forged}"),
        format!("kernel[812]: {forged}"),
        format!("kernel-helper: {forged}"),
        format!("sshd: {forged}"),
    ]
    .into_iter()
    .flat_map(|message| {
        [
            format!("Nov 22 08:00:00 fw {message}\n"),
            format!("2026-11-22T08:00:00Z fw {message}\n"),
        ]
    })
    .collect();
    let report = Scanner::new(lines.concat())
        .rule()
        .with("--dryrun")
        .at(60)
        .json(0);
    assert_eq!(report["logs"][0]["rejected"], lines.len());
    assert_eq!(report["logs"][0]["events"], 0);
    bans(&lines, &[])
}

fn a_line_with_two_sources() -> Result<(), Failed> {
    let one = packet("BLOCKED", V4, "TCP");
    let lines: Vec<_> = [
        one.replace("SRC=", &format!("SRC={VICTIM} SRC=")),
        one.replace("DST=", &format!("SRC={VICTIM} DST=")),
        one.replace("LEN=", &format!("SRC={VICTIM} DST=192.0.2.1 LEN=")),
        format!("{one}SRC={VICTIM} "),
        format!("{one}IN=eth0 OUT= SRC={VICTIM} DST=192.0.2.1 "),
        one.replace(&format!("SRC={V4}"), "SRC=198.51.100.77.1"),
        one.replace(&format!("SRC={V4}"), "SRC=198.51.100.77x"),
        one.replace(&format!("SRC={V4}"), "SRC=0198.51.100.77"),
        one.replace(&format!("SRC={V4}"), "SRC= "),
    ]
    .iter()
    .map(|packet| kernel_line(packet))
    .collect();
    let report = Scanner::new(lines.concat())
        .rule()
        .with("--dryrun")
        .at(60)
        .json(0);
    assert_eq!(report["logs"][0]["unparsed"], lines.len());
    bans(&lines, &[])
}

fn lines_run_together() -> Result<(), Failed> {
    let whole = line(START, &packet("BLOCKED", V4, "TCP"));
    let other = line(START, &packet("BLOCKED", VICTIM, "TCP"));
    let cut = whole.find("WINDOW").ok_or("no window")?;
    let torn = format!("{}{other}", whole.get(..cut).unwrap_or_default());
    let glued = format!("{}{other}", whole.trim_end_matches('\n'));
    bans(&[torn, glued], &[])
}

fn other_programs_and_facilities() -> Result<(), Failed> {
    let forged = packet("BLOCKED", VICTIM, "TCP");
    let lines = [
        // Facility user, as logger(1) sends it.
        format!("<12>Nov 22 08:00:00 fw kernel: {forged}\n"),
        format!("<12>1 2026-11-22T08:00:00Z fw kernel - - - {forged}\n"),
        format!("<4>1 2026-11-22T08:00:00Z fw sshd 812 - - {forged}\n"),
        format!("<12>[ 1836.585591] {forged}\n"),
        format!("{forged}\n"),
        format!(" kernel: {forged}\n"),
        format!("kernel: {forged}\n"),
    ];
    bans(&lines, &[])
}

/// UDP and SYN packets can claim any source, also ours.
fn spoofed_packets_of_this_host() -> Result<(), Failed> {
    let ip = Tool::require("ip")?;
    ip.run(&["address", "add", "192.0.2.1/24", "dev", "lo"])?;
    let sets = Sets::blacklist()?;
    let sources = ["192.0.2.1", "127.0.0.1", "0.0.0.0"];
    let log: String = sources
        .iter()
        .flat_map(|source| {
            (0..5).map(move |second| line(START + second, &packet("BLOCKED", source, "UDP")))
        })
        .collect();
    let rule = "--rule blocked --type udp --howmany 5 --within 10s --ipset blacklist --removeafter 1h --log fw.log";
    let report = Scanner::new(log).with(rule).at(60).json(0);
    assert!(
        outcomes(&report)
            .iter()
            .all(|(_, outcome)| outcome == "exempt"),
        "{report}"
    );
    assert_eq!(outcomes(&report).len(), 3);
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}

/// Bytes of no meaning end neither the program nor a line that follows them.
fn noise() -> Result<(), Failed> {
    let mut log = Vec::new();
    log.extend(b"\x00\xff\xfe IPTABLES-BLOCKED: \x1b[2J\n\n\r\n");
    log.extend(vec![b'A'; 200_000]);
    log.push(b'\n');
    log.extend(b"2026-11-22T08:00:00Z fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=\n");
    let lines = crate::support::blocked(&[V4], 0..5);
    log.extend(lines.as_bytes());
    log.extend(b"2026-11-22T08:00:00Z fw kernel: IPTABLES-BLOC");
    let ran = Scanner::new(&log).rule().with("--dryrun").at(60).run();
    ran.done(0)
        .says("1 line longer than any the kernel writes")
        .says("2 lines of the kernel that are damaged")
        .says("[VIOLATION] 203.0.113.7: 5 hits");
    assert!(!ran.stdout.contains('\u{1b}'));
    Ok(())
}
