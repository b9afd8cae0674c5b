//! A log under way: lines of the kernel's own making, written in pieces, put aside by a new name or
//! copied and emptied. What is drawn is drawn from a seed.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use netns_testbed::Failed;

/// What the kernel wrote, as `dmesg -r` shows it.
const SAMPLES: &str = include_str!("../../../firewall-log/tests/samples/kernel.log");

/// Numbers that look as if drawn, and are the same for the same seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of 0 to `end`, without `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("few").max(1);
        usize::try_from(self.next() % end).expect("few")
    }

    pub(crate) fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// Packets as the kernel wrote them, of any source.
pub(crate) struct Packets {
    /// The first of a TCP connection, over IPv4 and over IPv6.
    opening: [Vec<&'static str>; 2],
    all: [Vec<&'static str>; 2],
}

impl Packets {
    pub(crate) fn read() -> Self {
        let lines = SAMPLES.lines().filter(|line| !line.starts_with('#'));
        let packets = lines.filter_map(|line| line.strip_prefix("<4>"));
        let (v6, v4): (Vec<_>, Vec<_>) = packets
            .filter(|line| line.contains(" SRC="))
            .partition(|line| line.contains(" TC="));
        let opening = |of: &Vec<&'static str>| {
            let of = of.iter().copied();
            let opening = of.filter(|line| {
                line.contains("] IPTABLES-BLOCKED: IN=eth0 OUT= MAC=02:")
                    && line.contains(" PROTO=TCP SPT=")
                    && line.contains(" WINDOW=64240 RES=0x00 SYN URGP=0")
            });
            opening.collect::<Vec<_>>()
        };
        let opening = [opening(&v4), opening(&v6)];
        assert!(opening.iter().all(|of| !of.is_empty()));
        Self {
            opening,
            all: [v4, v6],
        }
    }

    /// A blocked packet that opens a TCP connection.
    pub(crate) fn opening(&self, source: IpAddr, random: &mut Random) -> String {
        let of = &self.opening[usize::from(source.is_ipv6())];
        from(source, of[random.below(of.len())])
    }

    /// Any packet.
    pub(crate) fn any(&self, source: IpAddr, random: &mut Random) -> String {
        let of = &self.all[usize::from(source.is_ipv6())];
        from(source, of[random.below(of.len())])
    }
}

/// A packet of another source. What an ICMP error quotes stays what it is.
fn from(source: IpAddr, packet: &str) -> String {
    let (before, rest) = packet.split_once(" SRC=").expect("a source");
    let (_, after) = rest.split_once(' ').expect("a destination");
    let source = match source {
        IpAddr::V4(source) => source.to_string(),
        IpAddr::V6(source) => {
            let groups = source.segments().map(|group| format!("{group:04x}"));
            groups.join(":")
        }
    };
    format!("{before} SRC={source} {after}")
}

/// An address for each number, IPv4 and IPv6 in turns, within 10.0.0.0/8 and
/// `2001:db8::/32`.
pub(crate) fn address(number: u32) -> IpAddr {
    if number % 2 == 0 {
        Ipv4Addr::from_bits(0x0a00_0000 + number / 2 + 1).into()
    } else {
        Ipv6Addr::from_bits((0x2001_0db8 << 96) + u128::from(number) + 1).into()
    }
}

/// The same of those who send one packet and no more, within 198.18.0.0/15 and
/// `fd00::/8`.
pub(crate) fn stranger(number: u32) -> IpAddr {
    if number % 2 == 0 {
        Ipv4Addr::from_bits(0xc612_0000 + number / 2 % 0x2_0000).into()
    } else {
        Ipv6Addr::from_bits((0xfd00 << 112) + u128::from(number)).into()
    }
}

/// A log that one writer has open.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    /// What is to be written next: the rest of what was written last.
    rest: Vec<u8>,
    /// Whether what was written ends in the middle of a line.
    pub(crate) is_half: bool,
    /// Lines that have ended, in all.
    pub(crate) lines: u64,
    /// Of those, the ones in the file, and in `PATH.1`.
    in_files: [u64; 2],
    /// How often it was put aside.
    pub(crate) generation: u64,
}

impl Log {
    pub(crate) fn create(path: &Path) -> Result<Self, Failed> {
        Ok(Self {
            path: path.to_owned(),
            file: append(path)?,
            rest: Vec::new(),
            is_half: false,
            lines: 0,
            in_files: [0; 2],
            generation: 0,
        })
    }

    /// Lines that have ended in the file and in `PATH.1`.
    pub(crate) fn lines_there(&self) -> u64 {
        self.in_files.iter().sum()
    }

    /// Writes in a few pieces, cut anywhere; the last may have to wait.
    pub(crate) fn write_in_pieces(
        &mut self,
        bytes: &[u8],
        random: &mut Random,
    ) -> Result<(), Failed> {
        self.rest.extend_from_slice(bytes);
        for _ in 0..random.below(3) {
            let piece = random.below(self.rest.len());
            let piece: Vec<_> = self.rest.drain(..piece).collect();
            self.put(&piece)?;
        }
        if random.one_in(2) {
            return Ok(());
        }
        self.flush()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        self.rest.extend_from_slice(bytes);
        self.flush()
    }

    /// Writes what has had to wait.
    pub(crate) fn flush(&mut self) -> Result<(), Failed> {
        let rest = std::mem::take(&mut self.rest);
        self.put(&rest)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        self.file.write_all(bytes)?;
        let ended = memchr::memchr_iter(b'\n', bytes).count();
        self.lines += u64::try_from(ended)?;
        self.in_files[0] += u64::try_from(ended)?;
        if let Some(last) = bytes.last() {
            self.is_half = *last != b'\n';
        }
        Ok(())
    }

    /// Puts the file aside by a new name, to which the line that is under way is written to its end.
    pub(crate) fn rename(&mut self) -> Result<(), Failed> {
        fs::rename(&self.path, self.before())?;
        self.flush()?;
        self.file = append(&self.path)?;
        self.turn();
        Ok(())
    }

    /// Copies and empties the file, as logrotate's copytruncate does.
    pub(crate) fn copy_and_empty(&mut self) -> Result<(), Failed> {
        self.flush()?;
        let before = self.before();
        if before.exists() {
            fs::rename(&before, format!("{}.2", self.path.display()))?;
        }
        fs::copy(&self.path, &before)?;
        self.file.set_len(0)?;
        self.turn();
        Ok(())
    }

    fn turn(&mut self) {
        assert!(!self.is_half, "whole lines");
        self.in_files = [0, self.in_files[0]];
        self.generation += 1;
    }

    fn before(&self) -> PathBuf {
        format!("{}.1", self.path.display()).into()
    }
}

fn append(path: &Path) -> Result<File, Failed> {
    Ok(OpenOptions::new().create(true).append(true).open(path)?)
}
