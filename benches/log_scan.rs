//! Scanning a whole log, beside what the machine can do at all: `grep -c` on the same file, in
//! turns, in the same run.
//!
//! `cargo bench --bench log_scan` writes its logs into /dev/shm (3 GB), measures, prints ratios and
//! removes them. `-- mixed` (or flood, one) measures that log only; `LOG_SCAN_LINES` sets the size
//! of the mixed log, `LOG_SCAN_ROUNDS` how often each is measured: the quickest counts.
//!
//! grep only looks for a word. Ours reads every line by the kernel's grammar, dates it and counts
//! each source in its windows.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::net::Ipv6Addr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use firewall_log::{Clock, Protocol, Scan, Threshold};
use jiff::tz::TimeZone;
use nix::sys::resource::{UsageWho, getrusage};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [child, log, threads, rules] = arguments.as_slice() {
        if child == "scan" {
            return scan(Path::new(log), threads, rules);
        }
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        // `cargo test` builds and starts every benchmark; this one needs gigabytes.
        return Ok(());
    }
    let wanted = |name: &str| {
        let mut names = arguments
            .iter()
            .filter(|argument| !argument.starts_with('-'));
        names.clone().next().is_none() || names.any(|argument| argument == name)
    };
    let rounds = setting("LOG_SCAN_ROUNDS", 7);
    let lines = setting("LOG_SCAN_LINES", 4_200_000);
    println!(
        "{:<60} {:>9} {:>9} {:>8} {:>8} {:>9}",
        "", "wall", "CPU", "x wall", "x CPU", "peak MB"
    );
    if wanted("mixed") {
        let log = Log::write("mixed", lines, |line| mixed(line, Stamp::Rfc3339))?;
        // Where the time of a line goes: from one row to the next it is read, recognized, counted,
        // and counted by eight rules.
        let rows = [
            ("read", "0"),
            ("1", "0"),
            ("1", "1"),
            ("1", "8"),
            ("2", "1"),
            ("2", "8"),
        ];
        log.measure(rounds, &rows)?;
    }
    if wanted("rfc3164") {
        let log = Log::write("mixed, RFC 3164", lines, |line| mixed(line, Stamp::Rfc3164))?;
        log.measure(rounds, &[("1", "1"), ("2", "1")])?;
    }
    if wanted("flood") {
        let log = Log::write("flood of 5,000,000 sources", 5_000_000, flood)?;
        log.measure(rounds, &[("1", "1"), ("2", "1")])?;
    }
    if wanted("one") {
        let log = Log::write("1,000,000 hits of one source", 1_000_000, one_source)?;
        log.measure(rounds, &[("1", "1"), ("2", "1")])?;
    }
    Ok(())
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// A log on a RAM disk, removed when it is dropped.
struct Log {
    name: &'static str,
    path: PathBuf,
}

impl Log {
    fn write(name: &'static str, lines: u64, line: impl Fn(u64) -> String) -> io::Result<Self> {
        let path = PathBuf::from(format!(
            "/dev/shm/rampart-log-scan-{}.log",
            std::process::id()
        ));
        let log = Self { name, path };
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&log.path)?);
        for number in 0..lines {
            out.write_all(line(number).as_bytes())?;
        }
        out.flush()?;
        println!(
            "{}: {} MB, {lines} lines",
            log.name,
            fs::metadata(&log.path)?.len() / 1_000_000
        );
        Ok(log)
    }

    /// grep and every kind of scan, in turns, so that what else the machine does meets all.
    fn measure(&self, rounds: u64, kinds: &[(&str, &str)]) -> io::Result<()> {
        let mut grep = Cost::default();
        let mut ours = vec![Cost::default(); kinds.len()];
        for _ in 0..rounds {
            let mut command = Command::new("grep");
            command
                .env("LC_ALL", "C")
                .args(["-c", "IPTABLES-BLOCKED"])
                .arg(&self.path);
            grep.keep(&Cost::of(&mut command)?);
            for ((threads, rules), cost) in kinds.iter().zip(&mut ours) {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("scan").arg(&self.path).args([threads, rules]);
                cost.keep(&Cost::of(&mut command)?);
            }
        }
        grep.print("grep -c", &grep);
        for ((threads, rules), cost) in kinds.iter().zip(&ours) {
            let name = match *threads {
                "read" => "only read".to_owned(),
                threads => format!("{threads} thread(s), {rules} rule(s)"),
            };
            cost.print(&format!("{name}: {}", cost.says), &grep);
        }
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The least of each that any round took.
#[derive(Clone, Debug)]
struct Cost {
    wall: Duration,
    cpu: Duration,
    peak_kb: u64,
    says: String,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            wall: Duration::MAX,
            cpu: Duration::MAX,
            peak_kb: 0,
            says: String::new(),
        }
    }
}

