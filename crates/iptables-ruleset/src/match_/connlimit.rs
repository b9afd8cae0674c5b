//! `-m connlimit`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Direction, MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::{BuildError, Family};

/// `-m connlimit`: how many connections that connection tracking knows an address has, the packet's
/// own included.
///
/// Each rule counts the connections that came to it. The kernel looks at them for every packet that
/// gets to the match, so it stands behind the others.
///
/// ```
/// use iptables_ruleset::match_::{ConnLimit, Direction, Protocol, Tcp};
/// use iptables_ruleset::{Family, Rule, Target};
///
/// let rule = Rule::new(Target::Drop)
///     .matching(Protocol::TCP)
///     .matching(Tcp::new().destination(22).opening())
///     .matching(ConnLimit::above(20, Direction::Source).prefix(24));
/// assert_eq!(
///     rule.to_iptables_save(Family::Ipv4).to_string(),
///     "-p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN \
///      -m connlimit --connlimit-above 20 --connlimit-mask 24 --connlimit-saddr -j DROP",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnLimit {
    limit: u32,
    above: bool,
    of: Direction,
    /// `None`: each address for itself.
    prefix: Option<u8>,
}

impl ConnLimit {
    /// `--connlimit-above`: more than `limit` connections of one source, or to one destination.
    pub fn above(limit: u32, of: Direction) -> Self {
        Self {
            limit,
            above: true,
            of,
            prefix: None,
        }
    }

    /// `--connlimit-upto`: at most `limit` connections.
    pub fn up_to(limit: u32, of: Direction) -> Self {
        Self {
            above: false,
            ..Self::above(limit, of)
        }
    }

    /// `--connlimit-mask`: addresses that have the first `bits` bits in common are counted as one.
    pub fn prefix(self, bits: u8) -> Self {
        Self {
            prefix: Some(bits),
            ..self
        }
    }

    fn bits(self, family: Family) -> u8 {
        self.prefix.unwrap_or(family.address_bits())
    }
}

impl MatchKind for ConnLimit {
    fn save(&self, f: &mut fmt::Formatter<'_>, family: Family) -> fmt::Result {
        let mode = if self.above { "above" } else { "upto" };
        let of = match self.of {
            Direction::Source => "saddr",
            Direction::Destination => "daddr",
        };
        write!(
            f,
            "-m connlimit --connlimit-{mode} {} --connlimit-mask {} --connlimit-{of} ",
            self.limit,
            self.bits(family)
        )
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let family = encoder.family;
        let ones = u128::MAX
            .checked_shl(128 - u32::from(self.bits(family)))
            .unwrap_or(0);
        // IPv4 takes the first four bytes. iptables clears the others when it is told a mask.
        let mut mask = match self.prefix {
            Some(_) => ones.to_be_bytes(),
            None => [u8::MAX; 16],
        };
        if family == Family::Ipv4 && self.prefix.is_some() {
            mask.iter_mut().skip(4).for_each(|byte| *byte = 0);
        }
        let mut flags = 0;
        if !self.above {
            flags |= XT_CONNLIMIT_INVERT;
        }
        if self.of == Direction::Destination {
            flags |= XT_CONNLIMIT_DADDR;
        }
        let info = Info::new()
            .put(MASK, mask)
            .put(LIMIT, self.limit.to_ne_bytes())
            .put(LIMIT_FLAGS, flags.to_ne_bytes());
        encoder.extension("connlimit", 1, info.finish());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let family = decoder.family;
        let info = decoder.extension("connlimit")?;
        let mask = *info.bytes(MASK)?;
        let bits = match family {
            Family::Ipv4 => Ipv4Addr::from(*mask.first_chunk::<4>()?)
                .to_bits()
                .leading_ones(),
            Family::Ipv6 => Ipv6Addr::from(mask).to_bits().leading_ones(),
        };
        let bits = u8::try_from(bits).ok()?;
        let flags = info.u32(LIMIT_FLAGS)?;
        Some(Self {
            limit: info.u32(LIMIT)?,
            above: flags & XT_CONNLIMIT_INVERT == 0,
            of: match flags & XT_CONNLIMIT_DADDR {
                0 => Direction::Source,
                _ => Direction::Destination,
            },
            prefix: (mask != [u8::MAX; 16]).then_some(bits),
        })
    }

    fn check(&self, _protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
        if self.bits(family) > family.address_bits() {
            return Err(format!(
                "an {family} prefix has at most {} bits",
                family.address_bits()
            ));
        }
        Ok(())
    }
}

/// Fields of struct `xt_connlimit_info`, `linux/netfilter/xt_connlimit.h`; the pointer behind them
/// is the kernel's.
const SIZE: usize = 32;
const MASK: Field<SIZE, 16> = Field::at(0);
const LIMIT: Field<SIZE, 4> = Field::at(16);
const LIMIT_FLAGS: Field<SIZE, 4> = Field::at(20);
/// `linux/netfilter/xt_connlimit.h`.
const XT_CONNLIMIT_INVERT: u32 = 1 << 0;
const XT_CONNLIMIT_DADDR: u32 = 1 << 1;

#[cfg(test)]
mod tests {
    use super::super::testing::{info, refusal, text};
    use super::*;

    #[test]
    fn text_and_structure() {
        let limit = ConnLimit::above(20, Direction::Source).prefix(24);
        assert_eq!(
            text(limit, Family::Ipv4),
            "-m connlimit --connlimit-above 20 --connlimit-mask 24 --connlimit-saddr"
        );
        let (name, revision, bytes) = info(limit, Family::Ipv4);
        assert_eq!((name, revision, bytes.len()), ("connlimit", 1, 32));
        assert_eq!(bytes[..5], [255, 255, 255, 0, 0]);
        assert_eq!(bytes[16..24], [20u32, 0].map(u32::to_ne_bytes).concat());

        let limit = ConnLimit::up_to(3, Direction::Destination);
        assert_eq!(
            text(limit, Family::Ipv6),
            "-m connlimit --connlimit-upto 3 --connlimit-mask 128 --connlimit-daddr"
        );
        let bytes = info(limit, Family::Ipv6).2;
        assert_eq!(bytes[..16], [255; 16]);
        assert_eq!(bytes[16..24], [3u32, 3].map(u32::to_ne_bytes).concat());
        assert_eq!(
            refusal(limit.prefix(33), vec![], Family::Ipv4),
            "an IPv4 prefix has at most 32 bits"
        );
    }
}
