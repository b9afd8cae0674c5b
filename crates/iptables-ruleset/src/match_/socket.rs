//! `-m socket`.

use std::fmt;

use super::MatchKind;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::packet::{Answer, Facts, Packet, Tracking};
use crate::{BuildError, Family};

/// `-m socket`: a socket of this host is waiting for the packet. It can be asked where connection
/// tracking has not seen the packet yet: in `PREROUTING` of any table, and in `INPUT`.
///
/// ```
/// use iptables_ruleset::match_::Socket;
/// use iptables_ruleset::{Family, Rule, Target};
///
/// let known = Rule::new(Target::Return).matching(Socket::bound());
/// assert_eq!(known.to_iptables_save(Family::Ipv4).to_string(), "-m socket -j RETURN");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// Bits `XT_SOCKET_*`.
    flags: u8,
}

impl Socket {
    /// A socket that is bound to the very address that the packet goes to: one of a connection,
    /// rather than one that listens on all addresses.
    pub fn bound() -> Self {
        Self { flags: 0 }
    }

    /// `--nowildcard`: any socket, also one that listens on all addresses.
    pub fn any() -> Self {
        Self {
            flags: XT_SOCKET_NOWILDCARD,
        }
    }
}

impl MatchKind for Socket {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        f.write_str("-m socket ")?;
        for (flag, option) in [
            (XT_SOCKET_TRANSPARENT, "--transparent "),
            (XT_SOCKET_NOWILDCARD, "--nowildcard "),
            (XT_SOCKET_RESTORESKMARK, "--restore-skmark "),
        ] {
            if self.flags & flag != 0 {
                f.write_str(option)?;
            }
        }
        Ok(())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let info = Info::new().put(FLAGS, [self.flags]);
        encoder.extension("socket", 3, info.finish());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let flags = decoder.extension("socket")?.u8(FLAGS)?;
        let known = XT_SOCKET_TRANSPARENT | XT_SOCKET_NOWILDCARD | XT_SOCKET_RESTORESKMARK;
        (flags & !known == 0).then_some(Self { flags })
    }

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        match packet.begun() {
            Tracking::New if *self == Self::bound() => {
                Answer::no("it begins something, which no socket is bound to")
            }
            Tracking::Established if *self == Self::bound() => {
                Answer::yes("it belongs to a connection of this host")
            }
            _ => Answer::perhaps("which sockets there are"),
        }
    }
}

/// Field of struct `xt_socket_mtinfo3`, `linux/netfilter/xt_socket.h`, 1 byte, padded.
const SIZE: usize = 8;
const FLAGS: Field<SIZE, 1> = Field::at(0);
/// `linux/netfilter/xt_socket.h`.
const XT_SOCKET_TRANSPARENT: u8 = 1 << 0;
const XT_SOCKET_NOWILDCARD: u8 = 1 << 1;
const XT_SOCKET_RESTORESKMARK: u8 = 1 << 2;

#[cfg(test)]
mod tests {
    use super::super::testing::{info, text};
    use super::*;

    #[test]
    fn text_and_structure() {
        assert_eq!(text(Socket::bound(), Family::Ipv6), "-m socket");
        assert_eq!(text(Socket::any(), Family::Ipv4), "-m socket --nowildcard");
        let expected = ("socket", 3, vec![2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(info(Socket::any(), Family::Ipv6), expected);
    }
}
