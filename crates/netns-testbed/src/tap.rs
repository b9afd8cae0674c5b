//! A raw socket on one end of a wire.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrLike as _, bind,
    recvfrom, sendto, setsockopt, socket,
};

use crate::interface::Interface;
use crate::packet::Packet;

/// A link header: destination, source, type.
const ETHERNET: usize = 14;
/// No frame on a veth wire is longer, offloads included.
const LONGEST: usize = 70_000;
/// Asked for, so that a burst waits for us; a user gets what `net.core.rmem_max` allows.
const RECEIVE_BUFFER: usize = 4 << 20;
/// `PACKET_OUTGOING` of `linux/if_packet.h`: sent by this host.
const OUTGOING: u8 = 4;
/// Where multicast listener reports go (RFC 3810).
const LISTENER_REPORTS: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16));
/// The link header's type of IPv4 and IPv6 (`ETH_P_IP`, `ETH_P_IPV6`).
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// Sends any packet to the other end of a wire and keeps what arrives from there.
///
/// It sees packets before the host's own firewall and its IP stack do. Multicast listener reports,
/// which hosts send when they feel like it, are left out.
#[derive(Debug)]
pub struct Tap {
    socket: OwnedFd,
    address: LinkAddr,
    interface: Interface,
    arrived: VecDeque<Packet>,
}

impl Tap {
    /// On `interface`, which is in the namespace of the calling thread.
    pub(crate) fn open(interface: &Interface) -> Result<Self, Failed> {
        let fail =
            |what, error| format!("cannot {what} a raw socket on {}: {error}", interface.name);
        let address = link_address(interface.name)?;
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::EthAll,
        )
        .map_err(|error| fail("open", error))?;
        bind(socket.as_raw_fd(), &address).map_err(|error| fail("bind", error))?;
        if setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, RcvBuf, &RECEIVE_BUFFER).map_err(|error| fail("enlarge", error))?;
        }
        Ok(Self {
            socket,
            address,
            interface: interface.clone(),
            arrived: VecDeque::new(),
        })
    }

    /// Sends `packet` to the other end.
    ///
    /// What arrives meanwhile is kept.
    ///
    /// # Errors
    ///
    /// When the kernel does not take it, e.g. because it is longer than 1500 bytes.
    pub fn send(&mut self, packet: &Packet) -> Result<(), Failed> {
        let kind = if packet.source().is_some_and(|source| source.is_ipv6()) {
            IPV6
        } else {
            IPV4
        };
        let frame = [
            &self.interface.peer_mac,
            &self.interface.mac,
            &kind as &[u8],
            packet.bytes(),
        ]
        .concat();
        sendto(
            self.socket.as_raw_fd(),
            &frame,
            &self.address,
            MsgFlags::empty(),
        )
        .map_err(|error| format!("cannot send {packet}: {error}"))?;
        self.collect()
    }

    /// The next packet that arrived; `None` if there is none within `timeout`.
    ///
    /// # Errors
    ///
    /// When the socket fails.
    pub fn receive(&mut self, timeout: Duration) -> Result<Option<Packet>, Failed> {
        let deadline = Instant::now() + timeout;
        loop {
            self.collect()?;
            if let Some(packet) = self.arrived.pop_front() {
                return Ok(Some(packet));
            }
            if !readable_before(self.socket.as_fd(), deadline)? {
                return Ok(None);
            }
        }
    }

    /// All packets that arrive until one is as `last` says, which is the last of them.
    ///
    /// # Errors
    ///
    /// When none is within `timeout`; the message has those that arrived.
    pub fn receive_until(
        &mut self,
        timeout: Duration,
        last: impl Fn(&Packet) -> bool,
    ) -> Result<Vec<Packet>, Failed> {
        let deadline = Instant::now() + timeout;
        let mut packets = Vec::new();
        while let Some(packet) = self.receive(deadline.saturating_duration_since(Instant::now()))? {
            let found = last(&packet);
            packets.push(packet);
            if found {
                return Ok(packets);
            }
        }
        Err(format!(
            "the packet waited for did not arrive on {} but {packets:#?}",
            self.interface.name
        )
        .into())
    }

    /// What has arrived so far and was not received.
    ///
    /// # Errors
    ///
    /// When the socket fails.
    pub fn drain(&mut self) -> Result<Vec<Packet>, Failed> {
        self.collect()?;
        Ok(self.arrived.drain(..).collect())
    }

    /// Takes what waits in the kernel, without waiting for more.
    fn collect(&mut self) -> Result<(), Failed> {
        let mut buffer = vec![0; LONGEST];
        loop {
            match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut buffer) {
                Ok((length, from)) => {
                    let incoming = from.is_some_and(|from| from.pkttype() != OUTGOING);
                    let packet = buffer.get(..length).and_then(ip_packet);
                    self.arrived
                        .extend(packet.filter(|packet| incoming && !is_listener_report(packet)));
                }
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => {
                    return Err(
                        format!("cannot receive on {}: {error}", self.interface.name).into(),
                    );
                }
            }
        }
    }
}

/// Waits until `fd` has something to read; `false` when `deadline` is over.
pub(crate) fn readable_before(
    fd: std::os::fd::BorrowedFd<'_>,
    deadline: Instant,
) -> Result<bool, Failed> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up: with 0 ms the last fraction of a millisecond would be spent spinning.
        let left = left.as_millis() + u128::from(left.subsec_nanos() % 1_000_000 != 0);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], timeout) {
            Ok(0) if deadline <= Instant::now() => return Ok(false),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(format!("cannot poll: {error}").into()),
        }
    }
}

fn ip_packet(frame: &[u8]) -> Option<Packet> {
    let (header, packet) = frame.split_at_checked(ETHERNET)?;
    (header.ends_with(&IPV4) || header.ends_with(&IPV6)).then(|| Packet::new(packet))
}

fn is_listener_report(packet: &Packet) -> bool {
    packet.destination() == Some(LISTENER_REPORTS)
}

/// The address of the link called `name`, as the kernel lists it: it has the number that a raw
/// socket binds to.
fn link_address(name: &str) -> Result<LinkAddr, Failed> {
    let mut all = getifaddrs().map_err(|error| format!("cannot list the interfaces: {error}"))?;
    let found = all.find_map(|interface| {
        let address = interface
            .address
            .filter(|_| interface.interface_name == name)?;
        (address.family() == Some(AddressFamily::Packet))
            .then(|| address.as_link_addr().copied())?
    });
    found.ok_or_else(|| format!("there is no interface {name}").into())
}
