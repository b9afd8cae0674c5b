//! Real connections, and what belongs to them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Instant;

use netns_testbed::{Failed, Host, Packet, World, accept, connect};
use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrStorage};

use crate::config::Config;
use crate::fate::{ALLOWED, BLOCKED, INVALID, Log, PASSED};
use crate::ground::{ENOUGH, Ground};
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("loopback", loopback),
    ("established", established),
    ("retransmission", retransmission),
    ("related", related),
    ("related_from_blacklisted", related_from_blacklisted),
    ("icmp_error_for_no_flow", icmp_error_for_no_flow),
    ("outgoing_tcp", outgoing_tcp),
    ("outgoing_udp", outgoing_udp),
    ("outgoing_to_blacklisted", outgoing_to_blacklisted),
    (
        "session_of_who_is_blacklisted_goes_on",
        session_of_blacklisted_goes_on,
    ),
    (
        "handshake_of_who_is_blacklisted_goes_on",
        handshake_of_blacklisted_goes_on,
    ),
    (
        "simultaneous_open_with_who_is_blacklisted",
        simultaneous_open_with_blacklisted,
    ),
    (
        "answer_to_a_datagram_of_ours_from_blacklisted",
        answer_from_blacklisted,
    ),
    ("session_from_before_apply", session_from_before_apply),
    (
        "session_from_before_apply_to_no_service",
        session_from_before_apply_to_no_service,
    ),
    ("session_across_apply_again", session_across_apply_again),
    (
        "session_outwards_from_before_apply",
        session_outwards_from_before_apply,
    ),
];

