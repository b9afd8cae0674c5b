//! The figures of `status`, read by what reads figures and held against the stock tools.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use netns_testbed::{Failed, MetricsRead, MetricsText, Trial, read_metrics, trial};

use crate::host::{DEFAULTS, FAMILIES, Run, Scratch, apply, firewall_apply, text, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "figures_are_those_of_the_stock_tools",
            figures_are_those_of_the_stock_tools,
        ),
        trial(
            "figures_tell_what_makes_it_void",
            figures_tell_what_makes_it_void,
        ),
        trial("figures_of_a_file_are_whole", figures_of_a_file_are_whole),
    ]
}

fn status(config: &str, more: &[&str]) -> Result<Run, Failed> {
    let arguments = ["--config", config, "status", "--last", "/dev/null"];
    firewall_apply(&[&arguments, more].concat())
}

fn figures(config: &str, exit: i32) -> Result<MetricsRead, Failed> {
    let run = status(config, &["--openmetrics"])?.exits(exit)?;
    read_metrics(&MetricsText::OpenMetrics(run.stdout))
}

fn figures_are_those_of_the_stock_tools() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", "[sets]\nmaxelem = 5\n")?;
    firewall_apply(&["--config", &config, "apply", "--saved", "/dev/null"])?.exits(0)?;
    // Packets of the host to itself, in both families; then as if they came from outside, where
    // nothing listens.
    for (any, to) in [("127.0.0.1:0", "127.0.0.1:7"), ("[::1]:0", "[::1]:7")] {
        let to: SocketAddr = to.parse()?;
        for _ in 0..3 {
            UdpSocket::bind(any)?.send_to(b"x", to)?;
        }
    }
    for (name, _) in FAMILIES {
        tool(&format!("{name} -D FIREWALL_INPUT 1"))?;
    }
    for (any, to) in [("127.0.0.1:0", "127.0.0.1:7"), ("[::1]:0", "[::1]:7")] {
        let to: SocketAddr = to.parse()?;
        for _ in 0..2 {
            UdpSocket::bind(any)?.send_to(b"x", to)?;
        }
    }
    for last in 1..=4 {
        tool(&format!("ipset add blacklist 192.0.2.{last} timeout 600"))?;
    }
    tool("ipset add blacklist_v6 2001:db8::1")?;

    // A rule is missing, which is said.
    let read = figures(&config, 1)?;
    // Two in each family.
    let blocked = read.sum("rampart_rule_packets_total", &[("decision", "blocked")]);
    assert!((blocked - 4.0).abs() < 0.5, "{blocked}");
    for (name, family) in FAMILIES {
        let mut rules = 0;
        for chain in ["FIREWALL_INPUT", "LOG_AND_DROP", "LOG_AND_ACCEPT"] {
            let listed = tool(&format!("{name} -nvxL {chain}"))?;
            for (line, number) in listed.lines().skip(2).zip(1_u32..) {
                let mut words = line.split_whitespace().map(str::parse::<f64>);
                let number = number.to_string();
                let labels = [
                    ("family", family),
                    ("table", "filter"),
                    ("chain", chain),
                    ("number", &*number),
                ];
                for metric in ["rampart_rule_packets_total", "rampart_rule_bytes_total"] {
                    let listed = words.next().ok_or("no counter")??;
                    assert_eq!(read.value(metric, &labels), Some(listed), "{labels:?}");
                }
                rules += 1;
            }
        }
        assert!(rules > 20, "{rules}");
        let policy = [("family", family), ("chain", "INPUT")];
        let drop = [&policy[..], &[("policy", "DROP")]].concat();
        assert_eq!(read.value("rampart_policy", &drop), Some(1.0));
        assert_eq!(
            read.value("rampart_policy_as_configured", &policy),
            Some(1.0)
        );
        let jump = [("family", family), ("from", "INPUT")];
        assert_eq!(read.value("rampart_jump_position", &jump), Some(1.0));
    }
    let set = |metric, set| read.value(metric, &[("set", set)]);
    assert_eq!(set("rampart_set_entries", "blacklist"), Some(4.0));
    assert_eq!(set("rampart_set_permanent_entries", "blacklist"), Some(0.0));
    assert_eq!(
        set("rampart_set_permanent_entries", "blacklist_v6"),
        Some(1.0)
    );
    assert_eq!(set("rampart_set_max_entries", "blacklist"), Some(5.0));
    assert_eq!(set("rampart_set_nearly_full", "blacklist"), Some(1.0));
    assert_eq!(set("rampart_set_nearly_full", "blacklist_v6"), Some(0.0));
    let memory = set("rampart_set_memory_bytes", "blacklist").ok_or("no size")?;
    let listed = tool("ipset list -t blacklist")?;
    assert!(
        listed.contains(&format!("Size in memory: {memory}\n")),
        "{listed}"
    );
    // Whoever is in a set is nobody's label.
    for (label, said) in read.labels() {
        assert!(
            !said.contains("192.0.2.") && !said.contains("2001:db8"),
            "{label}: {said}"
        );
    }
    Ok(())
}

