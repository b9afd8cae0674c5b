//! When something of the network namespace changes, as the kernel tells over route netlink.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_session::{NetlinkFamily, NetlinkSocket};

/// Tells that something came or went; what, whoever wants to know asks anew.
///
/// ```
/// use netfilter_host::changes::Changes;
///
/// # fn main() -> std::io::Result<()> {
/// let mut changes = Changes::of_addresses()?; // before the addresses are asked for
/// assert!(!changes.any()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Changes(NetlinkSocket);

impl Changes {
    /// Watches the addresses of both families from now on, in the network namespace of this thread.
    ///
    /// # Errors
    ///
    /// What the system says. Watching needs no privilege.
    pub fn of_addresses() -> io::Result<Self> {
        Self::watch([RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR])
    }

    /// Watches the routes of both families, of all tables.
    ///
    /// # Errors
    ///
    /// As [`of_addresses`](Self::of_addresses).
    pub fn of_routes() -> io::Result<Self> {
        Self::watch([RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE])
    }

    fn watch(groups: [u32; 2]) -> io::Result<Self> {
        let socket = NetlinkSocket::connect(NetlinkFamily::Route)?;
        for group in groups {
            socket.join(group)?;
        }
        Ok(Self(socket))
    }

    /// Whether there was any change since this was asked last, or may have been.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn any(&mut self) -> io::Result<bool> {
        self.0.drain()
    }
}

impl AsFd for Changes {
    /// Readable when there was a change.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

// linux/rtnetlink.h
const RTNLGRP_IPV4_IFADDR: u32 = 5;
const RTNLGRP_IPV4_ROUTE: u32 = 7;
const RTNLGRP_IPV6_IFADDR: u32 = 9;
const RTNLGRP_IPV6_ROUTE: u32 = 11;
