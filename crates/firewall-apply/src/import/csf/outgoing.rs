//! What csf lets out.

use iptables_ruleset::config::{Action, ServiceProtocol, ServiceSource};
use iptables_ruleset::{BuildError, PortRange};

use super::super::translation::{Direction, Service, Translation, icmp_types};
use super::conf::Conf;
use super::incoming::{by_family, refusal};
use super::limits::Transport;
use super::ports::Ports;
use crate::findings::Problem;

/// The services going out, behind those of csf.allow and csf.deny.
pub(super) fn services(
    conf: &Conf,
    deny_list: Option<&str>,
    made: &mut Translation,
) -> Result<(), Problem> {
    skipped_interfaces(conf, made)?;
    denied(conf, deny_list, made)?;
    if !conf.is_on("DNS_STRICT") {
        let protocols = [ServiceProtocol::TCP, ServiceProtocol::UDP];
        let mut dns = Service::new(made.name(Direction::Out, "dns")?, protocols);
        dns.ports = vec![PortRange::from(53)];
        let place = conf.place("DNS_STRICT");
        dns.remarks.push(super::from(&place, "DNS_STRICT = 0"));
        made.firewall.output.push(dns);
    }
    for transport in [Transport::Tcp, Transport::Udp] {
        let keys = match transport {
            Transport::Tcp => ["TCP_OUT", "TCP6_OUT"],
            _ => ["UDP_OUT", "UDP6_OUT"],
        };
        for (families, ports, remarks) in by_family(conf, keys, made) {
            if ports.is_empty() {
                continue;
            }
            let name = format!("{}-out{}", transport.text(), families.ending());
            let mut service =
                Service::new(made.name(Direction::Out, &name)?, [transport.protocol()]);
            service.ports = ports.ranges();
            service.destinations = families.everybody()?;
            service.remarks = remarks;
            made.firewall.output.push(service);
        }
    }
    icmp(conf, made)?;
    rest(conf, made)
}

/// What leaves by an interface of `ETH_DEVICE_SKIP`.
fn skipped_interfaces(conf: &Conf, made: &mut Translation) -> Result<(), Problem> {
    if made.firewall.trusted.is_empty() {
        return Ok(());
    }
    let mut service = everything(made, "skipped")?;
    let trusted = made.firewall.trusted.iter();
    service.leaves_by = trusted.map(|(name, _)| name.clone()).collect();
    let place = conf.place("ETH_DEVICE_SKIP");
    service.remarks.push(super::from(&place, "ETH_DEVICE_SKIP"));
    made.firewall.output.push(service);
    Ok(())
}

/// Who is denied is not spoken to, either, unless `LF_BLOCKINONLY` says so.
fn denied(conf: &Conf, deny_list: Option<&str>, made: &mut Translation) -> Result<(), Problem> {
    let blacklist = (!made.firewall.blacklist.is_empty()).then_some("blacklist");
    let sets: Vec<&str> = blacklist.into_iter().chain(deny_list).collect();
    if sets.is_empty() || conf.is_on("LF_BLOCKINONLY") {
        return Ok(());
    }
    let mut service = everything(made, "denied")?;
    service.action = refusal(conf, "DROP_OUT", made);
    service.log = Some(conf.is_on("DROP_OUT_LOGGING"));
    let destinations = sets.iter().map(|set| format!("set:{set}").parse());
    service.destinations = destinations
        .collect::<Result<Vec<ServiceSource>, BuildError>>()
        .map_err(|error| error.to_string())?;
    let place = conf.place("LF_BLOCKINONLY");
    let remark = "csf.deny holds for what goes out, too (LF_BLOCKINONLY)";
    service.remarks.push(super::from(&place, remark));
    made.firewall.output.push(service);
    Ok(())
}

fn icmp(conf: &Conf, made: &mut Translation) -> Result<(), Problem> {
    let mut service = Service::new(made.name(Direction::Out, "icmp")?, [ServiceProtocol::ICMP]);
    let place = conf.place("ICMP_OUT");
    service.remarks.push(super::from(&place, "ICMP_OUT"));
    if !conf.is_on("ICMP_OUT") {
        service.types = icmp_types(&["information-request", "address-mask-request"])?;
        if conf.is_on("IPV6") {
            let mut ping = Service::new(
                made.name(Direction::Out, "ping-v6")?,
                [ServiceProtocol::ICMP],
            );
            ping.types = icmp_types(&["echo-request", "node-information-query"])?;
            ping.destinations = super::incoming::Families::V6.everybody()?;
            let remark = "csf always lets these out over IPv6";
            ping.remarks.push(super::from(&conf.place("IPV6"), remark));
            made.firewall.output.push(ping);
        }
    }
    made.firewall.output.push(service);
    Ok(())
}

/// `DROP_OUT = "REJECT"`: a program that may not is told so.
fn rest(conf: &Conf, made: &mut Translation) -> Result<(), Problem> {
    let action = refusal(conf, "DROP_OUT", made);
    if action == Action::Drop {
        return Ok(());
    }
    let protocols = [ServiceProtocol::TCP, ServiceProtocol::UDP];
    let mut service = Service::new(made.name(Direction::Out, "rest")?, protocols);
    service.ports = Ports::all().ranges();
    service.action = action;
    if !conf.is_on("DROP_OUT_LOGGING") {
        service.log = Some(false);
    }
    let place = conf.place("DROP_OUT");
    service.remarks.push(super::from(&place, "DROP_OUT"));
    made.firewall.output.push(service);
    Ok(())
}

fn everything(made: &mut Translation, name: &str) -> Result<Service, Problem> {
    let protocols = [
        ServiceProtocol::TCP,
        ServiceProtocol::UDP,
        ServiceProtocol::ICMP,
    ];
    let mut service = Service::new(made.name(Direction::Out, name)?, protocols);
    service.ports = Ports::all().ranges();
    Ok(service)
}
