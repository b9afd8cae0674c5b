//! `early-drop`: rules in table `raw` come, are shown, and go.

use netns_testbed::{Failed, Tool, Trial, trial};
use serde_json::{Value, json};

use crate::host::{FAMILIES, Scratch, firewall_apply, tool};
use crate::machine::Machine;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("early_drop_comes_and_goes", comes_and_goes),
        trial("early_drop_is_in_every_report", is_in_every_report),
        trial("early_drop_that_is_not_confirmed_goes", not_confirmed),
    ]
}

const ON: &str = "[policy]\nearly-drop = true\n";
const OFF: &str = "[policy]\nearly-drop = false\n";

/// `iptables-save -t raw`, its rules and chains of ours.
fn raw(tool: &str) -> Result<Vec<String>, Failed> {
    let text = Tool::require(&format!("{tool}-save"))?.run(&["-t", "raw"])?;
    let lines = text
        .lines()
        .filter(|line| line.starts_with("-A") || line.ends_with(" - [0:0]"));
    Ok(lines.map(str::to_owned).collect())
}

/// Somebody else's rule is there before.
fn theirs() -> Result<(), Failed> {
    for (name, _) in FAMILIES {
        tool(&format!(
            "{name} -t raw -A PREROUTING -p udp --dport 9 -j CT --notrack"
        ))?;
    }
    Ok(())
}

const THEIRS: &str = "-A PREROUTING -p udp -m udp --dport 9 -j CT --notrack";

fn comes_and_goes() -> Result<(), Failed> {
    theirs()?;
    let machine = Machine::new()?;
    let rules =
        |run: &crate::host::Run| -> Result<Value, Failed> { Ok(run.json()?["rules"].clone()) };
    assert_eq!(rules(&machine.apply(OFF, &[])?.exits(0)?)?, "put-in");
    assert_eq!(raw("iptables")?, [THEIRS]);
    for (_, what) in [(1, "put in"), (2, "again")] {
        assert_eq!(
            rules(&machine.apply(ON, &[])?.exits(0)?)?,
            "put-in",
            "{what}"
        );
        assert_eq!(
            rules(&machine.apply(ON, &[])?.exits(0)?)?,
            "unchanged",
            "{what}"
        );
        for (name, _) in FAMILIES {
            let now = raw(name)?;
            assert!(
                now.iter()
                    .any(|line| line == "-A PREROUTING -j FIREWALL_EARLY"),
                "{now:#?}"
            );
            assert!(now.iter().any(|line| line == THEIRS), "{now:#?}");
        }
        assert_eq!(
            rules(&machine.apply(OFF, &[])?.exits(0)?)?,
            "put-in",
            "{what}"
        );
        for (name, _) in FAMILIES {
            assert_eq!(raw(name)?, [THEIRS], "{what}");
        }
        assert_eq!(
            rules(&machine.apply(OFF, &[])?.exits(0)?)?,
            "unchanged",
            "{what}"
        );
    }
    // Whatever the file says, reset takes it out.
    machine.apply(ON, &[])?.exits(0)?;
    firewall_apply(&["--config", "/dev/null", "reset"])?.exits(0)?;
    for (name, _) in FAMILIES {
        assert_eq!(raw(name)?, [THEIRS]);
    }
    // A chain of that name that somebody else made is asked about, where it is wanted.
    tool("ip6tables -t raw -N FIREWALL_EARLY")?;
    tool("ip6tables -t raw -A FIREWALL_EARLY -s 2001:db8::1 -j DROP")?;
    let refused = machine.apply(ON, &[])?.exits(2)?;
    assert!(
        refused
            .stdout
            .contains("IPv6 raw chain FIREWALL_EARLY with the rule"),
        "{refused:#?}"
    );
    // Where nothing of ours shall be, it is nobody's business, also where the last one had it.
    machine.apply(OFF, &[])?.exits(0)?;
    assert_eq!(raw("ip6tables")?.len(), 3);
    machine.apply(ON, &["--adopt"])?.exits(0)?;
    Ok(())
}

