//! The world works without any firewall: what is sent arrives, what is logged is read.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use netns_testbed::{
    Failed, Family, KernelLog, Packet, Tool, Trial, World, accept, connect, run, trial,
};

/// Far more than anything here takes.
const ENOUGH: Duration = Duration::from_secs(30);
/// Nothing may have come for this long: only where nothing can come later.
const NOTHING: Duration = Duration::ZERO;

type Row = fn(Family) -> Result<(), Failed>;

fn main() -> std::process::ExitCode {
    let mut trials = Vec::new();
    for family in Family::BOTH {
        let rows: [(&str, Row); 9] = [
            (
                "connection_from_outside_to_inside",
                connection_from_outside_to_inside,
            ),
            (
                "open_and_closed_port_answer_a_stranger",
                open_and_closed_port_answer_a_stranger,
            ),
            ("echo_is_answered_in_order", echo_is_answered_in_order),
            (
                "closed_udp_port_is_unreachable",
                closed_udp_port_is_unreachable,
            ),
            ("unknown_protocol_is_refused", unknown_protocol_is_refused),
            ("fragments_are_put_together", fragments_are_put_together),
            ("neighbours_are_found", neighbours_are_found),
            ("nflog_is_read", nflog_is_read),
            ("kernel_log_is_read", kernel_log_is_read),
        ];
        trials.extend(rows.map(|(name, row)| in_family(family, name, row)));
    }
    run(trials)
}

fn in_family(family: Family, name: &str, row: Row) -> Trial {
    trial(format!("{}::{name}", family.pick("v4", "v6")), move || {
        row(family)
    })
}

fn connection_from_outside_to_inside(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    let server = SocketAddr::new(world.server.address(family), 80);
    let listener = world.server.run(|| TcpListener::bind(server))?;
    let source = family.stranger(7);
    world.attacker.add_address(source)?;
    let client = world
        .attacker
        .run(|| connect(SocketAddr::new(source, 0), server, ENOUGH))?;
    let peer = accept(&listener, ENOUGH)?.peer_addr()?;
    assert_eq!(peer, client.local_addr()?);
    assert_eq!(peer.ip(), source);
    Ok(())
}

fn open_and_closed_port_answer_a_stranger(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    let stranger = SocketAddr::new(family.stranger(1), 40000);
    let gateway = world.gateway.address(family);
    let _listener = world.gateway.run(|| TcpListener::bind((gateway, 22)))?;
    let mut tap = world.attacker.tap("eth0")?;
    tap.send(&Packet::tcp_syn(stranger, SocketAddr::new(gateway, 22)))?;
    tap.send(&Packet::tcp_syn(stranger, SocketAddr::new(gateway, 23)))?;
    let answers = tap.receive_until(ENOUGH, Packet::is_reset)?;
    let [open, closed] = answers.as_slice() else {
        return Err(format!("not one answer for each port: {answers:?}").into());
    };
    assert!(open.is_syn_ack(), "{open}");
    assert_eq!(
        open.endpoints(),
        Some((SocketAddr::new(gateway, 22), stranger))
    );
    assert_eq!(
        closed.endpoints(),
        Some((SocketAddr::new(gateway, 23), stranger))
    );
    Ok(())
}

fn echo_is_answered_in_order(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    let gateway = world.gateway.address(family);
    let mut tap = world.attacker.tap("eth0")?;
    for id in 0..300 {
        tap.send(&Packet::echo_request(family.stranger(1), gateway, id, 1))?;
    }
    let answers = tap.receive_until(ENOUGH, |packet| packet.echo() == Some((299, 1)))?;
    let ids: Vec<u16> = answers
        .iter()
        .filter_map(|answer| Some(answer.echo()?.0))
        .collect();
    assert_eq!(ids, (0..300).collect::<Vec<_>>());
    assert_eq!(tap.receive(NOTHING)?, None);
    Ok(())
}

