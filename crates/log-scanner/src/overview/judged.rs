//! Whom the rules would have banned.

use firewall_log::Finding;
use jiff::Timestamp;
use serde::Serialize;

use crate::error::Fatal;
use crate::exempt::{Exemption, Exemptions};
use crate::report::text::{rule_name, wanted};
use crate::rule::Rule;
use crate::scan::{Found, Reading};
use crate::source::Source;
use crate::violation::Ban;
use crate::words::as_text;

/// A rule and what it found.
#[derive(Debug, Serialize)]
pub(super) struct JudgedRule {
    /// Its name and type: `blocked tcp`.
    pub(super) rule: String,
    /// What it asks for, in a sentence.
    pub(super) wanted: String,
    /// Packets of the whole log that count for it.
    pub(super) matched: u64,
    /// Who broke its threshold in the span.
    pub(super) violators: usize,
    /// Those of them with most packets.
    pub(super) top: Vec<Judged>,
}

/// Who broke the threshold of a rule.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    pub(super) source: Source,
    pub(super) hits: u64,
    pub(super) peak_hits: u64,
    #[serde(serialize_with = "as_text")]
    pub(super) last_seen: Timestamp,
    #[serde(serialize_with = "as_text")]
    pub(super) expires: Timestamp,
    /// Why he would be let go, as in "203.0.113.7 is …".
    pub(super) exempt: Option<String>,
}

/// Of each rule who broke it from `since` on, at most so many by name.
pub(super) fn judged(
    rules: &[Rule],
    findings: &[Finding],
    reading: &Reading,
    exemptions: &Exemptions,
    since: Timestamp,
    top: usize,
) -> Result<Vec<JudgedRule>, Fatal> {
    let mut all = Vec::with_capacity(rules.len());
    for ((rule, number), finding) in rules.iter().zip(1..).zip(findings) {
        let found = Found::by(rule, finding, reading);
        let violators = found.violators.into_iter();
        let violators = violators.filter(|violator| violator.last_violating >= since);
        let bans = violators.filter_map(|violator| Ban::new(rule, number, violator, reading.as_of));
        let mut bans: Vec<_> = bans.collect();
        bans.sort_by_key(|ban| std::cmp::Reverse(ban.violator.hits));
        let told = bans.iter().take(top).map(|ban| {
            let exemption = exemptions.of(ban.source(), &rule.exempt, None)?;
            Ok(Judged {
                source: ban.source(),
                hits: ban.violator.hits,
                peak_hits: ban.violator.peak_hits,
                last_seen: ban.violator.last_seen,
                expires: ban.expires,
                exempt: match exemption {
                    Exemption::Whole(why) => Some(why),
                    Exemption::Parts(_) => None,
                },
            })
        });
        all.push(JudgedRule {
            rule: rule_name(rule),
            wanted: wanted(rule),
            matched: found.counted.matched,
            violators: bans.len(),
            top: told.collect::<Result<_, Fatal>>()?,
        });
    }
    Ok(all)
}