impl Cost {
    fn of(command: &mut Command) -> io::Result<Self> {
        let before = children()?;
        let start = Instant::now();
        let output = command.stderr(Stdio::inherit()).output()?;
        let wall = start.elapsed();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (says, peak) = text.trim().rsplit_once(' ').unwrap_or((text.trim(), "0"));
        Ok(Self {
            wall,
            cpu: children()?.saturating_sub(before),
            peak_kb: peak.parse().unwrap_or(0),
            says: says.to_owned(),
        })
    }

    fn keep(&mut self, other: &Self) {
        self.wall = self.wall.min(other.wall);
        self.cpu = self.cpu.min(other.cpu);
        self.peak_kb = self.peak_kb.max(other.peak_kb);
        self.says.clone_from(&other.says);
    }

    #[expect(clippy::cast_precision_loss, reason = "a number to look at")]
    fn print(&self, what: &str, beside: &Self) {
        println!(
            "  {what:<58} {:>7.0}ms {:>7.0}ms {:>8.2} {:>8.2} {:>9.1}",
            self.wall.as_secs_f64() * 1e3,
            self.cpu.as_secs_f64() * 1e3,
            self.wall.as_secs_f64() / beside.wall.as_secs_f64(),
            self.cpu.as_secs_f64() / beside.cpu.as_secs_f64(),
            self.peak_kb as f64 / 1e3,
        );
    }
}

/// User and system time of all children so far.
fn children() -> io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let time = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(u64::try_from(time.tv_sec()).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap_or(0))
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

/// What a child does that only reads: as a scan does, in blocks of the same size.
fn read(log: &Path) -> io::Result<()> {
    let mut file = File::open(log)?;
    // Where a destination lies a few bytes behind its source in their pages, processors copy
    // several times as slowly.
    let mut block = vec![0; 64 + 256 * 1024];
    let block = block.get_mut(64..).unwrap_or_default();
    let (mut bytes, mut blocks) = (0, 0);
    loop {
        match file.read(block)? {
            0 => break,
            read => (bytes, blocks) = (bytes + read, blocks + 1),
        }
    }
    println!("{bytes} bytes in {blocks} blocks 0");
    Ok(())
}

/// What a child does: one scan; says what it found and the most memory it ever had.
fn scan(log: &Path, threads: &str, rules: &str) -> io::Result<()> {
    if threads == "read" {
        return read(log);
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_400_000);
    let clock = Clock::new(
        now,
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap_or(TimeZone::UTC),
    );
    let rule = |hits: u32, seconds: u64| {
        Threshold::new(
            NonZeroU32::new(hits).unwrap_or(NonZeroU32::MAX),
            Duration::from_secs(seconds),
        )
    };
    let blocked = |rule: Threshold| rule.prefix("IPTABLES-BLOCKED").prefix("IP6TABLES-BLOCKED");
    let allowed = |rule: Threshold| rule.prefix("IPTABLES-ALLOWED").prefix("IP6TABLES-ALLOWED");
    let mut list = vec![
        blocked(rule(500, 1800)).protocol(Protocol::Tcp),
        blocked(rule(100, 60)).protocol(Protocol::Udp),
        blocked(rule(200, 60))
            .protocol(Protocol::Icmp)
            .protocol(Protocol::Icmpv6),
        blocked(rule(2000, 86_400)),
        allowed(rule(1000, 300)).protocol(Protocol::Tcp),
        allowed(rule(5000, 3600)),
        rule(10_000, 3600),
        blocked(rule(50, 10)).protocol(Protocol::Tcp),
    ];
    list.truncate(rules.parse().unwrap_or(1));
    let threads = threads.parse().unwrap_or(NonZeroUsize::MIN);
    let mut scan = Scan::new(list, clock).workers(threads);
    let summary = scan
        .read(File::open(log)?)
        .map_err(firewall_log::ScanError::into_io)?;
    let findings = scan.finish();
    let violators: usize = findings.iter().map(|finding| finding.violators.len()).sum();
    let peak = fs::read_to_string("/proc/self/status")?;
    let peak = peak
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("0");
    let peak = peak.trim().trim_end_matches(" kB");
    println!(
        "{} events, {violators} violators {peak}",
        summary.counts.events
    );
    Ok(())
}

#[derive(Clone, Copy)]
enum Stamp {
    Rfc3339,
    Rfc3164,
}

