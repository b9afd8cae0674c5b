//! From violations to entries: who is left alone, who is there already, who is added.

use ipset_netlink::{Entry, Key, SetName, Timeout};
use jiff::Timestamp;

use crate::args::SetPair;
use crate::clock::Present;
use crate::duration::whole_seconds;
use crate::error::Fatal;
use crate::exempt::Exemptions;
use crate::members::Members;
use crate::report::{Outcome, Remaining, ViolationReport};
use crate::sets::Sets;

/// The kernel rounds the time an entry has left down to whole seconds and we round ours up; the same end can
/// so look one second later than itself.
const ROUNDING: u32 = 1;

/// What is needed to act on violations.
pub(crate) struct Bans<'a> {
    pub(crate) names: &'a SetPair,
    /// None in a dry run that cannot ask the kernel.
    pub(crate) sets: Option<Sets>,
    pub(crate) exemptions: Exemptions,
    pub(crate) dry_run: bool,
    /// The instant that the scan speaks of.
    pub(crate) as_of: Timestamp,
    /// Tells how much of each ban has passed since then.
    pub(crate) present: &'a Present,
}

impl Bans<'_> {
    /// Decides about every violation and does it. Nothing is changed before all is decided.
    ///
    /// # Errors
    ///
    /// When the kernel does not say who is exempt or who is in the sets; nothing was changed then.
    pub(crate) fn act(&mut self, violations: &mut [ViolationReport]) -> Result<(), Fatal> {
        let first_inet6 = violations.partition_point(|violation| violation.source.is_ipv4());
        let (inet, inet6) = violations.split_at_mut(first_inet6);
        let mut families = [(&self.names.inet, inet), (&self.names.inet6, inet6)];
        let mut planned = Vec::new();
        for (_, violations) in &mut families {
            planned.push(self.decide(violations)?);
        }
        if !self.dry_run {
            for ((name, violations), planned) in families.into_iter().zip(&planned) {
                self.fill(name, violations, planned);
            }
        }
        Ok(())
    }

    /// Gives each violation, all of one family, the outcome it has if the kernel agrees; returns the entries
    /// to add with the places of their violations.
    fn decide(&mut self, violations: &mut [ViolationReport]) -> Result<Planned, Fatal> {
        let mut planned = Planned::default();
        let mut members: Option<Members> = None;
        for (place, violation) in violations.iter_mut().enumerate() {
            if let Some(outcome) = self.left_alone(violation)? {
                violation.outcome = outcome;
                continue;
            }
            if members.is_none() {
                members = Some(self.members(violation)?);
            }
            let existing = members
                .as_ref()
                .and_then(|members| members.covering(violation.source));
            let seconds = self.seconds_left(violation);
            match decision(existing, violation, seconds) {
                Decision::Leave(outcome) => violation.outcome = outcome,
                Decision::Add(..) if self.dry_run => violation.outcome = Outcome::WouldAdd,
                Decision::Add(entry, outcome) => {
                    violation.outcome = outcome;
                    planned.entries.push(entry);
                    planned.places.push(place);
                }
            }
        }
        Ok(planned)
    }

    fn left_alone(&mut self, violation: &ViolationReport) -> Result<Option<Outcome>, Fatal> {
        let source = violation.source;
        if let Some(why) = self.exemptions.reason(source) {
            return Ok(Some(Outcome::Exempt(why)));
        }
        if let Some(sets) = &mut self.sets {
            let whitelist = sets
                .whitelisting(source)
                .map_err(|why| Fatal::Sets(vec![why]))?;
            if let Some(name) = whitelist {
                return Ok(Some(Outcome::Exempt(format!("a member of {name}"))));
            }
        }
        Ok((violation.timeout == 0).then_some(Outcome::Expired))
    }

    fn members(&mut self, violation: &ViolationReport) -> Result<Members, Fatal> {
        let Some(sets) = &mut self.sets else {
            return Ok(Members::default());
        };
        let members = sets
            .members(violation.source)
            .map_err(|why| Fatal::Sets(vec![why]))?;
        Ok(members.unwrap_or_default())
    }

    /// What is left of the ban by now.
    fn seconds_left(&self, violation: &ViolationReport) -> u32 {
        let left = violation.expires.duration_since(self.as_of);
        let left = whole_seconds(left.saturating_sub(self.present.passed()));
        u32::try_from(left)
            .unwrap_or(u32::MAX)
            .clamp(1, violation.timeout.max(1))
    }

    fn fill(&mut self, name: &SetName, violations: &mut [ViolationReport], planned: &Planned) {
        let Some(sets) = &mut self.sets else { return };
        if planned.entries.is_empty() {
            return;
        }
        for (index, why) in sets.fill(name, &planned.entries) {
            let place = planned.places.get(index).copied();
            if let Some(violation) = place.and_then(|place| violations.get_mut(place)) {
                violation.outcome = Outcome::Refused(why);
            }
        }
    }
}

