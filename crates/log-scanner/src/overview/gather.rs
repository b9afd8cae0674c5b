//! The pass over the lines.

use firewall_log::survey::{Decision, Split, Survey};
use firewall_log::{Clock, Event};
use jiff::Timestamp;

use super::PARTS;
use super::places::Places;
use crate::clock::Present;
use crate::names::ALLOWED;

/// What the lines come to.
pub(super) struct Gather {
    survey: Survey,
    clock: Clock,
    since: Timestamp,
    until: Timestamp,
    /// Lines of the span of what this host sent.
    own: u64,
    places: Places,
}

impl Gather {
    /// Of the time from `since` to the instant of the run.
    pub(super) fn new(since: Timestamp, present: &Present, places: Places) -> Self {
        let until = present.instant;
        Self {
            survey: Survey::new(since.into(), until.into(), PARTS),
            clock: present.clock.clone(),
            since,
            until,
            own: 0,
            places,
        }
    }

    /// Takes in a line, whatever it is.
    pub(super) fn add(&mut self, line: &[u8]) {
        let Ok(event) = Event::parse(line) else {
            return;
        };
        let Ok(at) = event.time.resolve(&self.clock) else {
            return;
        };
        let Ok(instant) = Timestamp::try_from(at) else {
            return;
        };
        let is_in_span = (self.since..=self.until).contains(&instant);
        if event.packet.in_interface.is_empty() {
            // Who this host sends to is no source.
            self.own += u64::from(is_in_span);
            return;
        }
        let decision = decision(event.prefix);
        self.survey.add(&event, at, decision);
        if let Some(source) = event.source().filter(|_| is_in_span) {
            let times = event.repeated.map_or(1, |times| times.get().into());
            let packets = match decision {
                Decision::Blocked => Split {
                    blocked: times,
                    allowed: 0,
                },
                Decision::Allowed => Split {
                    blocked: 0,
                    allowed: times,
                },
            };
            self.places.count(source, packets);
        }
    }

    /// What was found, the lines of what this host sent, and where it came from.
    pub(super) fn into_parts(self) -> (Survey, u64, Places) {
        (self.survey, self.own, self.places)
    }
}

/// What a prefix says the firewall did: `IPTABLES-ALLOWED: `, `IP6TABLES-FORWARD-ALLOWED: `; all else
/// was kept out.
fn decision(prefix: &[u8]) -> Decision {
    let end = prefix.iter().rposition(|byte| !b": ".contains(byte));
    let stem = prefix.get(..=end.unwrap_or_default()).unwrap_or_default();
    let word = stem.len().checked_sub(ALLOWED.len());
    let word = word.and_then(|begin| stem.get(begin..));
    match word {
        Some(word) if word.eq_ignore_ascii_case(ALLOWED.as_bytes()) => Decision::Allowed,
        _ => Decision::Blocked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prefixes_say() {
        for (prefix, expected) in [
            ("IPTABLES-ALLOWED: ", Decision::Allowed),
            ("ip6tables-forward-allowed", Decision::Allowed),
            ("IPTABLES-BLOCKED: ", Decision::Blocked),
            ("IPTABLES-ALLOWED2: ", Decision::Blocked),
            ("", Decision::Blocked),
            (": ", Decision::Blocked),
        ] {
            assert_eq!(decision(prefix.as_bytes()), expected, "{prefix:?}");
        }
    }
}
