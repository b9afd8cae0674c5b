//! A gateway behind a firewall, and what becomes of packets at it.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use netns_testbed::{Failed, Family, Packet, Tap, Tool, World, connect};

use crate::imported::Imported;

/// Far more than anything here takes.
const ENOUGH: Duration = Duration::from_secs(30);

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It came to whom it was for.
    Accepted,
    /// Its sender was told that it did not.
    Rejected,
    Dropped,
}

/// A world whose gateway has a firewall.
pub(crate) struct Door {
    pub(crate) world: World,
    family: Family,
    tap: Tap,
    datagrams: Vec<UdpSocket>,
    /// Keeps the ports open.
    _listeners: Vec<TcpListener>,
    /// Whom the firewall lets in whatever the port.
    friend: IpAddr,
    sentinels: u16,
}

/// The ports that packets are sent to.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) tcp: &'static [u16],
    pub(crate) udp: &'static [u16],
}

impl Door {
    /// A gateway that listens on the ports and has no firewall yet.
    pub(crate) fn new(family: Family, ports: Ports, friend: IpAddr) -> Result<Self, Failed> {
        let world = World::new()?;
        let tap = world.attacker.tap("eth0")?;
        let any: IpAddr = family.pick([0; 4].into(), [0u16; 8].into());
        let (listeners, datagrams) = world.gateway.run(|| -> Result<_, Failed> {
            let listeners = ports.tcp.iter().map(|port| TcpListener::bind((any, *port)));
            let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
            let mut datagrams = Vec::new();
            for port in ports.udp {
                let socket = UdpSocket::bind((any, *port))?;
                socket.set_nonblocking(true)?;
                datagrams.push(socket);
            }
            Ok((listeners, datagrams))
        })?;
        Ok(Self {
            world,
            family,
            tap,
            datagrams,
            _listeners: listeners,
            friend,
            sentinels: 40_000,
        })
    }

    /// Loads rules with the stock tool.
    pub(crate) fn restore(&self, rules: &str) -> Result<(), Failed> {
        let name = self.family.pick("iptables-restore", "ip6tables-restore");
        let tool = Tool::require(name)?.input(rules);
        self.world.gateway.run(|| tool.run(&[]))?;
        Ok(())
    }

    /// Puts up what was imported.
    pub(crate) fn apply(&self, imported: &Imported) -> Result<(), Failed> {
        let config = imported.path("firewall.toml").display().to_string();
        let program = Tool::at(env!("CARGO_BIN_EXE_firewall-apply"));
        let arguments = ["--config", &config, "apply", "--saved", "/dev/null"];
        self.world.gateway.run(|| program.run(&arguments))?;
        Ok(())
    }

    /// An address of the gateway.
    pub(crate) fn gateway(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.world.gateway.address(self.family), port)
    }

    /// What becomes of a packet that comes in.
    pub(crate) fn verdict(&mut self, packet: &Packet) -> Result<Verdict, Failed> {
        self.tap.drain()?;
        self.tap.send(packet)?;
        let answers = self.settle()?;
        let came = self.datagrams.iter().any(|socket| {
            let mut came = false;
            let mut buffer = [0; 64];
            while socket.recv(&mut buffer).is_ok() {
                came = true;
            }
            came
        });
        let reply = answers
            .iter()
            .find(|answer| answer.source() != Some(self.friend));
        Ok(match reply {
            _ if came => Verdict::Accepted,
            None => Verdict::Dropped,
            Some(answer) if answer.is_syn_ack() || is_answer(answer) => Verdict::Accepted,
            Some(_) => Verdict::Rejected,
        })
    }

    /// Whether a datagram of the gateway goes out.
    pub(crate) fn datagram_goes_out(&self, to: SocketAddr) -> Result<bool, Failed> {
        let own = self.gateway(0);
        self.world.gateway.run(|| {
            let socket = UdpSocket::bind(own)?;
            match socket.send_to(b"?", to) {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Whether a connection of the gateway gets out.
    pub(crate) fn connection_goes_out(&mut self, to: SocketAddr) -> Result<bool, Failed> {
        self.tap.drain()?;
        let own = self.gateway(0);
        // Nobody answers; the first packet is sent at once.
        let moment = Duration::from_millis(1);
        let _ = self
            .world
            .gateway
            .run(|| connect(own, to, moment).map(drop));
        let seen = self.settle()?;
        let mut endpoints = seen.iter().filter_map(Packet::endpoints);
        Ok(endpoints.any(|(_, destination)| destination == to))
    }

    /// What comes back until all that was sent is decided.
    fn settle(&mut self) -> Result<Vec<Packet>, Failed> {
        self.sentinels += 1;
        // Nobody listens there: the kernel's reset is the answer.
        let from = SocketAddr::new(self.friend, self.sentinels);
        let sentinel = Packet::tcp_syn(from, self.gateway(CLOSED));
        self.tap.send(&sentinel)?;
        let reset = Some((self.gateway(CLOSED), from));
        let is_last = |answer: &Packet| answer.endpoints() == reset;
        let mut answers = self.tap.receive_until(ENOUGH, is_last)?;
        answers.pop();
        Ok(answers)
    }
}

/// Whether it is an echo reply or the like, and no error.
fn is_answer(packet: &Packet) -> bool {
    matches!(packet.icmp(), Some((0 | 14 | 129, _)))
}

/// A port that nobody listens on.
const CLOSED: u16 = 1;

/// Both doors have the same verdicts on the same packets; gives how many were let in.
pub(crate) fn same([theirs, ours]: [&mut Door; 2], packets: &[Packet]) -> Result<usize, Failed> {
    let mut differ = Vec::new();
    let mut accepted = 0;
    for packet in packets {
        let verdicts = [theirs.verdict(packet)?, ours.verdict(packet)?];
        accepted += usize::from(verdicts[0] == Verdict::Accepted);
        if verdicts[0] != verdicts[1] {
            differ.push(format!(
                "{packet}: {:?}, and of ours {:?}",
                verdicts[0], verdicts[1]
            ));
        }
    }
    if differ.is_empty() {
        Ok(accepted)
    } else {
        Err(differ.join("\n").into())
    }
}

/// Each source sends to each port, over TCP and UDP, and pings.
pub(crate) fn packets(door: &Door, ports: Ports, sources: &[IpAddr]) -> Vec<Packet> {
    let mut packets = Vec::new();
    for (number, source) in (0..).zip(sources) {
        let from = SocketAddr::new(*source, 30_000 + number);
        for port in ports.tcp {
            packets.push(Packet::tcp_syn(from, door.gateway(*port)));
        }
        for port in ports.udp {
            packets.push(Packet::udp(from, door.gateway(*port), b"?"));
        }
        packets.push(Packet::echo_request(
            *source,
            door.gateway(0).ip(),
            7,
            number,
        ));
    }
    packets
}
