//! Who is never banned, whatever the log says: this host, addresses that no host has, and whom
//! `--exempt`, a rule or a whitelist names.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::{fmt, io};

use ipset_netlink::{Network, Transport};
use nix::ifaddrs::getifaddrs;

use crate::error::Fatal;
use crate::rule::{Rule, network};
use crate::sets::{Held, Sets};
use crate::source::{Source, holds, spelled};

/// Who is exempt from every rule of a run.
#[derive(Debug, Default)]
pub(crate) struct Exemptions {
    /// Networks of which everybody is exempt.
    ranges: Vec<Part>,
    own: BTreeSet<IpAddr>,
}

/// Addresses of which no packet comes from outside.
const OF_NO_HOST: [(&str, &str); 7] = [
    ("0.0.0.0", "the unspecified address"),
    ("::", "the unspecified address"),
    ("127.0.0.0/8", "a loopback address"),
    ("::1", "a loopback address"),
    ("224.0.0.0/4", "a multicast address"),
    ("ff00::/8", "a multicast address"),
    ("255.255.255.255", "the broadcast address"),
];

impl Exemptions {
    /// This host has the addresses that it has now, in this network namespace; `networks` are those
    /// of `--exempt`.
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

    pub(crate) fn new(own: BTreeSet<IpAddr>, networks: &[Network]) -> Self {
        let of_no_host = OF_NO_HOST.iter();
        let of_no_host = of_no_host.filter_map(|(of, why)| Some(Part::new(network(of).ok()?, why)));
        let of_this_host = own.iter();
        let of_this_host =
            of_this_host.map(|own| Part::new((*own).into(), "an address of this host"));
        let asked_for = networks.iter().map(|network| {
            let why = format!("covered by --exempt {}", spelled(*network));
            Part::by_run(*network, why)
        });
        let ranges = of_no_host.chain(of_this_host).chain(asked_for);
        Self {
            ranges: ranges.collect(),
            own,
        }
    }

    /// How much of `source` is exempt from rules that exempt the networks `more` themselves; `sets`
    /// knows the whitelists.
    ///
    /// An IPv4-mapped IPv6 address is exempt also where the IPv4 address in it is.
    ///
    /// # Errors
    ///
    /// The kernel does not say who is in a whitelist.
    pub(crate) fn of<T: Transport>(
        &self,
        source: Source,
        more: &[Network],
        sets: Option<&mut Sets<T>>,
    ) -> Result<Exemption, Fatal> {
        let of_rule = more.iter().map(|network| {
            let why = format!("covered by exempt {} of its rule", spelled(*network));
            Part::by_run(*network, why)
        });
        let of_rule: Vec<_> = of_rule.collect();
        let mut parts = Vec::new();
        for form in source.forms() {
            for range in self.ranges.iter().chain(&of_rule) {
                if holds(range.network, form) {
                    return Ok(Exemption::Whole(range.why.clone()));
                }
                if holds(form, range.network) {
                    parts.push(range.clone().of(source));
                }
            }
        }
        let Some(sets) = sets else {
            return Ok(Exemption::Parts(distinct(parts)));
        };
        for form in source.forms() {
            let held = sets.whitelisted_of(form);
            let Some((set, held)) = held.map_err(|why| Fatal::Sets(vec![why]))? else {
                continue;
            };
            let why = format!("a member of {set}");
            match held {
                Held::All => return Ok(Exemption::Whole(why)),
                Held::Parts(held) => {
                    parts.extend(
                        held.into_iter()
                            .map(|held| Part::new(held, &why).of(source)),
                    );
                }
            }
        }
        Ok(Exemption::Parts(distinct(parts)))
    }

