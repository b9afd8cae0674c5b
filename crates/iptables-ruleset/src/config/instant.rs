//! `[[instant]]`: whom the kernel bans by itself, at the packet that is one too many.

use std::time::Duration;

use super::icmp::IcmpType;
use super::list::List;
use super::protocol::ServiceProtocol;
use super::service::{Service, ServiceName};
use crate::match_::HashLimit;
use crate::{BuildError, Config, Family, PortRange, Rate, SetName};

/// Whom the rules put into a set by themselves, with no program running: who sends `howmany`
/// packets that are blocked `within` a time.
///
/// What counts is what its sender must have meant for this host: of TCP what opens a connection, of
/// ICMP what asks, of UDP everything but what comes from ports of servers (53, 123, 443). Nobody is
/// counted who is whitelisted or banned, nothing that belongs to a connection or goes to many.
///
/// **A bucket and no window.** The kernel keeps no times of packets. Each source has a bucket of
/// `howmany - 1` packets, which fills up again within the time; whoever finds it empty is banned.
/// So nobody is banned who never sends `howmany` within that time, whoever sends as many at once
/// is, and at the latest who sends [`surely`](Self::surely) so many. In between it depends on how
/// the packets are spread. A rule of `log-scanner` is exact.
///
/// **Whoever forges the source of his packets chooses who is banned.**
///
/// ```
/// use iptables_ruleset::Config;
///
/// let config = Config::parse(
///     r#"
///     [[instant]]
///     name = "scan"
///     type = "tcp"
///     howmany = 20
///     within = "1m"
///     removeafter = "10m"
///     "#,
/// )?;
/// let scan = &config.instants[0];
/// assert_eq!((scan.ipset.as_str(), scan.surely()), ("blacklist", 39));
/// # Ok::<(), iptables_ruleset::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instant {
    /// `name`: no two share one.
    pub name: ServiceName,
    /// `type`: TCP, UDP or ICMP.
    pub protocol: ServiceProtocol,
    /// `ports`, of TCP and UDP: what goes to one of these; empty: whatever the port.
    pub ports: Vec<PortRange>,
    /// `howmany`: so many packets of one source, 1 to 10000.
    pub howmany: u32,
    /// `within`: in this time, in whole seconds, 1 s to a day. Where one packet is enough it says
    /// nothing.
    pub within: Duration,
    /// `ipset`: `blacklist`, `throttle-hard`, `throttle-soft`, or one of [`Config::own_sets`], by
    /// its name for IPv4; by default `blacklist`.
    pub ipset: SetName,
    /// `removeafter`: for so long, in whole seconds, 1 s to 2147483 s. An entry that is there
    /// already keeps its end.
    pub removeafter: Duration,
    /// `at-most`: so many entries of one family at a time, however many sources are forged; 100 to
    /// 1048576, by default 65536.
    pub at_most: u32,
}

impl Instant {
    /// Whoever sends one packet of the protocol that is blocked is in the blacklist for
    /// `removeafter`.
    ///
    /// # Errors
    /// None.
    pub fn new(
        name: ServiceName,
        protocol: ServiceProtocol,
        removeafter: Duration,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            name,
            protocol,
            ports: Vec::new(),
            howmany: 1,
            within: Duration::from_secs(1),
            ipset: List::Blacklist.set_name(Family::Ipv4)?,
            removeafter,
            at_most: AT_MOST,
        })
    }

    /// Who sends so many packets `within` the time is banned for sure, however they are spread:
    /// nearly twice `howmany`.
    pub fn surely(&self) -> u64 {
        let burst = u64::from(self.howmany.saturating_sub(1));
        match self.refill() {
            None => u64::from(self.howmany),
            Some(rate) => {
                let refilled = self.within.as_micros() / u128::from(rate.micros());
                1 + burst + u64::try_from(refilled).unwrap_or(u64::MAX)
            }
        }
    }

    /// How fast the bucket of a source fills up again, which holds `howmany - 1`: within the time,
    /// or a little sooner, so that nobody is banned for fewer. `None` where one packet is enough.
    pub(crate) fn refill(&self) -> Option<Rate> {
        let burst = u64::from(self.howmany.checked_sub(1)?);
        Rate::at_least(burst, self.within.as_secs())
    }

    /// The bucket that all sources have together before the set, so that there are never more than
    /// `at_most` entries: how fast it fills up, and what it holds.
    pub(crate) fn share(&self) -> Result<(Rate, u32), BuildError> {
        let (at_most, stays) = (u64::from(self.at_most), self.removeafter.as_secs());
        let fills = stays.min(HashLimit::MAX_FILL_SECONDS);
        let refused = || {
            let reason = "is too few for entries that stay so long".to_owned();
            BuildError::value("at-most", at_most, reason)
        };
        let rate = Rate::at_most(at_most, stays + fills).ok_or_else(refused)?;
        let refilled = stays.saturating_mul(1_000_000) / rate.micros();
        let burst = at_most.checked_sub(refilled + 1).ok_or_else(refused)?;
        let day = HashLimit::MAX_FILL_SECONDS * u64::from(rate.count().get());
        let burst = burst.min(day / u64::from(rate.unit().seconds()));
        let burst = burst.min(HashLimit::MAX_BURST.into());
        let burst = u32::try_from(burst).ok().filter(|burst| *burst > 0);
        Ok((rate, burst.ok_or_else(refused)?))
    }

    /// The list that it fills, if it is one.
    pub(crate) fn list(&self) -> Option<List> {
        let mut lists = List::ALL.into_iter();
        lists.find(|list| list.name() == self.ipset.as_str())
    }

    /// What it counts, as a service would be for it.
    pub(crate) fn as_service(&self) -> Service {
        let icmp_types = if self.protocol == ServiceProtocol::ICMP {
            IcmpType::all().collect()
        } else {
            Vec::new()
        };
        Service {
            ports: self.ports.clone(),
            icmp_types,
            ..Service::new(self.name.clone(), [self.protocol])
        }
    }
}

