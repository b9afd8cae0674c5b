//! `-m limit`.

use std::fmt;

use super::MatchKind;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family, Period, Rate};

/// `-m limit`: so many packets, whoever sent them.
///
/// The rate is kept as whole ticks of 0.1 ms, as iptables does, so that rates above some hundred a
/// second are rounded up to what `iptables-save` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    rate: Rate,
    burst: u32,
}

impl Limit {
    /// The fastest rate there is: packets a second.
    pub const MAX_PER_SECOND: u32 = 10_000;

    /// At most `rate`, and 5 packets at once after a quiet time.
    ///
    /// # Errors
    /// When the rate is above 10000/second.
    pub fn new(rate: Rate) -> Result<Self, BuildError> {
        let max = u64::from(Self::MAX_PER_SECOND) * u64::from(rate.unit().seconds());
        if u64::from(rate.count().get()) > max {
            let reason = format!("at most {}/second is possible", Self::MAX_PER_SECOND);
            return Err(BuildError::value("rate", rate, reason));
        }
        Ok(Self {
            rate,
            burst: DEFAULT_BURST,
        })
    }

    /// `--limit-burst`: this many packets at once after a quiet time, 1 to 10000.
    ///
    /// # Errors
    /// When the burst is 0 or above 10000.
    pub fn burst(self, burst: u32) -> Result<Self, BuildError> {
        if !(1..=10_000).contains(&burst) {
            return Err(BuildError::value("burst", burst, "must be 1 to 10000"));
        }
        Ok(Self { burst, ..self })
    }

    fn canonical(self) -> (u64, crate::RateUnit) {
        Period::of(self.rate, XT_LIMIT_SCALE).canonical()
    }
}

impl MatchKind for Limit {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        let (count, unit) = self.canonical();
        write!(f, "-m limit --limit {count}/{} ", unit.saved_name())?;
        if self.burst != DEFAULT_BURST {
            write!(f, "--limit-burst {} ", self.burst)?;
        }
        Ok(())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        let (rate, unit) = self.canonical();
        encoder.push(Expression::Limit {
            rate,
            unit_seconds: u64::from(unit.seconds()),
            burst: self.burst,
        });
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        match *decoder.next()? {
            Expression::Limit {
                rate,
                unit_seconds,
                burst,
            } => {
                let rate = Rate::of_seconds(rate, unit_seconds)?;
                Self::new(rate).ok()?.burst(burst).ok()
            }
            _ => None,
        }
    }

    fn ask(&self, _packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        Answer::perhaps("what is left of everybody's limit at that moment")
    }
}

/// `XT_LIMIT_SCALE`, `linux/netfilter/xt_limit.h`.
const XT_LIMIT_SCALE: u64 = 10_000;
/// `XT_LIMIT_BURST`, `extensions/libxt_limit.c`.
const DEFAULT_BURST: u32 = 5;

#[cfg(test)]
mod tests {
    use super::super::testing::{expressions, text};
    use super::*;

    #[test]
    fn rates_print_and_encode_as_iptables_rounds_them() {
        for (rate, saved, count, unit_seconds) in [
            ("1/second", "1/sec", 1, 1),
            ("60/minute", "1/sec", 1, 1),
            ("5/minute", "5/min", 5, 60),
            ("100/minute", "100/min", 100, 60),
            ("7/hour", "7/hour", 7, 3600),
            ("24/day", "1/hour", 1, 3600),
            ("1/day", "1/day", 1, 86400),
            ("10000/second", "10000/sec", 10000, 1),
        ] {
            let limit = Limit::new(rate.parse().unwrap()).unwrap();
            assert_eq!(
                text(limit, Family::Ipv4),
                format!("-m limit --limit {saved}"),
                "{rate}"
            );
            assert_eq!(
                expressions(limit, Family::Ipv4),
                [Expression::Limit {
                    rate: count,
                    unit_seconds,
                    burst: 5
                }],
                "{rate}"
            );
        }
        let burst = Limit::new("1/second".parse().unwrap())
            .unwrap()
            .burst(10)
            .unwrap();
        assert_eq!(
            text(burst, Family::Ipv4),
            "-m limit --limit 1/sec --limit-burst 10"
        );
    }

    #[test]
    fn what_iptables_refuses_is_refused() {
        let new = |rate: &str| Limit::new(rate.parse().unwrap());
        assert!(new("10001/second").is_err());
        assert!(new("600001/minute").is_err());
        assert!(new("600000/minute").is_ok());
        assert!(new("1/second").unwrap().burst(0).is_err());
        assert!(new("1/second").unwrap().burst(10_001).is_err());
    }
}