/// Numbers that look random and are the same each time (splitmix64).
fn random(number: u64) -> u64 {
    let number = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// Date, host, tag and the kernel's own stamp: some 600 lines a second.
fn head(line: u64, stamp: Stamp) -> String {
    let micros = line * 1650 + random(line) % 1000;
    let (seconds, micro) = (micros / 1_000_000, micros % 1_000_000);
    let (hour, minute, second) = (9 + seconds / 3600, seconds / 60 % 60, seconds % 60);
    let uptime = 183_600 + seconds;
    match stamp {
        Stamp::Rfc3339 => format!(
            "2026-11-22T{hour:02}:{minute:02}:{second:02}.{micro:06}+00:00 fw kernel: [{uptime}.{micro:06}] "
        ),
        Stamp::Rfc3164 => {
            format!("Nov 22 {hour:02}:{minute:02}:{second:02} fw kernel: [{uptime}.{micro:06}] ")
        }
    }
}

/// What a server on the Internet logs: scanners of every persistence, pings, answers to forged
/// packets, both families, other programs.
fn mixed(line: u64, stamp: Stamp) -> String {
    let dice = random(line ^ 0x5555);
    let (kind, port, id) = (dice % 100, dice >> 8 & 0xffff, dice >> 24 & 0xffff);
    let (ttl, window) = (40 + (dice >> 40) % 24, 1024 + (dice >> 45) % 64_000);
    // A few sources send most, many a little.
    let source = match dice >> 56 {
        0..100 => dice >> 48 & 0xf,
        100..200 => dice >> 48 & 0xff | 0x100,
        _ => random(dice) % 50_000 + 0x1000,
    };
    let (mut target, common) = (random(source) >> 8 & 0xffff, dice % 3 == 0);
    if common {
        target = [22, 23, 80, 443, 445, 3389, 5060, 8080]
            .get(usize::try_from(dice >> 20 & 7).unwrap_or(0))
            .copied()
            .unwrap_or(22);
    }
    let head = head(line, stamp);
    let mac = "IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01";
    let octets = random(source ^ 0x77);
    let v4 = format!(
        "SRC={}.{}.{}.{} DST=203.0.113.1",
        1 + octets % 220,
        octets >> 8 & 255,
        octets >> 16 & 255,
        octets >> 24 & 255
    );
    let tcp = format!("PROTO=TCP SPT={port} DPT={target} WINDOW={window} RES=0x00");
    match kind {
        0..5 => {
            let (date, _) = head.split_once(" kernel:").unwrap_or_default();
            format!(
                "{date} sshd[{id}]: Failed password for invalid user admin from {} port {port} ssh2\n",
                v4.get(4..16).unwrap_or_default()
            )
        }
        5..10 => format!(
            "{head}IPTABLES-BLOCKED: {mac}:08:00 {v4} LEN=56 TOS=0x00 PREC=0x00 TTL={ttl} ID={id} PROTO=ICMP TYPE=3 CODE=3 [SRC=203.0.113.1 DST=203.0.113.7 LEN=28 \
             TOS=0x00 PREC=0x00 TTL=64 ID={id} PROTO=UDP SPT=33434 DPT=53 LEN=8 ] \n"
        ),
        10..13 => format!(
            "{head}IPTABLES-BLOCKED: {mac}:08:00 {v4} LEN=84 TOS=0x00 PREC=0x00 TTL={ttl} ID={id} DF PROTO=ICMP TYPE=8 CODE=0 ID={port} SEQ=1 \n"
        ),
        13..25 => format!(
            "{head}IPTABLES-BLOCKED: {mac}:08:00 {v4} LEN=78 TOS=0x00 PREC=0x00 TTL={ttl} ID={id} PROTO=UDP SPT={port} DPT={target} LEN=58 \n"
        ),
        25..40 => format!(
            "{head}IP6TABLES-BLOCKED: {mac}:86:dd SRC=2001:0db8:{:04x}:{:04x}:0000:0000:{:04x}:{:04x} DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT={ttl} FLOWLBL={id} {tcp} SYN URGP=0 \n",
            octets & 0xffff,
            octets >> 16 & 0xffff,
            octets >> 32 & 0xffff,
            source & 0xffff
        ),
        40..55 => format!(
            "{head}IPTABLES-ALLOWED: {mac}:08:00 {v4} LEN=60 TOS=0x00 PREC=0x00 TTL={ttl} ID={id} DF {tcp} SYN URGP=0 \n"
        ),
        55..60 => format!(
            "{head}IPTABLES-BLOCKED: {mac}:08:00 {v4} LEN=40 TOS=0x00 PREC=0x00 TTL={ttl} ID={id} {tcp} ACK RST URGP=0 \n"
        ),
        _ => format!(
            "{head}IPTABLES-BLOCKED: {mac}:08:00 {v4} LEN=60 TOS=0x00 PREC=0x00 TTL={ttl} ID={id} DF {tcp} SYN URGP=0 \n"
        ),
    }
}

/// Forged IPv6 sources, none of them twice.
fn flood(line: u64) -> String {
    let bits = u128::from(random(line)) << 64 | u128::from(random(line ^ 0xffff_0000));
    let groups = Ipv6Addr::from_bits(bits)
        .segments()
        .map(|group| format!("{group:04x}"));
    format!(
        "{}IP6TABLES-BLOCKED: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:86:dd SRC={} DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL={} \
         PROTO=TCP SPT={} DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n",
        head(line, Stamp::Rfc3339),
        groups.join(":"),
        line & 0xfffff,
        random(line) & 0xffff
    )
}

fn one_source(line: u64) -> String {
    format!(
        "{}IPTABLES-BLOCKED: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC=198.51.100.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={} DF \
         PROTO=TCP SPT={} DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n",
        head(line, Stamp::Rfc3339),
        random(line) & 0xffff,
        random(line) >> 16 & 0xffff
    )
}
