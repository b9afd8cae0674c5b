//! Who is never banned, whatever the log says.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipset_netlink::Network;
use nix::ifaddrs::getifaddrs;

use crate::source::{Source, holds, spelled};

/// Whom no set has to be asked about: `--exempt`, this host, and addresses that no host has.
#[derive(Debug, Default)]
pub(crate) struct Exemptions {
    ranges: Vec<Range>,
}

#[derive(Debug)]
struct Range {
    network: Network,
    /// As in "127.0.0.1 is …".
    why: String,
}

/// Addresses of which no packet comes from outside.
const OF_NO_HOST: [(IpAddr, u8, &str); 7] = [
    (
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        32,
        "the unspecified address",
    ),
    (
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        128,
        "the unspecified address",
    ),
    (
        IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
        8,
        "a loopback address",
    ),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128, "a loopback address"),
    (
        IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)),
        4,
        "a multicast address",
    ),
    (
        IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)),
        8,
        "a multicast address",
    ),
    (IpAddr::V4(Ipv4Addr::BROADCAST), 32, "the broadcast address"),
];

impl Exemptions {
    /// With the addresses that this host has now, in this network namespace, and the networks of `--exempt`.
    pub(crate) fn of_this_host(networks: &[Network]) -> io::Result<Self> {
        let addresses = getifaddrs()?.filter_map(|interface| {
            let address = interface.address?;
            let inet = address.as_sockaddr_in().map(|inet| IpAddr::V4(inet.ip()));
            inet.or_else(|| {
                address
                    .as_sockaddr_in6()
                    .map(|inet6| IpAddr::V6(inet6.ip()))
            })
        });
        Ok(Self::new(addresses.collect(), networks))
    }

    fn new(own: BTreeSet<IpAddr>, networks: &[Network]) -> Self {
        let range = |network, why: &str| Range {
            network,
            why: why.to_owned(),
        };
        let of_no_host = OF_NO_HOST.iter().filter_map(|(address, bits, why)| {
            Some(range(Network::new(*address, *bits).ok()?, why))
        });
        let own = own
            .into_iter()
            .map(|address| range(address.into(), "an address of this host"));
        let asked_for = networks
            .iter()
            .map(|network| range(*network, &format!("covered by --exempt {network}")));
        Self {
            ranges: of_no_host.chain(own).chain(asked_for).collect(),
        }
    }

    /// Why `source` is exempt, as in "203.0.113.7 is …", if it is; `more` are the networks that the rule itself exempts.
    ///
    /// A network is exempt as soon as one address in it is. An IPv4-mapped IPv6 address is exempt also where the IPv4
    /// address in it is.
    pub(crate) fn reason(&self, source: Source, more: &[Network]) -> Option<String> {
        source.forms().find_map(|form| {
            let range = self
                .ranges
                .iter()
                .find_map(|range| overlap(form, range.network, &range.why));
            range.or_else(|| {
                more.iter().find_map(|network| {
                    let why = format!("covered by exempt {network} of its rule");
                    overlap(form, *network, &why)
                })
            })
        })
    }
}

/// Why `source` is left alone when all of `exempt` is, as in "203.0.113.0/24 is …".
pub(crate) fn overlap(source: Network, exempt: Network, why: &str) -> Option<String> {
    if holds(exempt, source) {
        return Some(why.to_owned());
    }
    let member = spelled(exempt);
    holds(source, exempt).then(|| format!("not banned whole: {member} in it is {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().expect(text);
        bits.parse().map_or(Network::from(address), |bits| {
            Network::new(address, bits).expect(text)
        })
    }

    #[test]
    fn who_is_exempt_and_why() {
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        let exemptions = Exemptions::new(
            [ip("192.0.2.1"), ip("2001:db8::1")].into(),
            &[network("198.51.100.0/24"), network("2001:db8:1::/48")],
        );
        let rule_s_own = [network("100.64.0.0/10")];
        let reason = |source| exemptions.reason(network(source).into(), &rule_s_own);
        for (source, why) in [
            ("0.0.0.0", "the unspecified address"),
            ("::", "the unspecified address"),
            ("127.255.255.254", "a loopback address"),
            ("::1", "a loopback address"),
            ("::ffff:127.0.0.1", "a loopback address"),
            ("224.0.0.1", "a multicast address"),
            ("ff02::1", "a multicast address"),
            ("255.255.255.255", "the broadcast address"),
            ("192.0.2.1", "an address of this host"),
            ("::ffff:192.0.2.1", "an address of this host"),
            ("2001:db8::1", "an address of this host"),
            ("198.51.100.255", "covered by --exempt 198.51.100.0/24"),
            ("198.51.100.0/25", "covered by --exempt 198.51.100.0/24"),
            ("::ffff:198.51.100.7", "covered by --exempt 198.51.100.0/24"),
            ("2001:db8:1:ffff::9", "covered by --exempt 2001:db8:1::/48"),
            ("100.64.1.1", "covered by exempt 100.64.0.0/10 of its rule"),
            (
                "192.0.2.0/24",
                "not banned whole: 192.0.2.1 in it is an address of this host",
            ),
            (
                "198.51.0.0/16",
                "not banned whole: 198.51.100.0/24 in it is covered by --exempt 198.51.100.0/24",
            ),
            (
                "2001:db8::/64",
                "not banned whole: 2001:db8::1 in it is an address of this host",
            ),
            (
                "::ffff:192.0.2.0/120",
                "not banned whole: 192.0.2.1 in it is an address of this host",
            ),
            (
                "::/64",
                "not banned whole: :: in it is the unspecified address",
            ),
            (
                "126.0.0.0/7",
                "not banned whole: 127.0.0.0/8 in it is a loopback address",
            ),
        ] {
            assert_eq!(reason(source).as_deref(), Some(why), "{source}");
        }
        for source in [
            "203.0.113.7",
            "169.254.1.1",
            "10.0.0.1",
            "192.0.2.2",
            "192.0.2.128/25",
            "198.51.101.0",
            "fe80::1",
            "2001:db8:2::1",
            "2001:db8:0:1::/64",
            "::ffff:203.0.113.7",
        ] {
            assert_eq!(reason(source), None, "{source}");
        }
    }
}
