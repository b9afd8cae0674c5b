//! The gateways of the host's routes.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::net::IpAddr;

use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteNextHop, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_session::{NetlinkFamily, NetlinkSocket, Session, request};
use nix::net::if_::if_indextoname;

/// Whom packets are given to that go further than the next wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gateway {
    /// Its address on the wire, which may be link-local.
    pub address: IpAddr,
    /// The interface that it is reached by; `if7` after its number where it has no name by now.
    pub interface: String,
    /// Whether all goes to it that no other route takes, in any table.
    pub is_default: bool,
}

/// The gateways of all routes of both families and all tables, in the network namespace of this
/// thread, each once: next hops of a route that has several and gateways of the other family, too.
///
/// # Errors
///
/// What the kernel says. Asking needs no privilege.
pub fn gateways() -> io::Result<Vec<Gateway>> {
    let mut session = Session::new(NetlinkSocket::connect(NetlinkFamily::Route)?);
    let mut found: BTreeMap<IpAddr, (u32, bool)> = BTreeMap::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut message = RouteMessage::default();
        message.header.address_family = family;
        let mut routes = request(&RouteNetlinkMessage::GetRoute(message), 0)?;
        let hops = session.dump_whole(&mut routes, |answer| {
            let RouteNetlinkMessage::NewRoute(route) = answer else {
                return Ok(None);
            };
            let is_default = route.header.destination_prefix_length == 0;
            let hops = hops(&route.attributes, 0);
            Ok((!hops.is_empty()).then_some((hops, is_default)))
        })?;
        for (hops, is_default) in hops {
            for (address, interface) in hops {
                let known = found.entry(address).or_insert((interface, false));
                known.1 |= is_default;
            }
        }
    }
    let found = found
        .into_iter()
        .map(|(address, (interface, is_default))| Gateway {
            address,
            interface: name(interface),
            is_default,
        });
    Ok(found.collect())
}

/// The gateways that attributes of a route name, each with the number of its interface; it is the
/// one given where they do not say.
fn hops(attributes: &[RouteAttribute], interface: u32) -> Vec<(IpAddr, u32)> {
    let out = attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    });
    let interface = out.unwrap_or(interface);
    let of_next = |next: &RouteNextHop| hops(&next.attributes, next.interface_index);
    let hops = attributes.iter().flat_map(|attribute| match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(address)) => {
            vec![(IpAddr::from(*address), interface)]
        }
        RouteAttribute::Gateway(RouteAddress::Inet6(address)) => {
            vec![(IpAddr::from(*address), interface)]
        }
        RouteAttribute::Via(RouteVia::Inet(address)) => vec![(IpAddr::from(*address), interface)],
        RouteAttribute::Via(RouteVia::Inet6(address)) => vec![(IpAddr::from(*address), interface)],
        RouteAttribute::MultiPath(next) => next.iter().flat_map(of_next).collect(),
        _ => Vec::new(),
    });
    hops.filter(|(address, _)| !address.is_unspecified())
        .collect()
}

fn name(index: u32) -> String {
    let name = if_indextoname(index).ok().map(CString::into_bytes);
    // nix 0.31 gives an empty one where libc gives an error.
    let name = name.filter(|name| !name.is_empty());
    name.map_or_else(
        || format!("if{index}"),
        |name| String::from_utf8_lossy(&name).into_owned(),
    )
}
