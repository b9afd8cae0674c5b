//! `[[service]]`: what others may connect to, or may not.

use std::fmt;
use std::str::FromStr;

use super::hours::Hours;
use super::icmp::IcmpType;
use super::per;
use super::protocol::ServiceProtocol;
use super::source::ServiceSource;
use crate::match_::DEFAULT_BURST;
use crate::{BuildError, InterfaceName, Network, PortRange, Rate, RateUnit, UnixTime};

/// Something on this host that others may connect to, or may not.
///
/// The services are gone through in the order of the file, and the first that a new connection is
/// for decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// `name`: no two services share one.
    pub name: ServiceName,
    /// `protocol`: one or several.
    pub protocols: Vec<ServiceProtocol>,
    /// `ports`, of those of the protocols that have ports: one or more, none where no protocol has
    /// them.
    pub ports: Vec<PortRange>,
    /// `types`, of ICMP; empty: every type.
    pub icmp_types: Vec<IcmpType>,
    /// `action`; by default accept.
    pub action: Action,
    /// `log`: whether its packets are logged, also those over a limit; by default they are.
    pub log: bool,
    /// `rate`: new connections (other protocols than TCP: packets that begin something) of one
    /// source; without it any number.
    pub rate: Option<Rate>,
    /// `burst`, with a rate: so many at once after a quiet time, 1 to 1000000; by default 5.
    pub burst: u32,
    /// `connections`: how many one source may have at a time, for each protocol and each rule that
    /// the service takes; without it any number.
    pub connections: Option<u32>,
    /// `per-v4`, with a rate or `connections`: sources that have the first so many bits in common
    /// are counted as one, 1 to 32; by default 32, each address for itself.
    pub per_v4: u8,
    /// `per-v6`: likewise, 1 to 128; by default 64, because whoever has one address of IPv6 has
    /// such a network.
    pub per_v6: u8,
    /// `sources`: who it is for; empty: everybody. Those that are excluded are excluded from all
    /// others. A service whose sources are all of one family is closed to the other.
    pub sources: Vec<ServiceSource>,
    /// `destinations`: the addresses of this host, or the groups, it is at; empty: all. A service
    /// whose destinations are all of one family is closed to the other.
    pub destinations: Vec<Network>,
    /// `interfaces`: where it may be used from; empty: everywhere.
    pub interfaces: Vec<InterfaceName>,
    /// `when`: the hours in which the service is there; empty: always. What is open goes on behind
    /// them.
    pub when: Vec<Hours>,
    /// `open-until`, of a service that is let in: from this second on it is closed; `None`: never.
    pub open_until: Option<UnixTime>,
}

/// What becomes of a new connection to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else to do")]
pub enum Action {
    /// `"accept"`: it is let in.
    #[default]
    Accept,
    /// `"drop"`: it is gone without an answer.
    Drop,
    /// `"reject"`: its sender is told: by a reset for TCP, else by "port unreachable".
    Reject,
}

impl Service {
    /// A service for everybody, from everywhere, without a limit. Protocols with ports need
    /// [`ports`](Self::ports) too.
    pub fn new(name: ServiceName, protocols: impl IntoIterator<Item = ServiceProtocol>) -> Self {
        Self {
            name,
            protocols: protocols.into_iter().collect(),
            ports: Vec::new(),
            icmp_types: Vec::new(),
            action: Action::Accept,
            log: true,
            rate: None,
            burst: DEFAULT_BURST,
            connections: None,
            per_v4: PER_V4,
            per_v6: PER_V6,
            sources: Vec::new(),
            destinations: Vec::new(),
            interfaces: Vec::new(),
            when: Vec::new(),
            open_until: None,
        }
    }

    /// The TCP ports that it is about.
    pub fn tcp_ports(&self) -> &[PortRange] {
        if self.protocols.contains(&ServiceProtocol::TCP) {
            &self.ports
        } else {
            &[]
        }
    }
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

/// What is open without any `[[service]]`: ssh and https, as in the seed's firewall.
pub(super) fn defaults() -> Vec<Service> {
    let open = |name: &str, port: u16, connections: u32, burst: u32| Service {
        ports: vec![port.into()],
        rate: Some(per(connections, RateUnit::Minute)),
        burst,
        ..Service::new(ServiceName(name.to_owned()), [ServiceProtocol::TCP])
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
