//! Services of the host that replace the ruleset, at boot or when they are restarted.

use iptables_ruleset::Config;

use crate::host::Host;

/// A service that takes our rules out or puts other ones beside them, as a sentence each.
pub(crate) fn found(host: &Host) -> Vec<String> {
    let mut found = Vec::new();
    if host.is_enabled("nftables.service") {
        for path in NFTABLES {
            let text = host.read(path).unwrap_or_default();
            if text.lines().any(flushes) {
                found.push(format!(
                    "nftables.service is enabled and {path} says \"flush ruleset\": whenever it is started or reloaded it takes all \
                     rules out, those of the firewall too; `systemctl disable nftables.service`, or take that line out"
                ));
            }
        }
    }
    for (unit, path) in SAVED_SETS {
        let text = host.read(path).unwrap_or_default();
        if host.is_enabled(unit) && makes_a_list(&text) {
            found.push(format!(
                "{unit} is enabled and {path} has the sets of the firewall: at boot they come back as they were when it was written, \
                 and the bans that `firewall-apply save` kept do not; take them out of {path}, or `systemctl disable {unit}`"
            ));
        }
    }
    for (unit, what) in UNITS {
        if host.is_enabled(unit) && !is_switched_off(host, unit) {
            found.push(format!(
                "{unit} is enabled, which {what}; `systemctl disable {unit}`"
            ));
        }
    }
    found
}

fn flushes(line: &str) -> bool {
    let words: Vec<&str> = line
        .split([' ', '\t', ';'])
        .filter(|word| !word.is_empty())
        .collect();
    words.starts_with(&["flush", "ruleset"])
}

/// Whether a file that `ipset save` wrote makes one of the lists that every firewall has.
fn makes_a_list(saved: &str) -> bool {
    let lists = Config::default().required_sets().unwrap_or_default();
    saved.lines().any(|line| {
        let mut words = line.split(' ');
        let made = words.next() == Some("create");
        let name = words.next().unwrap_or_default();
        made && lists.iter().any(|list| list.name.as_str() == name)
    })
}

/// Ubuntu enables ufw's unit in any case; whether it does something stands in its configuration.
fn is_switched_off(host: &Host, unit: &str) -> bool {
    let text = host.read("/etc/ufw/ufw.conf").unwrap_or_default();
    unit == "ufw.service" && text.lines().any(|line| line.trim() == "ENABLED=no")
}

/// Who puts saved sets back at boot, and from where: Debian's ipset-persistent, Red Hat's
/// ipset-service.
const SAVED_SETS: [(&str, &str); 2] = [
    ("netfilter-persistent.service", "/etc/iptables/ipsets"),
    ("ipset.service", "/etc/sysconfig/ipset"),
];

/// What nftables.service reads: Debian's file, Red Hat's.
const NFTABLES: [&str; 2] = ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"];

/// Units that have the filter tables for themselves, and what they do to the firewall.
const UNITS: [(&str, &str); 9] = [
    (
        "netfilter-persistent.service",
        "puts saved rules in the place of all there are when it is reloaded",
    ),
    (
        "iptables.service",
        "puts saved rules in the place of all there are when it is restarted, and takes all out when it is stopped",
    ),
    (
        "ip6tables.service",
        "puts saved rules in the place of all there are when it is restarted, and takes all out when it is stopped",
    ),
    (
        "firewalld.service",
        "is a firewall of its own: what it drops does not get in, whatever is open here",
    ),
    (
        "ufw.service",
        "is a firewall of its own in the same chains: what it accepts before FIREWALL_INPUT is not banned",
    ),
    (
        "csf.service",
        "is a firewall of its own in the same chains and flushes them when it is restarted",
    ),
    (
        "lfd.service",
        "has csf flush the chains and fill them anew when it bans or is restarted",
    ),
    (
        "shorewall.service",
        "is a firewall of its own and puts its rules in the place of all there are when it is started",
    ),
    (
        "shorewall6.service",
        "is a firewall of its own and puts its rules in the place of all there are when it is started",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::Made;

    #[test]
    fn a_service_that_flushes_is_told_where_it_is_enabled() {
        let conf = (
            "/etc/nftables.conf",
            "#!/usr/sbin/nft -f\n flush  ruleset;\n",
        );
        assert_eq!(found(&Made::new(&[conf]).host()), [""; 0]);
        let enabled = "/etc/systemd/system/sysinit.target.wants/nftables.service";
        let told = found(&Made::new(&[conf, (enabled, "")]).host());
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("nftables.service is enabled and /etc/nftables.conf says"));
        let quiet = ("/etc/nftables.conf", "# flush ruleset\nflush table ip x\n");
        assert_eq!(found(&Made::new(&[quiet, (enabled, "")]).host()), [""; 0]);
        let ufw = "/etc/systemd/system/multi-user.target.wants/ufw.service";
        assert_eq!(found(&Made::new(&[(ufw, "")]).host()).len(), 1);
    }

    #[test]
    fn ufw_that_is_switched_off_does_nothing() {
        let unit = (
            "/etc/systemd/system/multi-user.target.wants/ufw.service",
            "",
        );
        let conf = |text| ("/etc/ufw/ufw.conf", text);
        let off = Made::new(&[unit, conf("# ENABLED=yes\nENABLED=no\nLOGLEVEL=low\n")]);
        assert_eq!(found(&off.host()), [""; 0]);
        let on = Made::new(&[unit, conf("ENABLED=yes\n")]);
        assert!(found(&on.host())[0].starts_with("ufw.service is enabled, which is a firewall"));
    }

    #[test]
    fn sets_that_somebody_else_puts_back_are_told() {
        let unit = (
            "/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service",
            "",
        );
        let saved = |text| ("/etc/iptables/ipsets", text);
        let told = |files: &[_]| {
            let told = found(&Made::new(files).host());
            told.iter()
                .filter(|why| why.contains("/etc/iptables/ipsets"))
                .count()
        };
        let ours = saved("create office hash:ip\ncreate blacklist_v6 hash:net family inet6\n");
        assert_eq!(told(&[unit, ours]), 1);
        assert_eq!(told(&[ours]), 0);
        let others =
            saved("create office hash:ip\nadd office 192.0.2.1\ncreate my-blacklist hash:ip\n");
        assert_eq!(told(&[unit, others]), 0);
    }
}
