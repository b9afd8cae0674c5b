//! Who is never banned, whatever the log says: this host, addresses that no host has, whom it cannot
//! do without, and whom `--exempt`, a rule or a whitelist names.

mod part;
mod protected;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use ban_sets::network::{holds, spelled};
use ban_sets::{Held, Network};
use nix::ifaddrs::getifaddrs;
pub(crate) use part::{Part, distinct};
use protected::Protected;

use crate::error::Fatal;
use crate::rule::{Protect, Rule, network};
use crate::sets::Sets;
use crate::source::Source;

/// Who is exempt from every rule of a run.
#[derive(Debug, Default)]
pub(crate) struct Exemptions {
    /// Networks of which everybody is exempt.
    ranges: Vec<Part>,
    own: BTreeSet<IpAddr>,
    protected: Protected,
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
    /// of `--exempt`. Nobody is protected yet.
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
            protected: Protected::default(),
        }
    }

    /// With those who are protected now; the text says why some are not.
    pub(crate) fn protecting(mut self, protect: &Protect) -> (Self, Option<String>) {
        self.protected.read_files(protect);
        let trouble = self.protected.read_gateways(protect).err();
        (self, trouble.map(|error| unprotected(&error)))
    }

    /// Who is protected stays so, and everything else is as in `other`.
    pub(crate) fn renew(&mut self, other: Self) {
        (self.ranges, self.own) = (other.ranges, other.own);
    }

    /// Who is protected.
    pub(crate) fn protected(&mut self) -> &mut Protected {
        &mut self.protected
    }

    /// All that are exempt from every rule, whoever is in the whitelists.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Part> {
        self.ranges.iter().chain(self.protected.iter())
    }

    /// How much of `source` is exempt from rules that exempt the networks `more` themselves; `sets`
    /// knows the whitelists.
    ///
    /// An IPv4-mapped IPv6 address is exempt also where the IPv4 address in it is.
    ///
    /// # Errors
    ///
    /// The kernel does not say who is in a whitelist.
    pub(crate) fn of(
        &self,
        source: Source,
        more: &[Network],
        sets: Option<&mut Sets>,
    ) -> Result<Exemption, Fatal> {
        let of_rule = more.iter().map(|network| {
            let why = format!("covered by exempt {} of its rule", spelled(*network));
            Part::by_run(*network, why)
        });
        let of_rule: Vec<_> = of_rule.collect();
        let mut parts = Vec::new();
        for form in source.forms() {
            for range in self.iter().chain(&of_rule) {
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
    /// none where no rule counts networks. Those who come and go are not among them: they are
    /// excepted from bans alone.
    ///
    /// # Errors
    ///
    /// The kernel does not say who is in a whitelist.
    pub(crate) fn in_networks(
        &self,
        rules: &[Rule],
        sets: Option<&mut Sets>,
    ) -> Result<Vec<Network>, Fatal> {
        if !rules.iter().any(Rule::counts_networks) {
            return Ok(Vec::new());
        }
        let whitelisted = sets.map_or(Ok(Vec::new()), Sets::whitelisted);
        let whitelisted = whitelisted.map_err(|why| Fatal::Sets(vec![why]))?;
        let whitelisted = whitelisted.into_iter().map(|(_, member)| member);
        let own = self.ranges.iter().chain(self.protected.standing());
        let own = own.map(|range| range.network);
        Ok(own.chain(whitelisted).collect())
    }

    /// Whether this host has an address.
    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        self.own.contains(&address)
    }
}

/// What to say where the kernel does not tell the gateways.
pub(crate) fn unprotected(error: &io::Error) -> String {
    format!("cannot tell the gateways of this host, so that none is let go for being one: {error}")
}

/// How much of a source is exempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exemption {
    /// All of it, for this reason, as in "203.0.113.7 is …".
    Whole(String),
    /// These networks in it; none where nobody in it is exempt.
    Parts(Vec<Part>),
}

#[cfg(test)]
mod tests {
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
            let exemption = exemptions.of(source, &rule_s_own, None);
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
