//! Conversations with the kernel of this host about what anybody may ask, held against what it
//! writes into /proc.
#![expect(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::collections::BTreeSet;
use std::fs;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_session::{DecodeError, Dump, NetlinkFamily, NetlinkSocket, Session, request};

fn session() -> Session {
    Session::new(NetlinkSocket::connect(NetlinkFamily::Route).unwrap())
}

fn name(link: RouteNetlinkMessage) -> Option<String> {
    let RouteNetlinkMessage::NewLink(link) = link else {
        return None;
    };
    let mut attributes = link.attributes.into_iter();
    attributes.find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name),
        _ => None,
    })
}

#[test]
fn all_interfaces_are_dumped() {
    let list = fs::read_to_string("/proc/net/dev").unwrap();
    let expected: BTreeSet<_> = list
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
        .collect();
    let mut links = request(&RouteNetlinkMessage::GetLink(LinkMessage::default()), 0).unwrap();
    let mut session = session();
    let found = session
        .dump_whole(&mut links, |link| Ok(name(link)))
        .unwrap();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);

    // A dump that nobody wants the rest of leaves nothing to be read by the next question.
    let each = |_: RouteNetlinkMessage| Err(DecodeError::new("it is not wanted"));
    session.dump(&mut links, each).unwrap_err();
    let again = session.dump(&mut links, |_: RouteNetlinkMessage| Ok(()));
    assert_eq!(again.unwrap(), Dump::Whole);
}

#[test]
fn one_interface_is_asked_for_and_one_that_is_not_is_refused() {
    const ENODEV: u32 = 19;
    let about = |index| {
        let mut link = LinkMessage::default();
        link.header.index = index;
        request(&RouteNetlinkMessage::GetLink(link), 0).unwrap()
    };
    let mut session = session();
    let loopback = session.ask(&mut about(1)).unwrap();
    assert_eq!(name(loopback).as_deref(), Some("lo"));
    let refused = session.ask::<RouteNetlinkMessage>(&mut about(i32::MAX.unsigned_abs()));
    assert_eq!(refused.unwrap_err().code(), Some(ENODEV));
}
