//! A day of a log, followed while it is written, against one scan of all of it: the same sources in
//! the same sets, until the same end, whatever became of the log, the clock and the programs.
//!
//! The day is a minute: its lines are dated from a day ago on, and are written as fast as they are
//! read. Nothing here waits for a clock.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use netns_testbed::Failed;
use nix::sys::signal::Signal;

use crate::following::Follow;
use crate::log_writer::{Log, Packets, Random, stranger};
use crate::support::{Scanner, Sets};

crate::trials!(
    the_clock_is_set_back_and_forth,
    summer_time_ends,
    summer_time_begins,
);

/// Each of them needs other windows; the sets are told apart by what they begin with.
const RULES: &str = r#"
[[rule]]
rule = "blocked"
type = "tcp"
howmany = 20
within = "10m"
ipset = "NAME-hosts"
removeafter = "2d"

[[rule]]
rule = "blocked"
type = "all"
howmany = 60
within = "30m"
ipset = "NAME-hosts"
removeafter = "50h"

[[rule]]
rule = "blocked"
type = "tcp"
howmany = 12
distinct-ports = 2
within = "5m"
aggregate-v4 = 24
aggregate-v6 = 64
ipset = "NAME-networks"
removeafter = "40h"

[[rule]]
rule = "blocked"
type = "tcp"
howmany = 8
within = "1m"
ipset = "NAME-short"
removeafter = "20h"
"#;
const SETS: [&str; 3] = ["hosts", "networks", "short"];
/// Who follows: one that is never told anything, and one that is.
const FOLLOWERS: [&str; 2] = ["steady", "lively"];
/// Pieces of a day, and seconds in each.
const PIECES: usize = 96;
const PIECE: i64 = 900;
/// How long a file of the log is at least, in pieces: a restart sees what is in the file and in the
/// one before, and needs the longest window and, where the clock was set back, an hour more.
const FILE: usize = 8;

fn the_clock_is_set_back_and_forth() -> Result<(), Failed> {
    let mut day = Day::new(11, "UTC".to_owned())?;
    // From the sixth hour on an hour late, and from the fourteenth on right, and then ahead for two.
    day.stamp = |day, at| {
        let piece = (at - day.begin) / PIECE;
        let wrong = match piece {
            24..=55 => -3600,
            68..=75 => 3600,
            _ => 0,
        };
        let at = Timestamp::from_second(at + wrong).expect("a time");
        at.to_string()
    };
    day.pass()
}

/// An hour of the day comes twice, and no line says which is which.
fn summer_time_ends() -> Result<(), Failed> {
    let zone = |begin: Timestamp| {
        // Hours of summer time, which is what the hour of the change is told in.
        let change = begin + SignedDuration::from_hours(13);
        format!(
            "XST0XDT,{},{}",
            day_and_hour(change, -30, 0),
            day_and_hour(change, 0, 1)
        )
    };
    in_local_time(12, zone)
}

/// An hour is left out.
fn summer_time_begins() -> Result<(), Failed> {
    let zone = |begin: Timestamp| {
        let change = begin + SignedDuration::from_hours(13);
        format!(
            "XST0XDT,{},{}",
            day_and_hour(change, 0, 0),
            day_and_hour(change, 30, 0)
        )
    };
    in_local_time(13, zone)
}

/// So many days off, as POSIX has it in TZ: the day of the year from 0, and the hour.
fn day_and_hour(change: Timestamp, days: i64, hours: i64) -> String {
    let change = change + SignedDuration::from_hours(24 * days + hours);
    let change = change.to_zoned(TimeZone::UTC);
    format!("{}/{}", change.day_of_year() - 1, change.hour())
}

/// Stamps as syslog has always had them: local, and without a year.
fn in_local_time(seed: u64, zone: impl Fn(Timestamp) -> String) -> Result<(), Failed> {
    let name = zone(Timestamp::from_second(begin())?);
    let zone = TimeZone::posix(&name)?;
    let at = |second| Timestamp::from_second(second).map(|at| zone.to_offset(at).seconds());
    let changes = at(begin())? != at(begin() + 86_400)?;
    assert!(changes, "{name} has a change in this day");
    let mut day = Day::new(seed, name)?;
    day.stamp = |day, at| {
        let zone = TimeZone::posix(&day.zone).expect("a zone");
        let at = Timestamp::from_second(at).expect("a time").to_zoned(zone);
        at.strftime("%b %e %H:%M:%S").to_string()
    };
    day.pass()
}

/// A whole hour, more than a day ago.
fn begin() -> i64 {
    let now = Timestamp::now().round(Unit::Hour).expect("an hour");
    now.as_second() - 25 * 3600
}

struct Day {
    random: Random,
    packets: Packets,
    begin: i64,
    zone: String,
    /// The stamp of a line that is written at a second since 1970.
    stamp: fn(&Day, i64) -> String,
    scanner: Scanner,
    log: Log,
    /// All that was written to it.
    all: Vec<u8>,
    sets: Sets,
    follow: BTreeMap<&'static str, Follow>,
    markers: u32,
}

