//! Our chains, known by their rules: earlier versions put no mark on them, and what goes through
//! `iptables-save` and `iptables-restore`, as iptables-persistent does at boot, loses it.

use super::logging;
use crate::{Family, Table};

/// Whether the chain holds what every version of this firewall writes into it, whatever the
/// configuration and whoever put more rules there. `rules` are as `iptables-save` prints them.
pub(crate) fn wrote(family: Family, table: Table, chain: &str, rules: &[String]) -> bool {
    let has = |wanted: &str| rules.iter().any(|rule| rule == wanted);
    // The packet's way out of the chain where nothing is logged, as by a floor.
    let only = |verdict: &str| table == Table::Filter && matches!(rules, [rule] if rule == verdict);
    let logs = |word: &str| {
        let prefix = format!("-prefix \"{}\"", logging::prefix(family, word));
        rules.iter().any(|rule| rule.contains(&prefix))
    };
    match chain {
        "FIREWALL_INPUT" => [
            "-i lo -j ACCEPT",
            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-j LOG_AND_DROP",
        ]
        .into_iter()
        .all(has),
        "FIREWALL_FORWARD_BANS" => {
            has("-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN")
                && rules.iter().any(|rule| rule.ends_with("-j LOG_AND_DROP"))
        }
        "FIREWALL_FLOOR" => [
            "-i lo -j ACCEPT",
            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-j DROP",
        ]
        .into_iter()
        .all(has),
        "FIREWALL_OUTPUT" => {
            has("-o lo -j ACCEPT") && has("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
        }
        "FIREWALL_FORWARD" => {
            rules
                .first()
                .is_some_and(|first| first.ends_with(" RELATED,ESTABLISHED -j ACCEPT"))
                && rules
                    .iter()
                    .any(|rule| rule.contains("--ctstate NEW,UNTRACKED -j "))
        }
        "FIREWALL_PREROUTING" => {
            table == Table::Nat && rules.iter().any(|rule| rule.contains("-j DNAT --to-"))
        }
        "FIREWALL_POSTROUTING" => {
            table == Table::Nat && rules.iter().any(|rule| rule.ends_with("-j MASQUERADE"))
        }
        "LOG_AND_ACCEPT_OUT" => logs("OUT-ALLOWED"),
        "LOG_AND_DROP_OUT" => logs("OUT-BLOCKED"),
        "LOG_AND_ACCEPT_FORWARD" => logs("FORWARD-ALLOWED"),
        "LOG_AND_DROP_FORWARD" => logs("FORWARD-BLOCKED"),
        "FIREWALL_EARLY" => rules
            .iter()
            .any(|rule| rule.ends_with("-j FIREWALL_BANNED")),
        "FIREWALL_BANNED" => has("-i lo -j RETURN") && has("-j LOG_AND_DROP"),
        "FIREWALL_INSTANT" => {
            has("-m addrtype ! --dst-type LOCAL -j RETURN")
                && rules.iter().any(|rule| rule.contains(" -j SET --add-set "))
        }
        "FIREWALL_BANNED_ICMP" => {
            has("-p ipv6-icmp -m icmp6 --icmpv6-type 135 -j RETURN") && has("-j LOG_AND_DROP")
        }
        "FIREWALL_CROWDED" => has("-j LOG_AND_DROP_LIMITED"),
        "LOG_AND_ACCEPT" => logs("ALLOWED") || only("-j ACCEPT"),
        "LOG_AND_DROP" => logs("BLOCKED") || only("-j DROP"),
        "LOG_AND_DROP_LIMITED" => logs("LIMITED"),
        "LOG_AND_DROP_INVALID" => logs("INVALID") || only("-j DROP"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::early;
    use super::*;
    use crate::config::FloorParts;
    use crate::{Config, Rule, Ruleset};

    fn texts(ruleset: &Ruleset) -> Vec<(String, Vec<String>)> {
        let text = |rule: &Rule| rule.to_iptables_save(ruleset.family()).to_string();
        ruleset
            .chains()
            .map(|chain| {
                let rules = chain.rules().iter().map(text).collect();
                (chain.name().to_string(), rules)
            })
            .collect()
    }

    #[test]
    fn what_is_written_is_known() {
        let configs = [
            "",
            "service = []",
            "[log]\ntarget = \"NFLOG\"\ninvalid = false",
            "[log]\nrate = \"9/second\"",
            "[forward]\nprotect = true",
            "[policy]\noutput = \"drop\"\n[[output.service]]\nuse = \"dns\"",
            "[[forward.allow]]\nfrom = \"lan0\"",
            "[[instant]]\nname = \"x\"\ntype = \"udp\"\nhowmany = 1\nremoveafter = \"1h\"",
        ];
        for config in configs.map(|text| Config::parse(text).unwrap()) {
            for family in Family::BOTH {
                let silent = FloorParts::default();
                let logging = FloorParts {
                    log: true,
                    ..FloorParts::default()
                };
                let written = [
                    config.ruleset(family).unwrap(),
                    config.floor(family, &silent).unwrap(),
                    config.floor(family, &logging).unwrap(),
                    config.floor_apart(family, &silent).unwrap(),
                    config.floor_apart(family, &logging).unwrap(),
                    early::ruleset(&config, family).unwrap(),
                ];
                for ruleset in &written {
                    for (chain, rules) in texts(ruleset) {
                        let known = wrote(family, ruleset.table(), &chain, &rules);
                        assert!(known, "{chain}: {rules:#?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_others_write_is_not() {
        let others: [(&str, &[&str]); 4] = [
            (
                "LOG_AND_DROP",
                &["-j LOG --log-prefix \"DROPPED: \"", "-j DROP"],
            ),
            ("LOG_AND_ACCEPT", &["-j LOG", "-j ACCEPT"]),
            ("FIREWALL_INPUT", &["-i lo -j ACCEPT", "-j DROP"]),
            ("FIREWALL_CROWDED", &["-j RETURN"]),
        ];
        for (chain, rules) in others {
            let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
            assert!(
                !wrote(Family::Ipv4, Table::Filter, chain, &rules),
                "{chain}: {rules:#?}"
            );
        }
    }
}