fn figures_tell_what_makes_it_void() -> Result<(), Failed> {
    let up = |read: &MetricsRead| read.value("rampart_firewall_up", &[]);
    let problems = |read: &MetricsRead, severity| {
        read.value("rampart_firewall_problems", &[("severity", severity)])
    };
    let before = figures(DEFAULTS, 1)?;
    assert_eq!(up(&before), Some(0.0));
    assert!(problems(&before, "error") >= Some(1.0));
    apply()?.exits(0)?;
    let read = figures(DEFAULTS, 0)?;
    assert_eq!(
        (up(&read), problems(&read, "error")),
        (Some(1.0), Some(0.0))
    );
    let weak = problems(&read, "warning").ok_or("no warnings")?;
    assert_eq!(read.value("rampart_firewall_pending", &[]), Some(0.0));

    tool("iptables -P INPUT ACCEPT")?;
    tool("ip6tables -I INPUT -p tcp --dport 23 -j ACCEPT")?;
    let read = figures(DEFAULTS, 1)?;
    let as_configured = |family| {
        let labels = [("family", family), ("chain", "INPUT")];
        read.value("rampart_policy_as_configured", &labels)
    };
    assert_eq!(
        (as_configured("inet"), as_configured("inet6")),
        (Some(0.0), Some(1.0))
    );
    assert!(problems(&read, "error") >= Some(1.0));
    assert!(problems(&read, "warning") > Some(weak));
    let jump = [("family", "inet6"), ("from", "INPUT")];
    assert_eq!(read.value("rampart_jump_position", &jump), Some(2.0));

    tool("nft flush ruleset")?;
    tool("ipset destroy blacklist")?;
    let read = figures(DEFAULTS, 1)?;
    assert_eq!(up(&read), Some(0.0));
    let missing = [("set", "blacklist")];
    assert_eq!(read.value("rampart_set_present", &missing), Some(0.0));
    assert_eq!(read.value("rampart_set_entries", &missing), None);
    Ok(())
}

/// The exit status is that of the file, so that a unit which has written it has not failed.
fn figures_of_a_file_are_whole() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let path = scratch.path("firewall.prom");
    let write = |path: &str| status(DEFAULTS, &["--textfile", path]);
    let look = || -> Result<MetricsRead, Failed> {
        let run = write(&text(&path))?.exits(0)?;
        assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o7777, 0o644);
        read_metrics(&MetricsText::Prometheus(fs::read_to_string(&path)?))
    };
    assert_eq!(look()?.value("rampart_firewall_up", &[]), Some(0.0));
    let first = fs::metadata(&path)?.ino();
    apply()?.exits(0)?;
    let read = look()?;
    assert_eq!(read.value("rampart_firewall_up", &[]), Some(1.0));
    assert_eq!(read.kind("rampart_rule_packets_total"), Some("counter"));
    // Nobody reads half of it: it is another file.
    assert_ne!(fs::metadata(&path)?.ino(), first);
    let directory = path.parent().ok_or("no directory")?;
    assert_eq!(fs::read_dir(directory)?.count(), 1);

    let link = scratch.path("link.prom");
    symlink("/etc/hostname", &link)?;
    let run = write(&text(&link))?.exits(1)?;
    assert!(run.stderr.contains("symbolic link"), "{run:?}");
    let run = write("/nonexistent/firewall.prom")?.exits(1)?;
    assert!(run.stderr.contains("/nonexistent"), "{run:?}");
    let run = write("/etc/hostname")?.exits(2)?;
    assert!(run.stderr.contains(".prom"), "{run:?}");
    Ok(())
}
