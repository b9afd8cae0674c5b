//! Expressions that are no match of iptables where they stand, followed one by one: what they load
//! from a packet, as far as it is known, and what they compare it with.

use std::net::IpAddr;

use crate::encoding::{Expression, MetaKey, Native, PayloadBase};
use crate::match_::{CtState, Protocol};
use crate::packet::{Answer, Packet};
use crate::wire::attributes::Attributes;
use crate::{Family, Network};

/// Register 1 while the expressions of a rule are followed.
pub(super) struct Loads<'a> {
    packet: &'a Packet,
    register: Register,
}

/// What a register holds.
enum Register {
    /// These bytes of the packet, which are called this.
    Known(Vec<u8>, &'static str),
    /// What is not known, in words.
    Unknown(String),
}

/// What an expression comes to.
pub(super) enum Followed {
    /// Nothing that decides yet.
    Nothing,
    /// A condition.
    Asked(Answer),
    /// A line with this prefix, by nft's own `log`.
    Logged(String),
    /// It acts as a target does.
    Acts,
}

impl<'a> Loads<'a> {
    pub(super) fn new(packet: &'a Packet) -> Self {
        Self {
            packet,
            register: Register::Unknown("a part that cannot be read".to_owned()),
        }
    }

    pub(super) fn follow(&mut self, expression: &Expression) -> Followed {
        match expression {
            Expression::Counter => return Followed::Nothing,
            Expression::Log { prefix, .. } => return Followed::Logged(prefix.clone()),
            Expression::Verdict(_) | Expression::Target(_) => return Followed::Acts,
            Expression::Meta(key) => self.register = self.meta(*key),
            Expression::Payload {
                base,
                offset,
                length,
            } => self.register = self.payload(*base, *offset, *length),
            Expression::Mask(mask) => {
                if let Register::Known(bytes, _) = &mut self.register {
                    let bits = bytes.iter_mut().zip(mask);
                    bits.for_each(|(byte, mask)| *byte &= mask);
                }
            }
            Expression::Compare { inverted, data } => {
                return Followed::Asked(self.compare(data).inverted(*inverted));
            }
            Expression::Range { inverted, from, to } => {
                return Followed::Asked(self.range(from, to).inverted(*inverted));
            }
            Expression::Limit { .. } => {
                let left = "what is left of everybody's limit at that moment";
                return Followed::Asked(Answer::perhaps(left));
            }
            Expression::Match(xt) => {
                return Followed::Asked(Answer::perhaps(format!("what -m {} asks", xt.name)));
            }
            Expression::Other(other) => {
                return self.native(&other.name, &other.native, &other.data);
            }
        }
        Followed::Nothing
    }

    fn native(&mut self, name: &str, native: &Native, data: &[u8]) -> Followed {
        let words = name.replace("match ", "-m ").escape_default().to_string();
        match native {
            Native::DoesNothing if name == "log" => {
                let prefix = Attributes(data).string(NFTA_LOG_PREFIX).unwrap_or_default();
                return Followed::Logged(prefix.into_owned());
            }
            Native::Loads | Native::DoesNothing => {
                self.register = Register::Unknown(format!("what {words} says of it"));
            }
            Native::LoadsState => {
                let bits = CtState::nft_bits(self.packet.state());
                self.register = Register::Known(bits.to_ne_bytes().to_vec(), "state");
            }
            // Of the ports nothing is read that may be inverted.
            Native::Asks | Native::AsksForPorts { .. } => {
                return Followed::Asked(Answer::perhaps(format!("what {words} asks")));
            }
            Native::Acts
            | Native::ChangesDestination
            | Native::Rejects
            | Native::Queues
            | Native::GoesTo(_)
            | Native::LooksUpVerdict => return Followed::Acts,
        }
        Followed::Nothing
    }

