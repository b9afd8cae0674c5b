//! Of a firewall that stands, only what differs is sent, and what is read back is the whole.

use iptables_ruleset::{Config, Family, Kernel as _, Nftables, RuleState, Snapshot};
use netns_testbed::{Failed, Trial, trial};

use crate::fixture::{apply, plan, rulesets, saved_all, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what_stays_keeps_its_counters",
            what_stays_keeps_its_counters,
        ),
        trial(
            "from_any_configuration_to_any_other",
            from_any_configuration_to_any_other,
        ),
    ]
}

fn services(ports: &[u16]) -> Result<Config, Failed> {
    let service = |port: &u16| {
        format!("[[service]]\nname = \"s{port}\"\nprotocol = \"tcp\"\nports = [{port}]\n")
    };
    Ok(Config::parse(
        &ports.iter().map(service).collect::<String>(),
    )?)
}

/// Which rule opens a port: its handle.
fn rule_for(tables: &Snapshot, family: Family, port: u16) -> Option<u64> {
    let chain = tables.table(family)?.chain("FIREWALL_INPUT")?;
    let text = format!("--dport {port} ");
    let mut rules = chain.rules().iter();
    rules
        .find(|rule| rule.describe(family).contains(&text))
        .map(RuleState::handle)
}

fn what_stays_keeps_its_counters() -> Result<(), Failed> {
    apply(&services(&[22, 80, 443])?)?;
    // As if 7 packets had come. ip6tables-restore 1.8.9 forgets it.
    let rules = tool(Family::Ipv4, "-save")?.run(&["-c", "-t", "filter"])?;
    let counted = rules.replace("[0:0] -A FIREWALL_INPUT", "[7:700] -A FIREWALL_INPUT");
    assert_ne!(counted, rules);
    tool(Family::Ipv4, "-restore")?
        .input(counted)
        .run(&["-c"])?;
    let before = Nftables::connect()?.snapshot()?;
    let wanted = services(&[22, 8080, 443])?;
    let applied = plan(&wanted)?.apply_from(&mut Nftables::connect()?, before.clone())?;
    assert!(applied.changed && applied.as_wanted);
    let now = Nftables::connect()?.snapshot()?;
    // What was put together is what is there.
    assert_eq!(applied.after.as_ref(), Some(&now));
    for family in Family::BOTH {
        for port in [22, 443] {
            let handle = rule_for(&now, family, port);
            assert!(handle.is_some());
            assert_eq!(handle, rule_for(&before, family, port), "{family} {port}");
        }
        assert_eq!(rule_for(&now, family, 80), None);
    }
    let rules = tool(Family::Ipv4, "-save")?.run(&["-c", "-t", "filter"])?;
    let ours = |line: &&str| line.contains("-A FIREWALL_INPUT");
    let lines: Vec<&str> = rules.lines().filter(ours).collect();
    let new: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("[0:0]"))
        .collect();
    assert!(
        !new.is_empty() && new.iter().all(|line| line.contains("8080")),
        "{new:#?}"
    );
    assert!(lines.iter().any(|line| line.starts_with("[7:700]")));
    Ok(())
}

fn from_any_configuration_to_any_other() -> Result<(), Failed> {
    let mut configs = vec![
        Config::default(),
        Config::parse("[log]\ninvalid = false\n")?,
        Config::parse("[policy]\nearly-drop = true\n")?,
        Config::parse("service = []\n")?,
    ];
    for ports in [&[22, 80, 443][..], &[80, 22], &[1, 22, 2, 80, 3, 443, 4]] {
        configs.push(services(ports)?);
    }
    apply(&Config::default())?;
    for from in &configs {
        for to in &configs {
            plan(from)?.apply(&mut Nftables::connect()?)?;
            let applied = plan(to)?.apply(&mut Nftables::connect()?)?;
            assert!(applied.as_wanted);
            let rulesets = rulesets(to)?;
            for family in Family::BOTH {
                let of_family = rulesets.iter().filter(|one| one.family() == family);
                let wanted: String = of_family
                    .map(|ruleset| ruleset.to_iptables_save().to_string())
                    .collect();
                assert_eq!(saved_all(&rulesets, family)?, wanted);
            }
        }
    }
    Ok(())
}
