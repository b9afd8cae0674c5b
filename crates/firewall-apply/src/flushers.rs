//! Services of the host that replace the ruleset, at boot or when they are restarted.

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
    for (unit, what) in UNITS {
        if host.is_enabled(unit) {
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

/// What nftables.service reads: Debian's file, Red Hat's.
const NFTABLES: [&str; 2] = ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"];

/// Units that have the filter tables for themselves, and what they do to the firewall.
const UNITS: [(&str, &str); 6] = [
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
}
