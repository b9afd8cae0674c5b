//! What is said to the kernel about one TCP socket, and its answer.

use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::{DecodeError, NetlinkDeserializable, NetlinkHeader, NetlinkSerializable};

/// Tells two sockets apart that had the same addresses and ports, one after the other.
pub(super) type Cookie = [u8; 8];

/// A request about the socket between two ends.
pub(super) struct Request {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// What the socket may be bound to; 0 for none.
    pub(super) interface: u32,
    pub(super) wanted: Wanted,
}

impl Request {
    /// Whether there is a socket between two ends, bound to this interface or to none.
    pub(super) fn about(local: SocketAddr, remote: SocketAddr, interface: u32) -> Self {
        Self {
            local,
            remote,
            interface,
            wanted: Wanted::Answer,
        }
    }

    /// About all sockets of a family, that of this address.
    pub(super) fn all(unspecified: IpAddr) -> Self {
        let any = SocketAddr::new(unspecified, 0);
        Self {
            wanted: Wanted::All,
            ..Self::about(any, any, 0)
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// Whether there is one.
    Answer,
    /// Its end, if it is this one.
    End(Cookie),
    /// Not one, but all, in every state.
    All,
}

impl NetlinkSerializable for Request {
    fn message_type(&self) -> u16 {
        match self.wanted {
            Wanted::Answer | Wanted::All => SOCK_DIAG_BY_FAMILY,
            Wanted::End(_) => SOCK_DESTROY,
        }
    }

    fn buffer_len(&self) -> usize {
        INET_DIAG_REQ_V2
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let family = match self.local.ip() {
            IpAddr::V4(_) => AF_INET,
            IpAddr::V6(_) => AF_INET6,
        };
        let (states, cookie) = match self.wanted {
            Wanted::Answer => (NO_STATES, INET_DIAG_NOCOOKIE),
            Wanted::End(cookie) => (NO_STATES, cookie),
            Wanted::All => (EVERY_STATE.to_ne_bytes(), Cookie::default()),
        };
        let fields: [&[u8]; 8] = [
            &[family, IPPROTO_TCP, 0, 0],
            &states,
            &self.local.port().to_be_bytes(),
            &self.remote.port().to_be_bytes(),
            &octets(self.local.ip()),
            &octets(self.remote.ip()),
            &self.interface.to_ne_bytes(),
            &cookie,
        ];
        buffer.copy_from_slice(&fields.concat());
    }
}

/// The octets of an address, where one of either family fits.
fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(address) => address.octets(),
    }
}

/// A socket that the kernel answers with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The port of the other end; 0 where the socket listens.
    pub(super) remote_port: u16,
    pub(super) cookie: Cookie,
    /// What it is bound to; 0 for none.
    pub(super) interface: u32,
    pub(super) listens: bool,
}

impl NetlinkDeserializable for Found {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Self::Error> {
        if header.message_type != SOCK_DIAG_BY_FAMILY {
            return Err(
                format!("a message of type {} is not a socket", header.message_type).into(),
            );
        }
        let (Some([state]), Some(port), Some(interface), Some(cookie)) = (
            field(payload, IDIAG_STATE),
            field(payload, IDIAG_DPORT),
            field(payload, IDIAG_IF),
            field(payload, IDIAG_COOKIE),
        ) else {
            return Err(format!("a socket in {} octets is cut short", payload.len()).into());
        };
        Ok(Self {
            remote_port: u16::from_be_bytes(port),
            cookie,
            interface: u32::from_ne_bytes(interface),
            listens: state == TCP_LISTEN,
        })
    }
}

fn field<const LENGTH: usize>(message: &[u8], at: usize) -> Option<[u8; LENGTH]> {
    message.get(at..)?.first_chunk().copied()
}

// linux/sock_diag.h
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SOCK_DESTROY: u16 = 21;
// linux/inet_diag.h: the size of a request; the cookie of any socket, two times ~0
const INET_DIAG_REQ_V2: usize = 56;
const INET_DIAG_NOCOOKIE: Cookie = [0xff; 8];
// linux/inet_diag.h: where an inet_diag_msg has its fields
const IDIAG_STATE: usize = 1;
const IDIAG_DPORT: usize = 6;
const IDIAG_IF: usize = 40;
const IDIAG_COOKIE: usize = 44;
// net/tcp_states.h
const TCP_LISTEN: u8 = 10;
// Of no meaning where there is one socket to find.
const NO_STATES: [u8; 4] = [0; 4];
const EVERY_STATE: u32 = 0xfff;
// linux/socket.h, linux/in.h
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;

