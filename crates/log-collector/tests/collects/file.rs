//! The file: rotated, moved, and on a disk that is full.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use firewall_log::Event;
use netns_testbed::{Failed, Family, Trial, World, trial};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::{Collector, DROPPED, kernel_part, lines_of, rules, send_datagrams, wait_for};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("file::rotates_and_loses_nothing", rotates),
        trial("file::is_emptied_where_none_is_kept", keeps_none),
        trial("file::moved_away_is_made_again", moved_away),
        trial("file::hangup_opens_it_again", hangup),
        trial("file::a_full_disk_stops_nothing", full_disk),
        trial("file::on_a_full_disk_the_oldest_lines_go", oldest_go),
        trial(
            "file::what_a_full_disk_costs_is_counted",
            losses_are_counted,
        ),
        trial("file::on_a_fuller_disk_less_is_kept", less_is_kept),
    ]
}

fn ports(lines: &[String]) -> Result<Vec<u16>, Failed> {
    let mut ports = Vec::new();
    for line in lines {
        let port = kernel_part(line).split_once(" DPT=").ok_or("no port")?.1;
        ports.push(port.split(' ').next().unwrap_or_default().parse()?);
    }
    Ok(ports)
}

/// Waits until the packet to `port`, the last that was sent, is in the log: from then on no file is
/// moved.
fn wait_for_port(log: &Path, port: u16) -> Result<(), Failed> {
    let field = format!(" DPT={port} ");
    wait_for(&format!("the line with{field}"), || {
        let lines = lines_of(log);
        lines.last().is_some_and(|line| line.contains(&field))
    })
}

fn rotates() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let collector = Collector::start(&world, &["--max-size", "4K", "--keep", "200"])?;
    send_datagrams(&world, Family::V4, 500, 1)?;
    let log = collector.log.clone();
    let directory = collector.directory.path().to_owned();
    wait_for_port(&log, 1499)?;
    let old = |number: usize| directory.join(format!("iptables.log.{number}"));
    let mut files: Vec<_> = (1..=200).map(old).take_while(|old| old.exists()).collect();
    assert!(files.len() > 10, "only {} old files", files.len());
    files.reverse();
    files.push(log);
    let mut all = Vec::new();
    for file in files {
        assert!(fs::metadata(&file)?.len() <= 4096);
        all.extend(ports(&lines_of(&file))?);
    }
    let expected: Vec<u16> = (1000..1500).collect();
    assert_eq!(all, expected);
    collector.end()?;
    Ok(())
}

fn keeps_none() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let collector = Collector::start(&world, &["--max-size", "4K", "--keep", "0"])?;
    send_datagrams(&world, Family::V4, 100, 1)?;
    let log = collector.log.clone();
    wait_for_port(&log, 1099)?;
    assert!(fs::metadata(&log)?.len() <= 4096);
    assert_eq!(fs::read_dir(collector.directory.path())?.count(), 1);
    collector.end()?;
    Ok(())
}

fn moved_away() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let collector = Collector::start(&world, &[])?;
    send_datagrams(&world, Family::V4, 3, 1)?;
    collector.wait_for_lines(3)?;
    fs::remove_file(&collector.log)?;
    send_datagrams(&world, Family::V4, 4, 1)?;
    let lines = collector.end()?.lines;
    assert_eq!(ports(&lines)?, [1000, 1001, 1002, 1003]);
    Ok(())
}

fn hangup() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let collector = Collector::start(&world, &[])?;
    send_datagrams(&world, Family::V4, 3, 1)?;
    collector.wait_for_lines(3)?;
    let moved = collector.log.with_extension("moved");
    fs::rename(&collector.log, &moved)?;
    collector.signal(Signal::SIGHUP)?;
    let log = collector.log.clone();
    wait_for("the new file", || log.exists())?;
    send_datagrams(&world, Family::V4, 2, 1)?;
    assert_eq!(lines_of(&moved).len(), 3);
    assert_eq!(ports(&collector.end()?.lines)?, [1000, 1001]);
    Ok(())
}

/// A small disk of its own.
pub(crate) struct Disk {
    _directory: TempDir,
    pub(crate) path: PathBuf,
}

impl Disk {
    pub(crate) fn new(options: &str) -> Result<Self, Failed> {
        let directory = TempDir::new()?;
        let path = directory.path().join("ram");
        fs::create_dir(&path)?;
        let tmpfs = Some("tmpfs");
        mount(tmpfs, &path, tmpfs, MsFlags::empty(), Some(options))?;
        Ok(Self {
            _directory: directory,
            path,
        })
    }

    fn log(&self) -> PathBuf {
        self.path.join("iptables.log")
    }

    /// Takes all room that is left.
    fn fill(&self) -> Result<PathBuf, Failed> {
        let ballast = self.path.join("ballast");
        let mut file = File::create(&ballast)?;
        while file.write_all(&[0; 512]).is_ok() {}
        Ok(ballast)
    }

    /// Of all files, the oldest first.
    fn lines(&self) -> Vec<String> {
        let old = (1..=9).rev().map(|number| format!("iptables.log.{number}"));
        old.chain(["iptables.log".to_owned()])
            .flat_map(|name| lines_of(&self.path.join(name)))
            .collect()
    }

