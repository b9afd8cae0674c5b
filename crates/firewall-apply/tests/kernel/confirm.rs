//! A change that is not confirmed goes back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use netns_testbed::{Failed, Tool, Trial, trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::{FAMILIES, all_rules, all_sets, tool};
use crate::machine::{AFTER, BEFORE, LONG, Machine, is_gone, listed, process_of, wait_until};
use crate::saved::start_anew;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what_nobody_confirms_goes_back_to_what_was_there",
            what_nobody_confirms_goes_back_to_what_was_there,
        ),
        trial(
            "on_a_host_without_a_firewall_nothing_is_left",
            on_a_host_without_a_firewall_nothing_is_left,
        ),
        trial("what_is_confirmed_stays", what_is_confirmed_stays),
        trial(
            "a_rollback_puts_back_what_was_put_in_by_hand",
            a_rollback_puts_back_what_was_put_in_by_hand,
        ),
        trial(
            "what_others_did_meanwhile_stays",
            what_others_did_meanwhile_stays,
        ),
        trial(
            "members_are_as_they_were_after_a_rollback",
            members_are_as_they_were_after_a_rollback,
        ),
        trial(
            "nothing_else_is_changed_while_one_waits",
            nothing_else_is_changed_while_one_waits,
        ),
        trial(
            "a_host_that_is_started_anew_has_the_confirmed_firewall",
            a_host_that_is_started_anew_has_the_confirmed_firewall,
        ),
        trial(
            "what_cannot_go_in_leaves_nothing_to_confirm",
            what_cannot_go_in_leaves_nothing_to_confirm,
        ),
        trial(
            "a_file_that_is_damaged_is_named",
            a_file_that_is_damaged_is_named,
        ),
    ]
}

/// Rules by hand in our chains and around our jump, of both families, and counters that run no
/// more.
fn by_hand() -> Result<(), Failed> {
    tool("ipset create office hash:ip")?;
    tool("ipset create office_v6 hash:ip family inet6")?;
    for ((tool_name, _), suffix) in FAMILIES.into_iter().zip(["", "_v6"]) {
        for arguments in [
            "-I INPUT 1 -i tun+ -j ACCEPT",
            "-A INPUT -p udp --dport 53 -j ACCEPT",
            "-N FOREIGN",
            "-A FOREIGN -j RETURN",
            "-A FORWARD -j FOREIGN",
            "-N DOCKER-USER",
            "-A DOCKER-USER -j RETURN",
            "-A FORWARD -j DOCKER-USER",
            "-P OUTPUT ACCEPT",
            &format!("-I FIREWALL_INPUT 2 -m set --match-set office{suffix} src,dst -j ACCEPT")
                .replace("src,dst", "src"),
            "-I FIREWALL_INPUT 3 -p tcp -m tcp --dport 5 -m limit --limit 3/min -m comment --comment byhand -j LOG_AND_ACCEPT",
            "-I FIREWALL_INPUT 4 ! -p tcp -m mark --mark 0x7 -j DROP",
            "-A LOG_AND_DROP -p udp -m multiport --dports 1,2,5:9 -j REJECT",
            "-A LOG_AND_DROP -p tcp -m hashlimit --hashlimit-name mine --hashlimit-upto 5/sec --hashlimit-mode srcip -j RETURN",
            "-A LOG_AND_DROP -m conntrack --ctstate NEW -j LOG --log-prefix x",
        ] {
            tool(&format!("{tool_name} {arguments}"))?;
        }
        let save = Tool::require(&format!("{tool_name}-save"))?.run(&["-c", "-t", "filter"])?;
        let counted = save.replace(
            "[0:0] -A FIREWALL_INPUT -i lo",
            "[7:700] -A FIREWALL_INPUT -i lo",
        );
        assert_ne!(save, counted, "{save}");
        Tool::require(&format!("{tool_name}-restore"))?
            .input(counted)
            .run(&["-c"])?;
    }
    // What only nft can say, with a comment of its own.
    let nft = Tool::require("nft")?;
    nft.run(&[
        "add rule ip filter FIREWALL_INPUT tcp dport 4242 counter accept comment \"by nft\"",
    ])?;
    nft.run(&["insert rule ip6 filter LOG_AND_ACCEPT ct state established counter accept"])?;
    Ok(())
}

/// Every way in which a rule by hand can stand there, and what becomes of it.
fn what_nobody_confirms_goes_back_to_what_was_there() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    by_hand()?;
    let (before, listed_before, sets) = (all_rules()?, listed()?, all_sets()?);
    let last = machine.last()?;
    let run = machine.apply(AFTER, &["--confirm-within", "1s"])?;
    let document = run.json()?;
    assert_eq!(document["applied"], "configuration", "{run:?}");
    assert_eq!(document["confirm"]["within"], 1, "{run:?}");
    machine.settled()?;
    assert_eq!(listed()?, listed_before);
    assert_eq!(all_rules()?, before);
    assert_eq!(all_sets()?, sets);
    assert_eq!(machine.last()?, last, "it was never confirmed");
    let run = machine.say("confirm")?.exits(2)?;
    assert!(run.stderr.contains("taken back"), "{run:?}");
    Ok(())
}

