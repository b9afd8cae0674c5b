//! Who is never on a block list: the whitelist, this host, and addresses that are nobody's in the
//! Internet.

use std::ops::ControlFlow;

use ipset_netlink::address_list::{AddressList, ListReader};
use ipset_netlink::{Family, IpSet, Listed, SetName, Transport};
use serde::Serialize;

use crate::config::Wanted;
use crate::findings::causes;
use crate::own_addresses::own_addresses;

/// Addresses that no block list is to hold, by the reason.
#[derive(Debug)]
pub(crate) struct Exceptions(Vec<(Why, AddressList)>);

/// Why something is not put into a block list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Why {
    /// It is a private network, or no address of a host.
    Private,
    /// It is an address of this host.
    Own,
    /// It is in the whitelist.
    Whitelisted,
}

impl Why {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Private, Self::Own, Self::Whitelisted];

    /// In a word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Own => "own",
            Self::Whitelisted => "whitelisted",
        }
    }
}

/// A network that a block list has and its set does not.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cut {
    /// The network.
    pub(crate) network: String,
    /// Why.
    pub(crate) why: Why,
}

impl Exceptions {
    /// Those of this host at this moment: the whitelist is that of the configuration and that of
    /// the kernel.
    ///
    /// # Errors
    ///
    /// When the whitelist of the kernel cannot be read; a sentence says why.
    pub(crate) fn look<T: Transport>(
        kernel: &mut IpSet<T>,
        wanted: &Wanted,
    ) -> Result<Self, String> {
        let own = own_addresses().into_iter();
        let own = own.flat_map(|(address, broadcast)| [Some(address), broadcast]);
        let mut whitelisted = Vec::new();
        let mut excepted = Vec::new();
        for name in ["whitelist", "whitelist_v6"] {
            let name: SetName = name
                .parse()
                .map_err(|error: ipset_netlink::SetNameError| causes(&error))?;
            let configured = wanted.members_of(&name).iter();
            whitelisted.extend(configured.filter_map(ipset_netlink::Key::as_network));
            let read = kernel.for_each(Some(&name), |listed| {
                if let Listed::Entry(entry) = listed {
                    let to = if entry.nomatch {
                        &mut excepted
                    } else {
                        &mut whitelisted
                    };
                    to.extend(entry.key.as_network());
                }
                ControlFlow::Continue(())
            });
            match read {
                Err(error) if !error.is_set_not_found() => return Err(causes(&error)),
                _ => {}
            }
        }
        let whitelisted: AddressList = whitelisted.into_iter().collect();
        let excepted: AddressList = excepted.into_iter().collect();
        Ok(Self(vec![
            (Why::Private, private()),
            (Why::Own, own.flatten().collect()),
            (Why::Whitelisted, whitelisted.without(&excepted)),
        ]))
    }

    /// The addresses without them, and what was taken out.
    pub(super) fn cut_out_of(&self, addresses: &AddressList) -> (AddressList, Vec<Cut>) {
        let (mut left, mut cuts) = (addresses.clone(), Vec::new());
        for (why, excepted) in &self.0 {
            let common = left.common(excepted);
            if common.is_empty() {
                continue;
            }
            for family in [Family::Inet, Family::Inet6] {
                cuts.extend(common.networks(family).map(|network| Cut {
                    network: network.to_string(),
                    why: *why,
                }));
            }
            left = left.without(excepted);
        }
        (left, cuts)
    }
}

pub(crate) fn private() -> AddressList {
    let mut reader = ListReader::new();
    // Every line can be read, which a test sees to.
    let _ = reader.read(PRIVATE.as_bytes());
    reader.finish()
}

const PRIVATE: &str = "
0.0.0.0/8           # this network, RFC 791
10.0.0.0/8          # RFC 1918
100.64.0.0/10       # between providers and their customers, RFC 6598
127.0.0.0/8         # loopback
169.254.0.0/16      # link-local, RFC 3927
172.16.0.0/12       # RFC 1918
192.168.0.0/16      # RFC 1918
224.0.0.0/4         # multicast
255.255.255.255     # broadcast
::/128              # unspecified
::1                 # loopback
fc00::/7            # unique local, RFC 4193
fe80::/10           # link-local
ff00::/8            # multicast
";

#[cfg(test)]
mod tests {
    use ipset_netlink::testing::FakeKernel;
    use ipset_netlink::{CreateSet, Entry, IfExists, SetType};

    use super::*;
    use crate::config;

    #[test]
    fn what_is_excepted_is_cut_out_exactly() {
        assert_eq!(ListReader::new().read(PRIVATE.as_bytes()), Ok(14));
        let text = "[sets.members]\nwhitelist = [\"198.51.100.7\", \"2001:db8::7\"]\n";
        let wanted = config::parse("x".as_ref(), text.as_bytes()).unwrap();
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        let name: SetName = "whitelist".parse().unwrap();
        let set = CreateSet::new(name.clone(), SetType::HashNet, Family::Inet);
        kernel.create(&set, IfExists::Fail).unwrap();
        for entry in [
            Entry::new("203.0.113.0/25".parse().unwrap()),
            Entry::new("203.0.113.0/26".parse().unwrap()).nomatch(),
        ] {
            kernel.add(&name, &entry, IfExists::Fail).unwrap();
        }
        let exceptions = Exceptions::look(&mut kernel, &wanted).unwrap();
        let mut reader = ListReader::new();
        reader
            .read(b"198.51.100.0/24\n203.0.113.0/24\n10.1.0.0/16\n127.0.0.1\n2001:db8::/32\n::1\n")
            .unwrap();
        let (left, cuts) = exceptions.cut_out_of(&reader.finish());
        let cuts: Vec<String> = cuts
            .iter()
            .map(|cut| format!("{} {}", cut.network, cut.why.word()))
            .collect();
        assert_eq!(
            cuts,
            [
                "10.1.0.0/16 private",
                "127.0.0.1/32 private",
                "::1/128 private",
                "198.51.100.7/32 whitelisted",
                "203.0.113.64/26 whitelisted",
                "2001:db8::7/128 whitelisted",
            ]
        );
        let holds = |address: &str| left.contains(address.parse().unwrap());
        assert!(holds("198.51.100.6") && !holds("198.51.100.7") && holds("198.51.100.8"));
        assert!(holds("203.0.113.63") && !holds("203.0.113.64") && holds("203.0.113.128"));
        assert!(holds("2001:db8::6") && !holds("2001:db8::7") && !holds("::1"));
        assert_eq!(left.networks(Family::Inet).count(), 8 + 2);
    }
}
