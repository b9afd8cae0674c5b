//! Who may use a service, or may not.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::set_name;
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
        match &self.who {
            Who::Network(_) => Ok(None),
            Who::Set(name) => set_name::in_family(name, family).map(Some),
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
            Who::Set(set_name::of_both(name).map_err(wrong)?)
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
