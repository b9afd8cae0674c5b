//! Reads a firewall log and bans for an hour every source that was blocked ten times within a
//! minute.
//!
//! ```sh
//! cargo build -p rampart-examples --examples
//! unshare --user --map-root-user --net target/debug/examples/ban_from_log [LOG]
//! ```
//!
//! You will see a line for each packet that begins a ban or extends it, and one that counts what
//! was read; without LOG a short log of its own is read, and 203.0.113.7 is banned. On the host:
//! `ipset list banned` shows the ban, `ipset destroy banned` undoes it. No rule refers to the set;
//! add one, or see `own_firewall`.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use firewall_log::{Clock, Detector, LogReader, Threshold};
use ipset_netlink::{CreateSet, Entry, Family, IfExists, IpSet, Key, SetName, SetType, Timeout};
use jiff::tz::TimeZone;

const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn main() -> Result<(), Box<dyn Error>> {
    let log: Box<dyn BufRead> = match std::env::args_os().nth(1) {
        Some(path) => Box::new(BufReader::with_capacity(256 * 1024, File::open(path)?)),
        None => Box::new(Cursor::new(log_of_now())),
    };

    let mut sets = IpSet::connect()?;
    let banned: SetName = "banned".parse()?;
    let create =
        CreateSet::new(banned.clone(), SetType::HashNet, Family::Inet).timeout(Timeout::PERMANENT);
    sets.create(&create, IfExists::Update)?;

    // The library asks no clock: what "now" and "local time" mean is the program's business.
    let clock = Clock::new(SystemTime::now(), TimeZone::system());
    let blocked = Threshold::new(TEN, MINUTE).prefix("IPTABLES-BLOCKED");
    let mut detector = Detector::new([blocked]);
    let mut reader = LogReader::new(log);
    while let Some(event) = reader.next_event() {
        let event = match event {
            Ok(event) => event,
            // A line that is no event is skipped; a log that cannot be read ends the program.
            Err(error) => {
                error.into_line_error()?;
                continue;
            }
        };
        let Ok(at) = event.time.resolve(&clock) else {
            continue;
        };
        for violation in detector.observe(&event, at) {
            let entry = Entry::new(Key::from(violation.source)).timeout(Timeout::try_from(HOUR)?);
            sets.add(&banned, &entry, IfExists::Update)?;
            println!(
                "banned {} after {} packets",
                violation.source, violation.hits
            );
        }
    }
    println!(
        "{} lines read, {} of them not the kernel's",
        reader.counts().lines,
        reader.counts().rejected
    );
    Ok(())
}

/// Twelve blocked packets of one source, two of another, and a line that only looks like one of the
/// kernel's.
fn log_of_now() -> String {
    let now = jiff::Timestamp::now();
    let line = |source: &str| {
        format!(
            "{now} fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= MAC= SRC={source} DST=198.51.100.1 LEN=60 TOS=0x00 PREC=0x00 \
             TTL=52 ID=1 DF PROTO=TCP SPT=40000 DPT=23 WINDOW=64240 RES=0x00 SYN URGP=0 \n"
        )
    };
    let forged = line("192.0.2.99").replace("kernel:", "sshd[4711]: Invalid user kernel:");
    line("203.0.113.7").repeat(12) + &line("203.0.113.8").repeat(2) + &forged.repeat(12)
}