impl Config {
    /// The set that an [`Instant`] fills in that family: of a list one beside the list's own, of
    /// the list's name with `-instant` behind it, because the kernel adds single addresses for sure
    /// only to a `hash:ip`. `None` where its set is for the other family alone.
    ///
    /// # Errors
    /// When it names a set that is neither a list nor among [`own_sets`](Self::own_sets), which
    /// [`parse`](Self::parse) sees to.
    pub fn set_of_instant(
        &self,
        instant: &Instant,
        family: Family,
    ) -> Result<Option<SetName>, BuildError> {
        if let Some(list) = instant.list() {
            return list.instant_set_name(family).map(Some);
        }
        let mut own = self.own_sets.iter();
        match own.find(|own| own.name == instant.ipset) {
            Some(own) => own.set_name(family),
            None => Err(BuildError::value(
                "set",
                &instant.ipset,
                "no packet can be put into it: it is neither a list nor a [[set]]",
            )),
        }
    }
}

/// What [`Instant::at_most`] can be, and is by default.
pub(super) const AT_MOST: u32 = 65_536;
pub(super) const LEAST: u32 = 100;
pub(super) const MOST: u32 = 1_048_576;
/// The longest that [`Instant::within`] can be: the kernel's buckets fill up within a day.
pub(super) const LONGEST: u64 = HashLimit::MAX_FILL_SECONDS;

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(howmany: u32, within: u64, removeafter: u64, at_most: u32) -> Instant {
        let removeafter = Duration::from_secs(removeafter);
        let name = "x".parse().unwrap();
        Instant {
            howmany,
            within: Duration::from_secs(within),
            at_most,
            ..Instant::new(name, ServiceProtocol::TCP, removeafter).unwrap()
        }
    }

    const TIMES: [u64; 12] = [1, 2, 7, 10, 60, 90, 300, 3599, 3600, 5400, 86_399, 86_400];

    #[test]
    fn nobody_is_banned_for_fewer_and_everybody_for_twice_as_many() {
        for howmany in [2, 3, 5, 10, 20, 21, 100, 500, 1000, 9999, 10_000] {
            for within in TIMES {
                let rule = instant(howmany, within, 600, 65_536);
                let burst = u64::from(howmany - 1);
                let rate = rule.refill().unwrap();
                let micros = rate.micros();
                let what = format!("{howmany} in {within} s: {rate}");
                // The bucket is full again when the time is over, and iptables-restore reads the
                // rate that iptables-save prints as the same.
                assert!(burst * micros <= within * 1_000_000, "{what}");
                assert_eq!(HashLimit::check_rate(rate, howmany - 1), Ok(()), "{what}");
                let surely = rule.surely();
                assert!(surely > 2 * burst, "{what}: {surely}");
                // How much sooner it is full: rates are whole numbers, and slow ones few.
                let most = 2 * burst + 1 + burst / 10;
                if within <= 3600 && burst * 60 >= within {
                    assert!(surely <= most, "{what}: {surely}, at most {most}");
                }
            }
        }
        assert_eq!(instant(20, 60, 600, 65_536).surely(), 39);
        assert_eq!(instant(1, 60, 600, 65_536).surely(), 1);
    }

    #[test]
    fn there_are_never_more_entries_than_the_share() {
        for at_most in [LEAST, 1000, 65_536, MOST] {
            let long = [604_800, 2_147_483];
            for stays in TIMES.into_iter().chain(long) {
                let (rate, burst) = instant(20, 60, stays, at_most).share().unwrap();
                let through = u64::from(burst) + stays * 1_000_000 / rate.micros();
                let what = format!("{at_most} for {stays} s: {rate}, burst {burst}: {through}");
                assert!(through < u64::from(at_most), "{what}");
                assert!(through * 10 >= u64::from(at_most) * 7, "{what}");
                assert_eq!(HashLimit::check_rate(rate, burst), Ok(()), "{what}");
            }
        }
    }
}
