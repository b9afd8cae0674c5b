//! Programs that have chains and jumps of their own: all of it stays as it is and where it is.

use netns_testbed::{Failed, Tool, Trial, trial};

use crate::host::{DEFAULTS, FAMILIES, Scratch, firewall_apply};

pub(crate) fn trials() -> Vec<Trial> {
    OTHERS
        .into_iter()
        .map(|other| {
            let name = format!("rules_of_{}_stay_as_they_are", other.name);
            trial(name, move || stays(&other))
        })
        .collect()
}

/// A program and the rules it makes, as `iptables-restore` and `ip6tables-restore` read them.
struct Other {
    name: &'static str,
    rules: [&'static str; 2],
}

macro_rules! other {
    ($name:literal) => {
        Other {
            name: $name,
            rules: [
                include_str!(concat!("../others/", $name, ".ipv4")),
                include_str!(concat!("../others/", $name, ".ipv6")),
            ],
        }
    };
}

const OTHERS: [Other; 4] = [
    other!("docker"),
    other!("fail2ban"),
    other!("libvirt"),
    other!("kubernetes"),
];

fn stays(other: &Other) -> Result<(), Failed> {
    let families = FAMILIES.into_iter().zip(other.rules);
    for ((tool, _), rules) in families.clone() {
        Tool::require(&format!("{tool}-restore"))?
            .input(rules)
            .run(&[])?;
    }
    let before = everything()?;
    // What the kernel made of it is what that program wrote.
    for (((_, rules), saved), (tool, _)) in families.zip(&before).zip(FAMILIES) {
        for line in rules.lines().filter(|line| line.starts_with("-A")) {
            assert!(saved.contains(&format!("{line}\n")), "{tool}: {line}");
        }
    }
    let scratch = Scratch::new()?;
    let another = scratch.file(
        "firewall.toml",
        "service = []\n[policy]\nforward = \"untouched\"\n",
    )?;
    let protecting = scratch.file("protecting.toml", "[forward]\nprotect = true\n")?;
    // Put in, found there, put in anew, put in otherwise.
    for (config, and_then) in [
        (DEFAULTS, None),
        (DEFAULTS, None),
        (DEFAULTS, Some("LOG_AND_DROP")),
        (&*protecting, None),
        (&*protecting, None),
        (&*another, None),
        (&*protecting, None),
    ] {
        if let Some(chain) = and_then {
            for (tool, _) in FAMILIES {
                Tool::require(tool)?.run(&["-A", chain, "-j", "RETURN"])?;
            }
        }
        firewall_apply(&["--config", config, "apply", "--saved", "/dev/null"])?.exits(0)?;
        let after = everything()?;
        assert!(
            after
                .iter()
                .all(|text| text.contains("-A INPUT -j FIREWALL_INPUT\n"))
        );
        let had_host = before.clone().map(|text| text.contains(HOST));
        let after = after.map(|text| without_ours(&text));
        for ((after, before), had_host) in after.iter().zip(&before).zip(had_host) {
            // Made where it is missing, it stands there empty.
            let after = if had_host {
                after.clone()
            } else {
                after.replace(HOST, "")
            };
            assert_eq!(after, without_ours(before));
        }
    }
    firewall_apply(&["--config", &another, "reset"])?.exits(0)?;
    let after = everything()?;
    assert_eq!(
        after.map(|text| without_policies(&text)),
        before.map(|text| without_policies(&text))
    );
    Ok(())
}

/// All tables of both families as `iptables-save` prints them, without comments and counters. Which
/// table was made first is the kernel's affair, so each is asked for by name.
fn everything() -> Result<[String; 2], Failed> {
    let [ip, ip6] = FAMILIES.map(|(tool, _)| -> Result<String, Failed> {
        let save = Tool::require(&format!("{tool}-save"))?;
        let mut all = String::new();
        for table in ["raw", "mangle", "nat", "filter"] {
            for line in save.run(&["-t", table])?.lines() {
                match line.split_once(" [") {
                    _ if line.starts_with('#') => continue,
                    Some((chain, _)) if line.starts_with(':') => all.push_str(chain),
                    _ => all.push_str(line),
                }
                all.push('\n');
            }
        }
        Ok(all)
    });
    Ok([ip?, ip6?])
}

/// The chain that container engines leave to others.
const HOST: &str = ":DOCKER-USER -\n";

/// Without what is ours: our chains, the jumps to them, and the policies.
fn without_ours(text: &str) -> String {
    let ours = |line: &str| {
        let chain = line.trim_start_matches("-A ").trim_start_matches(':');
        chain.starts_with("FIREWALL_")
            || chain.starts_with("LOG_AND_")
            || line == "-A INPUT -j FIREWALL_INPUT"
            || line.ends_with("-j FIREWALL_FORWARD_BANS")
    };
    let text = without_policies(text);
    let lines = text.lines().filter(|line| !ours(line));
    lines.map(|line| line.to_owned() + "\n").collect()
}

/// Without the policies of the filter table, which the configuration sets.
fn without_policies(text: &str) -> String {
    let mut filter = false;
    let mut kept = String::new();
    for line in text.lines() {
        filter |= line == "*filter";
        let policy = filter
            && [":INPUT ", ":FORWARD "]
                .iter()
                .any(|chain| line.starts_with(chain));
        if !policy {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