    fn meta(&self, key: MetaKey) -> Register {
        let unknown = |what: &str| Register::Unknown(what.to_owned());
        let name = |name: &str| Register::Known(name.as_bytes().to_vec(), "interface");
        match key {
            MetaKey::InInterface if self.packet.is_sent() => name(""),
            MetaKey::InInterface => match self.packet.in_interface() {
                Some(interface) => name(interface),
                None => unknown("the interface that it comes in by"),
            },
            MetaKey::OutInterface => match self.packet.out_interface() {
                Some(interface) => name(interface),
                None if self.packet.is_passed_on() || self.packet.is_sent() => {
                    unknown("the interface that it leaves by")
                }
                None => name(""),
            },
            MetaKey::L4Protocol => match self.packet.protocol_number() {
                Some(number) => Register::Known(vec![number], "protocol"),
                None => unknown("its protocol"),
            },
            MetaKey::NfProto => {
                let number = match self.packet.family() {
                    Family::Ipv4 => NFPROTO_IPV4,
                    Family::Ipv6 => NFPROTO_IPV6,
                };
                Register::Known(vec![number], "family")
            }
            MetaKey::Mark => unknown("the mark that something put on it"),
        }
    }

    /// What lies wholly within one field that is known.
    fn payload(&self, base: PayloadBase, offset: u32, length: u32) -> Register {
        let octets = |address: IpAddr| Network::from(address).octets();
        let port = |port: Option<u16>| port.map(|port| port.to_be_bytes().to_vec());
        let packet = self.packet;
        let (source, destination) = match packet.family() {
            Family::Ipv4 => (12, 16),
            Family::Ipv6 => (8, 24),
        };
        let icmp = packet.icmp_type();
        let is_tcp = packet.protocol_number() == Some(Protocol::TCP.number());
        let protocol = packet.protocol_number().map(|number| vec![number]);
        let next_header = match packet.family() {
            Family::Ipv4 => 9,
            Family::Ipv6 => 6,
        };
        let fields: [(PayloadBase, u32, Option<Vec<u8>>, &str); 8] = [
            (
                PayloadBase::Network,
                source,
                Some(octets(packet.source())),
                "source",
            ),
            (
                PayloadBase::Network,
                destination,
                packet.destination().map(octets),
                "destination",
            ),
            (PayloadBase::Network, next_header, protocol, "protocol"),
            (
                PayloadBase::Transport,
                0,
                icmp.map(|(kind, _)| vec![kind]),
                "type",
            ),
            (
                PayloadBase::Transport,
                1,
                icmp.map(|(_, code)| vec![code]),
                "code",
            ),
            (
                PayloadBase::Transport,
                0,
                port(packet.source_port()),
                "source port",
            ),
            (
                PayloadBase::Transport,
                2,
                port(packet.destination_port()),
                "destination port",
            ),
            (
                PayloadBase::Transport,
                13,
                is_tcp.then(|| vec![packet.flags()]),
                "flags",
            ),
        ];
        for (of, at, bytes, called) in fields {
            let (Some(bytes), true) = (bytes, of == base) else {
                continue;
            };
            let within = offset.checked_sub(at).and_then(|from| {
                let from = usize::try_from(from).ok()?;
                let length = usize::try_from(length).ok()?;
                bytes.get(from..from.checked_add(length)?)
            });
            if let Some(within) = within {
                return Register::Known(within.to_vec(), called);
            }
        }
        Register::Unknown("bytes of the packet that are not known".to_owned())
    }

    /// The register against as many bytes; names of interfaces are filled up with zeros.
    fn compare(&self, data: &[u8]) -> Answer {
        match &self.register {
            Register::Known(bytes, called) => {
                let zeros = std::iter::repeat(&0);
                let same = bytes.iter().chain(zeros).zip(data).all(|(a, b)| a == b);
                Answer::known(same, format!("its {called}"))
            }
            Register::Unknown(what) => Answer::perhaps(what.clone()),
        }
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Answer {
        match &self.register {
            Register::Known(bytes, called) if bytes.len() == from.len() => {
                let within = bytes.as_slice() >= from && bytes.as_slice() <= to;
                Answer::known(within, format!("its {called}"))
            }
            Register::Known(..) => Answer::perhaps("a part that cannot be read"),
            Register::Unknown(what) => Answer::perhaps(what.clone()),
        }
    }
}

/// `linux/netfilter.h`.
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;
/// enum `nft_log_attributes`, `linux/netfilter/nf_tables.h`.
const NFTA_LOG_PREFIX: u16 = 2;
