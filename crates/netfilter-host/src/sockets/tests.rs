//! What the kernel says of sockets, from a script.

use netlink_packet_core::NetlinkSerializable;
use netlink_session::testing::{Answer, Script};

use super::*;

// strace -e trace=recvmsg -e read=3 ss -4 -tn sport = :8080 dport = :40000
const CONNECTED: &[u8] = b"\x02\x01\0\0\x1f\x90\x9c\x40\x7f\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\x7f\0\0\x01\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x30\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xfe\x98\x05\0\
    \x05\0\x08\0\0\0\0\0\x08\0\x0f\0\0\0\0\0\x0c\0\x15\0\x01\0\0\0\0\0\0\0\x06\0\x16\0\x52\0\0\0";

// strace -e trace=recvmsg -e read=3 ss -4 -tnl
const LISTENING: &[u8] = b"\x02\x0a\0\0\x1f\x90\0\0\x7f\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x18\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\xfc\x98\x05\0\
    \x05\0\x08\0\0\0\0\0\x08\0\x0f\0\0\0\0\0\x0c\0\x15\0\x01\0\0\0\0\0\0\0\x06\0\x16\0\x52\0\0\0";

/// An answer of the kernel.
struct Raw(&'static [u8]);

impl NetlinkSerializable for Raw {
    fn message_type(&self) -> u16 {
        20 // SOCK_DIAG_BY_FAMILY
    }

    fn buffer_len(&self) -> usize {
        self.0.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(self.0);
    }
}

const NO_SUCH: i32 = 2;

/// What is sent for the end of the connection from port 40000 to port 8080 of an address.
fn sent_for_end(address: &str, interface: u32, cookie: [u8; 8]) -> Vec<u8> {
    let address = address.parse().unwrap();
    let (local, remote) = (
        SocketAddr::new(address, 8080),
        SocketAddr::new(address, 40000),
    );
    let mut socket = about(local, remote, interface);
    socket.socket_id.cookie = cookie;
    let end = SockDiagDestroy::new(SockDiagMessage::InetRequest(socket));
    let sent = request(&end, 0).unwrap();
    assert_eq!(sent[4..6], 0x15_u16.to_ne_bytes());
    sent[16..].to_vec()
}

// strace -e trace=sendmsg -e write=4 ss -K -4 -tn sport = :8080 dport = :40000
#[test]
fn an_end_is_asked_for_as_ss_does() {
    let cookie = *b"\x30\0\0\0\0\0\0\0";
    let expected =
        b"\x02\x06\0\0\0\0\0\0\x1f\x90\x9c\x40\x7f\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\x7f\0\0\x01\
          \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x30\0\0\0\0\0\0\0";
    assert_eq!(sent_for_end("127.0.0.1", 0, cookie), expected);
}

// strace -e trace=sendmsg -e write=4 ss -K -6 -tn sport = :8080 dport = :40000
#[test]
fn an_end_is_asked_for_as_ss_does_with_ipv6() {
    let cookie = *b"\x16\x10\0\0\0\0\0\0";
    let expected = b"\x0a\x06\0\0\0\0\0\0\x1f\x90\x9c\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\
          \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\x16\x10\0\0\0\0\0\0";
    assert_eq!(sent_for_end("::1", 0, cookie), expected);
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
    assert_eq!(sent_for_end("127.0.0.1", 1, cookie), expected);
}

// strace -e trace=sendmsg -e write=3 ss -4 -tan
#[test]
fn all_are_asked_for_as_ss_does() {
    let none = || Answer::listing(Vec::<Raw>::new());
    let mut script = Script::new([none(), none()]);
    Sockets::with_transport(&mut script).bindings().unwrap();
    // As the host has its numbers; there it was ff 0f 00 00, the first bit of which is no state.
    let expected = [&b"\x02\x06\0\0"[..], &0xffe_u32.to_ne_bytes(), &[0; 48]].concat();
    let [v4, v6] = script.datagrams() else {
        panic!("{script:?}")
    };
    assert_eq!(v4[4..6], 0x14_u16.to_ne_bytes());
    assert_eq!(v4[16..], expected);
    assert_eq!((v6[16], v6.len()), (10, v4.len()));
}

#[test]
fn an_answer_that_is_cut_short_is_an_error() {
    for length in 1..72 {
        let cut = Answer::message(Raw(&CONNECTED[..length]));
        let (ended, _) = end([cut]);
        assert_eq!(
            ended.unwrap_err().kind(),
            io::ErrorKind::InvalidData,
            "{length}"
        );
    }
}

fn ends() -> (SocketAddr, SocketAddr) {
    let local = "127.0.0.1:8080".parse().unwrap();
    (local, "127.0.0.1:40000".parse().unwrap())
}

/// What becomes of the socket, and how many requests were made.
fn end(answers: impl IntoIterator<Item = Answer>) -> (io::Result<bool>, usize) {
    let mut script = Script::new(answers);
    let (local, remote) = ends();
    let ended = Sockets::with_transport(&mut script).end(local, remote);
    (ended, script.datagrams().len())
}

#[test]
fn the_socket_of_a_connection_is_ended_by_its_number() {
    let found = || Answer::message(Raw(CONNECTED));
    let mut script = Script::new([found(), Answer::ok()]);
    let (local, remote) = ends();
    let mut sockets = Sockets::with_transport(&mut script);
    assert!(sockets.end(local, remote).unwrap());
    let [_, sent] = script.datagrams() else {
        panic!("{script:?}")
    };
    assert_eq!(&sent[sent.len() - 8..], b"\x30\0\0\0\0\0\0\0", "the cookie");

    // It has gone meanwhile, and so has everything that could be bound to an interface.
    let none = || Answer::listing(Vec::<Raw>::new());
    let gone = [found(), Answer::error(NO_SUCH), none(), none()];
    assert!(matches!(end(gone), (Ok(false), 4)));
}

#[test]
fn who_listens_for_others_is_left_alone() {
    let listening = || Answer::message(Raw(LISTENING));
    let all = || Answer::listing([Raw(LISTENING), Raw(CONNECTED)]);
    assert!(matches!(end([listening(), all(), all()]), (Ok(false), 3)));
    let mut sockets = Sockets::with_transport(Script::new([
        listening(),
        Answer::message(Raw(CONNECTED)),
        Answer::error(NO_SUCH),
    ]));
    let local = ends().0;
    assert!(sockets.listens(local).unwrap());
    assert!(!sockets.listens(local).unwrap());
    assert!(!sockets.listens(local).unwrap());
}

#[test]
fn a_kernel_that_cannot_or_does_not_answer_is_an_error() {
    let kind = |answers: Vec<Answer>| end(answers).0.unwrap_err().kind();
    let found = || Answer::message(Raw(CONNECTED));
    assert_eq!(
        kind(vec![found(), Answer::error(95)]),
        io::ErrorKind::Unsupported
    );
    assert_eq!(kind(vec![]), io::ErrorKind::TimedOut);
    assert_eq!(kind(vec![found()]), io::ErrorKind::TimedOut);
    assert_eq!(kind(vec![Answer::error(NO_SUCH)]), io::ErrorKind::TimedOut);
    let changing = || Answer::interrupted([Raw(CONNECTED)]);
    let restless = [Answer::error(NO_SUCH)]
        .into_iter()
        .chain((0..9).map(|_| changing()));
    assert_eq!(kind(restless.collect()), io::ErrorKind::InvalidData);
}

#[test]
fn the_kernel_and_its_table_tell_of_sockets_of_ours() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = std::net::TcpListener::bind(address) else {
            continue; // a host without IPv6
        };
        let local = listener.local_addr().unwrap();
        let stream = std::net::TcpStream::connect(local).unwrap();
        let (ours, theirs) = (stream.local_addr().unwrap(), local);
        let states = |local| {
            let table = table().into_iter().filter(move |one| one.local == local);
            let mut states: Vec<_> = table.map(|one| (one.state, one.peer)).collect();
            states.sort_by_key(|(state, _)| *state == State::Listening);
            states
        };
        assert_eq!(states(ours), [(State::Open, theirs)]);
        assert_eq!(
            states(local).last().map(|one| one.0),
            Some(State::Listening)
        );

        let mut sockets = Sockets::open().unwrap();
        match sockets.listens(local) {
            Ok(listens) => assert!(listens),
            // A kernel without socket diagnosis.
            Err(error) => assert_eq!(error.raw_os_error(), None, "{error}"),
        }
        drop(listener);
        assert!(!sockets.listens(local).unwrap_or_default());
    }
}
