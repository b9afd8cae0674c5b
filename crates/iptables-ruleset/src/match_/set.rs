//! `-m set`.

use std::fmt;

use super::{MatchKind, Protocol};
use crate::decoding::{Decoder, Fields};
use crate::encoding::{Encoder, Expression, Field, Info};
use crate::model::{Dimensions, Direction};
use crate::packet::{Answer, Facts, Holds, Packet};
use crate::{BuildError, Family, SetName};

/// `-m set --match-set`: whether an ipset holds the address, and what else the set's type asks for.
///
/// ```
/// use iptables_ruleset::match_::{Direction, Set};
/// use iptables_ruleset::{Family, Rule, Target};
///
/// let banned = Rule::new(Target::Drop).matching(Set::new("banned".parse()?, Direction::Source));
/// assert_eq!(banned.to_iptables_save(Family::Ipv4).to_string(), "-m set --match-set banned src -j DROP");
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    name: SetName,
    dimensions: Dimensions,
    inverted: bool,
    /// Bits `IPSET_FLAG_*`.
    flags: u32,
    packets: Option<Counter>,
    bytes: Option<Counter>,
}

/// What a counter of the matching entry must be, in a set with counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the kernel has no other comparison"
)]
pub enum Counter {
    /// Exactly this.
    Equal(u64),
    /// Anything but this.
    NotEqual(u64),
    /// Less than this.
    Less(u64),
    /// More than this.
    Greater(u64),
}

impl Set {
    /// Packets that the set holds, by one direction.
    pub fn new(name: SetName, direction: Direction) -> Self {
        Self {
            name,
            dimensions: Dimensions::new(direction),
            inverted: false,
            flags: 0,
            packets: None,
            bytes: None,
        }
    }

    /// Compares the next dimension of the set's elements too, the port of `hash:ip,port` for
    /// instance: at most 6 in all.
    pub fn and(mut self, direction: Direction) -> Self {
        self.dimensions.push(direction);
        self
    }

    /// `! --match-set`: packets that the set does not hold.
    pub fn inverted(self) -> Self {
        Self {
            inverted: true,
            ..self
        }
    }

    /// `--return-nomatch`: an exception in the set (`nomatch`) matches too.
    pub fn return_nomatch(self) -> Self {
        self.flag(IPSET_FLAG_RETURN_NOMATCH)
    }

    /// `! --update-counters`: the counters of the entry stay as they are. Without this, a packet
    /// counts when the conditions on the counters hold.
    pub fn without_update(self) -> Self {
        self.flag(IPSET_FLAG_SKIP_COUNTER_UPDATE)
    }

    /// `! --update-subcounters`: in a list of sets, the counters of the set that matches stay as
    /// they are.
    pub fn without_member_update(self) -> Self {
        self.flag(IPSET_FLAG_SKIP_SUBCOUNTER_UPDATE)
    }

    /// `--packets-eq` and its like: only where the entry has matched so many packets before.
    pub fn packets(self, counter: Counter) -> Self {
        Self {
            packets: Some(counter),
            ..self
        }
    }

    /// `--bytes-eq` and its like: only where the entry has matched so many bytes before.
    pub fn bytes(self, counter: Counter) -> Self {
        Self {
            bytes: Some(counter),
            ..self
        }
    }

    fn flag(self, flag: u32) -> Self {
        Self {
            flags: self.flags | flag,
            ..self
        }
    }

    /// The set's name.
    pub fn name(&self) -> &SetName {
        &self.name
    }
}

impl MatchKind for Set {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        write!(
            f,
            "-m set {}--match-set {} {} ",
            if self.inverted { "! " } else { "" },
            self.name,
            self.dimensions
        )?;
        for (flag, words) in [
            (IPSET_FLAG_RETURN_NOMATCH, "--return-nomatch "),
            (IPSET_FLAG_SKIP_COUNTER_UPDATE, "! --update-counters "),
            (IPSET_FLAG_SKIP_SUBCOUNTER_UPDATE, "! --update-subcounters "),
        ] {
            if self.flags & flag != 0 {
                f.write_str(words)?;
            }
        }
        for (name, counter) in [("packets", self.packets), ("bytes", self.bytes)] {
            if let Some(counter) = counter {
                counter.save(f, name)?;
            }
        }
        Ok(())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let index = encoder.set_index(self.name.as_str())?;
        let [number, sources] = self.dimensions.encode();
        // IPSET_INV_MATCH.
        let flags = u8::from(self.inverted) | sources;
        let (packets, packets_op) = Counter::encode(self.packets);
        let (bytes, bytes_op) = Counter::encode(self.bytes);
        let info = Info::new()
            .put(INDEX, index.to_ne_bytes())
            .put(DIMENSIONS, [number])
            .put(DIRECTIONS, [flags])
            .put(PACKETS, packets.to_ne_bytes())
            .put(PACKETS_OP, [packets_op])
            .put(BYTES, bytes.to_ne_bytes())
            .put(BYTES_OP, [bytes_op])
            .put(FLAGS, self.flags.to_ne_bytes())
            .finish();
        encoder.extension("set", 4, info);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let info = decoder.extension("set")?;
        let flags = info.u8(DIRECTIONS)?;
        Some(Self {
            name: decoder.set_name(info.u16(INDEX)?)?.parse().ok()?,
            dimensions: Dimensions::decode([info.u8(DIMENSIONS)?, flags])?,
            inverted: flags & 1 != 0,
            flags: info.u32(FLAGS)?,
            packets: Counter::decode(info.u64(PACKETS)?, info.u8(PACKETS_OP)?),
            bytes: Counter::decode(info.u64(BYTES)?, info.u8(BYTES_OP)?),
        })
    }

    fn ask(&self, packet: &Packet, facts: &mut dyn Facts) -> Answer {
        let mut found = facts.member(&self.name, self.dimensions.directions(), packet);
        if found.holds == Holds::No && self.flags & IPSET_FLAG_RETURN_NOMATCH != 0 {
            found = Answer::perhaps("whether an exception in the set covers it");
        }
        let counted = if self.packets.is_some() || self.bytes.is_some() {
            Answer::perhaps("the counters of the entry")
        } else {
            Answer::yes("")
        };
        found.and(counted).inverted(self.inverted)
    }

    fn check(&self, _protocol: Option<&Protocol>, _family: Family) -> Result<(), String> {
        self.dimensions.check()
    }
}

