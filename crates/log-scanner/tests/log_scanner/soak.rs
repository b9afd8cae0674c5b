//! `follow` beside a writer that does whatever comes to its mind: lines in pieces, rubbish, files put
//! aside, copied and emptied, and signals. Nothing is lost, nothing counted twice.
//!
//! What happens is drawn from a seed. It goes on for some seconds, or for as long as it is told to:
//!
//! ```text
//! RAMPART_SOAK_SECONDS=3600 cargo test -p log-scanner --test log_scanner soak
//! ```
//!
//! Two programs follow the same log. One is only halted now and then and has to have read, at the
//! end, as many lines as were written; the other is ended, killed and told to begin anew. Each source
//! sends one packet less than breaks the threshold, or exactly as many as do: one line that is lost
//! leaves a ban out, and one that is counted twice bans who is to be let alone.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::time::{Duration, Instant};

use netns_testbed::Failed;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::following::{Follow, LONG};
use crate::log_writer::{Log, Packets, Random, address, stranger};
use crate::support::{Scanner, Sets};

crate::trials!(nothing_is_lost_or_counted_twice);

/// Packets that break the threshold.
const HITS: usize = 5;
/// How long it goes on unless told.
const LENGTH: Duration = Duration::from_secs(15);
/// Where the log begins: so many seconds ago, and each line is a millisecond later.
const BEGIN: i64 = 12 * 3600;
/// Bans that are in the sets before these are emptied.
const MANY: usize = 20_000;
/// Kilobytes that a program takes at most, and by which it grows at most once it has been at work
/// for a while.
const MOST: u64 = 96 * 1024;
const GROWTH: u64 = 8 * 1024;

fn nothing_is_lost_or_counted_twice() -> Result<(), Failed> {
    let seconds = env::var("RAMPART_SOAK_SECONDS").ok();
    let length = seconds.map_or(Ok(LENGTH), |seconds| {
        seconds.parse().map(Duration::from_secs)
    })?;
    let seed = env::var("RAMPART_SOAK_SEED").map_or(Ok(7), |seed| seed.parse())?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("fw.log");
    let mut soak = Soak {
        random: Random::new(seed),
        packets: Packets::read(),
        log: Log::create(&path)?,
        sets: Sets::none()?,
        now: jiff::Timestamp::now().as_microsecond() - BEGIN * 1_000_000,
        sources: 0,
        strangers: 0,
        open: Vec::new(),
        banned: BTreeMap::new(),
        earlier: BTreeMap::new(),
        programs: Vec::new(),
        done: BTreeMap::new(),
    };
    for name in ["steady", "lively"] {
        let set = format!("hash:ip timeout 0 comment maxelem {}", 4 * MANY);
        soak.sets.create(name, &set)?;
        let set = format!(
            "hash:ip family inet6 timeout 0 comment maxelem {}",
            4 * MANY
        );
        soak.sets.create(&format!("{name}_v6"), &set)?;
        let mut program = Program {
            arguments: format!(
                "follow --log {} --rule blocked --type tcp --howmany {HITS} --within 1m --ipset {name} \
                 --removeafter 2d --max-bans 1000000",
                path.display()
            ),
            name,
            follow: None,
            counted_from: (0, 0),
            memory: Vec::new(),
            refused: 0,
        };
        program.start(&soak.log)?;
        soak.programs.push(program);
    }
    let started = Instant::now();
    let mut said = Instant::now();
    while started.elapsed() < length {
        soak.step()?;
        for program in &mut soak.programs {
            program.look(started.elapsed())?;
        }
        if length > LENGTH {
            // Not to take a processor for itself for an hour.
            std::thread::sleep(Duration::from_millis(4));
            if said.elapsed() > Duration::from_secs(60) {
                said = Instant::now();
                println!("{} s: {}", started.elapsed().as_secs(), soak.summary());
            }
        }
    }
    soak.end()?;
    println!(
        "seed {seed}, {} s: {}",
        started.elapsed().as_secs(),
        soak.summary()
    );
    for program in &soak.programs {
        assert_eq!(program.refused, 0, "{}", program.name);
        program.assert_memory(length);
    }
    Ok(())
}

/// A source that is not done yet.
struct Open {
    source: String,
    left: usize,
    breaks: bool,
    /// When the log was at its first line.
    generation: u64,
}