fn on_a_host_without_a_firewall_nothing_is_left() -> Result<(), Failed> {
    let machine = Machine::new()?;
    let before = listed()?;
    machine
        .apply(AFTER, &["--confirm-within", "1s"])?
        .exits(0)?;
    machine.settled()?;
    assert_eq!(listed()?, before);
    let tables = Tool::require("nft")?.run(&["list", "tables"])?;
    assert!(!tables.contains("filter"), "{tables}");
    assert_eq!(all_sets()?, "");
    Ok(())
}

fn what_is_confirmed_stays() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let run = machine
        .apply(AFTER, &["--confirm-within", "2s"])?
        .exits(0)?;
    assert!(!machine.last()?.contains("[80]"));
    let mode = fs::metadata(machine.file())?.permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let rules = all_rules()?;
    assert!(rules.contains("--dport 80"), "{rules}");
    let said = machine.say("confirm")?.exits(0)?.json()?;
    assert!(said["confirmed"].is_string(), "{said}");
    assert!(machine.last()?.contains("[80]"), "{}", machine.last()?);
    // Who waits sees it, and does nothing.
    let process = process_of(&run)?;
    wait_until("the process ends", || is_gone(process))?;
    assert_eq!(all_rules()?, rules);
    machine.say("confirm")?.exits(2)?;
    machine.say("rollback")?.exits(2)?;
    assert_eq!(all_rules()?, rules);
    Ok(())
}

fn a_rollback_puts_back_what_was_put_in_by_hand() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    by_hand()?;
    let before = listed()?;
    machine.apply(AFTER, &["--confirm-within", LONG])?;
    assert_ne!(listed()?, before);
    // The number of a set that no rule looks into any more changes with it.
    tool("ipset create filler hash:ip")?;
    for (set, family) in [("office", "inet"), ("office_v6", "inet6")] {
        tool(&format!("ipset create new hash:ip family {family}"))?;
        tool(&format!("ipset destroy {set}"))?;
        tool(&format!("ipset rename new {set}"))?;
    }
    let run = machine.say("rollback")?.exits(0)?;
    assert!(run.json()?["taken_back"].is_string(), "{run:?}");
    assert_eq!(listed()?, before);
    assert!(!machine.file().exists());
    // What was taken back can be applied again.
    machine.apply(AFTER, &[])?;
    assert!(all_rules()?.contains("--dport 80"));
    Ok(())
}

fn what_others_did_meanwhile_stays() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine
        .apply(AFTER, &["--confirm-within", LONG])?
        .exits(0)?;
    for (tool_name, _) in FAMILIES {
        for arguments in [
            "-I INPUT 1 -p udp --dport 53 -j ACCEPT",
            "-A INPUT -p udp --dport 54 -j ACCEPT",
            "-N OTHERS",
            "-A OTHERS -j LOG_AND_DROP",
        ] {
            tool(&format!("{tool_name} {arguments}"))?;
        }
    }
    let run = machine.say("rollback")?.exits(1)?;
    assert!(run.stderr.contains("LOG_AND_DROP stays"), "{run:?}");
    for (tool_name, _) in FAMILIES {
        let rules = crate::host::rules(tool_name)?;
        let expected = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
             :LOG_AND_DROP - [0:0]\n:OTHERS - [0:0]\n\
             -A INPUT -p udp -m udp --dport 53 -j ACCEPT\n-A INPUT -p udp -m udp --dport 54 -j ACCEPT\n\
             -A OTHERS -j LOG_AND_DROP\nCOMMIT\n";
        assert_eq!(sorted(&rules), sorted(expected));
    }
    Ok(())
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn members_are_as_they_were_after_a_rollback() -> Result<(), Failed> {
    let machine = Machine::new()?;
    let before = format!("{BEFORE}[sets.members]\nwhitelist = [\"192.0.2.1\", \"2001:db8::1\"]\n");
    let after = format!(
        "{AFTER}[sets.members]\nblacklist = [\"192.0.2.7\", \"192.0.2.8\", \"192.0.2.9\", \"2001:db8::7\"]\n"
    );
    machine.apply(&before, &[])?.exits(0)?;
    tool("ipset add blacklist 192.0.2.8")?;
    tool("ipset add blacklist 192.0.2.9 timeout 100000")?;
    let members = all_sets()?;
    machine
        .apply(&after, &["--confirm-within", LONG])?
        .exits(0)?;
    assert!(all_sets()?.contains("add blacklist 192.0.2.7"));
    assert!(!all_sets()?.contains("add whitelist 192.0.2.1"));
    machine.say("rollback")?.exits(0)?;
    // Seconds make no difference.
    let timeless = |sets: &str| {
        let line = |line: &str| {
            line.split(" timeout 99")
                .next()
                .map(|line| line.split(" timeout 100000").next().map(str::to_owned))
        };
        sets.lines().map(line).collect::<Vec<_>>()
    };
    let now = all_sets()?;
    assert_eq!(timeless(&now), timeless(&members));
    assert!(!now.contains("192.0.2.9 timeout 0"), "{now}");
    Ok(())
}

