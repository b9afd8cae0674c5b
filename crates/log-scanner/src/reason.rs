//! Why an entry is in a set, as its comment says it.
//!
//! A comment of ours is a word, a colon and `key=value` pairs:
//!
//! ```text
//! scan: rule=blocked type=tcp hits=501 in=30m first=2026-11-22T08:00:00Z last=2026-11-22T08:59:00Z since=2026-11-22T09:00:00Z
//! ban: since=2026-11-22T09:00:00Z why=the neighbours complain
//! unban: since=2026-11-22T09:30:00.123456Z why=it was the new backup server
//! offender: offences=3 first=2026-11-22T08:30:00Z last=2026-11-22T08:59:00Z end=2026-11-24T08:59:00Z until=2026-12-22T08:59:00Z
//! ```
//!
//! Nothing that stands in a log is in it: the names are those of the rules, all else is numbers and
//! times. Whatever else a comment says is somebody else's.

use std::fmt;

pub(crate) use ban_sets::ByHand;
use ban_sets::Comment;
use jiff::Timestamp;
use serde::Serialize;

use crate::duration::{Seconds, Spelled};
use crate::rule::{Offence, Rule};
use crate::words::{as_text, plain};

/// Why an entry is in a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub(crate) enum Reason {
    /// A rule was broken.
    Scan(Evidence),
    /// An administrator wants it so.
    Ban(ByHand),
    /// An administrator has let him go: of what he did until then nothing counts.
    Unban(ByHand),
    /// So often it was banned; what for last.
    Offender(Record),
    /// A comment that is none of ours.
    Other { comment: String },
}

/// What a rule bans for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Evidence {
    /// The rule's name, with `_` for what is no letter, digit, `.`, `-` or `_`, and cut.
    pub(crate) rule: String,
    /// What packets the rule is about, likewise.
    #[serde(rename = "type")]
    pub(crate) protocols: String,
    /// The most packets in one window of the rule.
    pub(crate) hits: u64,
    /// The window, in seconds.
    pub(crate) within: u64,
    /// The first packet that the log shows, in whole seconds.
    #[serde(serialize_with = "as_text")]
    pub(crate) first: Timestamp,
    /// The last packet of the last window, in whole seconds.
    #[serde(serialize_with = "as_text")]
    pub(crate) last: Timestamp,
    /// When the ban began.
    #[serde(serialize_with = "as_text")]
    pub(crate) since: Timestamp,
    /// Which ban of the source it is, where the rule asks for that.
    #[serde(flatten)]
    pub(crate) offence: Option<Offence>,
}

/// What is remembered of who was banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Record {
    /// How many offences there were, each within the time of the one before.
    pub(crate) offences: u32,
    /// Of the last offence, when it broke a threshold first.
    #[serde(serialize_with = "as_text")]
    pub(crate) first: Timestamp,
    /// And when last.
    #[serde(serialize_with = "as_text")]
    pub(crate) last: Timestamp,
    /// When the ban for it ends by its evidence.
    #[serde(serialize_with = "as_text")]
    pub(crate) end: Timestamp,
    /// When it is forgotten.
    #[serde(serialize_with = "as_text")]
    pub(crate) until: Timestamp,
}

impl Evidence {
    /// So many packets in one window of a rule, the first that the log shows and the last of the last
    /// window, for which somebody is banned at `since`.
    pub(crate) fn new(rule: &Rule, hits: u64, seen: [Timestamp; 2], since: Timestamp) -> Self {
        let [first, last] = seen.map(whole);
        Self {
            rule: one_word(&rule.name.to_string()),
            protocols: one_word(&rule.protocols.to_string()),
            hits,
            within: rule.within.get(),
            first,
            last,
            since: whole(since),
            offence: None,
        }
    }
}

impl Reason {
    /// What a comment says.
    pub(crate) fn of(comment: &Comment) -> Self {
        Self::parse(comment.as_str()).unwrap_or_else(|| Self::Other {
            comment: plain(comment.as_bytes()),
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (word, pairs) = text.split_once(": ")?;
        let value = |key: &str| {
            let pairs = pairs.split(" why=").next()?.split(' ');
            let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
            pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
        };
        let time = |key| value(key)?.parse::<Timestamp>().ok();
        match word {
            SCAN => Some(Self::Scan(Evidence {
                rule: one_word(value("rule")?),
                protocols: one_word(value("type")?),
                hits: value("hits")?.parse().ok()?,
                within: value("in")?.parse().map(Seconds::get).ok()?,
                first: time("first")?,
                last: time("last")?,
                since: time("since")?,
                offence: value("offence").and_then(|number| {
                    Some(Offence {
                        number: number.parse().ok()?,
                        within: value("remembered")?.parse().ok()?,
                    })
                }),
            })),
            OFFENDER => Some(Self::Offender(Record {
                offences: value("offences")?.parse().ok()?,
                first: time("first")?,
                last: time("last")?,
                end: time("end")?,
                until: time("until")?,
            })),
            UNBAN => ByHand::parse(pairs).map(Self::Unban),
            BAN => ByHand::parse(pairs).map(Self::Ban),
            _ => None,
        }
    }

    /// When it began, where that is known.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Scan(evidence) => Some(evidence.since),
            Self::Ban(by_hand) | Self::Unban(by_hand) => Some(by_hand.since),
            Self::Offender(record) => Some(record.first),
            Self::Other { .. } => None,
        }
    }

