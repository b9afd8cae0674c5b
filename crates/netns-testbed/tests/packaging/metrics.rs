//! The alerts and the dashboard, with Prometheus' own checker and the figures of the programs.
#![expect(
    clippy::indexing_slicing,
    reason = "JSON that lacks something is null there, which fails the trial"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use netns_testbed::{Failed, MetricsText, Tool, Trial, program, read_metrics, trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::{packaging, text_of, utf8, wait_for};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("metrics::alerts_fire_when_they_should", alerts_fire),
        trial("metrics::dashboard_is_valid", dashboard_is_valid),
        trial("metrics::what_is_asked_for_is_written", what_is_asked_for),
        trial("metrics::units_write_where_they_may", units_write),
    ]
}

const ALERTS: &str = "metrics/rampart-alerts.yml";
const DASHBOARD: &str = "metrics/rampart-dashboard.json";

fn alerts_fire() -> Result<(), Failed> {
    let promtool = Tool::require("promtool")?;
    promtool.run(&["check", "rules", utf8(&packaging(ALERTS))?])?;
    let tests = packaging("tests/alerts.yml");
    promtool.run(&["test", "rules", utf8(&tests)?])?;
    // Each alert has a case in which it fires, and one in which it does not.
    let (alerts, tests) = (text_of(ALERTS)?, text_of("tests/alerts.yml")?);
    let names = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let mut known = 0;
    for name in names {
        known += 1;
        let silent = format!("{{eval_time: 60m, alertname: {name}}}");
        assert!(tests.contains(&silent), "{name} is never silent");
        let fires = format!("alertname: {name}\n        exp_alerts:");
        assert!(tests.contains(&fires), "{name} never fires");
    }
    assert!(known > 10, "{known}");
    Ok(())
}

/// Each panel has its place, and nothing of it lies over another's.
fn dashboard_is_valid() -> Result<(), Failed> {
    let dashboard: Value = serde_json::from_str(&text_of(DASHBOARD)?)?;
    assert_eq!(dashboard["title"], "Rampart");
    let panels = dashboard["panels"].as_array().ok_or("no panels")?;
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in panels {
        let place = |key: &str| panel["gridPos"][key].as_u64().ok_or("no place");
        let (x, y, w, h) = (place("x")?, place("y")?, place("w")?, place("h")?);
        assert!(x + w <= 24, "{panel}");
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} lies over another", panel["title"]);
        }
        let targets = panel["targets"].as_array();
        assert!(
            panel["type"] == "row" || targets.is_some_and(|all| !all.is_empty()),
            "{panel}"
        );
    }
    Ok(())
}

/// The expressions of the dashboard, with the values that Grafana puts in.
fn expressions() -> Result<Vec<String>, Failed> {
    let dashboard: Value = serde_json::from_str(&text_of(DASHBOARD)?)?;
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    let targets = panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let expressions = targets.filter_map(|target| target["expr"].as_str());
    let filled = expressions.map(|text| {
        text.replace("$__rate_interval", "5m")
            .replace("$instance", ".*")
    });
    Ok(filled.collect())
}

/// Every metric that the dashboard or an alert speaks of is one that a program writes, and Prometheus
/// understands each expression.
fn what_is_asked_for() -> Result<(), Failed> {
    let expressions = expressions()?;
    assert!(expressions.len() > 25, "{}", expressions.len());
    let directory = tempfile::tempdir()?;
    let mut rules = String::from("groups:\n- name: dashboard\n  rules:\n");
    for (expression, number) in expressions.iter().zip(1..) {
        assert!(!expression.contains('$'), "{expression}");
        let quoted = serde_json::to_string(expression)?;
        let _ = writeln!(rules, "  - record: panel_{number}\n    expr: {quoted}");
    }
    let file = directory.path().join("dashboard.yml");
    fs::write(&file, rules)?;
    Tool::require("promtool")?.run(&["check", "rules", utf8(&file)?])?;

    let written = written(directory.path())?;
    let alerts = text_of(ALERTS)?;
    let asked = expressions.iter().map(String::as_str).chain([&*alerts]);
    let words = asked.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    let asked: BTreeSet<_> = words.filter(|word| word.starts_with("rampart_")).collect();
    assert!(asked.len() > 25, "{asked:?}");
    let missing: Vec<_> = asked
        .iter()
        .filter(|name| !written.contains(**name))
        .collect();
    assert!(missing.is_empty(), "{missing:?} are in none of {written:?}");
    Ok(())
}