fn closed_udp_port_is_unreachable(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    let stranger = SocketAddr::new(family.stranger(1), 40000);
    let gateway = world.gateway.address(family);
    let sent = Packet::udp(stranger, SocketAddr::new(gateway, 5353), b"anyone?");
    let mut tap = world.attacker.tap("eth0")?;
    tap.send(&sent)?;
    let answer = tap.receive(ENOUGH)?.ok_or("no answer")?;
    assert_eq!(answer.icmp(), Some(family.pick((3, 3), (1, 4))));
    let quoted = answer.quoted().ok_or("nothing quoted")?;
    assert_eq!(quoted.endpoints(), sent.endpoints());
    assert_eq!(
        Packet::port_unreachable(gateway, &sent).quoted(),
        Some(quoted)
    );
    Ok(())
}

fn unknown_protocol_is_refused(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    let mut tap = world.attacker.tap("eth0")?;
    tap.send(&Packet::of_protocol(
        family.stranger(1),
        world.gateway.address(family),
        253,
        b"?",
    ))?;
    let answer = tap.receive(ENOUGH)?.ok_or("no answer")?;
    assert_eq!(answer.icmp(), Some(family.pick((3, 2), (4, 1))));
    Ok(())
}

fn fragments_are_put_together(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    let stranger = SocketAddr::new(family.stranger(1), 40000);
    let gateway = SocketAddr::new(world.gateway.address(family), 5353);
    let socket = world.gateway.run(|| UdpSocket::bind(gateway))?;
    socket.set_read_timeout(Some(ENOUGH))?;
    let sent = Packet::udp(stranger, gateway, b"in two parts");
    let parts = sent.in_two_fragments(1, 77);
    assert!(parts.iter().all(Packet::is_fragment), "{parts:?}");
    let mut tap = world.attacker.tap("eth0")?;
    for part in &parts {
        tap.send(part)?;
    }
    let mut buffer = [0; 100];
    assert_eq!(socket.recv_from(&mut buffer)?, (12, stranger));
    assert!(buffer.starts_with(b"in two parts"));
    Ok(())
}

fn neighbours_are_found(family: Family) -> Result<(), Failed> {
    let world = World::without_neighbours()?;
    let gateway = SocketAddr::new(world.gateway.address(family), 22);
    let _listener = world.gateway.run(|| TcpListener::bind(gateway))?;
    let source = SocketAddr::new(world.attacker.address(family), 0);
    world.attacker.run(|| connect(source, gateway, ENOUGH))?;
    Ok(())
}

fn nflog_is_read(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    let iptables = Tool::require(family.pick("iptables", "ip6tables"))?;
    world.gateway.run(|| {
        iptables.run(&[
            "-A",
            "INPUT",
            "-j",
            "NFLOG",
            "--nflog-group",
            "5",
            "--nflog-prefix",
            "A PREFIX: ",
        ])
    })?;
    let mut log = world.gateway.nflog(5)?;
    assert!(world.gateway.nflog(5).is_err());
    let mut tap = world.attacker.tap("eth0")?;
    for n in 0..200 {
        tap.send(&Packet::echo_request(
            family.stranger(n),
            world.gateway.address(family),
            1,
            1,
        ))?;
    }
    for n in 0..200 {
        let logged = log.next(ENOUGH)?.ok_or("nothing logged")?;
        assert_eq!(
            (logged.prefix.as_str(), logged.source),
            ("A PREFIX: ", family.stranger(n))
        );
    }
    assert_eq!(log.next(NOTHING)?, None);
    Ok(())
}

fn kernel_log_is_read(family: Family) -> Result<(), Failed> {
    let world = World::new()?;
    let other = World::new()?;
    let iptables = Tool::require(family.pick("iptables", "ip6tables"))?;
    for world in [&world, &other] {
        world
            .gateway
            .run(|| iptables.run(&["-A", "INPUT", "-j", "LOG", "--log-prefix", "A PREFIX: "]))?;
    }
    let mut log = KernelLog::open(&world)?;
    for world in [&other, &world] {
        let mut tap = world.attacker.tap("eth0")?;
        tap.send(&Packet::echo_request(
            family.stranger(9),
            world.gateway.address(family),
            1,
            1,
        ))?;
        tap.receive_until(ENOUGH, |packet| packet.echo().is_some())?;
    }
    let logged = log.next(ENOUGH)?.ok_or("nothing logged")?;
    assert_eq!(
        (logged.prefix.as_str(), logged.source),
        ("A PREFIX: ", family.stranger(9))
    );
    assert_eq!(
        log.next(NOTHING)?,
        None,
        "the other world's line is not ours"
    );
    Ok(())
}
