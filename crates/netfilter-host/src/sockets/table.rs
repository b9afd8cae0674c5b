//! The table of sockets that the kernel writes into /proc.
//!
//! Who looks for the sessions of a host that gets its first firewall needs them for certain: this
//! table needs no module and no privilege, as socket diagnosis does.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr};

use crate::Protocol;

/// A socket of TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// The transport.
    pub protocol: Protocol,
    /// This host's end.
    pub local: SocketAddr,
    /// The other one; unspecified if there is none.
    pub peer: SocketAddr,
    /// How far it is.
    pub state: State,
}

/// How far a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for connections.
    Listening,
    /// This host can send over it: a TCP connection that this end has not closed, or a UDP socket
    /// that is connected.
    Open,
    /// Neither, such as a connection that is being opened or closed.
    Other,
}

/// The sockets of TCP and UDP, of both families, in the network namespace of this process. An IPv4
/// address in a socket of IPv6 is told as one of IPv4.
pub fn table() -> Vec<TableEntry> {
    let mut sockets = Vec::new();
    for (path, protocol) in TABLES {
        // Without the table of a family there are none of it.
        let Ok(file) = File::open(path) else { continue };
        let lines = BufReader::new(file.take(MAX_SIZE)).lines().skip(1);
        sockets.extend(
            lines
                .map_while(Result::ok)
                .filter_map(|line| socket(protocol, &line)),
        );
    }
    sockets
}

/// The socket of a line of the table.
fn socket(protocol: Protocol, line: &str) -> Option<TableEntry> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let local = end(words.next()?)?;
    let peer = end(words.next()?)?;
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let state = match (protocol, state) {
        (Protocol::Tcp, TCP_LISTEN) => State::Listening,
        (_, TCP_ESTABLISHED) | (Protocol::Tcp, TCP_CLOSE_WAIT) => State::Open,
        _ => State::Other,
    };
    Some(TableEntry {
        protocol,
        local,
        peer,
        state,
    })
}

/// `0100007F:0016`: words of four bytes as this machine has numbers, and the port.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut octets = [0; 16];
    let mut length = 0;
    for (place, word) in octets.chunks_exact_mut(4).zip(address.as_bytes().chunks(8)) {
        let word = std::str::from_utf8(word)
            .ok()
            .filter(|word| word.len() == 8)?;
        let word = u32::from_str_radix(word, 16).ok()?;
        place.copy_from_slice(&word.to_ne_bytes());
        length += 4;
    }
    let address: IpAddr = match length {
        4 => <[u8; 4]>::try_from(octets.get(..4)?).ok()?.into(),
        16 => IpAddr::from(octets).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

const TABLES: [(&str, Protocol); 4] = [
    ("/proc/self/net/tcp", Protocol::Tcp),
    ("/proc/self/net/tcp6", Protocol::Tcp),
    ("/proc/self/net/udp", Protocol::Udp),
    ("/proc/self/net/udp6", Protocol::Udp),
];
/// Bytes of a table: some hundred thousand sockets.
const MAX_SIZE: u64 = 64 << 20;
// net/tcp_states.h
const TCP_ESTABLISHED: u8 = 1;
const TCP_CLOSE_WAIT: u8 = 8;
const TCP_LISTEN: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_in_the_order_of_this_machine() {
        let hex = |octets: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(octets));
        let v4 = format!("{}:0016", hex([192, 0, 2, 1]));
        assert_eq!(end(&v4), Some("192.0.2.1:22".parse().unwrap()));
        let parts = [[0x20, 1, 0x0d, 0xb8], [0; 4], [0; 4], [0, 0, 0, 1]].map(hex);
        let v6 = format!("{}:FFFF", parts.concat());
        assert_eq!(end(&v6), Some("[2001:db8::1]:65535".parse().unwrap()));
        let parts = [[0; 4], [0; 4], [0, 0, 0xff, 0xff], [192, 0, 2, 1]].map(hex);
        let mapped = format!("{}:0001", parts.concat());
        assert_eq!(end(&mapped), Some("192.0.2.1:1".parse().unwrap()));
        for bad in ["", ":", "0100007F", "0100007F:10000", "0100:1", "é:1"] {
            assert_eq!(end(bad), None, "{bad}");
        }
        let line = format!("   0: {v4} {v6} 01 00000000:00000000 00:00000000");
        let socket = socket(Protocol::Udp, &line).unwrap();
        assert_eq!((socket.state, socket.peer.port()), (State::Open, 0xffff));
    }
}
