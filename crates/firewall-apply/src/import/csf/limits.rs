//! What csf limits: PORTFLOOD, CONNLIMIT, SYNFLOOD, and rates of ICMP.

use std::collections::BTreeMap;

use iptables_ruleset::Rate;
use iptables_ruleset::config::ServiceProtocol;
use iptables_ruleset::match_::HashLimit;

use super::super::place::Place;
use super::super::rate::in_seconds;
use super::super::translation::Translation;
use super::conf::Conf;

/// What is asked of one port.
#[derive(Clone, Debug, Default)]
pub(super) struct Limit {
    pub(super) rate: Option<(Rate, u32)>,
    pub(super) connections: Option<u32>,
    pub(super) remarks: Vec<String>,
}

/// The ports with limits of their own.
pub(super) fn of_ports(conf: &Conf, made: &mut Translation) -> BTreeMap<(Transport, u16), Limit> {
    let mut limits: BTreeMap<_, Limit> = BTreeMap::new();
    for (word, place) in conf.words("PORTFLOOD") {
        let what = format!("PORTFLOOD: {word}");
        match portflood(&word) {
            None => made.left(&place, &what, "expected PORT;PROTOCOL;COUNT;SECONDS"),
            Some((Transport::Icmp, ..)) => {
                made.left(
                    &place,
                    &what,
                    "ICMP has no ports; `ping` has a rate of its own",
                );
            }
            Some((name, port, count, seconds)) => {
                let Some(rate) = in_seconds(count, seconds) else {
                    made.left(&place, &what, "the kernel keeps no such rate");
                    continue;
                };
                made.note(
                    &place,
                    &what,
                    "csf counts a window of so many seconds, here it is a bucket: so many at once, and then one after the other at that rate",
                );
                let limit = limits.entry((name, port)).or_default();
                limit.rate = Some(rate);
                limit.remarks.push(super::from(&place, &what));
            }
        }
    }
    for (word, place) in conf.words("CONNLIMIT") {
        let what = format!("CONNLIMIT: {word}");
        let parts = word.split_once(';');
        let parts = parts.and_then(|(port, most)| Some((port.parse().ok()?, most.parse().ok()?)));
        match parts {
            Some((port, most @ 1..=1_000_000)) if port > 0 => {
                let limit = limits.entry((Transport::Tcp, port)).or_default();
                limit.connections = Some(most);
                limit.remarks.push(super::from(&place, &what));
            }
            _ => made.left(&place, &what, "expected PORT;CONNECTIONS"),
        }
    }
    limits
}

/// The protocols of such settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Transport {
    Tcp,
    Udp,
    Icmp,
}

impl Transport {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }

    pub(super) fn protocol(self) -> ServiceProtocol {
        match self {
            Self::Tcp => ServiceProtocol::TCP,
            Self::Udp => ServiceProtocol::UDP,
            Self::Icmp => ServiceProtocol::ICMP,
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Icmp]
            .into_iter()
            .find(|one| one.text() == text)
    }
}

fn portflood(word: &str) -> Option<(Transport, u16, u32, u32)> {
    let mut parts = word.split(';');
    let port = parts.next()?.parse().ok().filter(|port| *port > 0)?;
    let protocol = Transport::parse(parts.next()?)?;
    let count = parts.next()?.parse().ok().filter(|count| *count > 0)?;
    let seconds = parts.next()?.parse().ok().filter(|seconds| *seconds > 0)?;
    Some((protocol, port, count, seconds))
}

/// The rate of every connection of tcp, for SYNFLOOD.
pub(super) fn synflood(conf: &Conf, made: &mut Translation) -> Option<((Rate, u32), Place)> {
    let place = conf.set_place("SYNFLOOD")?;
    let rate = checked(conf, "SYNFLOOD_RATE", conf.number("SYNFLOOD_BURST"), made)?;
    made.note(
        &place,
        "SYNFLOOD",
        "csf lets so many in of all sources together, so that a flood shuts out everybody; here it is the rate of each source, at each service",
    );
    Some((rate, place))
}

/// A rate as the `limit` match has it; 5 at once unless a burst is given.
pub(super) fn checked(
    conf: &Conf,
    key: &str,
    burst: Option<u64>,
    made: &mut Translation,
) -> Option<(Rate, u32)> {
    let what = format!("{key} = {}", conf.value(key));
    let place = conf.place(key);
    let burst = burst.and_then(|burst| u32::try_from(burst).ok());
    let burst = burst
        .unwrap_or(DEFAULT_BURST)
        .clamp(1, HashLimit::MAX_BURST);
    let rate = short(conf.value(key)).parse::<Rate>();
    let rate = rate.and_then(|rate| HashLimit::check_rate(rate, burst).map(|()| rate));
    match rate {
        Ok(rate) => Some((rate, burst)),
        Err(error) => {
            made.left(&place, &what, &error.to_string());
            None
        }
    }
}

/// iptables knows a unit by any beginning of its name.
fn short(rate: &str) -> String {
    match rate.split_once('/') {
        Some((count, unit)) => {
            let unit = unit.trim().to_ascii_lowercase();
            let whole = ["second", "minute", "hour", "day"];
            let known = whole
                .into_iter()
                .find(|whole| !unit.is_empty() && whole.starts_with(unit.as_str()));
            format!("{}/{}", count.trim(), known.unwrap_or(&unit))
        }
        // Without a unit it is a second.
        None => format!("{}/second", rate.trim()),
    }
}

/// `XT_HASHLIMIT`'s and `limit`'s own.
const DEFAULT_BURST: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_by_any_beginning() {
        for (text, expected) in [
            ("100/s", "100/second"),
            ("1/sec", "1/second"),
            ("5/mi", "5/minute"),
            ("7", "7/second"),
        ] {
            assert_eq!(short(text), expected);
        }
    }
}
