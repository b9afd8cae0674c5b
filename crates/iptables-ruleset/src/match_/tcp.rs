//! `-m tcp`.

use std::fmt;

use super::port::{Ends, asks_for_ports};
use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression, PayloadBase};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family};

/// `-m tcp`: ports and flags of a TCP packet. The rule needs [`Protocol::TCP`] too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tcp {
    ports: Ends,
    flags: Option<Flags>,
}

/// Of the flags in `mask` exactly those in `set` are on; inverted: any others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flags {
    mask: TcpFlags,
    set: TcpFlags,
    inverted: bool,
}

impl Tcp {
    /// Any TCP packet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `--tcp-flags`: of the flags in `mask` exactly those in `set` are on.
    pub fn flags(self, mask: TcpFlags, set: TcpFlags) -> Self {
        self.with(mask, set, false)
    }

    /// `! --tcp-flags`: of the flags in `mask` others than exactly those in `set` are on.
    pub fn not_flags(self, mask: TcpFlags, set: TcpFlags) -> Self {
        self.with(mask, set, true)
    }

    /// `--syn`: asks for a connection: of SYN, ACK, RST and FIN only the first is on.
    pub fn opening(self) -> Self {
        self.flags(HANDSHAKE, TcpFlags::SYN)
    }

    /// `! --syn`: anything but what asks for a connection.
    pub fn not_opening(self) -> Self {
        self.not_flags(HANDSHAKE, TcpFlags::SYN)
    }

    fn with(self, mask: TcpFlags, set: TcpFlags, inverted: bool) -> Self {
        Self {
            flags: Some(Flags {
                mask,
                set,
                inverted,
            }),
            ..self
        }
    }

    fn decode_flags(decoder: &mut Decoder<'_>) -> Option<Flags> {
        if *decoder.next()? != FLAGS_LOAD {
            return None;
        }
        let compared = decoder.comparison()?;
        match (compared.mask, compared.data) {
            (Some([mask]), [set]) => Some(Flags {
                mask: TcpFlags(*mask),
                set: TcpFlags(*set),
                inverted: compared.inverted,
            }),
            _ => None,
        }
    }
}

/// What `--syn` looks at.
const HANDSHAKE: TcpFlags = TcpFlags::FIN
    .and(TcpFlags::SYN)
    .and(TcpFlags::RST)
    .and(TcpFlags::ACK);

/// TCP flags, as in the header: FIN is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The sender has no more to send.
    pub const FIN: Self = Self(0x01);
    /// A connection is asked for.
    pub const SYN: Self = Self(0x02);
    /// The connection is torn down.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x10);
    /// Urgent.
    pub const URG: Self = Self(0x20);

    /// These flags and those.
    pub const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
        let on: Vec<&str> = (0..)
            .zip(names)
            .filter(|(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
            .collect();
        f.write_str(&if on.is_empty() {
            "NONE".to_owned()
        } else {
            on.join(",")
        })
    }
}

asks_for_ports!(Tcp);

impl MatchKind for Tcp {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        f.write_str("-m tcp ")?;
        self.ports.save(f)?;
        match self.flags {
            None => Ok(()),
            Some(Flags {
                mask,
                set,
                inverted,
            }) => {
                let not = if inverted { "! " } else { "" };
                write!(f, "{not}--tcp-flags {mask} {set} ")
            }
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        if let Some(Flags {
            mask: TcpFlags(mask),
            set: TcpFlags(set),
            inverted,
        }) = self.flags
        {
            encoder.compare_bits(FLAGS_LOAD, vec![mask], inverted, vec![set]);
        }
        self.ports.encode(encoder);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if !decoder.is_only(Protocol::TCP.number()) {
            return None;
        }
        let mut ahead = *decoder;
        let flags = Self::decode_flags(&mut ahead);
        if flags.is_some() {
            *decoder = ahead;
        }
        let found = Self {
            flags,
            ports: Ends::decode(decoder),
        };
        (found != Self::new()).then_some(found)
    }

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        let flags = self.flags.map_or_else(
            || Answer::yes(""),
            |asked| {
                let on = TcpFlags(packet.flags());
                let same = on.0 & asked.mask.0 == asked.set.0;
                Answer::known(same, format!("its flags are {on}")).inverted(asked.inverted)
            },
        );
        flags.and(self.ports.ask(packet))
    }

    fn short(&self) -> Option<String> {
        struct Words(Ends);
        impl fmt::Display for Words {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.save(f)
            }
        }
        let asked = self.flags?;
        let not = if asked.inverted { "! " } else { "" };
        let syn = asked.mask == HANDSHAKE && asked.set == TcpFlags::SYN;
        syn.then(|| format!("-m tcp {}{not}--syn", Words(self.ports)))
    }

    fn check(&self, protocol: Option<&Protocol>, _family: Family) -> Result<(), String> {
        self.ports
            .check(protocol, Protocol::TCP, *self != Self::new())
    }
}

/// Offset of the flags in struct tcphdr, linux/tcp.h.
const FLAGS: u32 = 13;

const FLAGS_LOAD: Expression = Expression::Payload {
    base: PayloadBase::Transport,
    offset: FLAGS,
    length: 1,
};

#[cfg(test)]
mod tests {
    use super::super::testing::{expressions, text};
    use super::*;

    #[test]
    fn flags_print_by_name() {
        let syn = Tcp::new().flags(
            TcpFlags::SYN.and(TcpFlags::RST).and(TcpFlags::ACK),
            TcpFlags::SYN,
        );
        assert_eq!(
            text(syn, Family::Ipv4),
            "-m tcp --tcp-flags SYN,RST,ACK SYN"
        );
        assert_eq!(
            text(Tcp::new().destination(22).not_opening(), Family::Ipv6),
            "-m tcp --dport 22 ! --tcp-flags FIN,SYN,RST,ACK SYN"
        );
        let null = Tcp::new().flags(TcpFlags::FIN.and(TcpFlags::URG), TcpFlags::NONE);
        assert_eq!(text(null, Family::Ipv4), "-m tcp --tcp-flags FIN,URG NONE");
    }

    #[test]
    fn two_plain_ports_are_one_comparison() {
        assert_eq!(
            expressions(Tcp::new().source(1000).destination(22), Family::Ipv6),
            [
                Expression::Payload {
                    base: PayloadBase::Transport,
                    offset: 0,
                    length: 4
                },
                Expression::Compare {
                    inverted: false,
                    data: vec![0x03, 0xe8, 0x00, 0x16]
                },
            ]
        );
    }
}
