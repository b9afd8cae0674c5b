//! Real connections, and what belongs to them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use netns_testbed::{Failed, Host, Packet, World, accept, connect};

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
    (
        "session_typed_over_to_no_service",
        session_typed_over_to_no_service,
    ),
    (
        "session_typed_over_by_who_is_banned",
        session_typed_over_by_who_is_banned,
    ),
    (
        "session_typed_over_by_who_will_be_banned",
        session_typed_over_by_who_will_be_banned,
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

/// Also where the firewall stands: what bans the administrator is asked as the new rules would ask.
fn session_typed_over_by_who_is_banned(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    let session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    let (peer, local) = (session.client.local_addr()?, session.client.peer_addr()?);
    let apply = |more: &[&str]| -> Result<(Option<i32>, String), Failed> {
        let env = netns_testbed::Tool::require("env")?;
        let variable = format!(
            "SSH_CONNECTION={} {} {} {}",
            peer.ip(),
            peer.port(),
            local.ip(),
            local.port()
        );
        let program = env!("CARGO_BIN_EXE_firewall-apply");
        let fixed = [&*variable, program, "--config", "/dev/null", "apply"];
        let arguments = [&fixed[..], &["--saved", "/dev/null"], more].concat();
        let done = ground.world.gateway.run(|| env.output(&arguments))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        Ok((done.status.code(), said))
    };
    let (status, said) = apply(&[])?;
    assert_eq!(status, Some(0), "{said}");
    let rules = || -> Result<Vec<String>, Failed> {
        let saved = ground.saved()?;
        let rules = saved.lines().filter(|line| line.starts_with('-'));
        Ok(rules.map(str::to_owned).collect())
    };
    let before = rules()?;
    let network = case
        .family
        .pick(format!("{}/28", peer.ip()), format!("{}/112", peer.ip()));
    ground.add("blacklist", network, "timeout 600")?;
    let (status, said) = apply(&[])?;
    assert_eq!(status, Some(2), "{said}");
    let set = ground.set("blacklist");
    assert!(
        said.contains("to port 22: once it ends you are locked out by rule ")
            && said.contains(&format!("--match-set {set} src -j LOG_AND_DROP")),
        "{said}"
    );
    assert_eq!(rules()?, before);
    assert_eq!(apply(&["--force"])?.0, Some(0));
    ground.add("whitelist", peer.ip(), "")?;
    let (status, said) = apply(&[])?;
    assert_eq!(status, Some(0), "{said}");
    Ok(())
}

/// Who would be in a set once it is made: by what was saved of it, or by the file of a list.
fn session_typed_over_by_who_will_be_banned(case: Case) -> Result<(), Failed> {
    let ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    let (peer, local) = (session.client.local_addr()?, session.client.peer_addr()?);
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: &str| -> Result<String, Failed> {
        let path = directory.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let apply = |config: &str, saved: &str| -> Result<(Option<i32>, String), Failed> {
        let env = netns_testbed::Tool::require("env")?;
        let (peer_port, local_port) = (peer.port(), local.port());
        let variable = format!(
            "SSH_CONNECTION={} {peer_port} {} {local_port}",
            peer.ip(),
            local.ip()
        );
        let program = env!("CARGO_BIN_EXE_firewall-apply");
        let arguments = [
            &variable, program, "--config", config, "apply", "--saved", saved,
        ];
        let done = ground.world.gateway.run(|| env.output(&arguments))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        Ok((done.status.code(), said))
    };
    let locked_out = |(status, said): (Option<i32>, String), set: &str| {
        assert_eq!(status, Some(2), "{said}");
        let rule = format!("--match-set {} src -j LOG_AND_DROP", ground.set(set));
        assert!(
            said.contains("you are locked out by rule ") && said.contains(&rule),
            "{said}"
        );
    };
    let (network, bits) = case.family.pick(("203.0.113.0", 24), ("2001:db8:1::", 64));
    let member = format!(
        "add {} {network}/{bits} timeout 0\n",
        ground.set("blacklist")
    );
    let banned = write("banned.save", &member)?;
    locked_out(apply("/dev/null", &banned)?, "blacklist");
    let rules = ground
        .world
        .gateway
        .run(|| netns_testbed::Tool::require("iptables-save")?.run(&[]))?;
    assert!(!rules.contains("FIREWALL_INPUT"), "{rules}");
    // An exception in it comes back as well, and so does who is whitelisted.
    for more in [
        format!(
            "add {} {} timeout 0 nomatch\n",
            ground.set("blacklist"),
            peer.ip()
        ),
        format!("add {} {} timeout 0\n", ground.set("whitelist"), peer.ip()),
    ] {
        let saved = write("saved.save", &(member.clone() + &more))?;
        let (status, said) = apply("/dev/null", &saved)?;
        assert_eq!(status, Some(0), "{said}");
        ground.firewall_apply(&["reset", "--sets"])?;
    }

    let list = write("list.txt", &format!("{network}/{bits}\n"))?;
    let config = format!("[[blocklist]]\nname = \"others\"\nfile = \"{list}\"\n");
    let config = write("firewall.toml", &config)?;
    locked_out(apply(&config, "/dev/null")?, "others");
    write("list.txt", "198.51.100.0/24\n2001:db8:66::/64\n")?;
    let (status, said) = apply(&config, "/dev/null")?;
    assert_eq!(status, Some(0), "{said}");
    // Also where the set is there, with others in it.
    write(
        "list.txt",
        &format!("198.51.100.0/24\n2001:db8:66::/64\n{network}/{bits}\n"),
    )?;
    locked_out(apply(&config, "/dev/null")?, "others");
    Ok(())
}

/// The one that apply is typed over would be the last.
fn session_typed_over_to_no_service(case: Case) -> Result<(), Failed> {
    let ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let session = Session::open(&ground, &ground.world.attacker, ground.gateway(9999))?;
    let (peer, local) = (session.client.local_addr()?, session.client.peer_addr()?);
    let typed_over = |port: u16| {
        let value = format!("{} {} {} {}", peer.ip(), peer.port(), local.ip(), port);
        netns_testbed::Tool::require("env").map(|env| (env, format!("SSH_CONNECTION={value}")))
    };
    let apply = |port, more: &[&str]| -> Result<std::process::Output, Failed> {
        let (env, variable) = typed_over(port)?;
        let program = env!("CARGO_BIN_EXE_firewall-apply");
        let arguments = [
            &variable,
            program,
            "--config",
            "/dev/null",
            "apply",
            "--saved",
            "/dev/null",
        ];
        ground
            .world
            .gateway
            .run(|| env.output(&[&arguments[..], more].concat()))
    };
    let refused = apply(9999, &[])?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("to port 9999: once it ends you are locked out"),
        "{said}"
    );
    let rules = ground
        .world
        .gateway
        .run(|| netns_testbed::Tool::require("iptables-save")?.run(&[]))?;
    assert!(!rules.contains("FIREWALL_INPUT"), "{rules}");
    // Another one is told of.
    let done = apply(9998, &[])?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(
        said.contains(&format!("no new one gets in: {} to port 9999", peer.ip())),
        "{said}"
    );
    ground.firewall_apply(&["reset"])?;
    assert_eq!(apply(9999, &["--force"])?.status.code(), Some(0));
    Ok(())
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
