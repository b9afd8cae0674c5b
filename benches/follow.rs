//! How long a ban takes: from the packet that breaks a threshold until the set has its source, with
//! `log-scanner follow`, in private network namespaces.
//!
//! ```text
//! cargo build --release -p log-scanner
//! cargo bench -p rampart-benches --bench follow           # as root or as an ordinary user
//! RAMPART_BENCH_TRIALS=100 cargo bench -p rampart-benches --bench follow
//! ```
//!
//! Each trial is a source of its own. Over NFLOG the time begins when the kernel has taken the
//! deciding packet, over a file when its line has been written; it ends when the kernel says that
//! the set has the source, which is asked every few microseconds. A packet that is sent then must
//! be dropped by the set.
//!
//! Where fail2ban is installed, it follows the same file in the same trials, a hundred at most, with its
//! action for ipsets: each line is looked for in both sets. It runs in the bench's network namespace
//! and never touches the host's firewall.
//!
//! The last line is one JSON object; what counts are the shares, since the times are those of the
//! machine and of what else it does. `processor_ms` is what a trial cost the program and what it
//! started.

mod fail2ban;

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use ipset_netlink::{CreateSet, Family as SetFamily, IfExists, IpSet, Key, SetType, Timeout};
use netns_testbed::{Failed, Family, Packet, Tap, Tool, World, program};

use fail2ban::Fail2ban;