struct Soak {
    random: Random,
    packets: Packets,
    log: Log,
    sets: Sets,
    /// Of the log, in microseconds.
    now: i64,
    sources: u32,
    strangers: u32,
    open: Vec<Open>,
    /// Who has broken the threshold since the sets were empty, and in which generation of the log.
    banned: BTreeMap<String, u64>,
    /// Who had before, and may be found again where the log is read again.
    earlier: BTreeMap<String, u64>,
    programs: Vec<Program>,
    /// How often what was done.
    done: BTreeMap<&'static str, u64>,
}

impl Soak {
    fn step(&mut self) -> Result<(), Failed> {
        match self.random.below(100) {
            0..=69 => self.write(),
            70..=79 => {
                self.settle()?;
                self.rotate()
            }
            80..=89 => self.away(),
            90..=93 => self.read_anew(),
            94..=97 => self.verify(),
            _ => self.settle(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    fn summary(&self) -> String {
        let memory = self.programs.iter().map(|program| {
            let last = program.memory.last().map_or(0, |(_, memory)| *memory);
            format!("{} {last} kB", program.name)
        });
        format!(
            "{} lines of {} sources, {:?}; {}",
            self.log.lines,
            self.sources + self.strangers,
            self.done,
            memory.collect::<Vec<_>>().join(", ")
        )
    }

    /// Some lines, in pieces.
    fn write(&mut self) -> Result<(), Failed> {
        let mut bytes = Vec::new();
        let most = if self.random.one_in(10) { 1000 } else { 60 };
        for _ in 0..=self.random.below(most) {
            match self.random.below(20) {
                0..=9 => bytes.extend(self.next_line()),
                10..=15 => bytes.extend(self.line_of_a_stranger()),
                16..=18 => {
                    let mut line = self.line_of_a_stranger();
                    self.spoil(&mut line);
                    bytes.extend(line);
                }
                // Not where a file begins: what that is, is asked of its first bytes.
                _ if self.log.lines_there() > 0 && !bytes.is_empty() => {
                    let length = self.random.below(2000);
                    bytes.extend(self.random.bytes(length));
                    if self.random.one_in(200) {
                        bytes.extend(vec![b'x'; 300_000]);
                    }
                    bytes.push(b'\n');
                }
                _ => {}
            }
        }
        self.log.write_in_pieces(&bytes, &mut self.random)
    }

    fn head(&mut self) -> String {
        self.now += 1000;
        let now = jiff::Timestamp::from_microsecond(self.now).expect("a time");
        format!("{now} fw kernel: ")
    }

    /// A line of a source that is to be watched.
    fn next_line(&mut self) -> Vec<u8> {
        if self.open.len() < 40 {
            self.sources += 1;
            let breaks = self.random.one_in(2);
            self.open.push(Open {
                source: address(self.sources).to_string(),
                left: if breaks { HITS } else { HITS - 1 },
                breaks,
                generation: self.log.generation,
            });
        }
        let place = self.random.below(self.open.len());
        self.line_of(place)
    }

    fn line_of(&mut self, place: usize) -> Vec<u8> {
        let head = self.head();
        let open = &mut self.open[place];
        open.left -= 1;
        let source = open.source.parse().expect("an address");
        let packet = self.packets.opening(source, &mut self.random);
        if open.left == 0 {
            let open = self.open.swap_remove(place);
            if open.breaks {
                self.banned.insert(open.source, self.log.generation);
            }
        }
        format!("{head}{packet}\n").into_bytes()
    }

    fn line_of_a_stranger(&mut self) -> Vec<u8> {
        self.strangers += 1;
        let head = self.head();
        let source = stranger(self.strangers);
        let packet = self.packets.any(source, &mut self.random);
        // What sshd writes is no line of the kernel, whatever stands in it.
        let kernel = if self.random.one_in(10) {
            "sshd[7]"
        } else {
            "kernel"
        };
        format!("{head}{packet}\n")
            .replacen("kernel", kernel, 1)
            .into_bytes()
    }

    /// Changes some bytes behind the head, or leaves some out.
    fn spoil(&mut self, line: &mut Vec<u8>) {
        const HEAD: usize = 45;
        for _ in 0..=self.random.below(3) {
            let place = HEAD + self.random.below(line.len().saturating_sub(HEAD + 1));
            line[place] = self.random.bytes(1)[0];
        }
        if self.random.one_in(3) {
            let length = HEAD + self.random.below(line.len() - HEAD);
            line.truncate(length);
            line.push(b'\n');
        }
    }

    /// Brings to an end what was begun before the log was put aside, as a restart sees no more than
    /// one file of before, and waits until all that was written has been read.
    fn settle(&mut self) -> Result<(), Failed> {
        let generation = self.log.generation;
        while let Some(place) = self
            .open
            .iter()
            .position(|open| open.generation < generation)
        {
            let line = self.line_of(place);
            self.log.write_in_pieces(&line, &mut self.random)?;
        }
        self.log.flush()?;
        let mut markers = Vec::new();
        for _ in 0..2 {
            self.sources += 1;
            let source = address(self.sources);
            markers.push(source.to_string());
            for _ in 0..HITS {
                let (head, packet) = (self.head(), self.packets.opening(source, &mut self.random));
                self.log.write(format!("{head}{packet}\n").as_bytes())?;
            }
            self.banned.insert(source.to_string(), generation);
        }
        let started = Instant::now();
        for program in &self.programs {
            for marker in &markers {
                let test = format!("test {} {marker}", program.set(marker));
                while self.sets.ipset(&test).is_err() {
                    assert!(
                        started.elapsed() < LONG,
                        "{marker} is not in {}",
                        program.name
                    );
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        }
        self.count("settled");
        Ok(())
    }

    /// Puts the log aside, with lines in it that nobody has had time to read.
    fn rotate(&mut self) -> Result<(), Failed> {
        self.write()?;
        if self.random.one_in(2) {
            self.count("renamed");
            self.log.rename()?;
        } else {
            self.count("copied and emptied");
            self.log.copy_and_empty()?;
        }
        self.write()
    }

    /// One of the programs is away for a while, in which the log may be put aside.
    fn away(&mut self) -> Result<(), Failed> {
        let is_put_aside = self.random.one_in(2);
        if is_put_aside {
            self.settle()?;
        }
        self.write()?;
        let (place, how) = match self.random.below(4) {
            0 => (0, None),
            1 => (1, None),
            2 => (1, Some(Signal::SIGTERM)),
            _ => (1, Some(Signal::SIGKILL)),
        };
        self.programs[place].go(how, &self.log)?;
        self.count(how.map_or("halted", Signal::as_str));
        self.write()?;
        if is_put_aside {
            self.rotate()?;
        }
        self.programs[place].come_back(how, &self.log)
    }

    /// The rules are read anew, and with them the logs.
    fn read_anew(&mut self) -> Result<(), Failed> {
        let counted_from = (self.log.lines_there(), self.log.lines);
        let program = &mut self.programs[1];
        program.counted_from = counted_from;
        program.signal(Signal::SIGHUP)?;
        self.write()?;
        self.programs[1].next("start")?;
        self.count("SIGHUP");
        Ok(())
    }

    /// Everybody is banned who is to be, and nobody else.
    fn verify(&mut self) -> Result<(), Failed> {
        self.settle()?;
        let started = Instant::now();
        for program in &self.programs {
            loop {
                let mut found = self.sets.names(program.name)?;
                found.extend(self.sets.names(&format!("{}_v6", program.name))?);
                let mut missing = self.banned.keys().filter(|source| !found.contains(source));
                let more = found.iter().filter(|source| {
                    !self.banned.contains_key(*source) && !self.earlier.contains_key(*source)
                });
                let more: Vec<_> = more.collect();
                assert!(
                    more.is_empty(),
                    "{} has bans that nobody earned: {more:?}",
                    program.name
                );
                let Some(missing) = missing.next() else { break };
                assert!(
                    started.elapsed() < LONG,
                    "{missing} is not banned in {}",
                    program.name
                );
            }
        }
        if self.banned.len() > MANY {
            for set in ["steady", "steady_v6", "lively", "lively_v6"] {
                self.sets.ipset(&format!("flush {set}"))?;
            }
            let again = self.log.generation.saturating_sub(1);
            self.earlier = std::mem::take(&mut self.banned);
            self.earlier.retain(|_, generation| *generation >= again);
            self.count("emptied the sets");
        }
        self.count("verified");
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failed> {
        while !self.open.is_empty() {
            let line = self.line_of(0);
            self.log.write(&line)?;
        }
        self.verify()?;
        for program in &mut self.programs {
            program.go(Some(Signal::SIGTERM), &self.log)?;
        }
        Ok(())
    }
}

/// One that follows the log.
struct Program {
    name: &'static str,
    arguments: String,
    follow: Option<Follow>,
    /// Lines that there were when it began to count, and of those that were written, how many had
    /// been.
    counted_from: (u64, u64),
    /// After how long it took how many kilobytes.
    memory: Vec<(Duration, u64)>,
    /// Bans that could not be.
    refused: u64,
}

impl Program {
    fn set(&self, source: &str) -> String {
        let suffix = if source.contains(':') { "_v6" } else { "" };
        format!("{}{suffix}", self.name)
    }

    fn start(&mut self, log: &Log) -> Result<(), Failed> {
        self.counted_from = (log.lines_there(), log.lines);
        self.follow = Some(Follow::with(Scanner::new("").with(&self.arguments))?);
        self.next("start").map(drop)
    }

    fn signal(&self, signal: Signal) -> Result<(), Failed> {
        self.follow.as_ref().ok_or("not there")?.signal(signal)
    }

    /// Halts, or ends.
    fn go(&mut self, how: Option<Signal>, log: &Log) -> Result<(), Failed> {
        self.signal(how.unwrap_or(Signal::SIGSTOP))?;
        if how == Some(Signal::SIGTERM) {
            let last = self.next("end")?;
            let (there, written) = self.counted_from;
            let expected = there + log.lines - written + u64::from(log.is_half);
            assert_eq!(last["lines"], expected, "{} has read: {last}", self.name);
            let mut follow = self.follow.take().ok_or("not there")?;
            let status = follow.child.wait()?;
            assert!(status.success() || self.refused > 0, "{last}");
        }
        if how == Some(Signal::SIGKILL) {
            self.follow.take().ok_or("not there")?.child.wait()?;
        }
        Ok(())
    }

    fn come_back(&mut self, how: Option<Signal>, log: &Log) -> Result<(), Failed> {
        if how.is_none() {
            return self.signal(Signal::SIGCONT);
        }
        self.start(log)
    }

    /// The next line of an event; the others are looked at.
    fn next(&mut self, event: &str) -> Result<Value, Failed> {
        let follow = self.follow.as_ref().ok_or("not there")?;
        loop {
            let line = follow.next_of_all(LONG).ok_or("nothing comes")?;
            self.refused += check(self.name, &line);
            if line["event"] == event {
                return Ok(line);
            }
        }
    }

    /// Looks at what it has said, and how large it is.
    fn look(&mut self, after: Duration) -> Result<(), Failed> {
        let Some(follow) = &self.follow else {
            return Ok(());
        };
        while let Some(line) = follow.next_of_all(Duration::ZERO) {
            self.refused += check(self.name, &line);
        }
        let last = self.memory.last().map_or(Duration::ZERO, |(at, _)| *at);
        if after >= last + Duration::from_secs(1) {
            let status = fs::read_to_string(format!("/proc/{}/status", follow.child.id()))?;
            let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let memory = memory.and_then(|memory| memory.trim().strip_suffix(" kB"));
            self.memory
                .push((after, memory.ok_or("no memory")?.parse()?));
        }
        Ok(())
    }

    fn assert_memory(&self, length: Duration) {
        let most = self.memory.iter().map(|(_, memory)| *memory).max();
        let most = most.unwrap_or_default();
        println!("{}: at most {most} kB", self.name);
        assert!(most < MOST, "{} took {most} kB", self.name);
        // It takes some minutes until as much is forgotten as is learned.
        let begin = Duration::from_secs(600);
        if length < begin * 2 {
            return;
        }
        let (early, late): (Vec<_>, Vec<_>) = self
            .memory
            .iter()
            .filter(|(at, _)| *at > begin / 2)
            .partition(|(at, _)| *at < begin);
        let most = |of: Vec<(Duration, u64)>| of.iter().map(|(_, memory)| *memory).max();
        let (early, late) = (
            most(early).unwrap_or_default(),
            most(late).unwrap_or_default(),
        );
        println!(
            "{}: {early} kB in the first minutes, {late} kB later",
            self.name
        );
        assert!(late <= early + GROWTH, "{} grows", self.name);
    }
}

/// No ban counts more than was sent, and no lines are missed; 1 for a ban that could not be.
fn check(name: &str, line: &Value) -> u64 {
    let source = line["source"].as_str().unwrap_or_default();
    if line["event"] == "ban" && (source.starts_with("10.") || source.starts_with("2001:")) {
        assert_eq!(line["peak_hits"], HITS, "{name}: {line}");
    }
    let text = line["text"].as_str().unwrap_or_default();
    for lost in [
        "is gone",
        "missing",
        "were lost",
        "nobody was banned",
        "cannot read",
    ] {
        assert!(!text.contains(lost), "{name}: {text}");
    }
    if line["event"] == "warning" || line["outcome"] == "refused" {
        println!("{name}: {line}");
    }
    u64::from(line["outcome"] == "refused")
}
