//! `[[service]]`: what others may connect to.

use std::fmt;
use std::str::FromStr;

use super::per;
use crate::match_::{DEFAULT_BURST, Multiport};
use crate::{BuildError, InterfaceName, Network, PortRange, Rate, RateUnit};

/// Something on this host that others may connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// `name`: no two services share one.
    pub name: ServiceName,
    /// `protocol` and `ports`.
    pub protocol: ServiceProtocol,
    /// `rate`: new connections (ICMP: messages) of one source; without it any number.
    pub rate: Option<Rate>,
    /// `burst`, with a rate: so many at once after a quiet time, 1 to 1000000; by default 5.
    pub burst: u32,
    /// `per-v4`, with a rate: sources that have the first so many bits in common are counted as
    /// one, 1 to 32; by default 32, each address for itself.
    pub per_v4: u8,
    /// `per-v6`: likewise, 1 to 128; by default 64, because whoever has one address of IPv6 has
    /// such a network.
    pub per_v6: u8,
    /// `sources`: who may use it; empty: everybody. A service whose sources are all of one family
    /// is closed to the other.
    pub sources: Vec<Network>,
    /// `interfaces`: where it may be used from; empty: everywhere.
    pub interfaces: Vec<InterfaceName>,
}

impl Service {
    /// A service for everybody, from everywhere, without a limit.
    pub fn new(name: ServiceName, protocol: ServiceProtocol) -> Self {
        Self {
            name,
            protocol,
            rate: None,
            burst: DEFAULT_BURST,
            per_v4: PER_V4,
            per_v6: PER_V6,
            sources: Vec::new(),
            interfaces: Vec::new(),
        }
    }
}

/// The protocol of a service, and its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceProtocol {
    /// `"tcp"`: 1 to 15 ports, a range counting as two.
    Tcp(Vec<PortRange>),
    /// `"udp"`: likewise.
    Udp(Vec<PortRange>),
    /// `"icmp"`: ICMP in the IPv4 rules, ICMPv6 in the IPv6 rules.
    Icmp,
}

/// The name of a service: 1 to 20 letters, digits, `_` and `-`, and not beginning with `throttle-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

impl ServiceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = BuildError;

    fn from_str(name: &str) -> Result<Self, BuildError> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !(1..=NAME_MAX).contains(&name.len()) || !name.chars().all(good) {
            let reason = format!("must be 1 to {NAME_MAX} letters, digits, \"_\" and \"-\"");
            return Err(BuildError::value("service name", name, reason));
        }
        if name.starts_with(RESERVED) {
            let reason = format!("names that begin with \"{RESERVED}\" are the throttle sets' own");
            return Err(BuildError::value("service name", name, reason));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the kernel could not match these ports, if so.
pub(crate) fn check_ports(ports: &[PortRange]) -> Result<(), BuildError> {
    Multiport::destinations(ports.iter().copied()).map(drop)
}

/// What is open without any `[[service]]`: ssh and https, as in the seed's firewall.
pub(super) fn defaults() -> Vec<Service> {
    let open = |name: &str, port: u16, connections: u32, burst: u32| {
        let protocol = ServiceProtocol::Tcp(vec![port.into()]);
        Service {
            rate: Some(per(connections, RateUnit::Minute)),
            burst,
            ..Service::new(ServiceName(name.to_owned()), protocol)
        }
    };
    // A page takes a handful of connections, and an office comes from one address.
    vec![
        open("ssh", 22, 10, DEFAULT_BURST),
        open("https", 443, 60, 60),
    ]
}

/// `per-v4` and `per-v6` unless the file says otherwise.
pub(crate) const PER_V4: u8 = 32;
pub(crate) const PER_V6: u8 = 64;
/// Room is left for the rate in the name of the hashlimit.
const NAME_MAX: usize = 20;
/// Rates are counted under the service's name; those of the throttle sets begin like this.
const RESERVED: &str = "throttle-";
