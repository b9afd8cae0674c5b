//! What a source may spend, and where the kernel keeps account of it.
//!
//! The kernel's table takes so many sources and not one more: when it is full, everybody who is not
//! in it is dropped on the spot, whatever the rule and without a word. Sources are forged easily,
//! so each table here is one that cannot get full: it counts networks of which there are fewer than
//! it takes, or a guard before it lets no more new sources through than it forgets.

use std::num::NonZeroU32;

use crate::match_::HashLimit;
use crate::{BuildError, Family, Rate, RateUnit};

/// A rate of each source, or of each network of sources.
pub(super) struct Budget {
    name: String,
    rate: Rate,
    burst: u32,
    prefix: u8,
}

/// What takes the place of a budget while more come than its table has room for.
pub(super) struct Crowd {
    /// Whether there are so many.
    pub(super) guard: HashLimit,
    /// A budget of the same size for each [`WIDE`] network.
    wide: Budget,
}

impl Budget {
    /// The budget of this name: `burst` at once, and `rate` in the long run, for all sources that
    /// have the first `prefix` bits in common.
    pub(super) fn new(name: &str, rate: Rate, burst: u32, prefix: u8) -> Self {
        Self {
            name: name.to_owned(),
            rate,
            burst,
            prefix,
        }
    }

    /// Packets within it.
    pub(super) fn up_to(&self, family: Family) -> Result<HashLimit, BuildError> {
        self.limit(family, false)
    }

    /// Packets beyond it.
    pub(super) fn above(&self, family: Family) -> Result<HashLimit, BuildError> {
        self.limit(family, true)
    }

    /// What guards its table; none where the table cannot get full anyway. The networks' budgets
    /// have a name of their own: those of several budgets can be one.
    pub(super) fn crowd(&self, wide: &str, family: Family) -> Result<Option<Crowd>, BuildError> {
        let guard = self.guard(family, GUARD_BURST, true)?;
        let wide = || Self::new(wide, self.rate, self.burst, WIDE);
        Ok(guard.map(|guard| Crowd {
            guard,
            wide: wide(),
        }))
    }

    /// Packets for which its table has room for sure; `None` where it cannot get full. As many as
    /// are one too many for one source may come at once.
    pub(super) fn uncrowded(&self, family: Family) -> Result<Option<HashLimit>, BuildError> {
        let one_too_many = self.burst.saturating_add(1);
        self.guard(family, one_too_many.max(GUARD_BURST), false)
    }

    /// Packets of all sources beyond, or within, what its table has room for, of which `at_once` may
    /// come at once.
    fn guard(
        &self,
        family: Family,
        at_once: u32,
        above: bool,
    ) -> Result<Option<HashLimit>, BuildError> {
        if self.prefix <= WIDE {
            return Ok(None);
        }
        // A source is forgotten when its budget is full again and the kernel has looked for such,
        // once a second.
        let remembered = self.up_to(family)?.expire_milliseconds().div_ceil(1000) + 2;
        let room = TABLE_MAX.saturating_sub(at_once).max(1);
        // The kernel counts in millionths of a second, and would round the wrong way.
        let every = (u64::from(remembered) * 1_000_000).div_ceil(room.into());
        let rate = match count(1_000_000 / every) {
            Some(in_a_second) => Rate::new(in_a_second, RateUnit::Second),
            None => Rate::new(
                count(60_000_000 / every).unwrap_or(NonZeroU32::MIN),
                RateUnit::Minute,
            ),
        };
        let name = format!(
            "{}-all-{}-{}-b{at_once}",
            self.name,
            rate.count(),
            rate.unit().name()
        );
        let guard = HashLimit::new(&name, rate, at_once, above)?;
        // One bucket needs no more.
        guard.of_everybody().table(1, 1).map(Some)
    }

    fn limit(&self, family: Family, above: bool) -> Result<HashLimit, BuildError> {
        let Self {
            name,
            rate,
            burst,
            prefix,
        } = self;
        // A table that is there keeps its parameters, so all of them are in its name.
        let name = format!(
            "{name}-{}-{}-b{burst}-p{prefix}-s{TABLE_SIZE}-m{TABLE_MAX}",
            rate.count(),
            rate.unit().name(),
        );
        HashLimit::new(&name, *rate, *burst, above)?
            .prefix((*prefix).min(family.address_bits()))
            .table(TABLE_SIZE, TABLE_MAX)
    }
}

impl Crowd {
    /// Packets within the budget of the whole network.
    pub(super) fn up_to(&self, family: Family) -> Result<HashLimit, BuildError> {
        self.wide.up_to(family)
    }

    /// Packets beyond it.
    pub(super) fn above(&self, family: Family) -> Result<HashLimit, BuildError> {
        self.wide.above(family)
    }
}

fn count(n: u64) -> Option<NonZeroU32> {
    u32::try_from(n).ok().and_then(NonZeroU32::new)
}

/// Networks of this prefix length are as many as a table takes, in either family.
const WIDE: u8 = 16;
/// How many sources a table takes: 7 MiB when it is full.
const TABLE_MAX: u32 = 1 << WIDE;
/// How many chains a table has: with what else the kernel keeps of a table just under 8 KiB,
/// whether it is used or not.
const TABLE_SIZE: u32 = 960;
/// What may come at once before it is a crowd.
const GUARD_BURST: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_come_through_than_the_table_takes() {
        for (rate, burst) in [
            ("10/minute", 5),
            ("60/minute", 60),
            ("1000000/second", 1),
            ("1/second", 86_400),
            ("5/day", 5),
            ("1/day", 1),
        ] {
            let rate: Rate = rate.parse().unwrap();
            let budget = Budget::new("x", rate, burst, 32);
            let crowd = budget
                .crowd("x", Family::Ipv4)
                .unwrap()
                .expect("it is guarded");
            let guard = crowd.guard.rate();
            let remembered = u64::from(
                budget
                    .up_to(Family::Ipv4)
                    .unwrap()
                    .expire_milliseconds()
                    .div_ceil(1000)
                    + 2,
            );
            let through =
                u64::from(guard.count().get()) * remembered / u64::from(guard.unit().seconds());
            assert!(
                through + u64::from(GUARD_BURST) <= u64::from(TABLE_MAX),
                "{rate}: {guard}, {through} in {remembered} s"
            );
            assert!(through > u64::from(TABLE_MAX) / 2, "{rate}: {guard}");
        }
        // One source with all it takes, and others.
        let many = Budget::new("x", "9999/minute".parse().unwrap(), 9999, 128);
        let guard = many
            .uncrowded(Family::Ipv6)
            .unwrap()
            .expect("it is guarded");
        let text = crate::Rule::new(crate::Target::None).matching(guard.clone());
        let text = text.to_iptables_save(Family::Ipv6).to_string();
        assert!(text.contains("--hashlimit-burst 10000 "), "{text}");
        let per_second =
            u64::from(guard.rate().count().get()) / u64::from(guard.rate().unit().seconds());
        assert!(
            per_second * 62 + 10_000 <= u64::from(TABLE_MAX) && per_second > 800,
            "{text}"
        );
        let bounded = Budget::new("x", "1/second".parse().unwrap(), 5, WIDE);
        assert!(bounded.crowd("x", Family::Ipv6).unwrap().is_none());
    }
}
