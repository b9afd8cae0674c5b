//! Who is never banned, whatever the log says.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use ipset_netlink::Network;
use nix::ifaddrs::getifaddrs;

/// Whom no set has to be asked about: `--exempt`, this host, and addresses that no host has.
#[derive(Debug, Default)]
pub(crate) struct Exemptions {
    networks: Vec<Network>,
    own: HashSet<IpAddr>,
}

impl Exemptions {
    /// With the addresses that this host has now, in this network namespace.
    pub(crate) fn of_this_host(networks: Vec<Network>) -> io::Result<Self> {
        let addresses = getifaddrs()?.filter_map(|interface| {
            let address = interface.address?;
            let inet = address.as_sockaddr_in().map(|inet| IpAddr::V4(inet.ip()));
            inet.or_else(|| {
                address
                    .as_sockaddr_in6()
                    .map(|inet6| IpAddr::V6(inet6.ip()))
            })
        });
        Ok(Self {
            networks,
            own: addresses.collect(),
        })
    }

    /// Why `source` is exempt, as in "203.0.113.7 is …", if it is.
    ///
    /// An IPv4-mapped IPv6 address is exempt also where the IPv4 address in it is.
    pub(crate) fn reason(&self, source: IpAddr) -> Option<String> {
        forms(source).find_map(|address| self.reason_for(address))
    }

    fn reason_for(&self, address: IpAddr) -> Option<String> {
        let of_no_host = [
            (address.is_unspecified(), "the unspecified address"),
            (address.is_loopback(), "a loopback address"),
            (address.is_multicast(), "a multicast address"),
            (address == Ipv4Addr::BROADCAST, "the broadcast address"),
            (self.own.contains(&address), "an address of this host"),
        ];
        let of_no_host = of_no_host.into_iter().find(|(is_it, _)| *is_it);
        of_no_host.map(|(_, why)| why.to_owned()).or_else(|| {
            let network = self
                .networks
                .iter()
                .find(|network| network.contains(address));
            network.map(|network| format!("covered by --exempt {network}"))
        })
    }
}

/// The address, and the IPv4 address that is mapped in it.
pub(crate) fn forms(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    let mapped = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(inet6) => inet6.to_ipv4_mapped().map(IpAddr::V4),
    };
    std::iter::once(address).chain(mapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_exempt_and_why() {
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        let exemptions = Exemptions {
            networks: vec![
                Network::new(ip("198.51.100.0"), 24).expect("a network"),
                Network::new(ip("2001:db8:1::"), 48).expect("a network"),
            ],
            own: [ip("192.0.2.1"), ip("2001:db8::1")].into(),
        };
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
            ("::ffff:198.51.100.7", "covered by --exempt 198.51.100.0/24"),
            ("2001:db8:1:ffff::9", "covered by --exempt 2001:db8:1::/48"),
        ] {
            assert_eq!(
                exemptions.reason(ip(source)).as_deref(),
                Some(why),
                "{source}"
            );
        }
        for source in [
            "203.0.113.7",
            "169.254.1.1",
            "10.0.0.1",
            "192.0.2.2",
            "198.51.101.0",
            "fe80::1",
            "2001:db8:2::1",
            "::ffff:203.0.113.7",
        ] {
            assert_eq!(exemptions.reason(ip(source)), None, "{source}");
        }
    }
}