fn is_in_every_report() -> Result<(), Failed> {
    let scratch = Scratch::new()?;
    let (on, off) = (scratch.file("on.toml", ON)?, scratch.file("off.toml", OFF)?);
    let of = |config: &str, arguments: &[&str]| {
        firewall_apply(&[&["--config", config], arguments].concat())
    };
    let apply = ["apply", "--saved", "/dev/null"];
    of(&on, &apply)?.exits(0)?;
    // What is ours is nobody else's.
    let run = of(&on, &["status", "--last", "/dev/null"])?.exits(0)?;
    assert!(
        run.stdout
            .contains("IPv4 raw  PREROUTING ACCEPT, OUTPUT ACCEPT"),
        "{run:#?}"
    );
    assert!(
        run.stdout.contains("PREROUTING jumps to FIREWALL_EARLY"),
        "{run:#?}"
    );
    assert!(!run.stderr.contains("table ip"), "{run:#?}");
    let status = of(&on, &["--json", "status", "--last", "/dev/null"])?
        .exits(0)?
        .json()?;
    let raw_v6 = &status["families"][2];
    assert_eq!(
        (&raw_v6["family"], &raw_v6["table"]),
        (&json!("inet6"), &json!("raw"))
    );
    let chains = raw_v6["chains"].as_array().ok_or("no chains")?;
    let rules = chains
        .iter()
        .flat_map(|chain| chain["rules"].as_array().into_iter().flatten());
    for rule in rules {
        let known = rule["purpose"] != "other" || rule["rule"].to_string().contains("addrtype");
        assert!(known, "{rule:#}");
    }
    // Also where iptables-persistent put it, so that it has lost its mark.
    for (name, _) in FAMILIES {
        let saved = Tool::require(&format!("{name}-save"))?.run(&[])?;
        Tool::require(&format!("{name}-restore"))?
            .input(saved)
            .run(&[])?;
    }
    let run = of(&on, &["status", "--last", "/dev/null"])?.exits(0)?;
    assert!(!run.stderr.contains("table ip"), "{run:#?}");
    of(&on, &["diff"])?.exits(0)?;
    let printed = of(&on, &["print"])?.exits(0)?.stdout;
    for (name, _) in FAMILIES {
        let now = raw(name)?;
        assert!(now.len() > 10, "{now:#?}");
        let missing: Vec<_> = now
            .iter()
            .filter(|line| !printed.contains(&format!("{line}\n")))
            .collect();
        assert_eq!(missing, [""; 0]);
        tool(&format!(
            "{name} -t raw -D FIREWALL_BANNED -m socket -j RETURN"
        ))?;
    }
    let run = of(&on, &["diff"])?.exits(1)?;
    for family in ["IPv4", "IPv6"] {
        let said = format!("# {family} raw\n");
        assert!(run.stdout.contains(&said), "{run:#?}");
    }
    assert!(
        run.stdout
            .contains("+-A FIREWALL_BANNED -m socket -j RETURN\n"),
        "{run:#?}"
    );
    let run = of(&on, &["status", "--last", "/dev/null"])?.exits(1)?;
    assert!(
        run.stderr.contains("IPv6 raw: chain FIREWALL_BANNED has "),
        "{run:#?}"
    );
    of(&on, &apply)?.exits(0)?;
    let run = of(&off, &["diff"])?.exits(1)?;
    assert!(
        run.stdout.contains("--A PREROUTING -j FIREWALL_EARLY\n"),
        "{run:#?}"
    );
    assert!(!run.stdout.contains('+'), "{run:#?}");
    let run = of(&off, &["status", "--last", "/dev/null"])?.exits(1)?;
    assert!(
        run.stderr
            .contains("IPv4 raw: chain FIREWALL_EARLY is still there"),
        "{run:#?}"
    );
    Ok(())
}

fn not_confirmed() -> Result<(), Failed> {
    theirs()?;
    let machine = Machine::new()?;
    machine.apply(OFF, &[])?.exits(0)?;
    let both = || -> Result<_, Failed> { Ok((raw("iptables")?, raw("ip6tables")?)) };
    let off = both()?;
    machine.apply(ON, &["--confirm-within", "1h"])?.exits(0)?;
    let on = both()?;
    assert_ne!(on, off);
    machine.say("rollback")?.exits(0)?;
    assert_eq!(both()?, off);
    machine.apply(ON, &[])?.exits(0)?;
    machine.apply(OFF, &["--confirm-within", "1h"])?.exits(0)?;
    assert_eq!(both()?, off);
    machine.say("rollback")?.exits(0)?;
    assert_eq!(both()?, on);
    Ok(())
}