fn nothing_else_is_changed_while_one_waits() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    machine
        .apply(AFTER, &["--confirm-within", LONG])?
        .exits(0)?;
    let (rules, sets) = (all_rules()?, all_sets()?);
    for run in [
        machine.apply(BEFORE, &[])?,
        machine.apply(BEFORE, &["--confirm-within", LONG])?,
        machine.apply(BEFORE, &["--boot"])?,
        machine.apply(BEFORE, &["--force"])?,
        machine.reset()?,
    ] {
        let run = run.exits(2)?;
        for part in [
            "waits to be confirmed until 20",
            "`firewall-apply confirm`",
            "`firewall-apply rollback`",
        ] {
            assert!(run.stderr.contains(part), "{part}: {run:?}");
        }
    }
    assert_eq!(all_rules()?, rules);
    assert_eq!(all_sets()?, sets);
    machine.say("confirm")?.exits(0)?;
    machine.reset()?.exits(0)?;
    Ok(())
}

fn a_host_that_is_started_anew_has_the_confirmed_firewall() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let before = all_rules()?;
    let run = machine
        .apply(AFTER, &["--confirm-within", LONG])?
        .exits(0)?;
    kill(Pid::from_raw(process_of(&run)?), Signal::SIGKILL)?;
    // The second start finds no change that waits, and the configuration still there.
    for _ in 0..2 {
        start_anew()?;
        let run = machine.apply(AFTER, &["--boot"])?.exits(1)?;
        assert_eq!(run.json()?["applied"], "last", "{run:?}");
        assert!(run.stderr.contains("nobody confirmed it"), "{run:?}");
        assert_eq!(all_rules()?, before);
        assert!(!machine.file().exists());
    }
    // Who applies it without a condition wants it, from then on also at the start.
    machine.apply(AFTER, &[])?.exits(0)?;
    let after = all_rules()?;
    start_anew()?;
    machine.apply(AFTER, &["--boot"])?.exits(0)?;
    assert_eq!(all_rules()?, after);
    Ok(())
}

fn what_cannot_go_in_leaves_nothing_to_confirm() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let before = listed()?;
    machine
        .apply("[log\n", &["--confirm-within", LONG])?
        .exits(2)?;
    assert!(!machine.file().exists());
    tool("nft add table ip filter { flags dormant; }")?;
    let run = machine
        .apply(AFTER, &["--confirm-within", LONG])?
        .exits(1)?;
    assert_eq!(run.json()?["confirm"], serde_json::Value::Null);
    assert!(!machine.file().exists(), "{run:?}");
    tool("nft add table ip filter")?;
    assert_eq!(listed()?, before);
    // There has to be a file.
    let run = machine
        .apply(AFTER, &["--confirm-within", LONG, "--pending", "/dev/null"])?
        .exits(2)?;
    assert!(run.stderr.contains("--pending"), "{run:?}");
    assert_eq!(listed()?, before);
    Ok(())
}

fn a_file_that_is_damaged_is_named() -> Result<(), Failed> {
    let machine = Machine::new()?;
    machine.apply(BEFORE, &[])?.exits(0)?;
    let before = listed()?;
    machine
        .apply(AFTER, &["--confirm-within", LONG])?
        .exits(0)?;
    let whole = fs::read(machine.file())?;
    let after = listed()?;
    for damaged in [
        &b""[..],
        b"{}",
        whole.get(..whole.len() / 2).unwrap_or_default(),
        b"\xff\xfe",
    ] {
        fs::write(machine.file(), damaged)?;
        for run in [
            machine.say("confirm")?,
            machine.say("rollback")?,
            machine.apply(BEFORE, &[])?,
        ] {
            let run = run.exits(2)?;
            assert!(run.stderr.contains("cannot read"), "{run:?}");
        }
    }
    assert_eq!(listed()?, after);
    fs::write(machine.file(), whole)?;
    machine.say("rollback")?.exits(0)?;
    assert_eq!(listed()?, before);
    Ok(())
}
