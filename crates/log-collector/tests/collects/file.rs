//! The file: rotated, moved, and on a disk that is full.

use std::fs;
use std::path::Path;

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

/// Waits until the packet to `port`, the last that was sent, is in the log: from then on no file is moved.
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

fn full_disk() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let directory = TempDir::new()?;
    let disk = directory.path().join("ram");
    fs::create_dir(&disk)?;
    let options = Some("size=64k,mode=0755");
    mount(
        Some("tmpfs"),
        &disk,
        Some("tmpfs"),
        MsFlags::empty(),
        options,
    )?;
    let mounted = disk.clone();
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![0; 40 << 10])?;
    let result = full_disk_at(&world, directory, &disk.join("iptables.log"), &ballast);
    umount2(&mounted, MntFlags::MNT_DETACH)?;
    result
}

fn full_disk_at(
    world: &World,
    directory: TempDir,
    log: &Path,
    ballast: &Path,
) -> Result<(), Failed> {
    let collector = Collector::start_at(world, &[], directory, log.to_owned())?;
    // Of about 200 bytes each; the kernel hands over several hundred at once.
    send_datagrams(world, Family::V4, 1000, 1)?;
    wait_for("whole lines to the end of the disk", || {
        fs::read(log).is_ok_and(|log| log.len() > 20_000 && log.ends_with(b"\n"))
    })?;
    fs::remove_file(ballast)?;
    send_datagrams(world, Family::V4, 1, 1)?;
    let ended = collector.end()?;
    let dropped: usize = ended
        .lines
        .iter()
        .filter_map(|line| {
            let (_, note) = line.split_once(" log-collector: ")?;
            note.split_once(" lines dropped: ")
        })
        .map(|(number, _)| number.parse().unwrap_or(0))
        .sum();
    let packets = ended
        .lines
        .iter()
        .filter(|line| !kernel_part(line).is_empty());
    assert!(dropped > 0, "{:#?}", ended.lines);
    assert_eq!(packets.count() + dropped, 1001, "{}", ended.stderr);
    let said = &ended.stderr;
    assert!(said.contains("No space left on device"), "{said}");
    Ok(())
}
