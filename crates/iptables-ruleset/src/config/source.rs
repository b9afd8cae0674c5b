//! Who may use a service, or may not.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::{BuildError, Family, Network, SetName};

/// One of the sources of a service: a network, a set, or everybody but those.
///
/// ```
/// use iptables_ruleset::config::ServiceSource;
///
/// let office: ServiceSource = "set:office".parse()?;
/// let others: ServiceSource = "!192.0.2.0/24".parse()?;
/// assert!(!office.is_excluded() && others.is_excluded());
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSource {
    who: Who,
    excluded: bool,
}

/// Who is meant by a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// `"192.0.2.0/24"`: whose address is in the network.
    Network(Network),
    /// `"set:office"`: members of the set `office`, or `office_v6` in the IPv6 rules. This is the
    /// name for IPv4.
    Set(SetName),
}

impl ServiceSource {
    /// Those who are in the network or set.
    pub fn new(who: Who) -> Self {
        Self {
            who,
            excluded: false,
        }
    }

    /// `"!…"`: everybody but those.
    pub fn excluded(self) -> Self {
        Self {
            excluded: true,
            ..self
        }
    }

    /// The network or set.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Whether it is everybody but those.
    pub fn is_excluded(&self) -> bool {
        self.excluded
    }

    /// The set that the rules of that family look into; `None` for a network.
    ///
    /// # Errors
    /// When the name has no room for `_v6`, which [`str::parse`] sees to.
    pub fn set_name(&self, family: Family) -> Result<Option<SetName>, BuildError> {
        match (&self.who, family) {
            (Who::Network(_), _) => Ok(None),
            (Who::Set(name), Family::Ipv4) => Ok(Some(name.clone())),
            (Who::Set(name), Family::Ipv6) => format!("{name}{V6}").parse().map(Some),
        }
    }
}

impl FromStr for ServiceSource {
    type Err = BuildError;

    fn from_str(text: &str) -> Result<Self, BuildError> {
        let wrong = |reason: String| BuildError::value("source", text, reason);
        let (excluded, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        let who = if let Some(name) = rest.strip_prefix("set:") {
            let set: SetName = name
                .parse()
                .map_err(|error: BuildError| wrong(error.reason()))?;
            if name.len() > SET_MAX {
                return Err(wrong(format!(
                    "the name of the set must not be longer than {SET_MAX} bytes: that for IPv6 has {V6} at its end"
                )));
            }
            if let Some(base) = name.strip_suffix(V6) {
                return Err(wrong(format!(
                    "one name stands for the sets of both families: \"set:{base}\" is {base} in the IPv4 rules and {name} in \
                     the IPv6 rules"
                )));
            }
            Who::Set(set)
        } else {
            let network: Network =
                rest.parse()
                    .map_err(|error: BuildError| match rest.split('/').next() {
                        Some(address) if address.parse::<IpAddr>().is_ok() => wrong(error.reason()),
                        _ => wrong(EXPECTED.to_owned()),
                    })?;
            check(network).map_err(wrong)?;
            if excluded && network.prefix_length() == 0 {
                return Err(wrong("this leaves nobody".to_owned()));
            }
            Who::Network(network)
        };
        Ok(Self { who, excluded })
    }
}

impl fmt::Display for ServiceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excluded {
            f.write_str("!")?;
        }
        match &self.who {
            Who::Network(network) => write!(f, "{network}"),
            Who::Set(name) => write!(f, "set:{name}"),
        }
    }
}

/// Refuses an address that no packet has.
pub(super) fn check(network: Network) -> Result<(), String> {
    match network.address() {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Err(format!(
            "{v6} never appears in a packet: write it as an IPv4 address"
        )),
        _ => Ok(()),
    }
}

const EXPECTED: &str =
    "expected an address, ADDRESS/PREFIX or set:NAME, or one of these behind \"!\"";
/// What the name of a set for IPv6 ends in.
const V6: &str = "_v6";
/// `IPSET_MAXNAMELEN` (32, `linux/netfilter/ipset/ip_set.h`) less the NUL and `_v6`.
const SET_MAX: usize = 28;
