//! `[forward]`: what this host passes on.

use std::net::IpAddr;

use super::hours::Hours;
use super::protocol::ServiceProtocol;
use super::service::ServiceName;
use super::source::{ServiceSource, Who};
use super::traffic::Traffic;
use crate::{InterfaceName, PortRange, UnixTime};

/// What this host passes on, and does not, beside the policy of FORWARD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Forward {
    /// `protect`: whether bans hold for what is passed on, too, ahead of a container engine's
    /// published ports; by default not.
    pub protect: bool,
    /// `[[forward.allow]]`: what is passed on of new connections. What is for none the policy of
    /// FORWARD decides about.
    pub allow: Vec<Traffic>,
    /// `masquerade`: interfaces by which what is passed on over IPv4 leaves under the address of
    /// this host; by default none.
    pub masquerade: Vec<InterfaceName>,
    /// `[[forward.port]]`: ports of this host that are another's. What goes there is passed on
    /// whatever [`allow`](Self::allow) says.
    pub ports: Vec<PortForward>,
}

/// A port of this host that is another host's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortForward {
    /// `name`: no two share one.
    pub name: ServiceName,
    /// `on`: the interfaces that connections come in by.
    pub on: Vec<InterfaceName>,
    /// `protocol`: one or several, which have ports.
    pub protocols: Vec<ServiceProtocol>,
    /// `port`: the port, or a range of them.
    pub port: PortRange,
    /// `to`: the other host. Its family is the one that the port is forwarded in.
    pub to: IpAddr,
    /// `to`: its port; `None`: the one that was asked for.
    pub to_port: Option<u16>,
    /// `sources`: who it is for; empty: everybody.
    pub sources: Vec<ServiceSource>,
    /// `log`: whether what is passed on is logged; by default it is not.
    pub log: bool,
    /// `when`: the hours in which it is the other host's; empty: always. What is open goes on
    /// behind them.
    pub when: Vec<Hours>,
    /// `open-until`: from this second on it is no longer the other host's; `None`: it always is.
    pub open_until: Option<UnixTime>,
}

impl PortForward {
    /// What is sent to this host.
    pub(crate) fn asked(&self) -> Traffic {
        Traffic {
            protocols: self.protocols.clone(),
            ports: vec![self.port],
            sources: self.sources.clone(),
            from: self.on.clone(),
            log: self.log,
            when: self.when.clone(),
            open_until: self.open_until,
            ..Traffic::new(self.name.clone())
        }
    }

    /// What is passed on.
    pub(crate) fn passed_on(&self) -> Traffic {
        Traffic {
            ports: vec![self.to_port.map_or(self.port, PortRange::from)],
            destinations: vec![ServiceSource::new(Who::Network(self.to.into()))],
            ..self.asked()
        }
    }
}
