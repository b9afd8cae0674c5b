//! `-m hashlimit`.

use std::fmt;

use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::model::XT_HASHLIMIT_SCALE_V2;
use crate::packet::{Answer, Budget, Facts, Packet};
use crate::{BuildError, Family, Network, Period, Rate, RateUnit};

/// `-m hashlimit`: so many packets from each source address, from each network of sources, or from
/// all together.
///
/// **The name is the budget.** Rules with the same name share their counts. The kernel keeps the
/// parameters that a name was first used with for as long as any rule uses it, so a rule with other
/// parameters needs another name: an atomic replacement that changed the rate under an old name
/// would change nothing.
///
/// The match spends from the source's budget whenever it is asked, so it belongs behind the matches
/// that select what is counted.
///
/// A source that was quiet for a while is forgotten, its budget with it. That while is the time in
/// which the budget fills up again, so that nobody gains by waiting; iptables takes the rate's
/// unit.
///
/// **A full table is a closed door.** When the kernel has as many sources as [`table`](Self::table)
/// says, it drops the packets of every further one on the spot, whatever the rule and without a
/// word in the log. See to it that this does not happen: by a rule before this one that lets only
/// so many through, or by a [`prefix`](Self::prefix) of which there are not more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashLimit {
    name: String,
    above: bool,
    rate: Rate,
    burst: u32,
    of: Of,
    table: Option<Table>,
    /// How long a quiet source is remembered, in milliseconds, where that is not the time in which
    /// a budget fills up.
    expire: Option<u32>,
}

/// Whose packets are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Those of each source; of each network of this prefix length, if given.
    Source(Option<u8>),
    Everybody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Table {
    size: u32,
    max: u32,
}

impl HashLimit {
    /// The most sources that the kernel keeps in one table: `HASHLIMIT_MAX_SIZE` of
    /// `xt_hashlimit.c`.
    pub const MAX_SOURCES: u32 = 1_048_576;
    /// The fastest rate there is: packets a second.
    pub const MAX_PER_SECOND: u32 = 1_000_000;
    /// The most packets at once after a quiet time.
    pub const MAX_BURST: u32 = 1_000_000;
    /// The longest time in which a budget may fill up: `burst` packets at `rate`, in seconds.
    ///
    /// The kernel counts in units chosen so that a day's worth fits into 64 bits (`xt_hashlimit.c`,
    /// `MAX_CPJ`). Beyond a day it refuses some budgets and takes others wrongly.
    pub const MAX_FILL_SECONDS: u64 = 86_400;

    /// Packets of a source as long as it keeps below `rate`, after a quiet time 5 at once.
    ///
    /// # Errors
    /// When the name is not 1 to 254 bytes of printable ASCII without blanks, quotes and `/`, when
    /// the rate is above 1000000/second, or when 5 packets take more than a day.
    pub fn up_to(name: &str, rate: Rate) -> Result<Self, BuildError> {
        Self::new(name, rate, DEFAULT_BURST, false)
    }

    /// Packets of a source beyond `rate`.
    ///
    /// # Errors
    /// As for [`up_to`](Self::up_to).
    pub fn above(name: &str, rate: Rate) -> Result<Self, BuildError> {
        Self::new(name, rate, DEFAULT_BURST, true)
    }

    /// Everybody's packets beyond `rate`, in one budget.
    ///
    /// # Errors
    /// As for [`up_to`](Self::up_to).
    pub fn all_above(name: &str, rate: Rate) -> Result<Self, BuildError> {
        Ok(Self::new(name, rate, DEFAULT_BURST, true)?.of_everybody())
    }

    /// One budget for all sources.
    pub(crate) fn of_everybody(self) -> Self {
        Self {
            of: Of::Everybody,
            ..self
        }
    }

