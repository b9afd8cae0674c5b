//! What the rule takes and what it leaves, said to a private rsyslogd.

use std::fs::{self, File};

use netns_testbed::{Failed, Trial, trial};
use nix::mount::{MsFlags, mount};

use super::{Input, Kernel, PACKET, Rsyslog, Setup};
use crate::wait_for;

/// The inputs whose lines count.
const COUNT: [Input; 2] = [Input::Kmsg, Input::KlogOptedIn];

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("rsyslog::takes_the_kernels_lines", takes_the_kernels_lines),
        trial("rsyslog::takes_nobody_elses", takes_nobody_elses),
        trial("rsyslog::takes_imklogs_only_when_asked", only_when_asked),
        trial(
            "rsyslog::takes_what_was_summed_up",
            takes_what_was_summed_up,
        ),
        trial("rsyslog::takes_no_line_twice", takes_no_line_twice),
        trial("rsyslog::a_full_disk_stops_nothing", full_disk),
    ]
}

/// Without and with stamp and caller, of every chain and both families.
fn of_the_kernel() -> [String; 8] {
    [
        format!("<4>[ 1755.400292] IPTABLES-BLOCKED: {PACKET}"),
        format!("<6>[    1.000001] IPTABLES-ALLOWED: {PACKET}"),
        format!("<4>[1234567.000001] IP6TABLES-BLOCKED: {PACKET}"),
        format!("<6>IP6TABLES-ALLOWED: {PACKET}"),
        format!("<4>[ 1836.585591][T92772] IPTABLES-INVALID: {PACKET}"),
        format!("<4>[ 1836.585591][    C0] IP6TABLES-INVALID: {PACKET}"),
        format!("<4>[ 1836.585591] IPTABLES-LIMITED: {PACKET}"),
        format!("<4>[ 1836.585591] IP6TABLES-LIMITED: {PACKET}"),
    ]
}

fn takes_the_kernels_lines() -> Result<(), Failed> {
    for input in COUNT {
        let mut rsyslog = Rsyslog::start(input)?;
        let mut said = of_the_kernel().to_vec();
        if input != Input::Kmsg {
            // A level that the kernel was given twice.
            said.push(format!("<4><4>[ 1836.585591] IPTABLES-BLOCKED: {PACKET}"));
        }
        for line in &said {
            rsyslog.kernel_says(line)?;
        }
        let log = rsyslog.log()?;
        assert_eq!(log.lines().count(), said.len(), "{input:?}: {log}");
        for (written, said) in log.lines().zip(&said) {
            let (before, after) = written.split_once(" kernel: ").ok_or("no kernel: tag")?;
            let prefix = said.find("IP").ok_or("no prefix")?;
            // rsyslog takes the stamp out, or leaves it in: that is up to input and version.
            let text = after.find("IP").ok_or("no prefix")?;
            assert_eq!(after.get(text..), said.get(prefix..), "{input:?}");
            // 2026-11-22T09:25:54Z host
            let stamp = before.as_bytes();
            assert!(
                matches!(stamp, [b'2', _, _, _, b'-', _, _, b'-', _, _, b'T', ..]),
                "{before}: not a stamp with its year"
            );
        }
        let rest = rsyslog.rest()?;
        assert!(!rest.contains("TABLES-"), "also written elsewhere: {rest}");
    }
    Ok(())
}

/// Lines that look like the firewall's and are not by the kernel, or not by its firewall.
fn takes_nobody_elses() -> Result<(), Failed> {
    for input in COUNT {
        let mut rsyslog = Rsyslog::start(input)?;
        let forged = format!("IPTABLES-BLOCKED: {PACKET}");
        let by_programs = [
            format!("<4>kernel: {forged}"),
            format!("<4>Nov 22 09:25:54 kernel: [ 1755.400292] {forged}"),
            format!("<4>Nov 22 09:25:54 host kernel: {forged}"),
            format!("<4>kernel: message repeated 199 times: [ [ 1755.400292] {forged}]"),
            format!("<4>kernel: message repeated 199 times: [ {forged}]"),
            format!("<38>sshd[77]: Invalid user kernel: {forged} from 198.51.100.9 port 1"),
            // A line feed, where a program lets one through.
            format!("<38>sshd[77]: Invalid user x\n<4>[ 1.0] {forged}"),
        ];
        for datagram in &by_programs {
            rsyslog.program_says(datagram)?;
        }
        // A program wrote to /dev/kmsg: the kernel then gives it the facility of users, 1.
        let to_the_kernel = format!("<12>[ 1755.400292] {forged}");
        let by_the_kernel = [
            // A process by this name crashed.
            format!("<6>[ 1755.400292] traps: {forged}"),
            "<6>[ 1755.400292] IPTABLES-BLOCKE[4711]: segfault at 0 ip 0 sp 0 error 4".to_owned(),
            format!("<6>[ 1755.400292] x\\x0a{forged}"),
            format!("<6>[ 1755.400292] said: message repeated 2 times: [ {forged}]"),
        ];
        rsyslog.kernel_says(&to_the_kernel)?;
        for line in &by_the_kernel {
            rsyslog.kernel_says(line)?;
        }
        assert_eq!(rsyslog.log()?, "", "{input:?}");
        let rest = rsyslog.rest()?;
        let others = rest.lines().filter(|line| line.contains("TABLES-"));
        // imklog drops what is not of the kernel's facility; everything else goes where it always
        // went.
        let dropped = usize::from(input != Input::Kmsg);
        let said = by_programs.len() + 1 + by_the_kernel.len();
        assert_eq!(others.count(), said - dropped, "{input:?}: {rest}");
    }
    Ok(())
}

