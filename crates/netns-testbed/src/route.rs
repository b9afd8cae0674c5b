//! Links, addresses, routes and neighbours over rtnetlink.

use std::net::IpAddr;
use std::os::fd::AsRawFd as _;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage,
};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_session::{NetlinkFamily, NetlinkSocket, Session, request};

use crate::namespace::Namespace;

/// The index of `lo` in every namespace.
const LOOPBACK: u32 = 1;
/// How long the kernel may take to do what it does on its own time, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// One end of a veth pair to be made.
pub(crate) struct End<'a> {
    pub(crate) name: &'a str,
    pub(crate) index: u32,
    pub(crate) mac: [u8; 6],
    pub(crate) namespace: &'a Namespace,
}

/// An rtnetlink socket in the namespace of the thread that opened it.
pub(crate) struct Routing(Session);

impl Routing {
    pub(crate) fn open() -> Result<Self, Failed> {
        NetlinkSocket::connect(NetlinkFamily::Route)
            .map(|socket| Self(Session::new(socket)))
            .map_err(|error| format!("cannot open an rtnetlink socket: {error}").into())
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
        self.change(&RouteNetlinkMessage::SetLink(link), 0, || {
            format!("set link {index} up")
        })
    }

    /// Waits until the link with this index, set up at both ends, sends packets.
    ///
    /// Up is not enough: the end that came up first gets its queue only when the kernel's link
    /// watch has seen that the other one is up too, and drops until then what is sent.
    pub(crate) fn wait_until_it_sends(&mut self, index: u32) -> Result<(), Failed> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        let request = RouteNetlinkMessage::GetLink(link);
        self.wait(&request, || format!("link {index} to send"), |answer| {
            let up = LinkAttribute::OperState(State::Up);
            matches!(answer, RouteNetlinkMessage::NewLink(link) if link.attributes.contains(&up))
        })?;
        // The state changes a moment before the queue; whoever gets the lock that this takes comes
        // after both.
        self.up(index)
    }

    /// Waits until packets to `address`, which was added to a link that is up, are taken for this
    /// host's.
    ///
    /// IPv6 makes the route for an address of its own on a thread of its own.
    pub(crate) fn wait_until_local(&mut self, address: IpAddr) -> Result<(), Failed> {
        let mut route = RouteMessage::default();
        route.header.address_family = family(address);
        route.header.destination_prefix_length = host_prefix(address);
        route.attributes = vec![RouteAttribute::Destination(RouteAddress::from(address))];
        let request = RouteNetlinkMessage::GetRoute(route);
        self.wait(&request, || format!("{address} to be local"), |answer| {
            matches!(answer, RouteNetlinkMessage::NewRoute(route) if route.header.kind == RouteType::Local)
        })
    }

    fn wait(
        &mut self,
        question: &RouteNetlinkMessage,
        what: impl Fn() -> String,
        is_so: impl Fn(&RouteNetlinkMessage) -> bool,
    ) -> Result<(), Failed> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let answer = request(question, 0).and_then(|mut request| self.0.ask(&mut request));
            if is_so(&answer.map_err(|error| format!("cannot wait for {}: {error}", what()))?) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err(format!("waited {PATIENCE:?} for {}", what()).into())
    }

    /// Makes two ends that are each other's peer.
    pub(crate) fn add_veth(&mut self, end: &End<'_>, peer: &End<'_>) -> Result<(), Failed> {
        let mut link = describe(end);
        link.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(describe(peer)))),
        ]));
        self.change(
            &RouteNetlinkMessage::NewLink(link),
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
        self.change(
            &RouteNetlinkMessage::NewAddress(message),
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
        self.change(
            &RouteNetlinkMessage::NewRoute(message),
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
        self.change(
            &RouteNetlinkMessage::NewNeighbour(message),
            NLM_F_CREATE | NLM_F_EXCL,
            || format!("add neighbour {address} to link {index}"),
        )
    }

    /// Sends a request that the kernel acknowledges.
    fn change(
        &mut self,
        message: &RouteNetlinkMessage,
        flags: u16,
        what: impl Fn() -> String,
    ) -> Result<(), Failed> {
        request(message, flags)
            .and_then(|mut request| self.0.acknowledge(&mut request))
            .map_err(|error| format!("cannot {}: {error}", what()).into())
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

/// The length of the prefix that is `address` alone.
pub(crate) fn host_prefix(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    }
}