    fn collect(&self, world: &World, arguments: &[&str]) -> Result<Collector, Failed> {
        Collector::start_at(world, arguments, TempDir::new()?, self.log())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}

const SMALL: [&str; 4] = ["--max-size", "20K", "--keep", "1"];

/// The numbers in notes that contain `what`.
fn noted(lines: &[String], what: &str) -> usize {
    let notes = lines
        .iter()
        .filter_map(|line| line.split_once(" log-collector: "));
    notes
        .filter_map(|(_, note)| note.split_once(what))
        .map(|(number, _)| number.parse().unwrap_or(0))
        .sum()
}

fn packets(lines: &[String]) -> usize {
    lines
        .iter()
        .filter(|line| !kernel_part(line).is_empty())
        .count()
}

/// Where even the oldest lines make no room.
fn full_disk() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let disk = Disk::new("size=64k,mode=0755")?;
    let ballast = disk.fill()?;
    let collector = disk.collect(&world, &SMALL)?;
    send_datagrams(&world, Family::V4, 100, 1)?;
    // The group's first datagram is all of them: told once, all are dropped.
    collector.wait_to_say("No space left on device")?;
    fs::remove_file(ballast)?;
    send_datagrams(&world, Family::V4, 1, 1)?;
    let ended = collector.end()?;
    let dropped = noted(&ended.lines, " lines dropped: ");
    assert!(dropped > 0, "{:#?}", ended.lines);
    assert_eq!(packets(&ended.lines) + dropped, 101, "{}", ended.stderr);
    Ok(())
}

/// A disk that fills up while it is logged: what was logged last is there.
fn oldest_go() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    for keep in ["0", "1", "3"] {
        let disk = Disk::new("size=128k,mode=0755")?;
        let collector = disk.collect(&world, &["--max-size", "20K", "--keep", keep])?;
        send_datagrams(&world, Family::V4, 150, 1)?;
        wait_for_port(&disk.log(), 1149)?;
        disk.fill()?;
        for round in 1..=4_u16 {
            send_datagrams(&world, Family::V4, 150 + round, 1)?;
            // A note may follow it.
            let field = format!(" DPT={} ", 1149 + round);
            wait_for(&format!("the line with{field}"), || {
                disk.lines().iter().any(|line| line.contains(&field))
            })?;
        }
        let ended = collector.end()?;
        let kept = disk.lines();
        for line in &kept {
            Event::parse(line.as_bytes()).map_or_else(
                |error| {
                    line.contains(" log-collector: ")
                        .then_some(())
                        .ok_or(format!("{line}: {error}"))
                },
                |_| Ok(()),
            )?;
        }
        let said = &ended.stderr;
        assert!(said.contains("no room for "), "{said}");
        assert!(packets(&kept) > 0, "{kept:#?}");
        assert!(!said.contains("lines are dropped"), "{said}");
    }
    Ok(())
}

/// To the line, while no rotation is due.
fn losses_are_counted() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    for keep in ["0", "1", "3"] {
        let disk = Disk::new("size=128k,mode=0755")?;
        let size = if keep == "0" { "80K" } else { "20K" };
        let collector = disk.collect(&world, &["--max-size", size, "--keep", keep])?;
        send_datagrams(&world, Family::V4, 150, 1)?;
        wait_for_port(&disk.log(), 1149)?;
        disk.fill()?;
        send_datagrams(&world, Family::V4, 30, 1)?;
        let said = collector.end()?.stderr;
        let kept = disk.lines();
        let removed = noted(&kept, " older lines removed: ");
        assert!(removed > 0, "{kept:#?}");
        assert_eq!(packets(&kept) + removed, 180, "--keep {keep}: {said}");
        let totals = format!("want of room, and {removed} that had been written before\n");
        assert!(said.ends_with(&totals), "{said}");
    }
    Ok(())
}

/// A disk that others have filled: files are smaller, so that the older one stays.
fn less_is_kept() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let disk = Disk::new("size=256k,mode=0755")?;
    fs::write(disk.path.join("ballast"), vec![0; 200 << 10])?;
    let collector = disk.collect(&world, &["--max-size", "100K", "--keep", "1"])?;
    send_datagrams(&world, Family::V4, 1000, 1)?;
    wait_for_port(&disk.log(), 1999)?;
    let old = disk.path.join("iptables.log.1");
    let mut all = ports(&lines_of(&old))?;
    assert!(all.len() > 60, "only {} older lines are left", all.len());
    fs::remove_file(disk.path.join("ballast"))?;
    send_datagrams(&world, Family::V4, 400, 1)?;
    wait_for_port(&disk.log(), 1399)?;
    assert!(fs::metadata(disk.log())?.len() > 50_000 || fs::metadata(&old)?.len() > 50_000);
    let ended = collector.end()?;
    all.extend(ports(&ended.lines)?);
    let said = &ended.stderr;
    assert!(
        said.contains("is too full for 2 files of 102400 bytes"),
        "{said}"
    );
    assert!(
        said.contains(" 0 lines dropped for want of room\n"),
        "{said}"
    );
    Ok(())
}