/// Hits that break the threshold.
const HITS: usize = 5;
const RULE: &str = "--rule blocked --type tcp --howmany 5 --within 1m --ipset blacklist --removeafter 1h --max-bans 1000000 --json";
const GROUP: &str = "7";
/// Trials beside fail2ban, which takes its time.
const MOST_BESIDE: usize = 100;
/// Longer than a ban may take on whatever machine.
const LONG: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    if let Err(reason) = netns_testbed::enter() {
        eprintln!("follow: no private network namespace: {reason}");
        return ExitCode::FAILURE;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("follow: {}", failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failed> {
    let trials = match env::var("RAMPART_BENCH_TRIALS") {
        Ok(number) => number.parse()?,
        Err(_) => 1000,
    };
    let directory = env::temp_dir().join(format!("rampart-follow-{}", std::process::id()));
    fs::create_dir(&directory)?;
    let measured = over_nflog(trials).and_then(|nflog| {
        let file = over_file(trials, &directory)?;
        Ok((nflog, file, beside(trials.min(MOST_BESIDE), &directory)?))
    });
    fs::remove_dir_all(&directory)?;
    let (nflog, file, beside) = measured?;
    println!(
        "{{\"trials\":{trials},\"nflog\":{},\"file\":{},\"beside_fail2ban\":{}}}",
        nflog.json(),
        file.json(),
        beside.unwrap_or_else(|| "null".to_owned())
    );
    Ok(())
}

/// How long each trial took.
struct Times(Vec<Duration>);

impl Times {
    fn json(mut self) -> String {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        let of = |share: usize| {
            let time = self.0.get(last * share / 1000).copied().unwrap_or_default();
            format!("{:.3}", time.as_secs_f64() * 1000.0)
        };
        format!(
            "{{\"p50_ms\":{},\"p90_ms\":{},\"p99_ms\":{},\"max_ms\":{}}}",
            of(500),
            of(900),
            of(990),
            of(1000)
        )
    }
}

fn source(trial: usize) -> Result<Ipv4Addr, Failed> {
    Ok(Ipv4Addr::from_bits(0xc612_0000 + u32::try_from(trial)?))
}

/// The set, and the kernel's answer to who is in it.
fn make_sets() -> Result<IpSet, Failed> {
    let mut sets = IpSet::connect()?;
    for (name, family) in [
        ("blacklist", SetFamily::Inet),
        ("blacklist_v6", SetFamily::Inet6),
    ] {
        let set = CreateSet::new(name.parse()?, SetType::HashNet, family);
        sets.create(&set.timeout(Timeout::PERMANENT), IfExists::Fail)?;
    }
    Ok(sets)
}

fn wait_for(sets: &mut IpSet, source: Ipv4Addr) -> Result<Instant, Failed> {
    let (name, key) = ("blacklist".parse()?, Key::from(IpAddr::V4(source)));
    let started = Instant::now();
    while !sets.contains(&name, &key)? {
        if started.elapsed() > LONG {
            return Err(format!("{source} is not banned").into());
        }
        thread::sleep(Duration::from_micros(20));
    }
    Ok(Instant::now())
}

/// Starts the program where the calling thread is, and waits until it has begun.
fn begin(arguments: &str) -> Result<std::process::Child, Failed> {
    let mut command = Command::new(program("log-scanner"));
    command.arg("follow").args(arguments.split_whitespace());
    command
        .args(RULE.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let out = child.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(out).lines();
    let first = lines.next().ok_or("it ended at once")??;
    if !first.contains("\"start\"") {
        return Err(first.into());
    }
    // What it says is read, so that it need not wait.
    thread::spawn(move || lines.count());
    Ok(child)
}

fn over_nflog(trials: usize) -> Result<Times, Failed> {
    let world = World::new()?;
    let mut wire = world.attacker.tap("eth0")?;
    let gateway = SocketAddr::new(world.gateway.address(Family::V4), 23);
    let measured = world.gateway.run(|| -> Result<Times, Failed> {
        let mut sets = make_sets()?;
        let tool = Tool::require("iptables")?;
        let rules = [
            "-A INPUT -m set --match-set blacklist src -j DROP".to_owned(),
            format!(
                "-A INPUT -p tcp -j NFLOG --nflog-group {GROUP} --nflog-prefix IPTABLES-BLOCKED:"
            ),
            "-A INPUT -p tcp -j DROP".to_owned(),
        ];
        for rule in rules {
            tool.run(&rule.split(' ').collect::<Vec<_>>())?;
        }
        let mut child = begin(&format!("--nflog-group {GROUP}"))?;
        let times = (0..trials).map(|trial| knock(&mut wire, &mut sets, source(trial)?, gateway));
        let times: Result<Vec<_>, Failed> = times.collect();
        child.kill()?;
        child.wait()?;
        let dropped = tool.run(&["-nvxL", "INPUT"])?;
        let dropped = dropped.lines().find(|line| line.contains("match-set"));
        let dropped = dropped.and_then(|line| line.split_whitespace().next());
        if dropped != Some(trials.to_string().as_str()) {
            return Err(
                format!("{dropped:?} packets were dropped by the set, not {trials}").into(),
            );
        }
        Ok(Times(times?))
    })?;
    Ok(measured)
}

/// One trial: how long it took.
fn knock(
    wire: &mut Tap,
    sets: &mut IpSet,
    source: Ipv4Addr,
    gateway: SocketAddr,
) -> Result<Duration, Failed> {
    let packet = Packet::tcp_syn(SocketAddr::new(source.into(), 40_000), gateway);
    for _ in 1..HITS {
        wire.send(&packet)?;
    }
    thread::sleep(Duration::from_millis(1));
    let started = Instant::now();
    wire.send(&packet)?;
    let ended = wait_for(sets, source)?;
    wire.send(&packet)?;
    Ok(ended - started)
}

fn over_file(trials: usize, directory: &Path) -> Result<Times, Failed> {
    let mut sets = make_sets()?;
    let path = directory.join("fw.log");
    File::create(&path)?;
    let mut log = OpenOptions::new().append(true).open(&path)?;
    let mut child = begin(&format!("--log {}", path.display()))?;
    let times = (0..trials).map(|trial| -> Result<Duration, Failed> {
        let source = source(trial)?;
        let line = line(source);
        log.write_all(line.repeat(HITS - 1).as_bytes())?;
        thread::sleep(Duration::from_millis(1));
        let started = Instant::now();
        log.write_all(line.as_bytes())?;
        Ok(wait_for(&mut sets, source)? - started)
    });
    let times: Result<Vec<_>, Failed> = times.collect();
    child.kill()?;
    child.wait()?;
    Ok(Times(times?))
}

/// Both programs on the same lines; `None`, and a word why, where fail2ban is not installed.
fn beside(trials: usize, directory: &Path) -> Result<Option<String>, Failed> {
    if let Some(why) = Fail2ban::missing() {
        eprintln!("follow: not beside fail2ban: {why}");
        return Ok(None);
    }
    let path = directory.join("beside.log");
    let mut log = File::create(&path)?;
    // The sets are there since the log was followed alone.
    let (mut sets, ours) = (IpSet::connect()?, "blacklist".parse()?);
    sets.flush(&ours)?;
    let mut child = begin(&format!("--log {}", path.display()))?;
    let other = Fail2ban::start(directory, &path, HITS)?;
    let theirs = fail2ban::SET.parse()?;
    let programs = [(&ours, child.id()), (&theirs, other.id())];
    let before = programs.map(|(_, process)| processor(process));
    let mut times = [Vec::new(), Vec::new()];
    for trial in 0..trials {
        let source = source(trial)?;
        let line = line(source);
        log.write_all(line.repeat(HITS - 1).as_bytes())?;
        thread::sleep(Duration::from_millis(1));
        let started = Instant::now();
        log.write_all(line.as_bytes())?;
        let (key, mut found) = (Key::from(IpAddr::V4(source)), [None; 2]);
        while found.iter().any(Option::is_none) {
            for ((set, _), found) in programs.iter().zip(&mut found) {
                // fail2ban makes its set with its first ban.
                if found.is_none() && sets.contains(set, &key).unwrap_or(false) {
                    *found = Some(started.elapsed());
                }
            }
            if started.elapsed() > LONG {
                return Err(format!("{source} is not banned by both: {found:?}").into());
            }
            thread::sleep(Duration::from_micros(50));
        }
        for (times, found) in times.iter_mut().zip(found) {
            times.extend(found);
        }
    }
    let mut rows = Vec::new();
    for (((_, process), before), times) in programs.iter().zip(before).zip(times) {
        let taken = processor(*process)?.saturating_sub(before?);
        let milliseconds = taken.as_secs_f64() * 1000.0 / f64::from(u32::try_from(trials)?);
        rows.push(format!(
            "{{\"ban\":{},\"processor_ms\":{milliseconds:.2}}}",
            Times(times).json()
        ));
    }
    child.kill()?;
    child.wait()?;
    Ok(Some(format!(
        "{{\"trials\":{trials},\"log_scanner\":{},\"fail2ban\":{}}}",
        rows.remove(0),
        rows.remove(0)
    )))
}

/// The processor time that a process, and those that it has waited for, have taken so far.
fn processor(process: u32) -> Result<Duration, Failed> {
    let status = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = status.rsplit_once(')').ok_or("no name")?;
    // proc(5): utime, stime, cutime and cstime are 14 to 17, and what follows the name is 3.
    let ticks = fields.split_whitespace().skip(11).take(4);
    let ticks: Result<Vec<u64>, _> = ticks.map(str::parse).collect();
    // USER_HZ is 100 on every architecture that matters.
    Ok(Duration::from_millis(10 * ticks?.iter().sum::<u64>()))
}

fn line(source: Ipv4Addr) -> String {
    let now = jiff::Timestamp::now();
    format!(
        "{now:.6} fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC={source} DST=192.0.2.1 \
         LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n"
    )
}