/// imklog splits a record at line breaks that a user of the host brought about.
fn only_when_asked() -> Result<(), Failed> {
    let mut rsyslog = Rsyslog::start(Input::Klog)?;
    for line in of_the_kernel() {
        rsyslog.kernel_says(&line)?;
    }
    assert_eq!(rsyslog.log()?, "");
    let rest = rsyslog.rest()?;
    let kept = rest.lines().filter(|line| line.contains("TABLES-"));
    assert_eq!(kept.count(), of_the_kernel().len(), "{rest}");
    Ok(())
}

/// Equal lines, as Ubuntu's rsyslog.conf has rsyslog sum them up.
fn takes_what_was_summed_up() -> Result<(), Failed> {
    for input in COUNT {
        let mut rsyslog = Rsyslog::start_with(
            &Setup {
                first: "$RepeatedMsgReduction on",
                ..Setup::of(input, Kernel::Pipe)
            },
            |_| Ok(()),
        )?;
        let mut hits = 0;
        for before in [
            "",
            "[ 1836.585591] ",
            "[ 1836.585591][T92772] ",
            "[ 1836.585591][    C0] ",
        ] {
            for number in 0..50 {
                rsyslog.kernel_says(&format!("<4>{before}IP6TABLES-BLOCKED: {PACKET}"))?;
                hits += 1;
                if number % 10 == 9 {
                    rsyslog.kernel_says(&format!("<6>[ 1.{number:06}] something else"))?;
                }
            }
        }
        let log = rsyslog.log()?;
        let counted: usize = log.lines().map(stands_for).sum();
        assert_eq!(counted, hits, "{input:?}: {log}");
        let summed_up = log.contains("message repeated 9 times: [");
        assert_eq!(summed_up, input != Input::Kmsg, "{input:?}: {log}");
        let rest = rsyslog.rest()?;
        assert!(
            !rest.contains("TABLES-"),
            "{input:?}, written elsewhere: {rest}"
        );
    }
    Ok(())
}

/// How many lines of the kernel one in the log stands for.
fn stands_for(line: &str) -> usize {
    let repeated = line.split_once("message repeated ");
    repeated
        .and_then(|(_, rest)| rest.split_once(" times: ["))
        .map_or(1, |(times, _)| times.parse().unwrap_or(0))
}

/// What the kernel still holds when rsyslog starts was in the log before.
fn takes_no_line_twice() -> Result<(), Failed> {
    let uptime = fs::read_to_string("/proc/uptime")?;
    let (seconds, _) = uptime.split_once('.').ok_or("no uptime")?;
    let now = format!("<4>[{seconds}.000000] IPTABLES-BLOCKED: NOW {PACKET}")
        .replace("NOW IN=eth0", "IN=now");
    let before = format!("<4>[    1.000000] IPTABLES-BLOCKED: {PACKET}");
    let mut rsyslog = Rsyslog::start_with(
        &Setup {
            replay: true,
            before: vec![before.clone(), before],
            ..Setup::of(Input::Kmsg, Kernel::Pipe)
        },
        |_| Ok(()),
    )?;
    rsyslog.kernel_says(&now)?;
    let log = rsyslog.log()?;
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("IN=now"), "{log}");
    let rest = rsyslog.rest()?;
    assert!(!rest.contains("TABLES-"), "{rest}");
    Ok(())
}

/// Lines for a full RAM disk are dropped, other logs go on, and so does this one as soon as there
/// is room.
fn full_disk() -> Result<(), Failed> {
    let mut rsyslog = Rsyslog::start_with(&Setup::of(Input::Kmsg, Kernel::Pipe), |ram| {
        let options = Some("size=64k,mode=0755");
        mount(Some("tmpfs"), ram, Some("tmpfs"), MsFlags::empty(), options)?;
        Ok(())
    })?;
    for number in 0..1000 {
        rsyslog.kernel_says(&format!("<4>[ 1.{number:06}] IPTABLES-BLOCKED: {PACKET}"))?;
    }
    assert_eq!(rsyslog.log()?.len(), 64 << 10);
    rsyslog.kernel_says("<4>[ 2.000000] something else")?;
    assert!(rsyslog.rest()?.contains("something else"));

    File::create(rsyslog.path("ram/iptables.log"))?; // there is room again
    let mut number = 0;
    let log = rsyslog.path("ram/iptables.log");
    wait_for("the first line after the disk was full", || {
        number += 1;
        let line = format!("<4>[ 3.{number:06}] IPTABLES-BLOCKED: {PACKET}");
        rsyslog.kernel_says(&line).is_ok()
            && fs::read_to_string(&log).is_ok_and(|log| log.contains(": IPTABLES-BLOCKED: IN="))
    })
}