    /// As the comment of an entry, cut where it is too long for one.
    pub(crate) fn comment(&self) -> Option<Comment> {
        cut(&self.to_string(), Comment::MAX_LEN).parse().ok()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scan(evidence) => {
                let Evidence {
                    rule,
                    protocols,
                    hits,
                    within,
                    first,
                    last,
                    since,
                    offence,
                } = evidence;
                let within = Spelled(*within);
                write!(
                    f,
                    "{SCAN}: rule={rule} type={protocols} hits={hits} in={within} first={first} last={last} since={since}"
                )?;
                offence.iter().try_for_each(|Offence { number, within }| {
                    write!(f, " offence={number} remembered={within}")
                })
            }
            Self::Ban(by_hand) => write!(f, "{BAN}: {by_hand}"),
            Self::Unban(by_hand) => write!(f, "{UNBAN}: {by_hand}"),
            Self::Offender(record) => {
                let Record {
                    offences,
                    first,
                    last,
                    end,
                    until,
                } = record;
                write!(
                    f,
                    "{OFFENDER}: offences={offences} first={first} last={last} end={end} until={until}"
                )
            }
            Self::Other { comment } => f.write_str(comment),
        }
    }
}

const SCAN: &str = "scan";
const BAN: &str = "ban";
const UNBAN: &str = "unban";
const OFFENDER: &str = "offender";

/// A name is no longer than this: two of them, and all numbers and times at their longest, have
/// room in a comment.
const NAME: usize = 32;

/// A name that is one word of a comment.
pub(crate) fn one_word(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    text.chars().take(NAME).map(plain).collect()
}

/// A time without what is less than a second.
fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// At most so many bytes of a text, no character in halves.
fn cut(text: &str, most: usize) -> &str {
    let ends = (0..=most.min(text.len())).rev();
    let mut parts = ends.filter_map(|end| text.get(..end));
    parts.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::tests::{rule, time};

    fn evidence() -> Evidence {
        let seen = ["2026-11-22T08:00:00Z", "2026-11-22T08:59:00.25Z"].map(time);
        Evidence::new(&rule(), 501, seen, time("2026-11-22T09:00:00Z"))
    }

    #[test]
    fn a_comment_is_read_as_it_was_written() {
        let scan = Reason::Scan(evidence());
        assert_eq!(
            scan.to_string(),
            "scan: rule=blocked type=tcp hits=501 in=30m first=2026-11-22T08:00:00Z last=2026-11-22T08:59:00Z since=2026-11-22T09:00:00Z"
        );
        let by_hand = |why| Reason::Ban(ByHand::new(time("2026-11-22T09:00:00Z"), why));
        let offence = Offence {
            number: 3,
            within: "30d".parse().expect("a month"),
        };
        let again = Reason::Scan(Evidence {
            offence: Some(offence),
            ..evidence()
        });
        assert!(
            again.to_string().ends_with("Z offence=3 remembered=30d"),
            "{again}"
        );
        let record = Record {
            offences: 3,
            first: time("2026-11-22T08:00:00Z"),
            last: time("2026-11-22T08:59:00.123456Z"),
            end: time("2026-11-23T08:59:00.123456Z"),
            until: time("2026-12-22T08:59:00.123456Z"),
        };
        for reason in [
            scan,
            again,
            Reason::Offender(record),
            by_hand(""),
            by_hand("asked for by = Bob: since=never why=so"),
            Reason::Other {
                comment: "scan: rule=x".to_owned(),
            },
        ] {
            let comment = reason.comment().expect("a comment");
            assert_eq!(Reason::of(&comment), reason, "{comment}");
        }
    }

    #[test]
    fn the_longest_has_room_and_no_word_breaks_out() {
        let long = Evidence {
            rule: one_word(&"x=\" y\n".repeat(100)),
            protocols: one_word(&"é,".repeat(100)),
            hits: u64::MAX,
            within: 100 * 366 * 24 * 3600 - 1,
            offence: Some(Offence {
                number: u32::MAX,
                within: "36599d23h59m59s".parse().expect("a hundred years"),
            }),
            ..evidence()
        };
        let reason = Reason::Scan(long);
        let comment = reason.comment().expect("a comment");
        assert_eq!(Reason::of(&comment), reason, "{comment}");
        let told = Reason::Ban(ByHand::new(
            time("2026-11-22T09:00:00Z"),
            &"é\"\u{1b}".repeat(300),
        ));
        let comment = told.comment().expect("a comment");
        assert!(comment.as_str().len() > 250, "{comment}");
        assert!(matches!(Reason::of(&comment), Reason::Ban(_)));
    }
}