    /// `--hashlimit-srcmask`: sources that have the first `bits` bits in common share a budget, 0
    /// to 32 or 0 to 128. Without effect on [`all_above`](Self::all_above).
    pub fn prefix(self, bits: u8) -> Self {
        let of = match self.of {
            Of::Source(_) => Of::Source(Some(bits)),
            Of::Everybody => Of::Everybody,
        };
        Self { of, ..self }
    }

    /// `--hashlimit-htable-size` and `--hashlimit-htable-max`: a table of `size` chains, 8 bytes
    /// each, which takes up to `max` sources; 1 to 1048576 both. A source takes some 100 bytes.
    /// Without this the kernel takes as many chains as it finds fit, 8192 where there is more than
    /// a gigabyte of memory, and eight sources a chain.
    ///
    /// # Errors
    /// When one is out of range, or `max` below `size`.
    pub fn table(self, size: u32, max: u32) -> Result<Self, BuildError> {
        if !(1..=Self::MAX_SOURCES).contains(&size) || !(size..=Self::MAX_SOURCES).contains(&max) {
            let reason = format!(
                "must be 1 to {}, and the sources not fewer than the chains",
                Self::MAX_SOURCES
            );
            return Err(BuildError::value(
                "hashlimit table",
                format!("{size} chains, {max} sources"),
                reason,
            ));
        }
        Ok(Self {
            table: Some(Table { size, max }),
            ..self
        })
    }

    /// `--hashlimit-burst`: this many packets at once after a quiet time, 1 to 1000000.
    ///
    /// # Errors
    /// When the burst is out of range or takes more than a day to fill up.
    pub fn burst(self, burst: u32) -> Result<Self, BuildError> {
        check_burst(burst)?;
        Self::check_rate(self.rate, burst)?;
        Ok(Self { burst, ..self })
    }