#[cfg(test)]
mod tests {
    use super::super::tests::{CONNECTED, LISTENING};
    use super::*;

    /// What is sent for the end of the connection from port 40000 to port 8080 of an address.
    fn end(address: &str, interface: u32, cookie: Cookie) -> (u16, Vec<u8>) {
        let address = address.parse().unwrap();
        let request = Request {
            local: SocketAddr::new(address, 8080),
            remote: SocketAddr::new(address, 40000),
            interface,
            wanted: Wanted::End(cookie),
        };
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        (request.message_type(), bytes)
    }

    fn socket(payload: &[u8]) -> Result<Found, DecodeError> {
        let mut header = NetlinkHeader::default();
        header.message_type = SOCK_DIAG_BY_FAMILY;
        Found::deserialize(&header, payload)
    }

    // strace -e trace=sendmsg -e write=4 ss -K -4 -tn sport = :8080 dport = :40000
    #[test]
    fn an_end_is_asked_for_as_ss_does() {
        let cookie = *b"\x30\0\0\0\0\0\0\0";
        let expected =
            b"\x02\x06\0\0\0\0\0\0\x1f\x90\x9c\x40\x7f\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\x7f\0\0\x01\
                         \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x30\0\0\0\0\0\0\0";
        assert_eq!(end("127.0.0.1", 0, cookie), (0x15, expected.to_vec()));
    }

    // strace -e trace=sendmsg -e write=4 ss -K -6 -tn sport = :8080 dport = :40000
    #[test]
    fn an_end_is_asked_for_as_ss_does_with_ipv6() {
        let cookie = *b"\x16\x10\0\0\0\0\0\0";
        let expected = b"\x0a\x06\0\0\0\0\0\0\x1f\x90\x9c\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\
                         \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\x16\x10\0\0\0\0\0\0";
        assert_eq!(end("::1", 0, cookie), (0x15, expected.to_vec()));
    }

    // The same with both sockets bound to lo (SO_BINDTODEVICE).
    #[test]
    fn a_socket_bound_to_an_interface_is_asked_for_with_it() {
        let cookie = *b"\x2a\x10\0\0\0\0\0\0";
        let ends =
            b"\x02\x06\0\0\0\0\0\0\x1f\x90\x9c\x40\x7f\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\x7f\0\0\x01\
                     \0\0\0\0\0\0\0\0\0\0\0\0";
        // As the host has its numbers; there it was 01 00 00 00.
        let expected = [&ends[..], &1_u32.to_ne_bytes(), &cookie].concat();
        assert_eq!(end("127.0.0.1", 1, cookie), (0x15, expected));
    }

    // strace -e trace=sendmsg -e write=3 ss -4 -tan
    #[test]
    fn all_are_asked_for_as_ss_does() {
        let request = Request::all(std::net::Ipv4Addr::UNSPECIFIED.into());
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        // As the host has its numbers; there it was ff 0f 00 00.
        let expected = [&b"\x02\x06\0\0"[..], &0xfff_u32.to_ne_bytes(), &[0; 48]].concat();
        assert_eq!((request.message_type(), bytes), (0x14, expected));
    }

    #[test]
    fn an_answer_is_read_as_the_kernel_wrote_it() {
        let connected = Found {
            remote_port: 40000,
            cookie: *b"\x30\0\0\0\0\0\0\0",
            interface: 0,
            listens: false,
        };
        assert_eq!(socket(CONNECTED).unwrap(), connected);
        let listening = Found {
            remote_port: 0,
            cookie: *b"\x18\x10\0\0\0\0\0\0",
            interface: 0,
            listens: true,
        };
        assert_eq!(socket(LISTENING).unwrap(), listening);
    }

    #[test]
    fn an_answer_that_is_cut_short_is_an_error() {
        for length in 0..52 {
            let error = socket(&CONNECTED[..length]).unwrap_err();
            let expected = format!("a socket in {length} octets is cut short");
            assert_eq!(error.to_string(), expected);
        }
        let error = Found::deserialize(&NetlinkHeader::default(), CONNECTED).unwrap_err();
        assert_eq!(error.to_string(), "a message of type 0 is not a socket");
    }
}
