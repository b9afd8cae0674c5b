//! The addresses of the host: when they change.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_session::{NetlinkFamily, NetlinkSocket};

/// Tells that an address of the network namespace came or went; which one, whoever wants to know
/// asks anew.
///
/// ```
/// use netfilter_host::addresses::Changes;
///
/// # fn main() -> std::io::Result<()> {
/// let mut changes = Changes::watch()?; // before the addresses are asked for
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
    pub fn watch() -> io::Result<Self> {
        let socket = NetlinkSocket::connect(NetlinkFamily::Route)?;
        for group in [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR] {
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
const RTNLGRP_IPV6_IFADDR: u32 = 9;
