//! What stands is told: held against the stock tools, and against packets.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};

use netns_testbed::{Failed, Trial, trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::host::{DEFAULTS, FAMILIES, Run, Scratch, apply, firewall_apply, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "status_says_that_nothing_stands",
            status_says_that_nothing_stands,
        ),
        trial(
            "status_counts_what_the_stock_tools_count",
            status_counts_what_the_stock_tools_count,
        ),
        trial(
            "status_tells_services_in_words",
            status_tells_services_in_words,
        ),
        trial(
            "status_tells_how_full_sets_are",
            status_tells_how_full_sets_are,
        ),
        trial("status_fits_a_terminal", status_fits_a_terminal),
        trial(
            "status_tells_what_makes_it_void",
            status_tells_what_makes_it_void,
        ),
        trial(
            "status_tells_since_when_it_is_up",
            status_tells_since_when_it_is_up,
        ),
        trial(
            "status_watches_until_it_is_told_to_end",
            status_watches_until_it_is_told_to_end,
        ),
    ]
}

fn status(more: &[&str]) -> Result<Run, Failed> {
    let arguments = ["--config", DEFAULTS, "status", "--last", "/dev/null"];
    firewall_apply(&[&arguments, more].concat())
}

fn status_says_that_nothing_stands() -> Result<(), Failed> {
    let run = status(&[])?.exits(1)?;
    assert!(run.stdout.starts_with("firewall       not up\n"), "{run:?}");
    assert!(
        run.stderr.contains("error: no firewall stands: ")
            && run.stderr.contains("`firewall-apply`"),
        "{run:?}"
    );
    let json = status(&["--json"])?.exits(1)?.json()?;
    assert_eq!(json["up"], false);
    Ok(())
}

fn status_counts_what_the_stock_tools_count() -> Result<(), Failed> {
    apply()?.exits(0)?;
    // Packets of the host to itself, in both families.
    for address in ["127.0.0.1:7", "[::1]:7"] {
        let address: SocketAddr = address.parse()?;
        let any = if address.is_ipv4() {
            "127.0.0.1:0"
        } else {
            "[::1]:0"
        };
        for _ in 0..3 {
            UdpSocket::bind(any)?.send_to(b"x", address)?;
        }
    }
    let run = status(&["--json"])?.exits(0)?;
    let json = run.json()?;
    assert_eq!(
        (&json["up"], &json["exit_status"]),
        (&true.into(), &0.into())
    );
    for (number, (tool_name, family)) in FAMILIES.into_iter().enumerate() {
        let of_family = &json["families"][number];
        assert_eq!(of_family["family"], family);
        assert_eq!(of_family["policies"]["INPUT"], "DROP");
        assert_eq!(of_family["jumps"][0]["position"], 1);
        let chains = of_family["chains"].as_array().ok_or("no chains")?;
        assert_eq!(chains.len(), 6);
        for chain in chains {
            let name = chain["name"].as_str().unwrap_or_default();
            let listed = tool(&format!("{tool_name} -nvxL {name}"))?;
            let listed: Vec<[u64; 2]> = listed.lines().skip(2).map(counters).collect();
            let rules = chain["rules"].as_array().ok_or("no rules")?;
            let told: Vec<[u64; 2]> = rules
                .iter()
                .map(|rule| ["packets", "bytes"].map(|key| rule[key].as_u64().unwrap_or(u64::MAX)))
                .collect();
            assert_eq!(told, listed, "{name}");
        }
        let first = &chains
            .iter()
            .find(|chain| chain["name"] == "FIREWALL_INPUT")
            .ok_or("no chain")?["rules"][0];
        assert_eq!(first["purpose"], "loopback");
        assert!(first["packets"].as_u64() >= Some(3), "{first}");
    }
    Ok(())
}

