//! Real connections, from a chosen address and within a time.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::SocketError;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect as start, getsockopt, socket,
};

/// Opens a TCP connection from `source`, whose port 0 means any, to `destination`.
///
/// # Errors
///
/// What the kernel says; [`TimedOut`](io::ErrorKind::TimedOut) when there is no answer within
/// `timeout`.
pub fn connect(
    source: SocketAddr,
    destination: SocketAddr,
    timeout: Duration,
) -> io::Result<TcpStream> {
    let deadline = Instant::now() + timeout;
    let family = if destination.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(source))?;
    match start(socket.as_raw_fd(), &SockaddrStorage::from(destination)) {
        Ok(()) | Err(Errno::EINPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    wait(socket.as_fd(), PollFlags::POLLOUT, deadline)?;
    match getsockopt(&socket, SocketError)? {
        0 => {
            let stream = TcpStream::from(socket);
            stream.set_nonblocking(false)?;
            Ok(stream)
        }
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Takes the first connection that was made to `listener`.
///
/// # Errors
///
/// What the kernel says; [`TimedOut`](io::ErrorKind::TimedOut) when there is none within `timeout`.
pub fn accept(listener: &TcpListener, timeout: Duration) -> io::Result<TcpStream> {
    wait(
        listener.as_fd(),
        PollFlags::POLLIN,
        Instant::now() + timeout,
    )?;
    Ok(listener.accept()?.0)
}

/// Waits until `fd` is ready.
fn wait(fd: BorrowedFd<'_>, ready: PollFlags, deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(fd, ready)], left) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
