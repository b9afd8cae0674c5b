//! What the kernel says of connections, from a script.

use netlink_packet_core::DefaultNla;
use netlink_packet_netfilter::NetfilterHeader;
use netlink_packet_netfilter::conntrack::ConntrackAttribute;
use netlink_session::testing::{Answer, Script};

use super::*;
use crate::Protocol;

const EPERM: i32 = 1;
const EINVAL: i32 = 22;
const ENOMEM: i32 = 12;
const ALREADY: i32 = 17;
// linux/netfilter/nfnetlink_conntrack.h
const CTA_ID: u16 = 12;

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
        let header = NetfilterHeader::new(flow(Protocol::Tcp).family(), 0, 0);
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

/// Connections as a table tells them: from a port here to a host, each with a number of its own.
fn tracked(ends: &[(&str, &str)]) -> Vec<Connection> {
    let messages = ends.iter().zip(1_u32..).map(|((from, to), number)| {
        let flow = Flow {
            protocol: Protocol::Tcp,
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        let mut attributes = flow.attributes();
        let number = DefaultNla::new(CTA_ID, number.to_be_bytes().to_vec());
        attributes.push(ConntrackAttribute::Other(number));
        let header = NetfilterHeader::new(flow.family(), 0, 0);
        NetfilterMessage::new(header, ConntrackMessage::New(attributes))
    });
    let script = Script::new([Answer::listing(messages.collect::<Vec<_>>())]);
    let mut conntrack = Conntrack::with_transport(script);
    conntrack.connections(|_| true).unwrap()
}

#[test]
fn what_was_opened_is_found_by_where_it_leads_to() {
    let own = |address: std::net::IpAddr| {
        ["192.0.2.1", "2001:db8::1"].contains(&address.to_string().as_str())
    };
    let all = tracked(&[
        ("192.0.2.1:40000", "203.0.113.7:80"),
        ("192.0.2.1:40001", "203.0.113.7:80"),
        ("192.0.2.1:40000", "203.0.113.7:443"),
        // In another zone, as it might be.
        ("192.0.2.1:40000", "203.0.113.7:80"),
        ("192.0.2.1:40000", "203.0.113.8:80"),
        ("[2001:db8::1]:40000", "[2001:db8::7]:80"),
        ("203.0.113.9:40000", "192.0.2.1:80"),
        ("192.0.2.1:40000", "192.0.2.1:80"),
    ]);
    let mut opened = Opened::new(6);
    for connection in &all {
        opened.add(connection.clone(), own);
    }
    // What is there is not taken in again.
    opened.add(all[0].clone(), own);
    assert!(opened.is_whole());
    let to = |opened: &Opened, peer: &str| opened.to(peer.parse().unwrap()).len();
    let counts = [
        "203.0.113.6",
        "203.0.113.7",
        "203.0.113.8",
        "2001:db8::7",
        "192.0.2.1",
    ];
    assert_eq!(counts.map(|peer| to(&opened, peer)), [0, 4, 1, 1, 0]);
    assert!(opened.holds(&all[3]) && !opened.holds(&all[6]));

    opened.forget(&all[0]);
    opened.forget(&all[6]);
    assert_eq!(to(&opened, "203.0.113.7"), 3);
    assert!(!opened.holds(&all[0]) && opened.holds(&all[3]));
    opened.add(all[0].clone(), own);
    assert!(opened.is_whole());
    let more = tracked(&[("192.0.2.1:1", "203.0.113.7:1")]);
    opened.add(more[0].clone(), own);
    assert!(!opened.is_whole() && !opened.holds(&more[0]));
}
