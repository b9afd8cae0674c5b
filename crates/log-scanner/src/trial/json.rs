//! What came of it as one JSON document. What it says of a rule and of a log are their own fields.

use std::collections::BTreeMap;
use std::io;

use firewall_log::Beside;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::census::{Kind, NotCounted, Strange};
use super::{Suspect, Tried, TriedRule};
use crate::rule::Rule;
use crate::scan::{Counted, LogRead};
use crate::source::Source;
use crate::words::as_text;

/// The version of the document's form; fields may be added without a new one.
const VERSION: u32 = 1;

/// Writes the document and a line feed.
pub(super) fn write(tried: &Tried<'_>, out: &mut impl io::Write) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        as_of: tried.as_of,
        logs: &tried.logs,
        rules: &tried.rules,
        counted: tried.census.counted,
        not_counted: tried.census.not_counted(),
        strange: tried.census.strange(),
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(serialize_with = "as_text")]
    as_of: Timestamp,
    logs: &'a [LogRead],
    rules: &'a [TriedRule<'a>],
    counted: u64,
    not_counted: Vec<NotCounted<'a>>,
    strange: &'a BTreeMap<Kind, Strange>,
}

impl Serialize for TriedRule<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            #[serde(flatten)]
            rule: &'a Rule,
            #[serde(flatten)]
            counted: &'a Counted,
            violators: &'a [Suspect<'a>],
            near: &'a [Suspect<'a>],
        }
        let fields = Fields {
            rule: self.rule,
            counted: &self.counted,
            violators: &self.violators,
            near: &self.near,
        };
        fields.serialize(serializer)
    }
}

impl Serialize for Suspect<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            source: Source,
            set: &'a str,
            hits: u64,
            peak_hits: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            peak_ports: Option<u32>,
            percent: u64,
            #[serde(serialize_with = "as_text")]
            first_seen: Timestamp,
            #[serde(serialize_with = "as_text")]
            last_seen: Timestamp,
            #[serde(serialize_with = "as_text")]
            expires: Timestamp,
            exempt: Option<&'a str>,
            allowed: Option<Allowed>,
        }
        let (ban, violator) = (&self.ban, &self.ban.violator);
        let fields = Fields {
            source: violator.source,
            set: ban.set().as_str(),
            hits: violator.hits,
            peak_hits: violator.peak_hits,
            peak_ports: violator.peak_ports,
            percent: self.percent(),
            first_seen: violator.first_seen,
            last_seen: violator.last_seen,
            expires: ban.expires,
            exempt: self.exempt.as_deref(),
            allowed: self.allowed.as_ref().and_then(Allowed::of),
        };
        fields.serialize(serializer)
    }
}

/// What was let in.
#[derive(Serialize)]
struct Allowed {
    hits: u64,
    later: u64,
    #[serde(serialize_with = "as_text")]
    first_seen: Timestamp,
    #[serde(serialize_with = "as_text")]
    last_seen: Timestamp,
}

impl Allowed {
    fn of(beside: &Beside) -> Option<Self> {
        Some(Self {
            hits: beside.hits,
            later: beside.later,
            first_seen: beside.first_seen.try_into().ok()?,
            last_seen: beside.last_seen.try_into().ok()?,
        })
    }
}
