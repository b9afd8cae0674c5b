//! Packets from outside, while the reader looks on.

use std::net::{IpAddr, SocketAddr};

use netns_testbed::{Failed, Family, Packet, World};

/// The first of the ports where each packet goes to another.
const PORTS: u16 = 1000;

/// Packets of one source.
#[derive(Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) source: IpAddr,
    kind: Kind,
    pub(crate) count: u16,
    port: Option<u16>,
}

#[derive(Clone, Copy)]
enum Kind {
    Tcp,
    Udp,
    Ping,
    /// TCP that answers what nobody sent.
    Answers,
}

impl Traffic {
    /// `ADDRESS tcp|udp|ping|answers COUNT [PORT]`
    pub(crate) fn parse(words: &str) -> Option<Self> {
        let mut words = words.split(' ');
        let traffic = Self {
            source: words.next()?.parse().ok()?,
            kind: match words.next()? {
                "tcp" => Kind::Tcp,
                "udp" => Kind::Udp,
                "ping" => Kind::Ping,
                "answers" => Kind::Answers,
                _ => return None,
            },
            count: words.next()?.parse().ok()?,
            port: words.next().map(str::parse).transpose().ok()?,
        };
        words.next().is_none().then_some(traffic)
    }

    pub(crate) fn send(&self, world: &World) -> Result<(), Failed> {
        let family = if self.source.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        let gateway = world.gateway.address(family);
        let mut tap = world.attacker.tap("eth0")?;
        for number in 0..self.count {
            let from = SocketAddr::new(self.source, 40_000 + number);
            let to = SocketAddr::new(gateway, self.port.unwrap_or(PORTS + number));
            tap.send(&match self.kind {
                Kind::Tcp => Packet::tcp_syn(from, to),
                Kind::Udp => Packet::udp(from, to, b"hello"),
                Kind::Ping => Packet::echo_request(self.source, gateway, 1, number),
                Kind::Answers => {
                    let from = SocketAddr::new(self.source, 443);
                    Packet::tcp(from, to, |tcp| (tcp.syn, tcp.ack) = (true, true), &[])
                }
            })?;
        }
        Ok(())
    }

    /// How the kernel's log names the source.
    pub(crate) fn logged(&self) -> String {
        match self.source {
            IpAddr::V4(address) => format!(" SRC={address} "),
            IpAddr::V6(address) => {
                let groups = address.segments().map(|group| format!("{group:04x}"));
                format!(" SRC={} ", groups.join(":"))
            }
        }
    }
}
