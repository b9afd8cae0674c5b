//! What is lost is told, to the packet.

use std::fs;

use netns_testbed::{Failed, Family, Tool, Trial, World, trial};
use nix::sys::signal::Signal;

use crate::{Collector, DROPPED, kernel_part, rules, send_datagrams, wait_for};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("losses::none_at_the_end", none_at_the_end),
        trial("losses::are_counted", are_counted),
        trial("losses::are_told_without_number", are_told_without_number),
        trial("losses::an_interface_that_is_gone", interface_gone),
    ]
}

/// Packets that the kernel still keeps to gather more are written before the program ends.
fn none_at_the_end() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    for round in 1..=5_u16 {
        let collector = Collector::start(&world, &[])?;
        send_datagrams(&world, Family::V6, 40 * round, 1)?;
        let ended = collector.end()?;
        assert_eq!(ended.lines.len(), usize::from(40 * round));
        let said = format!(
            "log-collector: {} lines written, 0 packets lost",
            40 * round
        );
        assert!(ended.stderr.starts_with(&said), "{}", ended.stderr);
    }
    Ok(())
}

/// A collector that was stopped while more came than any buffer holds: of each packet the kernel
/// copies a kilobyte.
fn overrun(world: &World) -> Result<Collector, Failed> {
    let collector = Collector::start(world, &[])?;
    send_datagrams(world, Family::V4, 10, 1)?;
    collector.wait_for_lines(10)?;
    collector.signal(Signal::SIGSTOP)?;
    send_datagrams(world, Family::V4, 60_000, 1300)?;
    // The last ones wait for more, a tenth of a second long. Would they still, when the collector
    // goes on, they would be read, and tell by their number how many are missing.
    wait_for("nothing to be kept back", || {
        world.gateway.run(|| queued() == Some(0))
    })?;
    Ok(collector)
}

/// How many packets the kernel keeps back for group 5, to hand over more at once.
fn queued() -> Option<u32> {
    let groups = fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_log").ok()?;
    let mut groups = groups.lines().map(str::split_ascii_whitespace);
    // Group, port, queue.
    let mut group = groups.find(|words| words.clone().next() == Some("5"))?;
    group.nth(2)?.parse().ok()
}

/// Written and lost are together what the rule counted.
fn are_counted() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let collector = overrun(&world)?;
    collector.signal(Signal::SIGCONT)?;
    // The kernel gives nothing more until all that it kept has been read; the first packet after
    // that tells.
    wait_for("the loss to be told", || {
        let sent = send_datagrams(&world, Family::V4, 1, 1);
        sent.is_err() || collector.lines().iter().any(|line| lost(line).is_some())
    })?;
    let ended = collector.end()?;

    let iptables = Tool::require("iptables")?;
    let rule = world.gateway.run(|| iptables.run(&["-nvxL", "INPUT"]))?;
    let counted: u64 = rule
        .lines()
        .find(|line| line.contains("NFLOG"))
        .and_then(|line| line.split_whitespace().next())
        .ok_or("the rule is gone")?
        .parse()?;
    let lost: u64 = ended.lines.iter().filter_map(|line| lost(line)).sum();
    let written = ended
        .lines
        .iter()
        .filter(|line| !kernel_part(line).is_empty());
    let written = u64::try_from(written.count())?;
    assert!(lost > 0, "nothing was lost of {counted}: {}", ended.stderr);
    assert_eq!(written + lost, counted, "{}", ended.stderr);
    let said = format!("{lost} packets lost before they were read");
    assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    Ok(())
}

/// The number in a line that tells of a loss.
fn lost(line: &str) -> Option<u64> {
    let note = line.split_once(" log-collector: ")?.1;
    note.strip_suffix(" packets lost")?.parse().ok()
}

/// Where no packet comes that would tell how many, at least that some were.
fn are_told_without_number() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    for at_the_end in [false, true] {
        let collector = overrun(&world)?;
        if at_the_end {
            // Both are pending when it goes on: it reads what there is, and ends.
            collector.signal(Signal::SIGTERM)?;
        }
        collector.signal(Signal::SIGCONT)?;
        let untold = " log-collector: packets lost, how many is not known";
        if !at_the_end {
            wait_for("the loss to be told", || {
                collector.lines().iter().any(|line| line.ends_with(untold))
            })?;
        }
        let ended = collector.end()?;
        let last = ended.lines.last().ok_or("no line")?;
        assert!(last.ends_with(untold), "{last}");
    }
    Ok(())
}

fn interface_gone() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let index = world.gateway.eth0().index;
    for known in [false, true] {
        let world = World::new()?;
        rules(&world, DROPPED)?;
        let collector = Collector::start(&world, &[])?;
        if known {
            send_datagrams(&world, Family::V4, 1, 1)?;
            collector.wait_for_lines(1)?;
        }
        collector.signal(Signal::SIGSTOP)?;
        send_datagrams(&world, Family::V4, 3, 1)?;
        let ip = Tool::require("ip")?;
        world.gateway.run(|| ip.run(&["link", "delete", "eth0"]))?;
        collector.signal(Signal::SIGCONT)?;
        let lines = collector.end()?.lines;
        assert_eq!(lines.len(), 3 + usize::from(known), "{lines:#?}");
        let name = if known {
            "eth0".to_owned()
        } else {
            format!("if{index}")
        };
        for line in &lines {
            assert!(
                kernel_part(line).contains(&format!(" IN={name} OUT= MAC=")),
                "{line}"
            );
        }
    }
    Ok(())
}
