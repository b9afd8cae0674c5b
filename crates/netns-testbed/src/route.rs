//! Links, addresses, routes and neighbours over rtnetlink.

use std::net::IpAddr;
use std::os::fd::AsRawFd as _;

use libtest_mimic::Failed;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage,
};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;

use crate::namespace::Namespace;

/// The index of `lo` in every namespace.
const LOOPBACK: u32 = 1;
/// Room for an acknowledgement or an error, which quotes the request.
const ANSWER: usize = 16 * 1024;

/// One end of a veth pair to be made.
pub(crate) struct End<'a> {
    pub(crate) name: &'a str,
    pub(crate) index: u32,
    pub(crate) mac: [u8; 6],
    pub(crate) namespace: &'a Namespace,
}

/// An rtnetlink socket in the namespace of the thread that opened it.
pub(crate) struct Routing {
    socket: Socket,
    sequence: u32,
}

impl Routing {
    pub(crate) fn open() -> Result<Self, Failed> {
        let open = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            Ok(socket)
        };
        let socket = open()
            .map_err(|error: std::io::Error| format!("cannot open an rtnetlink socket: {error}"))?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    pub(crate) fn loopback_up(&mut self) -> Result<(), Failed> {
        self.up(LOOPBACK)
    }

    /// Sets the link with this index up.
    pub(crate) fn up(&mut self, index: u32) -> Result<(), Failed> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.ask(RouteNetlinkMessage::SetLink(link), 0, || {
            format!("set link {index} up")
        })
    }

    /// Makes two ends that are each other's peer.
    pub(crate) fn add_veth(&mut self, end: &End<'_>, peer: &End<'_>) -> Result<(), Failed> {
        let mut link = describe(end);
        link.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(describe(peer)))),
        ]));
        self.ask(
            RouteNetlinkMessage::NewLink(link),
            NLM_F_CREATE | NLM_F_EXCL,
            || format!("add the veth pair {} and {}", end.name, peer.name),
        )
    }

    /// Adds an address, for IPv6 without the second that duplicate address detection takes.
    pub(crate) fn add_address(
        &mut self,
        index: u32,
        address: IpAddr,
        prefix_len: u8,
    ) -> Result<(), Failed> {
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.prefix_len = prefix_len;
        message.header.index = index;
        message.header.flags = AddressHeaderFlags::Nodad;
        message.attributes = vec![
            AddressAttribute::Local(address),
            AddressAttribute::Address(address),
            AddressAttribute::Flags(AddressFlags::Nodad),
        ];
        self.ask(
            RouteNetlinkMessage::NewAddress(message),
            NLM_F_CREATE | NLM_F_EXCL,
            || format!("add address {address}/{prefix_len} to link {index}"),
        )
    }

    /// Sends what no other route takes through `gateway`.
    pub(crate) fn add_default_route(&mut self, index: u32, gateway: IpAddr) -> Result<(), Failed> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(gateway);
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = RouteScope::Universe;
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![
            RouteAttribute::Gateway(RouteAddress::from(gateway)),
            RouteAttribute::Oif(index),
        ];
        self.ask(
            RouteNetlinkMessage::NewRoute(message),
            NLM_F_CREATE | NLM_F_EXCL,
            || format!("add a default route through {gateway} on link {index}"),
        )
    }

    /// Adds a neighbour that never has to be resolved.
    pub(crate) fn add_neighbour(
        &mut self,
        index: u32,
        address: IpAddr,
        mac: [u8; 6],
    ) -> Result<(), Failed> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = index;
        message.header.state = NeighbourState::Permanent;
        message.header.kind = RouteType::Unicast;
        let destination = match address {
            IpAddr::V4(address) => NeighbourAddress::Inet(address),
            IpAddr::V6(address) => NeighbourAddress::Inet6(address),
        };
        message.attributes = vec![
            NeighbourAttribute::Destination(destination),
            NeighbourAttribute::LinkLayerAddress(mac.to_vec()),
        ];
        self.ask(
            RouteNetlinkMessage::NewNeighbour(message),
            NLM_F_CREATE | NLM_F_EXCL,
            || format!("add neighbour {address} to link {index}"),
        )
    }

    fn ask(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        what: impl Fn() -> String,
    ) -> Result<(), Failed> {
        self.sequence += 1;
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        request.header.sequence_number = self.sequence;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        let fail =
            |error: &dyn std::fmt::Display| Failed::from(format!("cannot {}: {error}", what()));

        self.socket.send(&bytes, 0).map_err(|error| fail(&error))?;
        let mut answer = Vec::with_capacity(ANSWER);
        self.socket
            .recv(&mut answer, 0)
            .map_err(|error| fail(&error))?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
            .map_err(|error| fail(&error))?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(fail(&error.to_io())),
            NetlinkPayload::Error(_) => Ok(()),
            other => Err(fail(&format!("unexpected answer {other:?}"))),
        }
    }
}

fn describe(end: &End<'_>) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.index = end.index;
    link.attributes = vec![
        LinkAttribute::IfName(end.name.to_owned()),
        LinkAttribute::Address(end.mac.to_vec()),
        LinkAttribute::NetNsFd(end.namespace.file().as_raw_fd()),
    ];
    link
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    }
}