/// Packets and bytes of a line of `iptables -vxL`.
fn counters(line: &str) -> [u64; 2] {
    let mut words = line
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(u64::MAX));
    [(); 2].map(|()| words.next().unwrap_or(u64::MAX))
}

/// Over loopback nothing gets as far as the services, so that rules put those packets back.
fn status_tells_services_in_words() -> Result<(), Failed> {
    apply()?.exits(0)?;
    for (tool_name, _) in FAMILIES {
        tool(&format!("{tool_name} -D FIREWALL_INPUT 1"))?;
    }
    let listeners = ["127.0.0.1:22", "[::1]:22"].map(TcpListener::bind);
    for listener in listeners {
        let listener = listener?;
        for _ in 0..2 {
            TcpStream::connect(listener.local_addr()?)?;
        }
    }
    // The rule that was taken out is told.
    let run = status(&[])?.exits(1)?;
    assert!(run.stderr.contains("chain FIREWALL_INPUT has"), "{run:?}");
    let ssh: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("  ssh "))
        .collect();
    assert_eq!(ssh.len(), 2, "{}", run.stdout);
    for line in ssh {
        assert!(line.ends_with("  2 new connections"), "{line}");
    }
    Ok(())
}

fn status_tells_how_full_sets_are() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let config = scratch.file("firewall.toml", "[sets]\nmaxelem = 5\n")?;
    firewall_apply(&["--config", &config, "apply", "--saved", "/dev/null"])?.exits(0)?;
    tool("ipset add blacklist 192.0.2.1 timeout 600")?;
    tool("ipset add blacklist 192.0.2.2 timeout 86400")?;
    tool("ipset add blacklist_v6 2001:db8::1")?;
    let arguments = [
        "--config",
        &config,
        "--json",
        "status",
        "--last",
        "/dev/null",
    ];
    let json = firewall_apply(&arguments)?.exits(0)?.json()?;
    let set = |name: &str| -> Result<Value, Failed> {
        let mut sets = json["sets"].as_array().into_iter().flatten();
        Ok(sets
            .find(|set| set["name"] == name)
            .ok_or("no such set")?
            .clone())
    };
    let blacklist = set("blacklist")?;
    assert_eq!(
        (&blacklist["entries"], &blacklist["maxelem"]),
        (&2.into(), &5.into())
    );
    assert_eq!(blacklist["permanent"], 0);
    let end = |key: &str| blacklist[key].as_u64().unwrap_or_default();
    assert!((500..=600).contains(&end("next_expiry")), "{blacklist}");
    assert!(
        (86_300..=86_400).contains(&end("last_expiry")),
        "{blacklist}"
    );
    let listed = tool("ipset list -t blacklist")?;
    assert!(
        listed.contains(&format!("Size in memory: {}\n", blacklist["memory"])),
        "{listed}"
    );
    assert_eq!(set("blacklist_v6")?["permanent"], 1);
    for last in 3..=4 {
        tool(&format!("ipset add blacklist 192.0.2.{last}"))?;
    }
    let run = firewall_apply(&["--config", &config, "status", "--last", "/dev/null"])?.exits(0)?;
    assert!(
        run.stderr
            .contains("set \"blacklist\" is 80 % full (4 of 5)"),
        "{run:?}"
    );
    tool("ipset -exist del blacklist_v6 2001:db8::1")?;
    Ok(())
}

