//! What this host takes from others, the table `[take]`.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use ban_fleet::{Host, Pattern, Policy, Prefix, Set};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::text;

/// Whom this host believes, and how far.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Take {
    /// Whose bans are taken.
    #[serde(deserialize_with = "texts")]
    pub from: Vec<Pattern>,
    /// Who are administrators.
    #[serde(deserialize_with = "texts")]
    pub admins: Vec<Pattern>,
    /// Into which sets, and how many hosts must have a ban there.
    #[serde(deserialize_with = "sets")]
    pub sets: BTreeMap<Set, NonZeroUsize>,
    /// Who is never banned on the word of another host, besides those whom nobody may ban.
    #[serde(deserialize_with = "texts")]
    pub exempt: Vec<Prefix>,
    /// How long after its last hit a ban ends at the latest.
    #[serde(deserialize_with = "duration")]
    pub longest: Duration,
    /// The shortest prefix of IPv4.
    #[serde(deserialize_with = "length::<_, 32>")]
    pub min_prefix_v4: u8,
    /// The shortest prefix of IPv6.
    #[serde(deserialize_with = "length::<_, 128>")]
    pub min_prefix_v6: u8,
    /// How many records another may have.
    pub max_per_origin: usize,
    /// How many new ones may come from another in a minute.
    pub max_new_per_minute: u32,
    /// How many hosts must pass on a pardon whose administrator is not there.
    pub pardon_seen_by: NonZeroUsize,
}

/// Nothing from anybody but what administrators say; the bounds are those of a policy.
impl Default for Take {
    fn default() -> Self {
        // Whose it is does not matter to the bounds.
        let policy = Policy::new(super::main());
        Self {
            from: policy.from,
            admins: policy.admins,
            sets: BTreeMap::new(),
            exempt: Vec::new(),
            longest: policy.longest,
            min_prefix_v4: policy.min_prefix_v4,
            min_prefix_v6: policy.min_prefix_v6,
            max_per_origin: policy.max_per_origin,
            max_new_per_minute: policy.max_new_per_minute,
            pardon_seen_by: policy.pardon_seen_by,
        }
    }
}

impl Take {
    /// As a policy of this host, of which nobody is protected yet.
    pub(crate) fn policy(&self, own: &Host) -> Policy {
        let mut policy = Policy::new(own.clone());
        policy.from.clone_from(&self.from);
        policy.admins.clone_from(&self.admins);
        policy.longest = self.longest;
        policy.min_prefix_v4 = self.min_prefix_v4;
        policy.min_prefix_v6 = self.min_prefix_v6;
        policy.max_per_origin = self.max_per_origin;
        policy.max_new_per_minute = self.max_new_per_minute;
        policy.pardon_seen_by = self.pardon_seen_by;
        for (set, seen_by) in &self.sets {
            // Those that it refuses are refused where they are read.
            let _ = policy.take_set(set.clone(), *seen_by);
        }
        policy
    }
}

/// Texts, each of which is something.
fn texts<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|one| text(one)).collect()
}

/// `30m`, `1d`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    seconds(&text).map_err(D::Error::custom)
}

/// A time of at least a second; a day has 24 hours.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let span: Span = text
        .parse()
        .map_err(|_| format!("\"{text}\" is no duration such as 30m, 12h or 1d"))?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let duration = duration.map_err(|error| error.to_string())?;
    if duration < SignedDuration::from_secs(1) {
        return Err(format!("\"{text}\" is less than a second"));
    }
    Ok(duration.unsigned_abs())
}

fn length<'de, D: Deserializer<'de>, const MOST: u8>(deserializer: D) -> Result<u8, D::Error> {
    let length = u8::deserialize(deserializer)?;
    if length <= MOST {
        return Ok(length);
    }
    let why = format!("{length} is no prefix length: it is 0 to {MOST}");
    Err(D::Error::custom(why))
}

fn sets<'de, D>(deserializer: D) -> Result<BTreeMap<Set, NonZeroUsize>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Sets;

    impl<'de> Visitor<'de> for Sets {
        type Value = BTreeMap<Set, NonZeroUsize>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("sets, each with how many hosts must have a ban: { blacklist = 2 }")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut sets = BTreeMap::new();
            let mut policy = Policy::new(super::main());
            while let Some((name, seen_by)) = map.next_entry::<String, NonZeroUsize>()? {
                let set: Set = text(&name)?;
                let allowed = policy.take_set(set.clone(), seen_by);
                allowed.map_err(A::Error::custom)?;
                sets.insert(set, seen_by);
            }
            Ok(sets)
        }
    }

    deserializer.deserialize_map(Sets)
}