fn loopback(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let localhost: IpAddr = case
        .family
        .pick(Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let gateway = ground.gateway(0).ip();
    for address in [localhost, gateway] {
        // An open port that is no service, a closed one, and a conversation.
        let (open, closed) = ground.world.gateway.run(|| {
            let to = |port| {
                connect(
                    SocketAddr::new(address, 0),
                    SocketAddr::new(address, port),
                    ENOUGH,
                )
            };
            (to(9999).map(drop), to(9998).map(drop))
        });
        open?;
        assert_eq!(
            closed.map_err(|error| error.kind()),
            Err(ErrorKind::ConnectionRefused)
        );
        ground
            .world
            .gateway
            .run(|| udp_conversation(address, address))?;
    }
    ground.expect_logged(&[])
}

fn established(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let mut session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    let client = session.client.local_addr()?.ip();
    ground.expect_logged(&[(client, Log::Allowed)])?;
    for _ in 0..20 {
        session.client_speaks()?;
        session.gateway_speaks()?;
    }
    drop(session);
    ground.expect_logged(&[])
}

/// A packet that is sent again belongs to the connection: it is not logged again and costs nothing
/// of the limit.
fn retransmission(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let packets = ground.connections(ground.source(1), 22, 5);
    ground.expect(&packets, ALLOWED)?;
    ground.expect(&packets, PASSED)
}

/// Of a flow that this host began: its answer is an ICMP error of some router on the way.
fn related(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    related_to_live_flow(&mut ground)
}

fn related_from_blacklisted(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.add("blacklist", ground.source(ROUTER), "timeout 600")?;
    related_to_live_flow(&mut ground)
}

const ROUTER: u8 = 99;

fn related_to_live_flow(ground: &mut Ground) -> Result<(), Failed> {
    let (local, remote) = (ground.gateway(0), SocketAddr::new(ground.source(1), 53));
    let socket = ground.world.gateway.run(|| {
        let socket = UdpSocket::bind(local)?;
        socket.connect(remote)?;
        socket.set_read_timeout(Some(ENOUGH))?;
        socket.send(b"are you there?")?;
        Ok::<_, Failed>(socket)
    })?;
    let sent = Packet::udp(socket.local_addr()?, remote, b"are you there?");
    let error = Packet::port_unreachable(ground.source(ROUTER), &sent);
    let seen = ground.send(&[error])?;
    assert_eq!(seen.logged, []);
    let received = socket.recv(&mut [0; 100]).map_err(|error| error.kind());
    assert_eq!(received, Err(ErrorKind::ConnectionRefused));
    Ok(())
}

/// The packet that it quotes was never sent; what is logged is who sent the error.
fn icmp_error_for_no_flow(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let never_sent = Packet::udp(
        ground.gateway(5000),
        SocketAddr::new(ground.source(1), 53),
        b"no",
    );
    let error = Packet::port_unreachable(ground.source(ROUTER), &never_sent);
    ground.expect(&[error], INVALID)
}

fn outgoing_tcp(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    outgoing(&ground)?;
    ground.expect_logged(&[])
}

/// What this host begins, it may finish.
fn outgoing_to_blacklisted(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    ground.add(
        "blacklist",
        ground.world.attacker.address(case.family),
        "timeout 600",
    )?;
    outgoing(&ground)?;
    ground.expect_logged(&[])
}

/// A ban is about what somebody begins.
fn session_of_blacklisted_goes_on(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let mut session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    let client = session.client.local_addr()?.ip();
    ground.add("blacklist", client, "timeout 600")?;
    session.client_speaks()?;
    session.gateway_speaks()?;
    session.client_speaks()?;
    ground.expect_logged(&[(client, Log::Allowed)])?;
    ground.expect(&ground.connections(client, 22, 1), BLOCKED)
}

/// The answer was lost, and a ban came in between: what is sent again still belongs to it, and is
/// no new evidence.
fn handshake_of_blacklisted_goes_on(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let source = ground.source(1);
    let begun = ground.connections(source, 22, 1);
    ground.expect(&begun, ALLOWED)?;
    ground.add("blacklist", source, "timeout 600")?;
    ground.expect(&begun, PASSED)?;
    let another = Packet::tcp_syn(SocketAddr::new(source, 41_000), ground.gateway(22));
    ground.expect(&[another], BLOCKED)
}

/// Both begin at once: what comes is a SYN, and this host asked for it.
fn simultaneous_open_with_blacklisted(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let (ours, theirs) = (
        ground.gateway(5000),
        SocketAddr::new(ground.source(1), 5000),
    );
    ground.add("blacklist", theirs.ip(), "timeout 600")?;
    let _opening = ground.world.gateway.run(|| begin(ours, theirs))?;
    let deadline = Instant::now() + ENOUGH;
    while !ground
        .settle()?
        .iter()
        .any(|packet| packet.endpoints() == Some((ours, theirs)))
    {
        assert!(Instant::now() < deadline, "it does not begin");
    }
    ground.expect_logged(&[])?;
    ground.expect(&[Packet::tcp_syn(theirs, ours)], PASSED)
}

/// A socket that has begun to connect.
fn begin(ours: SocketAddr, theirs: SocketAddr) -> Result<OwnedFd, Failed> {
    let family = if ours.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket::socket(family, SockType::Stream, flags, None)?;
    socket::bind(socket.as_raw_fd(), &SockaddrStorage::from(ours))?;
    match socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(theirs)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// One that nobody here waits for is none.
fn answer_from_blacklisted(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let remote = SocketAddr::new(ground.source(1), 53);
    ground.add("blacklist", remote.ip(), "timeout 600")?;
    let asker = ground.world.gateway.run(|| {
        let socket = UdpSocket::bind(ground.gateway(0))?;
        socket.connect(remote)?;
        socket.set_read_timeout(Some(ENOUGH))?;
        socket.send(b"question")?;
        Ok::<_, Failed>(socket)
    })?;
    let answer = Packet::udp(remote, asker.local_addr()?, b"answer");
    let seen = ground.send(&[answer])?;
    assert_eq!(seen.logged, []);
    assert_eq!(asker.recv(&mut [0; 100])?, 6);
    let elsewhere = Packet::udp(remote, ground.gateway(9), b"answer");
    ground.expect(&[elsewhere], BLOCKED)
}

fn outgoing(ground: &Ground) -> Result<(), Failed> {
    let remote = SocketAddr::new(ground.world.attacker.address(ground.case.family), 80);
    let listener = ground.world.attacker.run(|| TcpListener::bind(remote))?;
    let mut ours = ground
        .world
        .gateway
        .run(|| connect(ground.gateway(0), remote, ENOUGH))?;
    let mut theirs = accept(&listener, ENOUGH)?;
    says(&mut ours, &mut theirs)?;
    says(&mut theirs, &mut ours)
}

fn outgoing_udp(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let remote = ground
        .world
        .attacker
        .run(|| UdpSocket::bind((ground.world.attacker.address(case.family), 53)))?;
    let ours = ground
        .world
        .gateway
        .run(|| UdpSocket::bind(ground.gateway(0)))?;
    for socket in [&ours, &remote] {
        socket.set_read_timeout(Some(ENOUGH))?;
    }
    let mut buffer = [0; 100];
    ours.send_to(b"question", remote.local_addr()?)?;
    let (_, asker) = remote.recv_from(&mut buffer)?;
    remote.send_to(b"answer", asker)?;
    assert_eq!(ours.recv_from(&mut buffer)?, (6, remote.local_addr()?));
    ground.expect_logged(&[])
}

/// Whoever applies the firewall over ssh for the first time is not thrown out.
fn session_from_before_apply(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let mut session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    session.client_speaks()?;
    ground.apply()?;
    session.client_speaks()?;
    session.gateway_speaks()?;
    session.client_speaks()?;
    // Connection tracking was told of it: no packet of it is new.
    ground.expect_logged(&[])
}

/// What this host had begun goes on, whoever speaks first.
fn session_outwards_from_before_apply(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let attacker = ground.world.attacker.address(case.family);
    let listener = ground
        .world
        .attacker
        .run(|| TcpListener::bind(SocketAddr::new(attacker, 80)))?;
    let remote = listener.local_addr()?;
    let mut ours = ground
        .world
        .gateway
        .run(|| connect(ground.gateway(0), remote, ENOUGH))?;
    let mut theirs = accept(&listener, ENOUGH)?;
    let datagrams = ground
        .world
        .attacker
        .run(|| UdpSocket::bind(SocketAddr::new(attacker, 53)))?;
    let asker = ground.world.gateway.run(|| {
        let socket = UdpSocket::bind(ground.gateway(0))?;
        socket.connect(datagrams.local_addr()?)?;
        std::io::Result::Ok(socket)
    })?;
    says(&mut ours, &mut theirs)?;
    ground.apply()?;
    for _ in 0..3 {
        says(&mut theirs, &mut ours)?;
        says(&mut ours, &mut theirs)?;
    }
    asker.set_read_timeout(Some(ENOUGH))?;
    datagrams.send_to(b"answer", asker.local_addr()?)?;
    assert_eq!(asker.recv(&mut [0; 100])?, 6);
    ground.expect_logged(&[])
}

/// Where no service lets it in, it goes on when this host speaks next, as it does for whoever waits
/// for the prompt.
fn session_from_before_apply_to_no_service(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let mut session = Session::open(&ground, &ground.world.attacker, ground.gateway(9999))?;
    session.client_speaks()?;
    ground.apply()?;
    session.gateway_speaks()?;
    session.client_speaks()?;
    ground.expect_logged(&[])
}

fn session_across_apply_again(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let mut session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    let client = session.client.local_addr()?.ip();
    session.client_speaks()?;
    ground.apply()?;
    session.client_speaks()?;
    session.gateway_speaks()?;
    ground.expect_logged(&[(client, Log::Allowed)])
}

/// Both ends of a connection to the gateway.
pub(crate) struct Session {
    pub(crate) client: TcpStream,
    pub(crate) gateway: TcpStream,
}

impl Session {
    pub(crate) fn open(ground: &Ground, from: &Host, to: SocketAddr) -> Result<Self, Failed> {
        let source = SocketAddr::new(from.address(ground.case.family), 0);
        let client = from.run(|| connect(source, to, ENOUGH))?;
        let gateway = ground.accept(to.port())?;
        Ok(Self { client, gateway })
    }

    pub(crate) fn client_speaks(&mut self) -> Result<(), Failed> {
        says(&mut self.client, &mut self.gateway)
    }

    pub(crate) fn gateway_speaks(&mut self) -> Result<(), Failed> {
        says(&mut self.gateway, &mut self.client)
    }
}

fn says(speaker: &mut TcpStream, listener: &mut TcpStream) -> Result<(), Failed> {
    let mut heard = [0; 5];
    speaker.write_all(b"hello")?;
    listener.set_read_timeout(Some(ENOUGH))?;
    listener.read_exact(&mut heard)?;
    assert_eq!(&heard, b"hello");
    Ok(())
}

fn udp_conversation(a: IpAddr, b: IpAddr) -> Result<(), Failed> {
    let (a, b) = (UdpSocket::bind((a, 0))?, UdpSocket::bind((b, 0))?);
    b.set_read_timeout(Some(ENOUGH))?;
    a.send_to(b"hello", b.local_addr()?)?;
    assert_eq!(b.recv_from(&mut [0; 100])?, (5, a.local_addr()?));
    Ok(())
}
