//! A flood over NFLOG: what `log-scanner follow` reads of it, what the kernel says was lost, and
//! what it costs, in private network namespaces.
//!
//! ```text
//! cargo build --release -p log-scanner
//! cargo bench -p rampart-benches --bench follow_flood     # as root or as an ordinary user
//! RAMPART_BENCH_RATE=200000 RAMPART_BENCH_SECONDS=10 cargo bench -p rampart-benches --bench follow_flood
//! ```
//!
//! Each packet is of one of 4,096 sources and breaks no threshold; the sender keeps to its rate
//! by the clock, and catches up where it was held up. Read and lost are together what the rule has
//! counted. The last line is one JSON object.

use std::io::{BufRead as _, BufReader, Lines};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use ipset_netlink::{CreateSet, Family as SetFamily, IfExists, IpSet, SetType, Timeout};
use netns_testbed::{Failed, Family, Packet, Tap, Tool, World, program};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeValLike as _;
use nix::unistd::Pid;

const GROUP: &str = "7";
const RULE: &str = "--rule blocked --type tcp --howmany 100000 --within 1m --ipset blacklist --removeafter 1h --json";
const SOURCES: u32 = 4096;

fn main() -> ExitCode {
    if !env::args().any(|argument| argument == "--bench") {
        // `cargo test` starts every benchmark.
        return ExitCode::SUCCESS;
    }
    if let Err(reason) = netns_testbed::enter() {
        eprintln!("follow_flood: no private network namespace: {reason}");
        return ExitCode::FAILURE;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("follow_flood: {}", failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

fn setting(name: &str, default: u32) -> Result<u32, Failed> {
    env::var(name).map_or(Ok(default), |number| Ok(number.parse()?))
}

fn measure() -> Result<(), Failed> {
    let rate = setting("RAMPART_BENCH_RATE", 100_000)?;
    let seconds = setting("RAMPART_BENCH_SECONDS", 5)?;
    let world = World::new()?;
    let mut wire = world.attacker.tap("eth0")?;
    let to = SocketAddr::new(world.gateway.address(Family::V4), 23);
    world.gateway.run(|| -> Result<(), Failed> {
        make_sets()?;
        let tool = Tool::require("iptables")?;
        for rule in [
            format!("-A INPUT -p tcp -j NFLOG --nflog-group {GROUP} --nflog-prefix IPTABLES-BLOCKED:"),
            "-A INPUT -p tcp -j DROP".to_owned(),
        ] {
            tool.run(&rule.split(' ').collect::<Vec<_>>())?;
        }
        let (mut child, mut said) = begin()?;
        let (sent, elapsed) = send(&mut wire, to, rate, seconds)?;
        let logged = logged(&tool)?;
        // What waits is read before it ends.
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
        let end = said.find_map(|line| line.ok().filter(|line| line.contains("\"end\"")));
        let end = end.ok_or("it did not say what it read")?;
        child.wait()?;
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let processor = usage.user_time() + usage.system_time();
        let (read, lost) = (number(&end, "events"), number(&end, "lost"));
        println!(
            "{{\"rate\":{:.0},\"sent\":{sent},\"logged\":{logged},\"read\":{read},\"lost\":{lost},\"processor_ns_a_packet\":{},\"peak_mb\":{}}}",
            f64::from(sent) / elapsed.as_secs_f64(),
            processor.num_nanoseconds() / i64::try_from(read)?.max(1),
            usage.max_rss() / 1024
        );
        if read + lost != logged {
            return Err(format!("{read} read and {lost} lost are not {logged}").into());
        }
        Ok(())
    })
}

fn make_sets() -> Result<(), Failed> {
    let mut sets = IpSet::connect()?;
    for (name, family) in [
        ("blacklist", SetFamily::Inet),
        ("blacklist_v6", SetFamily::Inet6),
    ] {
        let set = CreateSet::new(name.parse()?, SetType::HashNet, family);
        sets.create(&set.timeout(Timeout::PERMANENT), IfExists::Fail)?;
    }
    Ok(())
}

fn begin() -> Result<(Child, Lines<BufReader<ChildStdout>>), Failed> {
    let mut command = Command::new(program("log-scanner"));
    command.args(["follow", "--nflog-group", GROUP]);
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
    Ok((child, lines))
}

/// Sends at a rate, a millisecond's share at a time; how many, and in what time.
fn send(
    wire: &mut Tap,
    to: SocketAddr,
    rate: u32,
    seconds: u32,
) -> Result<(u32, Duration), Failed> {
    let packets = (0..SOURCES).map(|number| {
        let source = Ipv4Addr::from_bits(0x0a00_0000 + number);
        Packet::tcp_syn(SocketAddr::new(source.into(), 40_000), to)
    });
    let packets: Vec<_> = packets.collect();
    let (started, mut sent) = (Instant::now(), 0);
    while sent < rate * seconds {
        let due = started.elapsed().as_micros() * u128::from(rate) / 1_000_000;
        let due = u32::try_from(due)?;
        let mut others = packets
            .iter()
            .cycle()
            .skip(usize::try_from(sent % SOURCES)?);
        while sent < due {
            wire.send(others.next().ok_or("no packet")?)?;
            sent += 1;
        }
        thread::sleep(Duration::from_micros(500));
    }
    Ok((sent, started.elapsed()))
}

/// How many packets the rule has logged, once there are no more.
fn logged(tool: &Tool) -> Result<u64, Failed> {
    let mut before = None;
    loop {
        let rules = tool.run(&["-nvxL", "INPUT"])?;
        let rule = rules.lines().find(|line| line.contains("NFLOG"));
        let count = rule.and_then(|line| line.split_whitespace().next()?.parse().ok());
        if count.is_some() && count == before {
            return count.ok_or_else(|| "no rule".into());
        }
        before = count;
        thread::sleep(Duration::from_millis(200));
    }
}

/// A count of the last line; 0 where it is not there.
fn number(line: &str, key: &str) -> u64 {
    let rest = line.split_once(&format!("\"{key}\":"));
    let digits = rest.map(|(_, rest)| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