    /// The networks of which nobody is counted with a network around him, by any of the `rules`;
    /// none where no rule counts networks.
    ///
    /// # Errors
    ///
    /// The kernel does not say who is in a whitelist.
    pub(crate) fn in_networks<T: Transport>(
        &self,
        rules: &[Rule],
        sets: Option<&mut Sets<T>>,
    ) -> Result<Vec<Network>, Fatal> {
        if !rules.iter().any(Rule::counts_networks) {
            return Ok(Vec::new());
        }
        let whitelisted = sets.map_or(Ok(Vec::new()), Sets::whitelisted);
        let whitelisted = whitelisted.map_err(|why| Fatal::Sets(vec![why]))?;
        let own = self.ranges.iter().map(|range| range.network);
        Ok(own.chain(whitelisted).collect())
    }

    /// Whether this host has an address.
    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        self.own.contains(&address)
    }
}

/// The parts in order, each once, and none within another.
pub(crate) fn distinct(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort_by_key(|part| (part.network, Reverse(part.by_run)));
    parts.dedup_by(|part, around| holds(around.network, part.network));
    parts
}

/// How much of a source is exempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exemption {
    /// All of it, for this reason, as in "203.0.113.7 is …".
    Whole(String),
    /// These networks in it; none where nobody in it is exempt.
    Parts(Vec<Part>),
}

/// Who is exempt in a network that is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) network: Network,
    /// As in "203.0.113.7 is …".
    pub(crate) why: String,
    /// Whether `--exempt` or a rule says so, and a run without them would not.
    pub(crate) by_run: bool,
}

impl Part {
    /// A network that is exempt for a reason that every run knows.
    pub(crate) fn new(network: Network, why: &str) -> Self {
        Self {
            network,
            why: why.to_owned(),
            by_run: false,
        }
    }

    fn by_run(network: Network, why: String) -> Self {
        Self {
            network,
            why,
            by_run: true,
        }
    }

    /// The part of `source` that this is, which it holds in one of its forms.
    pub(crate) fn of(self, source: Source) -> Self {
        Self {
            network: source.spell(self.network),
            ..self
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in it is {}", spelled(self.network), self.why)
    }
}

#[cfg(test)]
mod tests {
    use ipset_netlink::NetlinkSocket;

    use super::*;

    fn network(text: &str) -> Network {
        super::network(text).expect(text)
    }

    #[test]
    fn who_is_exempt_and_why() {
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        let exemptions = Exemptions::new(
            [ip("192.0.2.1"), ip("2001:db8::1")].into(),
            &[network("198.51.100.0/24"), network("2001:db8:1::/48")],
        );
        let rule_s_own = [network("100.64.0.0/10")];
        let exemption = |source| {
            let exemption = exemptions.of::<NetlinkSocket>(source, &rule_s_own, None);
            match exemption.expect("no set is asked") {
                Exemption::Whole(why) => vec![why],
                Exemption::Parts(parts) => parts.iter().map(Part::to_string).collect(),
            }
        };
        let exemption = |source| exemption(network(source).into());
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
            ("192.0.2.0/24", "192.0.2.1 in it is an address of this host"),
            (
                "198.51.0.0/16",
                "198.51.100.0/24 in it is covered by --exempt 198.51.100.0/24",
            ),
            (
                "2001:db8::/64",
                "2001:db8::1 in it is an address of this host",
            ),
            (
                "::ffff:192.0.2.0/120",
                "::ffff:192.0.2.1 in it is an address of this host",
            ),
            ("126.0.0.0/7", "127.0.0.0/8 in it is a loopback address"),
        ] {
            assert_eq!(exemption(source), [why], "{source}");
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
            assert!(exemption(source).is_empty(), "{source}");
        }
        assert_eq!(
            exemption("::/64"),
            [
                ":: in it is the unspecified address",
                "::1 in it is a loopback address",
                "::ffff:0.0.0.0 in it is the unspecified address",
                "::ffff:100.64.0.0/106 in it is covered by exempt 100.64.0.0/10 of its rule",
                "::ffff:127.0.0.0/104 in it is a loopback address",
                "::ffff:192.0.2.1 in it is an address of this host",
                "::ffff:198.51.100.0/120 in it is covered by --exempt 198.51.100.0/24",
                "::ffff:224.0.0.0/100 in it is a multicast address",
                "::ffff:255.255.255.255 in it is the broadcast address",
            ]
        );
    }
}
