//! What a line costs `log-scanner follow` beside a scan of the same file, and how much memory it
//! takes, in a private network namespace.
//!
//! ```text
//! cargo build --release -p log-scanner
//! cargo bench -p rampart-benches --bench follow_lines     # as root or as an ordinary user
//! RAMPART_BENCH_LINES=1000000 RAMPART_BENCH_TURNS=3 cargo bench -p rampart-benches --bench follow_lines
//! ```
//!
//! Both read the file on their standard input, in turns, and ban nobody. One log is a flood of
//! forged IPv6 sources, none of them twice: the worst for who has to remember them. In the others no line
//! can ban anybody: another prefix, answers, an exempt source that goes on breaking the threshold, and
//! what else the kernel says.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, io};

use netns_testbed::{Failed, program};
use nix::sys::resource::{UsageWho, getrusage};
use rampart_benches::{Cost, Pairs, run, turns};

const RULE: &str = "--rule blocked --type tcp --howmany 20 --within 1m --ipset blacklist --removeafter 1h \
                    --exempt 192.0.2.0/24 --protect none --dryrun --log -";

/// A line by its number, from behind the stamp.
type Line = fn(u64) -> String;

/// A log by its name, and its lines.
const LOGS: [(&str, Line); 5] = [
    ("flood of forged sources", flood),
    ("another prefix", another_prefix),
    ("answers", answer),
    ("an exempt source", exempt),
    ("other lines of the kernel", foreign),
];

fn main() -> ExitCode {
    if !env::args().any(|argument| argument == "--bench") {
        // `cargo test` starts every benchmark.
        return ExitCode::SUCCESS;
    }
    if let Err(reason) = netns_testbed::enter() {
        eprintln!("follow_lines: no private network namespace: {reason}");
        return ExitCode::FAILURE;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("follow_lines: {}", failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failed> {
    let lines: u64 = match env::var("RAMPART_BENCH_LINES") {
        Ok(number) => number.parse()?,
        Err(_) => 5_000_000,
    };
    let (judge, turns) = (program("log-scanner"), turns()?);
    let rule: Vec<_> = RULE.split_whitespace().collect();
    let follow: Vec<_> = ["follow"].into_iter().chain(rule.iter().copied()).collect();
    let mut peak = None;
    for (name, line) in LOGS {
        let log = Log::write(lines, line)?;
        if peak.is_none() {
            // That of the largest child so far, and this is the first.
            run(&judge, &follow, Some(&log.0))?;
            peak = Some(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() / 1024);
        }
        let (mut pairs, mut all) = (Pairs::default(), [Cost::default(); 2]);
        for turn in 0..turns {
            let follow = || run(&judge, &follow, Some(&log.0));
            let scan = || run(&judge, &rule, Some(&log.0));
            // Whoever is first finds the machine as somebody else left it.
            let (followed, scanned) = if turn % 2 == 0 {
                (follow()?, scan()?)
            } else {
                let scanned = scan()?;
                (follow()?, scanned)
            };
            pairs.push(followed, scanned);
            all = [all[0] + followed, all[1] + scanned];
        }
        let [followed, scanned] = all.map(|cost| nanoseconds(cost.processor, lines, turns));
        println!("{name}: {pairs}; {followed:.0} ns of the processor a line, {scanned:.0} a scan");
    }
    println!(
        "{{\"lines\":{lines},\"flood_peak_mib\":{}}}",
        peak.unwrap_or_default()
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a number to look at")]
fn nanoseconds(seconds: f64, lines: u64, turns: usize) -> f64 {
    seconds * 1e9 / (lines as f64 * turns as f64)
}

/// A log on a RAM disk, removed when it is dropped.
struct Log(PathBuf);

impl Log {
    fn write(lines: u64, line: Line) -> io::Result<Self> {
        let name = format!("rampart-follow-lines-{}.log", std::process::id());
        let log = Self(Path::new("/dev/shm").join(name));
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&log.0)?);
        for number in 0..lines {
            // 600 lines a second.
            let micros = number * 1650;
            let (seconds, micro) = (micros / 1_000_000, micros % 1_000_000);
            let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
            writeln!(
                out,
                "2026-11-22T{hour:02}:{minute:02}:{second:02}.{micro:06}+00:00 fw kernel: [{}.{micro:06}] {}",
                183_600 + seconds,
                line(number)
            )?;
        }
        out.flush()?;
        Ok(log)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Numbers that look random and are the same each time (splitmix64).
fn random(number: u64) -> u64 {
    let number = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

const FRAME: &str = "IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01";

fn flood(number: u64) -> String {
    let bits = u128::from(random(number)) << 64 | u128::from(random(number ^ 0xffff_0000));
    let groups = Ipv6Addr::from_bits(bits).segments();
    let groups = groups.map(|group| format!("{group:04x}")).join(":");
    format!(
        "IP6TABLES-BLOCKED: {FRAME}:86:dd SRC={groups} DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64 \
         FLOWLBL={} PROTO=TCP SPT={} DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ",
        number & 0xfffff,
        random(number) & 0xffff
    )
}

fn tcp(prefix: &str, source: &str, number: u64, flags: &str) -> String {
    format!(
        "{prefix}: {FRAME}:08:00 SRC={source} DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={} DF \
         PROTO=TCP SPT={} DPT=22 WINDOW=64240 RES=0x00 {flags} URGP=0 ",
        number & 0xffff,
        random(number) & 0xffff
    )
}

fn anybody(number: u64) -> String {
    format!("198.51.{}.{}", number >> 8 & 255, number & 255)
}

fn another_prefix(number: u64) -> String {
    tcp("IPTABLES-ALLOWED", &anybody(number), number, "SYN")
}

fn answer(number: u64) -> String {
    tcp("IPTABLES-BLOCKED", &anybody(number), number, "ACK RST")
}

fn exempt(number: u64) -> String {
    let source = format!("192.0.2.{}", number >> 4 & 255);
    tcp("IPTABLES-BLOCKED", &source, number, "SYN")
}

fn foreign(number: u64) -> String {
    format!(
        "usb 1-{}: new high-speed USB device number {} using xhci_hcd",
        number % 8,
        number % 128
    )
}
