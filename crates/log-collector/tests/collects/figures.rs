//! The file of `--textfile`, read by what reads figures.

use std::fs;

use netns_testbed::{Failed, Family, MetricsRead, MetricsText, Trial, World, read_metrics, trial};

use crate::{Collector, DROPPED, rules, send_datagrams, wait_for};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("figures::are_those_of_the_log", are_those_of_the_log),
        trial("figures::do_not_hold_up_the_log", do_not_hold_up_the_log),
    ]
}

fn are_those_of_the_log() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("collector.prom");
    let file = path.to_str().ok_or("a path")?;
    let collector = Collector::start(&world, &["--textfile", file])?;
    let look = || -> Result<MetricsRead, Failed> {
        read_metrics(&MetricsText::Prometheus(fs::read_to_string(&path)?))
    };
    // It is there before the first packet.
    wait_for("the file", || path.exists())?;
    assert_eq!(
        look()?.value("rampart_collector_lines_total", &[]),
        Some(0.0)
    );
    for family in [Family::V4, Family::V6] {
        send_datagrams(&world, family, 20, 1)?;
    }
    collector.wait_for_lines(40)?;
    wait_for("newer figures", || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        text.contains("rampart_collector_lines_total{textfile=\"collector\"} 40\n")
    })?;
    send_datagrams(&world, Family::V6, 3, 1)?;
    collector.end()?;
    let read = look()?;
    assert_eq!(read.value("rampart_collector_lines_total", &[]), Some(43.0));
    assert_eq!(
        read.value("rampart_collector_lost_packets_total", &[]),
        Some(0.0)
    );
    Ok(())
}

/// A file that cannot be written is told, and the log goes on.
fn do_not_hold_up_the_log() -> Result<(), Failed> {
    let world = World::new()?;
    rules(&world, DROPPED)?;
    let collector = Collector::start(&world, &["--textfile", "/nonexistent/x.prom"])?;
    send_datagrams(&world, Family::V4, 5, 1)?;
    collector.wait_for_lines(5)?;
    let ended = collector.end()?;
    assert!(ended.stderr.contains("/nonexistent"), "{}", ended.stderr);
    Ok(())
}