    /// Whether the kernel can keep to this rate with this burst.
    ///
    /// ```
    /// use iptables_ruleset::match_::HashLimit;
    ///
    /// assert!(HashLimit::check_rate("10/minute".parse()?, 5).is_ok());
    /// assert!(HashLimit::check_rate("1/day".parse()?, 1_000).is_err());
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// When it is too fast, or takes more than a day to fill the burst up; the reason says how much
    /// would do.
    pub fn check_rate(rate: Rate, burst: u32) -> Result<(), BuildError> {
        let max = Self::MAX_PER_SECOND;
        if u64::from(rate.count().get()) > u64::from(max) * u64::from(rate.unit().seconds()) {
            return Err(BuildError::value(
                "rate",
                rate,
                format!("at most {max}/second is possible"),
            ));
        }
        let fill_seconds = u64::from(burst) * u64::from(rate.unit().seconds());
        if fill_seconds > Self::MAX_FILL_SECONDS * u64::from(rate.count().get()) {
            let least =
                u64::from(burst) * u64::from(RateUnit::Day.seconds()) / Self::MAX_FILL_SECONDS;
            let reason = format!(
                "too slow for the kernel to count with a burst of {burst}: at least {least}/day is possible"
            );
            return Err(BuildError::value("rate", rate, reason));
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// A limit with any burst: some rates are too slow for the usual one.
    pub(crate) fn new(name: &str, rate: Rate, burst: u32, above: bool) -> Result<Self, BuildError> {
        let bad = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '\\' | '/');
        // The name becomes a file of /proc/net/ipt_hashlimit.
        if name.is_empty()
            || name.len() > NAME_MAX - 1
            || name.contains(bad)
            || matches!(name, "." | "..")
        {
            return Err(BuildError::value(
                "hashlimit name",
                name,
                "must be 1 to 254 bytes of printable ASCII without blanks, quotes and \"/\"",
            ));
        }
        check_burst(burst)?;
        Self::check_rate(rate, burst)?;
        Ok(Self {
            name: name.to_owned(),
            above,
            rate,
            burst,
            of: Of::Source(None),
            table: None,
            expire: None,
        })
    }

    fn period(&self) -> Period {
        Period::of(self.rate, XT_HASHLIMIT_SCALE_V2)
    }

    /// How long a quiet source is remembered.
    pub(crate) fn expire_milliseconds(&self) -> u32 {
        if let Some(expire) = self.expire {
            return expire;
        }
        let fill =
            (self.period().ticks * u64::from(self.burst)).div_ceil(XT_HASHLIMIT_SCALE_V2 / 1000);
        // The kernel looks for quiet ones once a second.
        u32::try_from(fill.max(GC_INTERVAL_MILLISECONDS.into())).unwrap_or(u32::MAX)
    }
}

fn check_burst(burst: u32) -> Result<(), BuildError> {
    if (1..=HashLimit::MAX_BURST).contains(&burst) {
        Ok(())
    } else {
        let reason = format!("must be 1 to {}", HashLimit::MAX_BURST);
        Err(BuildError::value("burst", burst, reason))
    }
}

impl MatchKind for HashLimit {
    fn save(&self, f: &mut fmt::Formatter<'_>, family: Family) -> fmt::Result {
        let (count, unit) = self.period().canonical();
        let mode = if self.above { "above" } else { "upto" };
        write!(
            f,
            "-m hashlimit --hashlimit-{mode} {count}/{} ",
            unit.saved_name()
        )?;
        write!(f, "--hashlimit-burst {} ", self.burst)?;
        if let Of::Source(_) = self.of {
            f.write_str("--hashlimit-mode srcip ")?;
        }
        // Never quoted, and no name of ours needs it.
        write!(f, "--hashlimit-name {} ", self.name)?;
        if let Some(Table { size, max }) = self.table {
            write!(
                f,
                "--hashlimit-htable-size {size} --hashlimit-htable-max {max} "
            )?;
        }
        // iptables takes the unit it prints for the default, not the one that was asked for.
        if self.expire_milliseconds() != unit.seconds() * 1000 {
            write!(
                f,
                "--hashlimit-htable-expire {} ",
                self.expire_milliseconds()
            )?;
        }
        match self.of {
            Of::Source(Some(bits)) if bits != family.address_bits() => {
                write!(f, "--hashlimit-srcmask {bits} ")
            }
            Of::Source(_) | Of::Everybody => Ok(()),
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let all = encoder.family.address_bits();
        let (mode, bits) = match self.of {
            Of::Source(bits) => (XT_HASHLIMIT_HASH_SIP, bits.unwrap_or(all)),
            Of::Everybody => (0, all),
        };
        let mode = mode | if self.above { XT_HASHLIMIT_INVERT } else { 0 };
        // 0 leaves it to the kernel.
        let Table { size, max } = self.table.unwrap_or(Table { size: 0, max: 0 });
        let info = Info::new()
            .put_start(NAME, self.name.as_bytes())?
            .put(AVERAGE, self.period().ticks.to_ne_bytes())
            .put(BURST, u64::from(self.burst).to_ne_bytes())
            .put(MODE, mode.to_ne_bytes())
            .put(TABLE_SIZE, size.to_ne_bytes())
            .put(TABLE_MAX, max.to_ne_bytes())
            .put(GC_INTERVAL, GC_INTERVAL_MILLISECONDS.to_ne_bytes())
            .put(EXPIRE, self.expire_milliseconds().to_ne_bytes())
            .put(SOURCE_BITS, [bits])
            .put(DESTINATION_BITS, [all])
            .finish();
        encoder.extension("hashlimit", 3, info);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let family = decoder.family;
        let info = decoder.extension("hashlimit")?;
        let (mode, bits) = (info.u32(MODE)?, info.u8(SOURCE_BITS)?);
        let of = match mode & !XT_HASHLIMIT_INVERT {
            0 => Of::Everybody,
            _ => Of::Source((bits != family.address_bits()).then_some(bits)),
        };
        let (size, max) = (info.u32(TABLE_SIZE)?, info.u32(TABLE_MAX)?);
        let (count, unit) = Period::of_ticks(info.u64(AVERAGE)?, XT_HASHLIMIT_SCALE_V2).canonical();
        let limit = Self {
            of,
            table: (size != 0 || max != 0).then_some(Table { size, max }),
            ..Self::new(
                info.text(NAME)?,
                Rate::of_seconds(count, unit.seconds().into())?,
                u32::try_from(info.u64(BURST)?).ok()?,
                mode & XT_HASHLIMIT_INVERT != 0,
            )
            .ok()?
        };
        let expire = info.u32(EXPIRE)?;
        Some(Self {
            expire: (expire != limit.expire_milliseconds()).then_some(expire),
            ..limit
        })
    }

    fn ask(&self, packet: &Packet, facts: &mut dyn Facts) -> Answer {
        let of = match self.of {
            Of::Source(bits) => {
                let all = packet.family().address_bits();
                Network::new(packet.source(), bits.unwrap_or(all)).ok()
            }
            Of::Everybody => None,
        };
        let budget = Budget {
            name: &self.name,
            family: packet.family(),
            of,
            burst: self.burst,
            most: self.table.map(|table| table.max),
        };
        facts.within(&budget).inverted(self.above)
    }

    fn short(&self) -> Option<String> {
        let (count, unit) = self.period().canonical();
        let mode = if self.above { "above" } else { "upto" };
        let unit = unit.saved_name();
        Some(format!("-m hashlimit --hashlimit-{mode} {count}/{unit}"))
    }

    fn check(&self, _protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
        match self.of {
            Of::Source(Some(bits)) if bits > family.address_bits() => Err(format!(
                "an {family} prefix has at most {} bits",
                family.address_bits()
            )),
            Of::Source(_) | Of::Everybody => Ok(()),
        }
    }
}

/// Fields of struct `xt_hashlimit_mtinfo3`, `linux/netfilter/xt_hashlimit.h`; pointers are 8 bytes.
const SIZE: usize = 312;
const NAME_MAX: usize = 255;
const NAME: Field<SIZE, NAME_MAX> = Field::at(0);
const AVERAGE: Field<SIZE, 8> = Field::at(256);
const BURST: Field<SIZE, 8> = Field::at(264);
const MODE: Field<SIZE, 4> = Field::at(272);
const TABLE_SIZE: Field<SIZE, 4> = Field::at(276);
const TABLE_MAX: Field<SIZE, 4> = Field::at(280);
const GC_INTERVAL: Field<SIZE, 4> = Field::at(284);
const EXPIRE: Field<SIZE, 4> = Field::at(288);
const SOURCE_BITS: Field<SIZE, 1> = Field::at(296);
const DESTINATION_BITS: Field<SIZE, 1> = Field::at(297);
/// `linux/netfilter/xt_hashlimit.h`.
const XT_HASHLIMIT_HASH_SIP: u32 = 1 << 2;
const XT_HASHLIMIT_INVERT: u32 = 1 << 4;
/// `XT_HASHLIMIT_BURST` and `XT_HASHLIMIT_GCINTERVAL`, `extensions/libxt_hashlimit.c`.
pub(crate) const DEFAULT_BURST: u32 = 5;
const GC_INTERVAL_MILLISECONDS: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::super::testing::{info, refusal, text};
    use super::*;

