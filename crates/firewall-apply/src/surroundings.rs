//! What else decides about packets, or writes the log: warnings about rules, tables and settings of
//! others.

use std::fs;

use iptables_ruleset::config::LogTarget;
use iptables_ruleset::{Ahead, Beside, Bypass, Config, Hook, Nftables, Table};

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
pub(crate) fn note(kernel: &mut Nftables, config: &Config, findings: &mut Findings) {
    match kernel.surroundings() {
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
    fn a_log_that_anybody_writes_is_told() {
        assert!(anybody_logs("1\n", LogTarget::Log).is_some());
        assert_eq!(anybody_logs("0\n", LogTarget::Log), None);
        // In other network namespaces it is not to be seen.
        assert_eq!(anybody_logs("", LogTarget::Log), None);
        assert_eq!(anybody_logs("1\n", LogTarget::Nflog { group: 5 }), None);
    }
}
