//! Sets of ports.

use std::collections::BTreeSet;

use iptables_ruleset::PortRange;

use super::super::translation::Translation;
use super::conf::Conf;

/// Ports from 1 on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ports(BTreeSet<u16>);

impl Ports {
    /// Every port.
    pub(super) fn all() -> Self {
        Self((1..=u16::MAX).collect())
    }

    /// Those of a setting; what is no port is left.
    pub(super) fn of(conf: &Conf, key: &str, made: &mut Translation) -> Self {
        let mut ports = Self::default();
        for (word, place) in conf.words(key) {
            match range(&word, ':') {
                Some(range) => ports.extend(range),
                None => made.left(
                    &place,
                    &format!("{key}: {word}"),
                    "expected a port, 1 to 65535, or FIRST:LAST",
                ),
            }
        }
        ports
    }

    pub(super) fn extend(&mut self, range: PortRange) {
        self.0.extend(range.first()..=range.last());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }

    pub(super) fn remove(&mut self, port: u16) {
        self.0.remove(&port);
    }

    /// Those that are in the other, too.
    pub(super) fn common(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Those that are not in the other.
    pub(super) fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).copied().collect())
    }

    /// As few ranges as they can be; two ports in a row stay two.
    pub(super) fn ranges(&self) -> Vec<PortRange> {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for port in &self.0 {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(*port) => *last = *port,
                _ => runs.push((*port, *port)),
            }
        }
        let pair = |(first, last): (u16, u16)| -> Vec<PortRange> {
            if last - first == 1 {
                return vec![first.into(), last.into()];
            }
            PortRange::new(first, last).into_iter().collect()
        };
        runs.into_iter().flat_map(pair).collect()
    }
}

/// A port or a range as iptables reads it: an end that is left out is the first or the last port.
pub(super) fn range(word: &str, between: char) -> Option<PortRange> {
    let port = |text: &str, otherwise: u16| match text {
        "" => Some(otherwise),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    if word.is_empty() {
        return None;
    }
    let (first, last) = match word.split_once(between) {
        None => (word, word),
        Some(ends) => ends,
    };
    // Nobody connects to port 0.
    let first = port(first, 1)?.max(1);
    PortRange::new(first, port(last, u16::MAX)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_iptables_reads_them() {
        for (word, expected) in [
            ("22", Some("22")),
            ("1024:", Some("1024:65535")),
            (":99", Some("1:99")),
            ("0:65535", Some("1:65535")),
            ("5:4", None),
            ("0", None),
            ("", None),
            ("65536", None),
            ("ssh", None),
            ("+1", None),
        ] {
            let range = range(word, ':').map(|range| range.to_string());
            assert_eq!(range.as_deref(), expected, "{word}");
        }
    }

    #[test]
    fn few_ranges_are_made_of_many_ports() {
        let mut ports = Ports::default();
        for word in ["20", "21", "22", "25", "53", "54", "65535"] {
            ports.extend(range(word, ':').unwrap());
        }
        let texts: Vec<_> = ports.ranges().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["20:22", "25", "53", "54", "65535"]);
        assert_eq!(Ports::all().ranges().len(), 1);
    }
}
