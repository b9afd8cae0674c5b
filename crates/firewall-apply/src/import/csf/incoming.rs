//! What csf lets in: the ports of each family, and ICMP.

use iptables_ruleset::config::{Action, ServiceProtocol, ServiceSource};

use super::super::place::Place;
use super::super::translation::{Direction, Service, Translation, icmp_types};
use super::conf::Conf;
use super::limits::{self, Limit, Transport};
use super::ports::Ports;
use crate::findings::Problem;

/// Which families a service is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Families {
    Both,
    V4,
    V6,
}

impl Families {
    /// Everybody of the family.
    pub(super) fn everybody(self) -> Result<Vec<ServiceSource>, Problem> {
        let network = match self {
            Self::Both => return Ok(Vec::new()),
            Self::V4 => "0.0.0.0/0",
            Self::V6 => "::/0",
        };
        let source = network.parse();
        source
            .map(|source| vec![source])
            .map_err(|error: iptables_ruleset::BuildError| error.to_string().into())
    }

    /// What the name of a service ends in that is for one alone.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Both => "",
            Self::V4 => "-v4",
            Self::V6 => "-v6",
        }
    }
}

/// The ports of both families, or one, from the settings for each.
pub(super) fn by_family(
    conf: &Conf,
    [v4, v6]: [&'static str; 2],
    made: &mut Translation,
) -> Vec<(Families, Ports, Vec<String>)> {
    let of_v4 = Ports::of(conf, v4, made);
    if !conf.is_on("IPV6") {
        return vec![(Families::Both, of_v4, remarks(conf, &[v4]))];
    }
    let of_v6 = Ports::of(conf, v6, made);
    vec![
        (
            Families::Both,
            of_v4.common(&of_v6),
            remarks(conf, &[v4, v6]),
        ),
        (Families::V4, of_v4.without(&of_v6), remarks(conf, &[v4])),
        (Families::V6, of_v6.without(&of_v4), remarks(conf, &[v6])),
    ]
}

fn remarks(conf: &Conf, keys: &[&str]) -> Vec<String> {
    keys.iter()
        .map(|key| super::from(&conf.place(key), key))
        .collect()
}

/// The services, and behind them what is dropped without a line, and what is refused.
pub(super) fn services(conf: &Conf, made: &mut Translation) -> Result<(), Problem> {
    let limits = limits::of_ports(conf, made);
    let flood = limits::synflood(conf, made);
    for transport in [Transport::Tcp, Transport::Udp] {
        let keys = match transport {
            Transport::Tcp => ["TCP_IN", "TCP6_IN"],
            _ => ["UDP_IN", "UDP6_IN"],
        };
        let rate = flood.as_ref().filter(|_| transport == Transport::Tcp);
        for (families, ports, remarks) in by_family(conf, keys, made) {
            let mut rest = ports.clone();
            let own = limits
                .iter()
                .filter(|((of, port), _)| *of == transport && ports.contains(*port));
            for ((_, port), limit) in own {
                rest.remove(*port);
                let mut alone = Ports::default();
                alone.extend((*port).into());
                let name = format!("{}-{port}{}", transport.text(), families.ending());
                let mut service = open(made, &name, transport, families, &alone)?;
                service.remarks.clone_from(&remarks);
                limited(&mut service, limit, rate);
                made.firewall.services.push(service);
            }
            if rest.is_empty() {
                continue;
            }
            let name = format!("{}-in{}", transport.text(), families.ending());
            let mut service = open(made, &name, transport, families, &rest)?;
            service.remarks = remarks;
            limited(&mut service, &Limit::default(), rate);
            made.firewall.services.push(service);
        }
    }
    icmp(conf, made)?;
    unlogged(conf, made)?;
    refused(conf, made)
}

fn open(
    made: &mut Translation,
    name: &str,
    transport: Transport,
    families: Families,
    ports: &Ports,
) -> Result<Service, Problem> {
    let name = made.name(Direction::In, name)?;
    Ok(Service {
        ports: ports.ranges(),
        sources: families.everybody()?,
        ..Service::new(name, [transport.protocol()])
    })
}

fn limited(
    service: &mut Service,
    limit: &Limit,
    flood: Option<&((iptables_ruleset::Rate, u32), Place)>,
) {
    service.connections = limit.connections;
    service.rate = limit.rate;
    service.remarks.extend(limit.remarks.iter().cloned());
    if let (None, Some((rate, place))) = (service.rate, flood) {
        service.rate = Some(*rate);
        service.remarks.push(super::from(place, "SYNFLOOD"));
    }
}

/// csf lets in all of ICMP but for what is named; of what begins something that is these types.
fn icmp(conf: &Conf, made: &mut Translation) -> Result<(), Problem> {
    let both = !conf.is_on("IPV6");
    if conf.is_on("ICMP_IN") {
        let mut ping = Service::new(made.name(Direction::In, "ping")?, [ServiceProtocol::ICMP]);
        ping.types = icmp_types(&["echo-request"])?;
        ping.remarks
            .push(super::from(&conf.place("ICMP_IN"), "ICMP_IN"));
        if conf.is_on("ICMP_IN_RATE") {
            ping.rate = limits::checked(conf, "ICMP_IN_RATE", None, made);
            let place = conf.place("ICMP_IN_RATE");
            ping.remarks.push(super::from(&place, "ICMP_IN_RATE"));
            made.note(
                &place,
                "ICMP_IN_RATE",
                "csf counts the pings of all sources together; here it is the rate of each source",
            );
        }
        if !both {
            ping.sources = Families::V4.everybody()?;
        }
        made.firewall.services.push(ping);
    }
    if !both {
        let mut ping = Service::new(
            made.name(Direction::In, "ping-v6")?,
            [ServiceProtocol::ICMP],
        );
        ping.types = icmp_types(&["echo-request"])?;
        ping.sources = Families::V6.everybody()?;
        let remark = "csf always lets these in over IPv6, whatever ICMP_IN says";
        ping.remarks.push(super::from(&conf.place("IPV6"), remark));
        made.firewall.services.push(ping);
    }
    let mut names = vec!["information-request", "address-mask-request"];
    if !conf.is_on("ICMP_TIMESTAMPDROP") {
        names.push("timestamp-request");
    }
    if !both && !conf.is_on("IPV6_ICMP_STRICT") {
        names.push("node-information-query");
    }
    let mut others = Service::new(
        made.name(Direction::In, "icmp-others")?,
        [ServiceProtocol::ICMP],
    );
    others.types = icmp_types(&names)?;
    let remark =
        "csf lets in what else ICMP asks (ICMP_TIMESTAMPDROP, IPV6_ICMP_STRICT); nobody needs it";
    let place = conf.place("ICMP_TIMESTAMPDROP");
    others.remarks.push(super::from(&place, remark));
    made.firewall.services.push(others);
    Ok(())
}

/// `DROP_NOLOG`: the ports that are dropped without a line.
fn unlogged(conf: &Conf, made: &mut Translation) -> Result<(), Problem> {
    let ports = Ports::of(conf, "DROP_NOLOG", made);
    if ports.is_empty() {
        return Ok(());
    }
    let protocols = [ServiceProtocol::TCP, ServiceProtocol::UDP];
    let mut service = Service::new(made.name(Direction::In, "drop-nolog")?, protocols);
    service.ports = ports.ranges();
    service.action = refusal(conf, "DROP", made);
    service.log = Some(false);
    service.remarks = remarks(conf, &["DROP_NOLOG"]);
    made.firewall.services.push(service);
    Ok(())
}

/// DROP = "REJECT": what is closed is answered.
fn refused(conf: &Conf, made: &mut Translation) -> Result<(), Problem> {
    let action = refusal(conf, "DROP", made);
    if action == Action::Drop {
        return Ok(());
    }
    let protocols = [ServiceProtocol::TCP, ServiceProtocol::UDP];
    let mut service = Service::new(made.name(Direction::In, "rest")?, protocols);
    service.ports = Ports::all().ranges();
    service.action = action;
    service.remarks = remarks(conf, &["DROP"]);
    made.firewall.services.push(service);
    Ok(())
}

/// What becomes of what is not let through.
pub(super) fn refusal(conf: &Conf, key: &str, made: &mut Translation) -> Action {
    match conf.value(key) {
        "REJECT" => Action::Reject,
        "DROP" | "" => Action::Drop,
        other => {
            let what = format!("{key} = {other}");
            made.left(
                &conf.place(key),
                &what,
                "it is dropped: there is no TARPIT here",
            );
            Action::Drop
        }
    }
}