    fn up_to(rate: &str) -> HashLimit {
        HashLimit::up_to("name", rate.parse().unwrap()).unwrap()
    }

    #[test]
    fn text_and_structure() {
        let limit = up_to("10/minute");
        assert_eq!(
            text(limit.clone(), Family::Ipv4),
            "-m hashlimit --hashlimit-upto 10/min --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name name --hashlimit-htable-expire 30000"
        );
        let (name, revision, bytes) = info(limit, Family::Ipv4);
        assert_eq!(
            (name, revision, bytes.len(), &bytes[..5]),
            ("hashlimit", 3, 312, &b"name\0"[..])
        );
        assert_eq!(
            bytes[256..272],
            [6_000_000u64, 5].map(u64::to_ne_bytes).concat()
        );
        assert_eq!(
            bytes[272..296],
            [4u32, 0, 0, 1000, 30_000, 0].map(u32::to_ne_bytes).concat()
        );
        assert_eq!(bytes[296..298], [32, 32]);
        let above = HashLimit::above("name", "10/minute".parse().unwrap()).unwrap();
        assert_eq!(info(above, Family::Ipv6).2[272..276], 0x14u32.to_ne_bytes());
    }

    #[test]
    fn networks_of_sources_and_everybody() {
        let wide = up_to("1/second").prefix(64).table(1024, 65_536).unwrap();
        assert_eq!(
            text(wide.clone(), Family::Ipv6),
            "-m hashlimit --hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name name \
             --hashlimit-htable-size 1024 --hashlimit-htable-max 65536 --hashlimit-htable-expire 5000 --hashlimit-srcmask 64"
        );
        let bytes = info(wide.clone(), Family::Ipv6).2;
        assert_eq!(
            bytes[272..284],
            [4u32, 1024, 65_536].map(u32::to_ne_bytes).concat()
        );
        assert_eq!(bytes[296..298], [64, 128]);
        assert_eq!(
            refusal(wide, vec![], Family::Ipv4),
            "an IPv4 prefix has at most 32 bits"
        );
        let all = HashLimit::all_above("name", "1/second".parse().unwrap()).unwrap();
        assert_eq!(
            text(all.clone(), Family::Ipv4),
            "-m hashlimit --hashlimit-above 1/sec --hashlimit-burst 5 --hashlimit-name name --hashlimit-htable-expire 5000"
        );
        assert_eq!(info(all, Family::Ipv4).2[272..276], 0x10u32.to_ne_bytes());
        for (size, max) in [(0, 10), (10, 9), (1, 1_048_577)] {
            assert!(up_to("1/second").table(size, max).is_err(), "{size} {max}");
        }
    }

