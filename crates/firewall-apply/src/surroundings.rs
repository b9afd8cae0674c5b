//! What else decides about packets, or writes the log: warnings about rules, tables and settings of
//! others.

use std::fs;

use iptables_ruleset::config::{LogTarget, Who};
use iptables_ruleset::{Ahead, Beside, Bypass, Config, Family, Hook, Nftables, Snapshot, Table};

use crate::findings::{Findings, causes};
use crate::legacy;
use crate::words::first_of;

/// How many rules that let packets in before ours, and how many published ports, are named.
const NAMED: usize = 20;

/// Errors and warnings about rules of others that packets meet before our jump.
pub(crate) fn note_ahead(bypassed: &[Bypass], ahead: &[Ahead], findings: &mut Findings) {
    for bypass in bypassed {
        findings.fail(bypass.to_string());
    }
    for ahead in ahead.iter().take(NAMED) {
        findings.warn(format!("{ahead}; {}", cure(ahead)));
    }
    let more = ahead.len().saturating_sub(NAMED);
    if more > 0 {
        findings.warn(format!(
            "{more} more rules let packets in before the firewall sees them"
        ));
    }
}

fn cure(ahead: &Ahead) -> String {
    let tool = ahead.family.tool();
    let before = match ahead.hook {
        Hook::Input if ahead.table == Table::Filter => {
            "position = \"first\" under [policy] puts the firewall before it, "
        }
        Hook::Forward => "protect = true under [forward] puts bans before it, ",
        _ => "",
    };
    let of_table = match ahead.table {
        Table::Filter => String::new(),
        other => format!("-t {other} "),
    };
    format!(
        "{before}`{tool} {of_table}-D {} {}` takes it away",
        ahead.hook, ahead.position
    )
}

/// Warnings about other tables, iptables-legacy, published ports, and who else can write the log.
/// `tables` are those of iptables, as they were read.
pub(crate) fn note(
    kernel: &mut Nftables,
    tables: &Snapshot,
    config: &Config,
    findings: &mut Findings,
) {
    match kernel.surroundings(tables) {
        Ok(found) => {
            for beside in found.chains.iter().take(NAMED) {
                findings.warn(told(beside));
            }
            let more = found.chains.len().saturating_sub(NAMED);
            if more > 0 {
                findings.warn(format!(
                    "{more} more chains of other tables drop packets too"
                ));
            }
            if !found.published.is_empty() {
                findings.warn(published(&found.published, config.forward.protect));
            }
        }
        Err(error) => findings.warn(format!(
            "cannot tell what other tables do with packets to this host: {}",
            causes(&error)
        )),
    }
    if let Some(why) = not_passed_on(config, |path| fs::read_to_string(path).ok()) {
        findings.warn(why);
    }
    for (_, tool, tables) in legacy::tables() {
        findings.warn(format!(
            "{tool} has tables of its own ({}): what their rules drop never gets in, whatever the firewall says; `{tool} -S` \
             shows them",
            tables.join(", ")
        ));
    }
    let all_log = fs::read_to_string(LOG_ALL).unwrap_or_default();
    if let Some(why) = anybody_logs(&all_log, config.log.target) {
        findings.warn(why);
    }
}

/// What `[forward]` says is passed on and the kernel does not pass on; `read` reads a file.
fn not_passed_on(config: &Config, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let forward = &config.forward;
    let ports = forward.ports.iter().map(|port| Family::of(port.to));
    let networks = forward
        .allow
        .iter()
        .flat_map(|one| one.sources.iter().chain(&one.destinations));
    let networks = networks.filter_map(|one| match one.who() {
        Who::Network(network) => Some(network.family()),
        _ => None,
    });
    let mut named: Vec<Family> = ports.chain(networks).collect();
    if !forward.masquerade.is_empty() {
        named.push(Family::Ipv4);
    }
    let is_off = |family: &Family| {
        let (path, _) = forwarding(*family);
        read(path).is_some_and(|number| number.trim() == "0")
    };
    let off: Vec<Family> = if !forward.allow.is_empty() && Family::BOTH.iter().all(is_off) {
        Family::BOTH.to_vec()
    } else {
        let is_named = |family: &&Family| named.contains(family);
        let named = Family::BOTH.iter().filter(is_named);
        named.copied().filter(is_off).collect()
    };
    let families: Vec<String> = off.iter().map(ToString::to_string).collect();
    let cures = off
        .iter()
        .map(|family| format!("`sysctl -w {}=1`", forwarding(*family).1));
    let cures: Vec<String> = cures.collect();
    (!off.is_empty()).then(|| {
        format!(
            "[forward] says what to pass on, and the kernel passes no packets of {} on; {}, and for good a file in /etc/sysctl.d",
            families.join(" and "),
            cures.join(" and ")
        )
    })
}