/// Entries and, at the same index, the place of their violation.
#[derive(Default)]
struct Planned {
    entries: Vec<Entry>,
    places: Vec<usize>,
}

enum Decision {
    Leave(Outcome),
    /// And the outcome once it is there.
    Add(Entry, Outcome),
}

fn decision(existing: Option<&Entry>, violation: &ViolationReport, seconds: u32) -> Decision {
    let key = Key::from(violation.source);
    let entry = match Timeout::from_secs(seconds) {
        Ok(timeout) => Entry::new(key.clone()).timeout(timeout),
        Err(error) => return Decision::Leave(Outcome::Refused(error.to_string())),
    };
    let Some(existing) = existing else {
        return Decision::Add(entry, Outcome::Added);
    };
    if existing.nomatch {
        let why = format!(
            "excepted (nomatch) in {} as {}",
            violation.set, existing.key
        );
        return Decision::Leave(Outcome::Exempt(why));
    }
    let left = existing.timeout.unwrap_or(Timeout::PERMANENT);
    if left.is_permanent() {
        return Decision::Leave(Outcome::Kept(Remaining::Permanent));
    }
    if seconds <= left.as_secs().saturating_add(ROUNDING) {
        return Decision::Leave(Outcome::Kept(Remaining::Seconds(left.as_secs())));
    }
    if existing.key != key {
        // A network that is there leaves earlier; the address stays on in an entry of its own.
        return Decision::Add(entry, Outcome::Added);
    }
    // An update takes the comment away unless it brings one.
    let entry = match existing.comment.clone() {
        Some(comment) => entry.comment(comment),
        None => entry,
    };
    Decision::Add(entry, Outcome::Refreshed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::violation;

    const SOURCE: &str = "203.0.113.7";

    fn entry(key: &str, timeout: u32) -> Entry {
        Entry::new(key.parse().expect(key)).timeout(Timeout::from_secs(timeout).expect("short"))
    }

    /// The word of the outcome and the entry to add.
    fn decided(existing: Option<&Entry>, seconds: u32) -> (&'static str, Option<Entry>) {
        match decision(existing, &violation(SOURCE, Outcome::Expired), seconds) {
            Decision::Leave(outcome) => (outcome.word(), None),
            Decision::Add(entry, outcome) => (outcome.word(), Some(entry)),
        }
    }

    #[test]
    fn a_new_source_is_added() {
        assert_eq!(decided(None, 60), ("added", Some(entry(SOURCE, 60))));
    }

    #[test]
    fn the_later_of_the_two_ends_is_kept() {
        for (left, seconds, word) in [
            (60, 59, "kept"),
            (60, 60, "kept"),
            (60, 61, "kept"),
            (60, 62, "refreshed"),
        ] {
            assert_eq!(
                decided(Some(&entry(SOURCE, left)), seconds).0,
                word,
                "{left} {seconds}"
            );
        }
        assert_eq!(decided(Some(&entry(SOURCE, 0)), 2_147_483), ("kept", None));
        assert_eq!(
            decided(Some(&Entry::new(SOURCE.parse().expect("an address"))), 1),
            ("kept", None)
        );
    }

    #[test]
    fn a_refreshed_entry_keeps_its_comment() {
        let existing = entry(SOURCE, 60).comment("by hand".parse().expect("a comment"));
        let expected = entry(SOURCE, 600).comment("by hand".parse().expect("a comment"));
        assert_eq!(decided(Some(&existing), 600), ("refreshed", Some(expected)));
    }

    #[test]
    fn a_network_that_covers_the_source_counts() {
        assert_eq!(decided(Some(&entry("203.0.113.0/24", 60)), 30).0, "kept");
        let longer = decided(Some(&entry("203.0.113.0/24", 60)), 90);
        assert_eq!(longer, ("added", Some(entry(SOURCE, 90))));
        assert_eq!(
            decided(Some(&entry("203.0.113.0/24", 60).nomatch()), 90),
            ("exempt", None)
        );
        assert_eq!(
            decided(Some(&entry(SOURCE, 0).nomatch()), 90),
            ("exempt", None)
        );
    }
}