/// The kernel's index of the set in these expressions, if they are this match.
pub(super) fn index(expressions: &[Expression]) -> Option<u16> {
    match expressions {
        [Expression::Match(xt)] => Fields(&xt.info).u16(INDEX),
        _ => None,
    }
}

impl Counter {
    fn save(self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        match self {
            Self::Equal(value) => write!(f, "--{name}-eq {value} "),
            Self::NotEqual(value) => write!(f, "! --{name}-eq {value} "),
            Self::Less(value) => write!(f, "--{name}-lt {value} "),
            Self::Greater(value) => write!(f, "--{name}-gt {value} "),
        }
    }

    /// The value and the operation of `struct ip_set_counter_match`.
    fn encode(counter: Option<Self>) -> (u64, u8) {
        match counter {
            None => (0, IPSET_COUNTER_NONE),
            Some(Self::Equal(value)) => (value, IPSET_COUNTER_EQ),
            Some(Self::NotEqual(value)) => (value, IPSET_COUNTER_NE),
            Some(Self::Less(value)) => (value, IPSET_COUNTER_LT),
            Some(Self::Greater(value)) => (value, IPSET_COUNTER_GT),
        }
    }

    fn decode(value: u64, operation: u8) -> Option<Self> {
        match operation {
            IPSET_COUNTER_EQ => Some(Self::Equal(value)),
            IPSET_COUNTER_NE => Some(Self::NotEqual(value)),
            IPSET_COUNTER_LT => Some(Self::Less(value)),
            IPSET_COUNTER_GT => Some(Self::Greater(value)),
            _ => None,
        }
    }
}

/// Fields of struct `xt_set_info_match_v4`, `linux/netfilter/xt_set.h`.
const SIZE: usize = 48;
const INDEX: Field<SIZE, 2> = Field::at(0);
const DIMENSIONS: Field<SIZE, 1> = Field::at(2);
const DIRECTIONS: Field<SIZE, 1> = Field::at(3);
const PACKETS: Field<SIZE, 8> = Field::at(8);
const PACKETS_OP: Field<SIZE, 1> = Field::at(16);
const BYTES: Field<SIZE, 8> = Field::at(24);
const BYTES_OP: Field<SIZE, 1> = Field::at(32);
const FLAGS: Field<SIZE, 4> = Field::at(40);
// linux/netfilter/ipset/ip_set.h
const IPSET_FLAG_SKIP_COUNTER_UPDATE: u32 = 1 << 3;
const IPSET_FLAG_SKIP_SUBCOUNTER_UPDATE: u32 = 1 << 4;
const IPSET_FLAG_RETURN_NOMATCH: u32 = 1 << 7;
const IPSET_COUNTER_NONE: u8 = 0;
const IPSET_COUNTER_EQ: u8 = 1;
const IPSET_COUNTER_NE: u8 = 2;
const IPSET_COUNTER_LT: u8 = 3;
const IPSET_COUNTER_GT: u8 = 4;

#[cfg(test)]
mod tests {
    use super::super::testing::{info, refusal, text};
    use super::*;

    #[test]
    fn dimensions_and_directions() {
        let set = Set::new("banned".parse().unwrap(), Direction::Source);
        assert_eq!(
            text(set.clone(), Family::Ipv4),
            "-m set --match-set banned src"
        );
        let (name, revision, bytes) = info(set.clone(), Family::Ipv4);
        assert_eq!((name, revision, bytes.len()), ("set", 4, 48));
        assert_eq!(bytes[..4], [7u16.to_ne_bytes(), [1, 0x02]].concat());

        let pair = set.and(Direction::Destination).inverted();
        assert_eq!(
            text(pair.clone(), Family::Ipv4),
            "-m set ! --match-set banned src,dst"
        );
        assert_eq!(info(pair.clone(), Family::Ipv4).2[2..4], [2, 0x03]);

        let many = (0..5).fold(pair, |set, _| set.and(Direction::Source));
        assert_eq!(
            refusal(many, vec![], Family::Ipv4),
            "an ipset has at most 6 dimensions"
        );
    }
}
