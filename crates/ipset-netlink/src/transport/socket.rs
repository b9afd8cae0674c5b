use std::any::Any;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};

use super::Transport;
use super::read_ahead::{ReadAhead, ends_listing};

/// A socket to the kernel's netfilter subsystems, in the network namespace of the thread that
/// opened it.
#[derive(Debug)]
pub struct NetlinkSocket {
    socket: Arc<Socket>,
    port: u32,
    /// Parts of a listing that came one after the other.
    parts: u32,
    ahead: Option<ReadAhead>,
    /// The network namespace it is in, where that can be known.
    namespace: Option<Namespace>,
}

/// Device and inode of a network namespace.
type Namespace = (u64, u64);

impl NetlinkSocket {
    /// Opens a socket that talks to the kernel only.
    ///
    /// # Errors
    ///
    /// What the system says. Opening needs no privilege.
    pub fn connect() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        let address = socket.bind_auto()?;
        // Connected to port 0, the socket takes datagrams of the kernel and of nobody else.
        socket.connect(&SocketAddr::new(0, 0))?;
        socket.set_non_blocking(true)?;
        Ok(Self {
            socket: Arc::new(socket),
            parts: 0,
            ahead: None,
            port: address.port_number(),
            namespace: namespace_of_thread(),
        })
    }
}

impl Transport for NetlinkSocket {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.parts = 0;
        if let Some(ahead) = self.ahead.take() {
            ahead.finish();
        }
        let sent = retry(|| self.socket.send(request, 0))?;
        if sent != request.len() {
            return Err(io::Error::new(
                io::ErrorKind::WriteZero,
                format!("only {sent} of {} bytes were sent", request.len()),
            ));
        }
        Ok(())
    }

    fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
        if let Some(ahead) = &mut self.ahead {
            if let Some(received) = ahead.next(datagram) {
                return received;
            }
            self.ahead = None;
        }
        receive(&self.socket, datagram)?;
        self.parts += 1;
        if self.parts == PARTS_OF_A_LONG_LISTING && !ends_listing(datagram) {
            let socket = Arc::clone(&self.socket);
            // Without a thread it is read as before.
            self.ahead = ReadAhead::start(move |part| receive(&socket, part)).ok();
        }
        Ok(())
    }

    fn port(&self) -> u32 {
        self.port
    }

    fn claim_port(&self, port: u32) -> Option<Box<dyn Any>> {
        let bind = |port| {
            let mut socket = Socket::new(NETLINK_NETFILTER).ok()?;
            socket.bind(&SocketAddr::new(port, 0)).ok()?;
            Some(socket)
        };
        // A thread that has gone to another network namespace learns nothing of the ports of this
        // one.
        if self.namespace.is_none() || self.namespace != namespace_of_thread() {
            return None;
        }
        bind(port).map(|socket| Box::new(socket) as Box<dyn Any>)
    }
}

fn receive(socket: &Socket, datagram: &mut Vec<u8>) -> io::Result<()> {
    datagram.clear();
    datagram.reserve(LARGEST_DATAGRAM);
    let length = retry(|| socket.recv(&mut *datagram, MSG_TRUNC))?;
    if length != datagram.len() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "the kernel's answer of {length} bytes did not fit into {}",
                datagram.len()
            ),
        ));
    }
    Ok(())
}

fn namespace_of_thread() -> Option<Namespace> {
    let namespace = fs::metadata("/proc/thread-self/ns/net").ok()?;
    Some((namespace.dev(), namespace.ino()))
}

/// Runs a call on the non-blocking socket until it is done.
///
/// The kernel answers an ipset request before `send` returns, and prepares the next piece of a
/// listing before `recv` returns. So there is nothing to wait for, except on a kernel that no
/// longer does so; the wait is there to be sure of an end.
fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    let mut pause = Duration::from_micros(100);
    let mut deadline = None;
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                if Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("the kernel did not answer within {} s", PATIENCE.as_secs()),
                    ));
                }
                thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            done => return done,
        }
    }
}

/// After so many parts, each 32 KiB, a thread is worth its start.
const PARTS_OF_A_LONG_LISTING: u32 = 4;

const PATIENCE: Duration = Duration::from_secs(10);

/// Larger than anything the kernel sends: a piece of a listing is at most 32 KiB, and an error
/// quotes our own request, which is no larger.
const LARGEST_DATAGRAM: usize = 64 * 1024;

// linux/socket.h; recv says the true length of what it had to cut.
const MSG_TRUNC: i32 = 0x20;