fn status_fits_a_terminal() -> Result<(), Failed> {
    apply()?.exits(0)?;
    tool("ipset add blacklist 192.0.2.1 timeout 600")?;
    let run = status(&[])?.exits(0)?;
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.contains('\x1b'), "{line:?}");
    }
    assert!(
        run.stdout
            .contains("IPv4  INPUT DROP, FORWARD DROP, OUTPUT ACCEPT\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("[#.........]"), "{}", run.stdout);
    // Each rule of ours is there for something that has a name.
    assert!(
        run.stdout.contains("rules of your own") && !run.stdout.contains("FIREWALL_INPUT rule"),
        "{}",
        run.stdout
    );
    Ok(())
}

fn status_tells_what_makes_it_void() -> Result<(), Failed> {
    apply()?.exits(0)?;
    status(&[])?.exits(0)?;
    tool("iptables -I INPUT -p tcp --dport 23 -j ACCEPT")?;
    let weak = status(&[])?.exits(0)?;
    assert!(
        weak.stdout.contains("behind 1 rule of others"),
        "{}",
        weak.stdout
    );
    assert!(
        weak.stderr
            .contains("warning: rule 1 of the IPv4 chain INPUT does ACCEPT"),
        "{weak:?}"
    );
    tool("ip6tables -I INPUT -j ACCEPT")?;
    let void = status(&[])?.exits(1)?;
    assert!(
        void.stderr
            .contains("rule 1 of the IPv6 chain INPUT does ACCEPT with every packet"),
        "{void:?}"
    );
    tool("ip6tables -D INPUT 1")?;
    tool("iptables -F LOG_AND_DROP")?;
    let emptied = status(&[])?.exits(1)?;
    assert!(
        emptied.stderr.contains("chain LOG_AND_DROP has 0 rules"),
        "{emptied:?}"
    );
    tool("nft flush ruleset")?;
    status(&[])?.exits(1)?;
    Ok(())
}

fn status_tells_since_when_it_is_up() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let last = scratch.path("last.toml").to_string_lossy().into_owned();
    let apply = [
        "--config",
        DEFAULTS,
        "apply",
        "--saved",
        "/dev/null",
        "--last",
        &last,
    ];
    firewall_apply(&apply)?.exits(0)?;
    let look = |config: &str| {
        firewall_apply(&["--config", config, "--json", "status", "--last", &last])?
            .exits(0)?
            .json()
    };
    let json = look(DEFAULTS)?;
    let kept = std::fs::read_to_string(&last)?;
    let since = json["since"].as_str().ok_or("no time")?;
    assert!(
        kept.contains(&format!("applied={since}")),
        "{since}: {kept}"
    );
    assert_eq!(
        (&json["since_from"], &json["changed"]),
        (&Value::from(&*last), &false.into())
    );
    // Another configuration that has not gone in is no fault of what stands.
    let other = scratch.file("firewall.toml", "service = []\n")?;
    assert_eq!(look(&other)?["changed"], true);
    tool("nft flush ruleset")?;
    let run = firewall_apply(&["--config", DEFAULTS, "status", "--last", &last])?.exits(1)?;
    assert!(run.stderr.contains("although one went in at"), "{run:?}");
    Ok(())
}

/// Ends a process that a failing trial would leave behind.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn status_watches_until_it_is_told_to_end() -> Result<(), Failed> {
    apply()?.exits(0)?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let child = Command::new(env!("CARGO_BIN_EXE_firewall-apply"))
            .args([
                "--config",
                DEFAULTS,
                "status",
                "--last",
                "/dev/null",
                "--watch",
                "1",
            ])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut watching = Watching(child);
        let out = watching.0.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(out).lines();
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let (mut blocks, mut rate) = (0, false);
        for line in &mut lines {
            let line = line?;
            if line.starts_with("firewall ") {
                blocks += 1;
                socket.send_to(b"x", "127.0.0.1:7")?;
            }
            rate |= line.starts_with("  loopback") && line.ends_with("/s)");
            if blocks >= 2 && rate {
                break;
            }
        }
        assert!(rate, "no rate");
        kill(Pid::from_raw(i32::try_from(watching.0.id())?), signal)?;
        // What is left is read, so that it can be written.
        lines.by_ref().for_each(drop);
        assert_eq!(watching.0.wait()?.code(), Some(0));
    }
    let run = firewall_apply(&["--json", "status", "--watch"])?.exits(2)?;
    assert!(run.stderr.contains("--watch has no end"), "{run:?}");
    Ok(())
}