/// The names of all that the programs write.
fn written(directory: &Path) -> Result<BTreeSet<String>, Failed> {
    let path = |name: &str| directory.join(name);
    let run = |command: &mut Command| -> Result<(), Failed> {
        let output = command
            .stdin(Stdio::null())
            .current_dir(directory)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
        Ok(())
    };
    let firewall = || {
        let mut command = Command::new(program("firewall-apply"));
        command.args(["--config", "/dev/null"]);
        command
    };
    run(firewall().args(["apply", "--saved", "/dev/null", "--last", "last.toml"]))?;
    run(firewall().args([
        "status",
        "--last",
        "last.toml",
        "--textfile",
        "firewall.prom",
    ]))?;
    let rules = packaging("rampart/scan.toml");
    fs::write(path("fw.log"), "")?;
    let scanner = || {
        let mut command = Command::new(program("log-scanner"));
        command.arg("--rules").arg(&rules);
        command
    };
    run(scanner().args(["--log", "fw.log", "--textfile", "scan.prom"]))?;
    let mut follow = Command::new(program("log-scanner"));
    follow.arg("follow").arg("--rules").arg(&rules);
    run(follow.args(["--log", "-", "--textfile", "live.prom"]))?;
    let mut collector = Command::new(program("log-collector"))
        .args(["--output", "collected.log", "--textfile", "collector.prom"])
        .current_dir(directory)
        .spawn()?;
    wait_for("the collector's figures", || {
        path("collector.prom").exists()
    })?;
    kill(
        Pid::from_raw(i32::try_from(collector.id())?),
        Signal::SIGTERM,
    )?;
    assert!(collector.wait()?.success());
    let mut names = BTreeSet::new();
    for file in ["firewall.prom", "scan.prom", "live.prom", "collector.prom"] {
        let text = fs::read_to_string(path(file))?;
        let read = read_metrics(&MetricsText::Prometheus(text))?;
        names.extend(read.names().map(str::to_owned));
    }
    // They can stand in one directory: no series is in two of them.
    let all: String = ["firewall.prom", "scan.prom", "live.prom", "collector.prom"]
        .iter()
        .map(|file| fs::read_to_string(path(file)))
        .collect::<Result<_, _>>()?;
    let series = all.lines().filter(|line| !line.starts_with('#'));
    let series: Vec<_> = series.filter_map(|line| line.rsplit_once(' ')).collect();
    let distinct: BTreeSet<_> = series.iter().map(|(series, _)| series).collect();
    assert_eq!(distinct.len(), series.len());
    Ok(names)
}

/// The directory of the figures is there from boot on, and every unit that writes there may.
fn units_write() -> Result<(), Failed> {
    const DIRECTORY: &str = "/run/rampart-metrics";
    for system in ["rampart", "rampart-ubuntu"] {
        let made = text_of(&format!("tmpfiles.d/{system}.conf"))?;
        assert!(
            made.contains(&format!("\nd {DIRECTORY} 0775 root adm -\n")),
            "{made}"
        );
    }
    let mut files = BTreeSet::new();
    for unit in ["metrics", "scan", "live", "collector"] {
        let text = text_of(&format!("systemd/rampart-{unit}.service"))?;
        let written = text.split_once(" --textfile ").and_then(|(_, rest)| {
            let end = rest.find([' ', '\n'])?;
            rest.get(..end)
        });
        let written = written.ok_or_else(|| format!("{unit} writes no figures"))?;
        let file = written.strip_prefix(&format!("{DIRECTORY}/"));
        assert!(
            file.and_then(|file| file.strip_suffix(".prom")).is_some(),
            "{written}"
        );
        assert!(
            files.insert(written.to_owned()),
            "{written} is written by two"
        );
        assert!(
            text.contains(&format!("\nReadWritePaths=-{DIRECTORY}\n")),
            "{unit}"
        );
    }
    Ok(())
}
