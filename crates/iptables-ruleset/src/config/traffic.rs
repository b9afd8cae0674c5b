//! What this host sends, or passes on.

use super::hours::Hours;
use super::icmp::IcmpType;
use super::protocol::ServiceProtocol;
use super::service::{Action, Service, ServiceName};
use super::source::ServiceSource;
use crate::{InterfaceName, PortRange, UnixTime};

/// New connections of one kind that this host opens (`[[output.service]]`) or passes on
/// (`[[forward.allow]]`), or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// `name`: no two of one kind share one.
    pub name: ServiceName,
    /// `protocol`: one or several; empty: every protocol.
    pub protocols: Vec<ServiceProtocol>,
    /// `ports`, of those of the protocols that have ports; empty where none has them, or for every
    /// port.
    pub ports: Vec<PortRange>,
    /// `types`, of ICMP; empty: every type.
    pub icmp_types: Vec<IcmpType>,
    /// `action`; by default accept.
    pub action: Action,
    /// `log`: whether it is logged; by default what is accepted is not, and the rest is.
    pub log: bool,
    /// `sources`: who it comes from; empty: everybody.
    pub sources: Vec<ServiceSource>,
    /// `destinations`: who it goes to; empty: everybody. Of networks that are excluded a rule takes
    /// one, and none beside a network that is not.
    pub destinations: Vec<ServiceSource>,
    /// `from`: the interfaces it comes in by; empty: every one.
    pub from: Vec<InterfaceName>,
    /// `interfaces` or `to`: the interfaces it leaves by; empty: every one.
    pub to: Vec<InterfaceName>,
    /// `when`: the hours in which this is said; empty: always.
    pub when: Vec<Hours>,
    /// `open-until`, of what is accepted: from this second on it no longer is; `None`: it always
    /// is.
    pub open_until: Option<UnixTime>,
}

impl Traffic {
    /// Everything from everywhere to everywhere, which is accepted.
    pub fn new(name: ServiceName) -> Self {
        Self {
            name,
            protocols: Vec::new(),
            ports: Vec::new(),
            icmp_types: Vec::new(),
            action: Action::Accept,
            log: false,
            sources: Vec::new(),
            destinations: Vec::new(),
            from: Vec::new(),
            to: Vec::new(),
            when: Vec::new(),
            open_until: None,
        }
    }

    /// What goes to such a service of another host.
    pub(super) fn to_service(service: Service) -> Self {
        let group = |network| ServiceSource::new(super::Who::Network(network));
        Self {
            protocols: service.protocols,
            ports: service.ports,
            icmp_types: service.icmp_types,
            destinations: service.destinations.into_iter().map(group).collect(),
            ..Self::new(service.name)
        }
    }
}
