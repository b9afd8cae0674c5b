//! `-j DNAT`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::encoding::{Expression, Extension, Field, Info};
use crate::match_::Protocol;
use crate::{BuildError, Family, Network};

/// `-j DNAT`: the connection goes to another address, for the table `nat`.
///
/// ```
/// use iptables_ruleset::match_::{Protocol, Tcp};
/// use iptables_ruleset::target::Dnat;
/// use iptables_ruleset::{Family, Rule};
///
/// let inside = Dnat::new("192.168.1.10".parse()?).port(443);
/// let rule = Rule::new(inside).matching(Protocol::TCP).matching(Tcp::new().destination(8443));
/// assert_eq!(
///     rule.to_iptables_save(Family::Ipv4).to_string(),
///     "-p tcp -m tcp --dport 8443 -j DNAT --to-destination 192.168.1.10:443",
/// );
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dnat {
    address: IpAddr,
    port: Option<u16>,
}

impl Dnat {
    /// To this address, and the port it is for.
    pub fn new(address: IpAddr) -> Self {
        Self {
            address,
            port: None,
        }
    }

    /// To this port.
    pub fn port(self, port: u16) -> Self {
        Self {
            port: Some(port),
            ..self
        }
    }

    pub(super) fn save(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-j DNAT --to-destination ")?;
        match (self.address, self.port) {
            (address, None) => write!(f, "{address}"),
            (IpAddr::V4(address), Some(port)) => write!(f, "{address}:{port}"),
            (IpAddr::V6(address), Some(port)) => write!(f, "[{address}]:{port}"),
        }
    }

    pub(super) fn encode(self) -> Result<Expression, BuildError> {
        let octets = Network::from(self.address).octets();
        let flags = NF_NAT_RANGE_MAP_IPS
            | match self.port {
                Some(_) => NF_NAT_RANGE_PROTO_SPECIFIED,
                None => 0,
            };
        let port = self.port.unwrap_or(0).to_be_bytes();
        let info = Info::new()
            .put(FLAGS, flags.to_ne_bytes())
            .put_start(FIRST, &octets)?
            .put_start(LAST, &octets)?
            .put(FIRST_PORT, port)
            .put(LAST_PORT, port);
        Ok(Expression::Target(Extension {
            name: "DNAT",
            revision: 2,
            info: info.finish(),
        }))
    }

    pub(super) fn decode(expression: &Expression, family: Family) -> Option<Self> {
        let Expression::Target(Extension {
            name: "DNAT", info, ..
        }) = expression
        else {
            return None;
        };
        let address = FIRST.of(info)?;
        let [a, b, c, d, ..] = *address;
        let address = match family {
            Family::Ipv4 => IpAddr::from(Ipv4Addr::new(a, b, c, d)),
            Family::Ipv6 => Ipv6Addr::from(*address).into(),
        };
        let port = u16::from_be_bytes(*FIRST_PORT.of(info)?);
        let flags = u32::from_ne_bytes(*FLAGS.of(info)?);
        let with_port = flags & NF_NAT_RANGE_PROTO_SPECIFIED != 0;
        let found = Self {
            address,
            port: with_port.then_some(port),
        };
        // Ranges, and what else iptables can say, are kept as they are.
        (found.encode().ok()? == *expression).then_some(found)
    }

    pub(super) fn check(self, protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
        if Family::of(self.address) != family {
            return Err(format!("--to-destination {} is not {family}", self.address));
        }
        let has_ports = protocol.is_some_and(|one| one.has_ports() && !one.is_inverted());
        if self.port.is_some() && !has_ports {
            return Err("a port of --to-destination needs -p tcp or another with ports".to_owned());
        }
        Ok(())
    }
}

/// `linux/netfilter/nf_nat.h`: struct `nf_nat_range2`.
const FLAGS: Field<48, 4> = Field::at(0);
const FIRST: Field<48, 16> = Field::at(4);
const LAST: Field<48, 16> = Field::at(20);
const FIRST_PORT: Field<48, 2> = Field::at(36);
const LAST_PORT: Field<48, 2> = Field::at(38);
const NF_NAT_RANGE_MAP_IPS: u32 = 1;
const NF_NAT_RANGE_PROTO_SPECIFIED: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rule, Target};

    fn hex(target: Dnat) -> String {
        let Ok(Expression::Target(xt)) = target.encode() else {
            panic!("not a target")
        };
        let byte = |byte: &u8| format!("{byte:02x}");
        xt.info.iter().map(byte).collect()
    }

    /// The structures of iptables 1.8.9: `iptables -t nat -A PREROUTING -p tcp --dport 8443 -j DNAT
    /// --to-destination 192.168.1.10:443` and the like.
    #[test]
    fn the_structure_is_the_one_of_iptables() {
        let v4 = Dnat::new([192, 168, 1, 10].into());
        let v6 = Dnat::new("2001:db8::10".parse().unwrap());
        for (target, bytes) in [
            (
                v4.port(443),
                "03000000c0a8010a000000000000000000000000c0a8010a00000000000000000000000001bb01bb0000000000000000",
            ),
            (
                v4,
                "01000000c0a8010a000000000000000000000000c0a8010a000000000000000000000000000000000000000000000000",
            ),
            (
                v6.port(443),
                "0300000020010db800000000000000000000001020010db8000000000000000000000010\
                 01bb01bb0000000000000000",
            ),
        ] {
            assert_eq!(hex(target), bytes);
            let family = Family::of(target.address);
            let read = Target::decode(&target.encode().unwrap(), family, &|_| None);
            assert_eq!(read, Target::Dnat(target));
        }
    }

    #[test]
    fn what_iptables_refuses_is_refused() {
        let to = Dnat::new([192, 0, 2, 1].into());
        let port = || Rule::new(to.port(1));
        assert!(port().check(Family::Ipv4).is_err());
        assert!(port().matching(Protocol::UDP).check(Family::Ipv4).is_ok());
        assert!(port().matching(Protocol::UDP).check(Family::Ipv6).is_err());
        assert!(Rule::new(to).check(Family::Ipv4).is_ok());
    }
}
