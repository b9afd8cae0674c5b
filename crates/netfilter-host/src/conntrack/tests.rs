//! What the kernel says of connections, from a script.

use netlink_session::testing::{Answer, Script};

use super::*;
use crate::Protocol;

const EPERM: i32 = 1;
const EINVAL: i32 = 22;
const ENOMEM: i32 = 12;
const ALREADY: i32 = 17;

fn failure(code: i32) -> String {
    let script = Script::new([Answer::error(code)]);
    let mut conntrack = Conntrack::with_transport(script);
    let failure = conntrack.connections(|_| true).expect_err("refused");
    failure.to_string()
}

#[test]
fn what_the_kernel_says_is_said() {
    assert_eq!(failure(EPERM), "CAP_NET_ADMIN is missing");
    assert!(failure(EINVAL).contains("no connection tracking over netlink"));
    assert!(failure(ENOMEM).starts_with("the kernel refuses: "));
}

#[test]
fn silence_is_an_error() {
    let mut conntrack = Conntrack::with_transport(Script::new([]));
    let silence = conntrack.connections(|_| true);
    assert!(matches!(silence, Err(Error::Transport(_))), "{silence:?}");
    let silence = conntrack.enter(&flow(Protocol::Tcp));
    assert!(matches!(silence, Err(Error::Transport(_))), "{silence:?}");
}

fn flow(protocol: Protocol) -> Flow {
    Flow {
        protocol,
        from: "[2001:db8::7]:40000".parse().unwrap(),
        to: "[2001:db8::1]:22".parse().unwrap(),
    }
}

#[test]
fn a_session_that_is_entered_is_one_that_is_established() {
    let (tcp, udp) = (flow(Protocol::Tcp), flow(Protocol::Udp));
    let mut script = Script::new([Answer::ok(), Answer::error(ALREADY), Answer::error(EPERM)]);
    let mut conntrack = Conntrack::with_transport(&mut script);
    assert!(conntrack.enter(&tcp).unwrap());
    assert!(!conntrack.enter(&udp).unwrap(), "it is tracked already");
    assert!(matches!(conntrack.enter(&udp), Err(Error::Refused(1))));

    let sent: Vec<NetfilterMessage> = script.requests();
    let read = |message: &NetfilterMessage| Connection::decode(message.clone()).unwrap().unwrap();
    let connection = read(&sent[0]);
    let opened = connection.opened_from(|address| address == tcp.from.ip());
    assert_eq!(opened, Some((tcp.from, tcp.to)));
    assert_eq!(connection.ends(), Some((tcp.to, tcp.from)));
    assert_eq!(
        (read(&sent[1]).source(), read(&sent[1]).ends()),
        (udp.from.ip(), None)
    );
}

#[test]
fn a_table_that_changes_is_read_again_and_given_up() {
    let connection = || {
        let header =
            netlink_packet_netfilter::NetfilterHeader::new(flow(Protocol::Tcp).family(), 0, 0);
        let new = ConntrackMessage::New(flow(Protocol::Tcp).attributes());
        NetfilterMessage::new(header, new)
    };
    let changing = || Answer::interrupted([connection()]);
    let whole = Answer::listing([connection(), connection()]);
    let mut conntrack = Conntrack::with_transport(Script::new([changing(), whole]));
    assert_eq!(conntrack.connections(|_| true).unwrap().len(), 2);
    let mut conntrack = Conntrack::with_transport(Script::new((0..9).map(|_| changing())));
    let restless = conntrack.connections(|_| true);
    assert!(matches!(restless, Err(Error::Restless)), "{restless:?}");
}