/// Whether packets of that family are passed on: the file, and what sysctl calls it.
fn forwarding(family: Family) -> (&'static str, &'static str) {
    match family {
        Family::Ipv4 => ("/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward"),
        Family::Ipv6 => (
            "/proc/sys/net/ipv6/conf/all/forwarding",
            "net.ipv6.conf.all.forwarding",
        ),
    }
}

/// Whether others than the kernel of this network namespace write what looks like its lines.
fn anybody_logs(all_namespaces: &str, target: LogTarget) -> Option<&'static str> {
    let on = all_namespaces.trim() == "1" && target == LogTarget::Log;
    on.then_some(
        "net.netfilter.nf_log_all_netns is 1: whoever may make a user namespace writes lines of his choice into the kernel's \
         log, and bans whom he likes; `sysctl -w net.netfilter.nf_log_all_netns=0`, or target = \"NFLOG\" under [log]",
    )
}

fn told(beside: &Beside) -> String {
    let Beside {
        family,
        table,
        chain,
        hook,
        priority,
        ..
    } = beside;
    let rules = match beside.rules {
        0 => String::new(),
        1 => "1 rule drops packets".to_owned(),
        many => format!("{many} rules drop packets"),
    };
    let policy = if beside.drops_the_rest {
        "its policy is DROP"
    } else {
        ""
    };
    let what: Vec<&str> = [policy, &*rules]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    format!(
        "table {family} {table} decides about packets to this host too (chain {chain}, hook {hook}, priority {priority}): {}. What it \
         drops does not get in, what it accepts still comes to the firewall; `nft list table {family} {table}` shows it",
        what.join(" and ")
    )
}

fn published(ports: &[String], protected: bool) -> String {
    let named = first_of(ports, NAMED);
    let so = if protected {
        "Bans hold there, and no service has to be open"
    } else {
        "The firewall does not see these packets: nobody is banned there, and no service has to be open; protect = true under [forward] \
         has bans hold there"
    };
    format!(
        "passed on to other addresses before INPUT is asked, as container engines do with ports they publish: {named}. {so}"
    )
}

/// Whether packets of other network namespaces are logged; only the first network namespace has it.
const LOG_ALL: &str = "/proc/sys/net/netfilter/nf_log_all_netns";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_does_not_pass_on_is_told() {
        let told = |config: &str, v4: &str, v6: &str| {
            let config = Config::parse(config).unwrap();
            let read = |path: &str| Some(if path.contains("ipv4") { v4 } else { v6 }.to_owned());
            not_passed_on(&config, read)
        };
        let lan = "[[forward.allow]]\nfrom = \"lan0\"\n";
        let both = told(lan, "0\n", "0\n").unwrap();
        assert!(
            both.contains("`sysctl -w net.ipv4.ip_forward=1` and `sysctl -w net.ipv6."),
            "{both}"
        );
        // Who has one family only says nothing of the other.
        assert_eq!(told(lan, "1\n", "0\n"), None);
        let router = format!("[forward]\nmasquerade = [\"wan0\"]\n{lan}");
        let v4 = told(&router, "0\n", "1\n").unwrap();
        assert!(v4.contains("IPv4") && !v4.contains("IPv6"), "{v4}");
        let named = format!("{lan}destinations = [\"2001:db8::1\"]\n");
        assert!(told(&named, "1\n", "0\n").is_some_and(|why| why.contains("IPv6")));
        assert_eq!(told("", "0\n", "0\n"), None);
    }

    #[test]
    fn a_log_that_anybody_writes_is_told() {
        assert!(anybody_logs("1\n", LogTarget::Log).is_some());
        assert_eq!(anybody_logs("0\n", LogTarget::Log), None);
        // In other network namespaces it is not to be seen.
        assert_eq!(anybody_logs("", LogTarget::Log), None);
        assert_eq!(anybody_logs("1\n", LogTarget::Nflog { group: 5 }), None);
    }
}