impl Day {
    fn new(seed: u64, zone: String) -> Result<Self, Failed> {
        let scanner = Scanner::new("").zone(&zone);
        let sets = Sets::none()?;
        for name in FOLLOWERS.iter().chain(&["scan"]) {
            for set in SETS {
                let kind = "timeout 0 comment maxelem 100000";
                sets.create(&format!("{name}-{set}"), &format!("hash:net {kind}"))?;
                let set = format!("{name}-{set}_v6");
                sets.create(&set, &format!("hash:net family inet6 {kind}"))?;
            }
        }
        // Of a network that is counted, and of one that is not.
        sets.create("whitelist", "hash:net")?;
        sets.create("whitelist_v6", "hash:net family inet6")?;
        for number in [1, 3, 5] {
            let v4 = attacker(2 * number);
            sets.add("whitelist", &v4.to_string())?;
            sets.add("whitelist_v6", &attacker(2 * number + 1).to_string())?;
        }
        let log = Log::create(&scanner.path("fw.log"))?;
        Ok(Self {
            random: Random::new(seed),
            packets: Packets::read(),
            begin: begin(),
            zone,
            stamp: |_, _| String::new(),
            scanner,
            log,
            all: Vec::new(),
            sets,
            follow: BTreeMap::new(),
            markers: 0,
        })
    }

    /// Lets it pass, and compares.
    fn pass(&mut self) -> Result<(), Failed> {
        let lines = self.lines();
        for name in FOLLOWERS {
            self.start(name)?;
        }
        let mut done: BTreeMap<&str, u32> = BTreeMap::new();
        let (mut of_file, mut is_safe) = (0, false);
        let begin = self.begin;
        let number = |at: i64| (at - begin) / PIECE;
        for piece in lines.chunk_by(|(one, _), (other, _)| number(*one) == number(*other)) {
            for lines in piece.chunks(100) {
                let text: String = lines.iter().map(|(_, line)| line.as_str()).collect();
                self.all.extend_from_slice(text.as_bytes());
                self.log
                    .write_in_pieces(text.as_bytes(), &mut self.random)?;
            }
            let at = piece.last().map_or(self.begin, |(at, _)| *at);
            of_file += 1;
            let what = match self.random.below(12) {
                0..=2 if of_file >= FILE => "a rotation",
                3 => "a restart",
                4 => "a kill",
                5 => "rules read anew",
                6 => "a scan of a timer",
                _ => continue,
            };
            *done.entry(what).or_default() += 1;
            match what {
                "a rotation" => {
                    // Of a source that goes on its ban is prolonged from time to time: who is killed
                    // before has to find in the log what he has not yet told the set.
                    if !is_safe {
                        self.signal(Signal::SIGHUP)?;
                    }
                    self.settle(at)?;
                    if self.random.one_in(2) {
                        self.log.rename()?;
                    } else {
                        self.log.copy_and_empty()?;
                    }
                    (of_file, is_safe) = (0, false);
                }
                "a restart" => self.end("lively").and_then(|()| self.start("lively"))?,
                "a kill" => {
                    drop(self.follow.remove("lively"));
                    self.start("lively")?;
                }
                "rules read anew" => self.signal(Signal::SIGHUP)?,
                _ => self.scan("lively", "fw.log")?,
            }
            is_safe |= what != "a rotation" && what != "a scan of a timer";
        }
        self.log.flush()?;
        for name in FOLLOWERS {
            self.end(name)?;
        }
        std::fs::write(self.scanner.path("all.log"), &self.all)?;
        self.scan("scan", "all.log --no-rotated")?;
        assert_eq!(done.len(), 5, "a day in which everything happens: {done:?}");
        for set in SETS {
            for suffix in ["", "_v6"] {
                self.compare(&format!("{set}{suffix}"))?;
            }
        }
        Ok(())
    }

    /// All lines of the day, each with the second in which it is written.
    fn lines(&mut self) -> Vec<(i64, String)> {
        let mut shots: Vec<(i64, String)> = Vec::new();
        let length = PIECE * i64::try_from(PIECES).expect("few");
        // Of whom every host hears: one packet each, of any kind.
        for number in 0..3000 {
            let at = self.second(length);
            shots.push((at, self.packets.any(stranger(number), &mut self.random)));
        }
        for number in 0..120 {
            let source = attacker(number);
            // Floods, some of which stay below what is too many; and who comes back all day long.
            let (times, packets, seconds) = match self.random.below(4) {
                0 => (1, 300, 600),
                1 => (3, 30, 500),
                2 => (2, 18, 300),
                _ => (1, 100, 3600 * 3),
            };
            for _ in 0..=self.random.below(times) {
                let begin = self.second(length - seconds);
                for _ in 0..=self.random.below(packets) {
                    let at = begin + self.second(seconds);
                    shots.push((at, self.packets.opening(source, &mut self.random)));
                }
            }
        }
        shots.sort();
        let stamped = shots.into_iter().map(|(after, packet)| {
            let at = self.begin + after;
            (
                at,
                format!("{} fw kernel: {packet}\n", (self.stamp)(self, at)),
            )
        });
        stamped.collect()
    }

