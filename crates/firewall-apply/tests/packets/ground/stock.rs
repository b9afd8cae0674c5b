//! Temporary: the firewall by the stock tools.

use netns_testbed::{Failed, Family, Tool, World};

use crate::config::{Config, GROUP, Service, Target};

pub(crate) fn apply(world: &World, config: &Config, target: Target) -> Result<(), Failed> {
    let mut sets = String::new();
    for family in Family::BOTH {
        for set in ["whitelist", "blacklist", "throttle-hard", "throttle-soft"] {
            sets += &format!("create {set}{} hash:net family {} timeout 0\n", family.pick("", "_v6"), family.pick("inet", "inet6"));
        }
    }
    let ipset = Tool::require("ipset")?.input(sets);
    world.gateway.run(|| ipset.run(&["restore", "-exist"]))?;
    for family in Family::BOTH {
        let restore = Tool::require(family.pick("iptables-restore", "ip6tables-restore"))?.input(rules(family, config, target));
        world.gateway.run(|| restore.run(&[]))?;
    }
    Ok(())
}

fn rules(family: Family, config: &Config, target: Target) -> String {
    let six = family.pick("", "_v6");
    let (p, icmp) = family.pick(("IPTABLES", "icmp"), ("IP6TABLES", "ipv6-icmp"));
    let log = |what: &str, level: u8| match target {
        Target::Nflog => format!("-j NFLOG --nflog-group {GROUP} --nflog-prefix \"{p}-{what}: \""),
        Target::Log => format!("-j LOG --log-prefix \"{p}-{what}: \" --log-level {level}"),
    };
    let forward = if config.policy.contains("untouched") { "ACCEPT" } else { "DROP" };
    let mut t = format!("*filter\n:INPUT DROP\n:FORWARD {forward}\n:OUTPUT ACCEPT\n:FIREWALL_INPUT -\n:LOG_AND_ACCEPT -\n:LOG_AND_DROP -\n");
    t += "-A INPUT -j FIREWALL_INPUT\n-A FIREWALL_INPUT -i lo -j ACCEPT\n-A FIREWALL_INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
    if family == Family::V6 {
        for kind in 133..=136 {
            t += &format!("-A FIREWALL_INPUT -p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j ACCEPT\n");
        }
    }
    t += &format!("-A FIREWALL_INPUT -m set --match-set whitelist{six} src -j LOG_AND_ACCEPT\n");
    t += &format!("-A FIREWALL_INPUT -m set --match-set blacklist{six} src -j LOG_AND_DROP\n");
    for (set, tcp, ic) in [("hard", "100/hour", "1/minute"), ("soft", "100/minute", "100/hour")] {
        for (proto, state, rate) in [("tcp", "-m conntrack --ctstate NEW", tcp), (icmp, "", ic)] {
            t += &format!("-A FIREWALL_INPUT -p {proto} -m set --match-set throttle-{set}{six} src {state} -m hashlimit --hashlimit-above {rate} --hashlimit-mode srcip --hashlimit-name t{set}{proto} -j LOG_AND_DROP\n");
            if config.throttle.contains("accept") {
                t += &format!("-A FIREWALL_INPUT -p {proto} -m set --match-set throttle-{set}{six} src {state} -j LOG_AND_ACCEPT\n");
            }
        }
    }
    if config.services.is_empty() {
        for (port, rate) in [(22, "10/minute"), (443, "60/minute")] {
            t += &format!("-A FIREWALL_INPUT -p tcp -m tcp --dport {port} -m conntrack --ctstate NEW -m hashlimit --hashlimit-upto {rate} --hashlimit-mode srcip --hashlimit-name s{port} -j LOG_AND_ACCEPT\n");
        }
    }
    for s in config.services {
        t += &match s {
            Service::Unlimited => "-A FIREWALL_INPUT -p tcp -m tcp --dport 8443 -m conntrack --ctstate NEW -j LOG_AND_ACCEPT\n".to_owned(),
            Service::Icmp => format!("-A FIREWALL_INPUT -p {icmp} -j LOG_AND_ACCEPT\n"),
        };
    }
    t += "-A FIREWALL_INPUT -j LOG_AND_DROP\n";
    t += &format!("-A LOG_AND_ACCEPT {}\n-A LOG_AND_ACCEPT -j ACCEPT\n-A LOG_AND_DROP {}\n-A LOG_AND_DROP -j DROP\nCOMMIT\n", log("ALLOWED", 6), log("BLOCKED", 4));
    t
}
