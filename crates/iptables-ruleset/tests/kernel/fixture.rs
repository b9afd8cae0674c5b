//! What the trials share: sets, rulesets, and reading back.

use std::io;

use iptables_ruleset::{
    Applied, ApplyError, Config, Family, Kernel as _, KernelSet, Nftables, Plan, ResolveSet,
    Ruleset, Snapshot, Table,
};
use netns_testbed::{Failed, Tool};

/// Makes the sets that the configuration needs. In a new namespace the kernel numbers them from 0.
pub(crate) fn make_sets(config: &Config) -> Result<(), Failed> {
    let mut text = String::new();
    for set in config.required_sets()? {
        let family = match set.family {
            Family::Ipv4 => "inet",
            Family::Ipv6 => "inet6",
        };
        text += &format!(
            "create {} {} family {family} timeout 0\n",
            set.name,
            set.set_type.name()
        );
    }
    Tool::require("ipset")?.input(text).run(&["restore"])?;
    Ok(())
}

/// Finds sets that [`make_sets`] made.
pub(crate) fn sets(config: &Config) -> impl ResolveSet<Error = io::Error> + use<> {
    let names: Vec<String> = config
        .required_sets()
        .unwrap_or_default()
        .into_iter()
        .map(|set| set.name.to_string())
        .collect();
    move |name: &str| {
        let index = names
            .iter()
            .position(|known| known == name)
            .ok_or(io::ErrorKind::NotFound)?;
        let family = if name.ends_with("_v6") {
            Family::Ipv6
        } else {
            Family::Ipv4
        };
        Ok(KernelSet::new(
            u16::try_from(index).map_err(io::Error::other)?,
            Some(family),
        ))
    }
}

/// The rules of both families, in the order in which `iptables-save` prints their tables.
pub(crate) fn rulesets(config: &Config) -> Result<Vec<Ruleset>, Failed> {
    let mut all = Vec::new();
    for family in Family::BOTH {
        all.extend(config.rulesets(family)?);
    }
    Ok(all)
}

pub(crate) fn plan(config: &Config) -> Result<Plan, Failed> {
    let mut unwanted = Vec::new();
    for family in Family::BOTH {
        unwanted.extend(config.unwanted(family)?);
    }
    let plan = Plan::install(&rulesets(config)?, &mut sets(config))?;
    Ok(plan.without(&unwanted)?)
}

/// Makes the sets and puts the firewall in.
pub(crate) fn apply(config: &Config) -> Result<Applied, Failed> {
    make_sets(config)?;
    Ok(plan(config)?.apply(&mut Nftables::connect()?)?)
}

pub(crate) fn snapshot() -> Result<Snapshot, ApplyError> {
    Nftables::connect()?.snapshot()
}

/// The stock tool of that family: `tool(Ipv6, "-restore")` is ip6tables-restore.
pub(crate) fn tool(family: Family, ending: &str) -> Result<Tool, Failed> {
    let name = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    Tool::require(&format!("{name}{ending}"))
}

/// What `iptables-save -t filter` prints, without its comments and with the counters of the
/// built-in chains at zero.
pub(crate) fn saved(family: Family) -> Result<String, Failed> {
    saved_of(Table::Filter, family)
}

/// What `iptables-save` prints of the tables of the rulesets of that family, in this form.
pub(crate) fn saved_all(rulesets: &[Ruleset], family: Family) -> Result<String, Failed> {
    let of_family = rulesets.iter().filter(|one| one.family() == family);
    of_family
        .map(|ruleset| saved_of(ruleset.table(), family))
        .collect()
}

fn saved_of(table: Table, family: Family) -> Result<String, Failed> {
    let text = tool(family, "-save")?.run(&["-t", table.name()])?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines.map(|line| without_counters(line) + "\n").collect())
}

fn without_counters(line: &str) -> String {
    match line.split_once(" [") {
        Some((chain, _)) if line.starts_with(':') => format!("{chain} [0:0]"),
        _ => line.to_owned(),
    }
}

/// A configuration that uses everything a file can say.
pub(crate) const EVERYTHING: &str = include_str!("../cases/30-everything/firewall.toml");
/// A configuration with all that a service can say.
pub(crate) const SERVICES: &str = include_str!("../cases/90-services/firewall.toml");
/// Services of some hours.
pub(crate) const TIMES: &str = include_str!("../cases/91-times/firewall.toml");
/// Bans by the kernel itself.
pub(crate) const INSTANT: &str = include_str!("../cases/99-instant/firewall.toml");
/// Bans before connection tracking.
pub(crate) const EARLY_DROP: &str = include_str!("../cases/95-early-drop/firewall.toml");
