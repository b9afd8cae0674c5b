//! `-j REJECT`.

use std::fmt;

use crate::Family;
use crate::encoding::{Expression, Extension, Field, Info};
use crate::match_::Protocol;

/// `-j REJECT`: the packet is dropped and its sender told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    with: RejectWith,
}

/// What the sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectWith {
    /// ICMP: nothing listens on that port.
    PortUnreachable,
    /// ICMP: there is no such host (IPv6: address unreachable).
    HostUnreachable,
    /// ICMP: forbidden by the administrator.
    Prohibited,
    /// TCP RST, as from a closed port; for `-p tcp` only.
    TcpReset,
}

impl Reject {
    /// Tells the sender this.
    pub fn new(with: RejectWith) -> Self {
        Self { with }
    }

    /// Its name in iptables and the number: enum `ipt_reject_with`
    /// (`linux/netfilter_ipv4/ipt_REJECT.h`) and enum `ip6t_reject_with`
    /// (`linux/netfilter_ipv6/ip6t_REJECT.h`).
    fn kernel(self, family: Family) -> (&'static str, u32) {
        match (self.with, family) {
            (RejectWith::PortUnreachable, Family::Ipv4) => ("icmp-port-unreachable", 3),
            (RejectWith::PortUnreachable, Family::Ipv6) => ("icmp6-port-unreachable", 4),
            (RejectWith::HostUnreachable, Family::Ipv4) => ("icmp-host-unreachable", 1),
            (RejectWith::HostUnreachable, Family::Ipv6) => ("icmp6-addr-unreachable", 3),
            (RejectWith::Prohibited, Family::Ipv4) => ("icmp-admin-prohibited", 8),
            (RejectWith::Prohibited, Family::Ipv6) => ("icmp6-adm-prohibited", 1),
            (RejectWith::TcpReset, Family::Ipv4) => ("tcp-reset", 7),
            (RejectWith::TcpReset, Family::Ipv6) => ("tcp-reset", 6),
        }
    }

    pub(super) fn save(self, f: &mut fmt::Formatter<'_>, family: Family) -> fmt::Result {
        write!(f, "-j REJECT --reject-with {}", self.kernel(family).0)
    }

    pub(super) fn decode(expression: &Expression, family: Family) -> Option<Self> {
        let mut all = [
            RejectWith::PortUnreachable,
            RejectWith::HostUnreachable,
            RejectWith::Prohibited,
            RejectWith::TcpReset,
        ]
        .map(Self::new)
        .into_iter();
        all.find(|reject| reject.encode(family) == *expression)
    }

    pub(super) fn encode(self, family: Family) -> Expression {
        let info = Info::new()
            .put(WITH, self.kernel(family).1.to_ne_bytes())
            .finish();
        Expression::Target(Extension {
            name: "REJECT",
            revision: 0,
            info,
        })
    }

    pub(super) fn check(self, protocol: Option<&Protocol>) -> Result<(), String> {
        if self.with == RejectWith::TcpReset && protocol != Some(&Protocol::TCP) {
            return Err("--reject-with tcp-reset needs -p tcp".to_owned());
        }
        Ok(())
    }
}

/// The one field of struct `ipt_reject_info` and struct `ip6t_reject_info`.
const WITH: Field<8, 4> = Field::at(0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rule;

    #[test]
    fn each_family_has_its_own_numbers() {
        for (with, family, name, number) in [
            (
                RejectWith::PortUnreachable,
                Family::Ipv4,
                "icmp-port-unreachable",
                3,
            ),
            (
                RejectWith::PortUnreachable,
                Family::Ipv6,
                "icmp6-port-unreachable",
                4,
            ),
            (RejectWith::TcpReset, Family::Ipv4, "tcp-reset", 7),
            (RejectWith::TcpReset, Family::Ipv6, "tcp-reset", 6),
        ] {
            let reject = Reject::new(with);
            let text = Rule::new(reject).to_iptables_save(family).to_string();
            assert_eq!(text, format!("-j REJECT --reject-with {name}"));
            let Expression::Target(xt) = reject.encode(family) else {
                panic!("not a target")
            };
            assert_eq!(xt.info, [number, 0, 0, 0, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn a_reset_is_for_tcp() {
        let reset = || Rule::new(Reject::new(RejectWith::TcpReset));
        assert!(reset().check(Family::Ipv4).is_err());
        assert!(reset().matching(Protocol::TCP).check(Family::Ipv4).is_ok());
    }
}