    #[test]
    fn a_quiet_source_is_remembered_until_its_budget_is_full() {
        for (rate, milliseconds) in [
            ("1/minute", 300_000),
            ("10/minute", 30_000),
            ("1/second", 5000),
            ("5/day", 86_400_000),
            ("100/second", 1000),
        ] {
            assert_eq!(up_to(rate).expire_milliseconds(), milliseconds, "{rate}");
        }
        assert!(text(up_to("60/minute"), Family::Ipv4).contains("--hashlimit-upto 1/sec "));
        assert!(
            text(up_to("60/minute"), Family::Ipv4).ends_with(" --hashlimit-htable-expire 5000")
        );
    }

    #[test]
    fn what_the_kernel_cannot_count_is_refused() {
        let new = |rate: &str| HashLimit::up_to("name", rate.parse().unwrap());
        for (rate, reason) in [
            (
                "1/day",
                "too slow for the kernel to count with a burst of 5: at least 5/day is possible",
            ),
            (
                "4/day",
                "too slow for the kernel to count with a burst of 5: at least 5/day is possible",
            ),
            ("1000001/second", "at most 1000000/second is possible"),
            ("60000001/minute", "at most 1000000/second is possible"),
        ] {
            assert_eq!(
                new(rate).unwrap_err().to_string(),
                format!("rate \"{rate}\": {reason}")
            );
        }
        assert!(new("1/hour").unwrap().burst(24).is_ok());
        assert!(new("1/hour").unwrap().burst(25).is_err());
        assert!(new("1/hour").unwrap().burst(0).is_err());
        for name in ["", "a/b", "a b", "..", &"x".repeat(255)] {
            assert!(
                HashLimit::up_to(name, "1/hour".parse().unwrap()).is_err(),
                "{name:?}"
            );
        }
    }
}