    fn second(&mut self, end: i64) -> i64 {
        let second = self.random.below(usize::try_from(end).expect("some"));
        i64::try_from(second).expect("few")
    }

    fn rules(&self, name: &str) -> Result<String, Failed> {
        let path = self.scanner.path(&format!("{name}.toml"));
        std::fs::write(&path, RULES.replace("NAME", name))?;
        Ok(path.display().to_string())
    }

    fn start(&mut self, name: &'static str) -> Result<(), Failed> {
        let log = self.scanner.path("fw.log");
        let arguments = format!(
            "follow --max-bans 1000000 --rules {} --log {}",
            self.rules(name)?,
            log.display()
        );
        let scanner = Scanner::new("").zone(&self.zone).with(&arguments);
        let follow = Follow::with(scanner)?;
        follow.next("start");
        self.follow.insert(name, follow);
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), Failed> {
        let follow = self.follow.remove(name).ok_or("not there")?;
        let last = follow.end(0)?;
        assert_eq!(last["undated"].as_u64(), None, "{last}");
        Ok(())
    }

    fn signal(&mut self, signal: Signal) -> Result<(), Failed> {
        let follow = self.follow.get("lively").ok_or("not there")?;
        follow.signal(signal)?;
        follow.next("start");
        Ok(())
    }

    /// One scan, into sets of a name.
    fn scan(&self, name: &str, log: &str) -> Result<(), Failed> {
        let scanner = Scanner::new("").zone(&self.zone);
        let log = self.scanner.path(log).display().to_string();
        let scanner = scanner.with(&format!(
            "--max-bans 1000000 --rules {} --log {log}",
            self.rules(name)?
        ));
        scanner.run().done(0);
        Ok(())
    }

    /// Waits until all that was written has been read: by a source that is to be banned.
    fn settle(&mut self, at: i64) -> Result<(), Failed> {
        self.markers += 1;
        let source = IpAddr::from(Ipv4Addr::from_bits(0xc0a8_0000 + self.markers * 256));
        let stamp = (self.stamp)(self, at);
        for _ in 0..20 {
            let packet = self.packets.opening(source, &mut self.random);
            let line = format!("{stamp} fw kernel: {packet}\n");
            self.all.extend_from_slice(line.as_bytes());
            self.log.write(line.as_bytes())?;
        }
        let source = source.to_string();
        for follow in self.follow.values() {
            // A ban of hosts is for two days: however long ago it was, it is not over.
            loop {
                let ban = follow.next("ban");
                if ban["source"] == source.as_str() && ban["number"] == 1 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Of one kind of sets: those who followed have what the scan has.
    fn compare(&self, set: &str) -> Result<(), Failed> {
        let scanned = self.members(&format!("scan-{set}"))?;
        assert!(scanned.len() > 5, "{set}: only {scanned:?}");
        for name in FOLLOWERS {
            let followed = self.members(&format!("{name}-{set}"))?;
            let who = |of: &BTreeMap<String, (u32, bool)>| {
                // Who is about to be let go may be gone from one and not yet from the other.
                let stays = of.iter().filter(|(_, (left, _))| *left > 120);
                stays
                    .map(|(member, (_, nomatch))| (member.clone(), *nomatch))
                    .collect::<Vec<_>>()
            };
            assert_eq!(who(&followed), who(&scanned), "{name}-{set}");
            for (member, (left, nomatch)) in scanned.iter().filter(|(_, (left, _))| *left > 120) {
                // The sets were listed one after the other, and an exception is no shorter than it has
                // to be.
                let of_follower = followed[member].0;
                assert!(
                    *nomatch || of_follower.abs_diff(*left) <= 15,
                    "{name}-{set}: {member} for {of_follower} s, not {left} s"
                );
            }
        }
        Ok(())
    }

    /// Who is in a set, for how long, and whether as an exception.
    fn members(&self, set: &str) -> Result<BTreeMap<String, (u32, bool)>, Failed> {
        let members = self.sets.members(set)?.into_iter();
        let members = members.map(|(member, text)| {
            let left = text.strip_prefix("timeout ").ok_or("no timeout")?;
            let left = left.split(' ').next().ok_or("no timeout")?.parse()?;
            Ok((member, (left, text.contains("nomatch"))))
        });
        members.collect()
    }
}

/// Who attacks: a few in each network, of both families.
fn attacker(number: u32) -> IpAddr {
    let (network, host) = (number / 6, number % 6 + 1);
    if number % 2 == 0 {
        Ipv4Addr::from_bits(0x0a00_0000 + network * 256 + host).into()
    } else {
        let network = u128::from(network) << 64;
        Ipv6Addr::from_bits((0x2001_0db8 << 96) + network + u128::from(host)).into()
    }
}
