//! `-m icmp` and `-m icmp6`.

use std::fmt;

use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family};

/// `-m icmp` in an IPv4 rule, `-m icmp6` in an IPv6 one: type and code. The rule needs
/// [`Protocol::ICMP`] or [`Protocol::ICMPV6`] too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    kind: u8,
    code: Option<u8>,
}

impl Icmp {
    /// Messages of this type, as IANA numbers them for the family: an echo request is 8 in ICMP and
    /// 128 in ICMPv6.
    pub fn of_type(number: u8) -> Self {
        Self {
            kind: number,
            code: None,
        }
    }

    /// With this code only.
    pub fn code(self, number: u8) -> Self {
        Self {
            code: Some(number),
            ..self
        }
    }
}

impl MatchKind for Icmp {
    fn save(&self, f: &mut fmt::Formatter<'_>, family: Family) -> fmt::Result {
        match family {
            Family::Ipv4 => write!(f, "-m icmp --icmp-type {}", self.kind)?,
            Family::Ipv6 => write!(f, "-m icmp6 --icmpv6-type {}", self.kind)?,
        }
        match self.code {
            Some(code) => write!(f, "/{code} "),
            None => f.write_str(" "),
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let (first, last) = self.code.map_or((0, u8::MAX), |code| (code, code));
        let info = Info::new().put(TYPE_AND_CODES, [self.kind, first, last]);
        encoder.extension(name(encoder.family), 0, info.finish());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let info = decoder.extension(name(decoder.family))?;
        let [kind, first, last] = *info.bytes(TYPE_AND_CODES)?;
        Some(Self {
            kind,
            code: (first == last).then_some(first),
        })
    }

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        let Some((kind, code)) = packet.icmp_type() else {
            return Answer::perhaps("its type");
        };
        let same = self.kind == kind && self.code.is_none_or(|wanted| wanted == code);
        Answer::known(same, format!("its type is {kind}/{code}"))
    }

    fn check(&self, protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
        let (wanted, reason) = match family {
            Family::Ipv4 => (Protocol::ICMP, "-m icmp needs -p icmp"),
            Family::Ipv6 => (Protocol::ICMPV6, "-m icmp6 needs -p ipv6-icmp"),
        };
        if protocol != Some(&wanted) {
            return Err(reason.to_owned());
        }
        if self.kind == u8::MAX && family == Family::Ipv4 {
            // xt_icmp takes 255 for any type.
            return Err("ICMP type 255 is reserved; for any type leave the match out".to_owned());
        }
        Ok(())
    }
}

/// Type, first and last code in struct `ipt_icmp`, `linux/netfilter_ipv4/ip_tables.h`; struct
/// `ip6t_icmp` is the same.
const TYPE_AND_CODES: Field<8, 3> = Field::at(0);

fn name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "icmp",
        Family::Ipv6 => "icmp6",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{info, refusal, text};
    use super::*;

    #[test]
    fn each_family_has_its_own_match() {
        let echo = Icmp::of_type(8);
        assert_eq!(text(echo, Family::Ipv4), "-m icmp --icmp-type 8");
        assert_eq!(
            info(echo, Family::Ipv4),
            ("icmp", 0, vec![8, 0, 255, 0, 0, 0, 0, 0])
        );
        let unreachable = Icmp::of_type(1).code(4);
        assert_eq!(
            text(unreachable, Family::Ipv6),
            "-m icmp6 --icmpv6-type 1/4"
        );
        assert_eq!(
            info(unreachable, Family::Ipv6),
            ("icmp6", 0, vec![1, 4, 4, 0, 0, 0, 0, 0])
        );
    }

    #[test]
    fn it_needs_the_icmp_of_its_family() {
        let echo = Icmp::of_type(8);
        assert_eq!(
            refusal(echo, vec![Protocol::ICMPV6.into()], Family::Ipv4),
            "-m icmp needs -p icmp"
        );
        assert_eq!(
            refusal(echo, vec![Protocol::ICMP.into()], Family::Ipv6),
            "-m icmp6 needs -p ipv6-icmp"
        );
    }
}
