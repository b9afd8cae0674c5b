//! `bans`: who is in which set, since when, until when, and why.
//!
//! What a set holds is told as the kernel lists it, so that a million entries need no memory.

use std::io::{self, Write};
use std::ops::ControlFlow;

use ban_sets::names::{PARDONED, V6, pair};
use ban_sets::network::{holds, is_single_address};
use ban_sets::{Backend, End, Entry, Family, Left, Network, Set, SetName};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::args::BansArgs;
use crate::duration::Spelled;
use crate::error::{Fatal, Stop, chain};
use crate::names::{INSTANT, OFFENDERS};
use crate::ours;
use crate::reason::Reason;
use crate::source::Source;
use crate::status::{DONE, INCOMPLETE};
use crate::words::{as_text, count, local, plain};

/// Tells; 1 where somebody was asked for who is not banned.
pub(crate) fn run(args: &BansArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let mut backend = ban_sets::of_this_host().map_err(|error| Fatal::Sets(vec![chain(&error)]))?;
    tell(
        backend.as_mut(),
        args,
        Timestamp::now(),
        &TimeZone::system(),
        out,
    )
}

fn tell(
    backend: &mut dyn Backend,
    args: &BansArgs,
    now: Timestamp,
    zone: &TimeZone,
    out: &mut impl Write,
) -> Result<u8, Stop> {
    let trouble = |why: String| Fatal::Sets(vec![why]);
    let sets = ours::sets(backend, &args.sets)?;
    let mut table = Table {
        json: args.json,
        zone,
        told: 0,
        out,
    };
    table.begin(now)?;
    let about = args.about;
    let family = about.map(|about| Family::of(about.address()));
    let is_asked = |of: Family| family.is_none_or(|family| family == of);
    let mut banned_in: Vec<SetName> = Vec::new();
    for Set { name, .. } in sets.iter().filter(|set| is_asked(set.family)) {
        let covering = table.entries(backend, name, about, now)?;
        let Some(about) = about else { continue };
        let is_banned = if is_single_address(about) {
            let matched = backend.matches(name, about);
            matched.map_err(|error| trouble(chain(&error)))?
        } else {
            covering == Some(Kind::Ban)
        };
        if is_banned {
            banned_in.push(name.clone());
        }
    }
    for (name, of) in pair(PARDONED).chain(pair(OFFENDERS)) {
        if is_asked(of) && matches!(backend.set(&name), Ok(Some(_))) {
            table.entries(backend, &name, about, now)?;
        }
    }
    table.end(about, &banned_in)?;
    Ok(if about.is_some() && banned_in.is_empty() {
        INCOMPLETE
    } else {
        DONE
    })
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Ban,
    /// What it covers is not banned with the network around it (nomatch).
    Exception,
    Pardon,
    /// Not banned by it; how often it was.
    Offender,
}

impl Kind {
    /// What the entries of a set are that are no exceptions.
    fn of(set: &SetName) -> Self {
        if pair(PARDONED).any(|(name, _)| name == *set) {
            Self::Pardon
        } else if pair(OFFENDERS).any(|(name, _)| name == *set) {
            Self::Offender
        } else {
            Self::Ban
        }
    }
}

/// What is told of an entry.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    pub(crate) kind: Kind,
    pub(crate) source: Source,
    #[serde(serialize_with = "as_text")]
    set: &'a SetName,
    /// Where it is known.
    #[serde(serialize_with = "as_text_or_null")]
    pub(crate) since: Option<Timestamp>,
    /// `None`: for good.
    #[serde(serialize_with = "as_text_or_null")]
    pub(crate) until: Option<Timestamp>,
    /// The whole seconds until then.
    timeout: Option<u32>,
    /// As the comment says.
    why: Option<Reason>,
    /// Whether the firewall's own rules fill the set (`[[instant]]`), which say nothing of why.
    instant: bool,
}

impl<'a> Row<'a> {
    pub(crate) fn new(set: &'a SetName, kind: Kind, entry: &Entry, now: Timestamp) -> Self {
        let why = entry.comment.as_ref().map(Reason::of);
        let until = match (&why, entry.end) {
            (Some(Reason::Offender(record)), _) => Some(record.until),
            (_, End::At(end)) => Some(end),
            (_, End::Never) => None,
        };
        let timeout = match entry.end.left(now) {
            Left::Seconds(seconds) => Some(seconds),
            Left::ForGood => None,
        };
        Self {
            kind,
            source: entry.network.into(),
            set,
            since: why.as_ref().and_then(Reason::since),
            until,
            timeout,
            why,
            instant: is_instant(set),
        }
    }

    fn text(&self, zone: &TimeZone) -> String {
        let Self {
            source, set, since, ..
        } = self;
        let since = since.map_or_else(|| "-".to_owned(), |since| local(since, zone));
        let until = match (self.until, self.timeout) {
            (Some(until), Some(left)) => {
                format!("{} (in {})", local(until, zone), Spelled(left.into()))
            }
            (Some(until), None) => local(until, zone),
            _ => "for good".to_owned(),
        };
        let what = match self.kind {
            Kind::Ban => "",
            Kind::Exception => "exception (nomatch): ",
            Kind::Pardon => "pardon: ",
            Kind::Offender => "offender: ",
        };
        let why = self.why(zone);
        let source = source.to_string();
        format!("{source:<18} {set:<16} {since:<26} {until:<40} {what}{why}")
    }

    /// Why it is there, in words.
    pub(crate) fn why(&self, zone: &TimeZone) -> String {
        match &self.why {
            None if self.instant => {
                "by the firewall itself, at the packet that was one too many ([[instant]])"
                    .to_owned()
            }
            None => "-".to_owned(),
            Some(Reason::Scan(evidence)) => format!(
                "{} {}: {} hits within {}, first {}, last {}{}",
                evidence.rule,
                evidence.protocols,
                evidence.hits,
                Spelled(evidence.within),
                local(evidence.first, zone),
                local(evidence.last, zone),
                evidence
                    .offence
                    .map_or_else(String::new, |offence| format!(", {offence}"))
            ),
            Some(Reason::Offender(record)) => format!(
                "{}, the last for what came from {} to {}",
                count(record.offences.into(), "ban"),
                local(record.first, zone),
                local(record.last, zone)
            ),
            Some(Reason::Ban(by_hand) | Reason::Unban(by_hand)) if by_hand.why.is_empty() => {
                "by hand".to_owned()
            }
            Some(Reason::Ban(by_hand) | Reason::Unban(by_hand)) => {
                format!("by hand: {}", plain(by_hand.why.as_bytes()))
            }
            Some(Reason::Other { comment }) => comment.clone(),
        }
    }
}

/// Whether the firewall's own rules fill it.
fn is_instant(set: &SetName) -> bool {
    let name = set.as_str();
    INSTANT.contains(&name.strip_suffix(V6).unwrap_or(name))
}

/// A time as text, where there is one.
#[expect(clippy::ref_option, reason = "as serde asks")]
pub(crate) fn as_text_or_null<S: serde::Serializer>(
    time: &Option<Timestamp>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.collect_str(time),
        None => to.serialize_none(),
    }
}

/// Rows as they come, as text or as one JSON document.
struct Table<'a, W> {
    json: bool,
    zone: &'a TimeZone,
    told: u64,
    out: &'a mut W,
}

impl<W: Write> Table<'_, W> {
    fn begin(&mut self, now: Timestamp) -> io::Result<()> {
        if self.json {
            return write!(self.out, "{{\"version\":1,\"time\":\"{now}\",\"entries\":[");
        }
        Ok(())
    }

    /// Tells the entries of a set, those about a network where one is asked for; what the smallest
    /// is that is or covers it.
    fn entries(
        &mut self,
        backend: &mut dyn Backend,
        set: &SetName,
        about: Option<Network>,
        now: Timestamp,
    ) -> Result<Option<Kind>, Stop> {
        let mut failed = None;
        let mut covering: Option<(u8, Kind)> = None;
        let of_set = Kind::of(set);
        let listed = backend.list(set, now, &mut |entry| {
            let kind = if of_set == Kind::Ban && entry.exception {
                Kind::Exception
            } else {
                of_set
            };
            if let Some(about) = about {
                let network = entry.network;
                let covers = holds(network, about);
                if covers && covering.is_none_or(|(bits, _)| bits <= network.prefix_length()) {
                    covering = Some((network.prefix_length(), kind));
                }
                // A comment is read only of who is told: there may be a million.
                if !covers && !holds(about, network) {
                    return ControlFlow::Continue(());
                }
            }
            match self.row(&Row::new(set, kind, &entry, now)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        listed.map_err(|error| Fatal::Sets(vec![chain(&error)]))?;
        Ok(covering.map(|(_, kind)| kind))
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.told += 1;
        if self.json {
            if self.told > 1 {
                self.out.write_all(b",")?;
            }
            return Ok(serde_json::to_writer(&mut *self.out, row)?);
        }
        if self.told == 1 {
            writeln!(
                self.out,
                "{:<18} {:<16} {:<26} {:<40} WHY",
                "ADDRESS", "SET", "SINCE", "UNTIL"
            )?;
        }
        writeln!(self.out, "{}", row.text(self.zone))
    }

    fn end(&mut self, about: Option<Network>, banned_in: &[SetName]) -> io::Result<()> {
        let names: Vec<_> = banned_in.iter().map(SetName::as_str).collect();
        match (self.json, about) {
            (true, None) => writeln!(self.out, "]}}")?,
            (true, Some(about)) => {
                let about = Source::from(about).to_string();
                let names = serde_json::to_string(&names)?;
                writeln!(self.out, "],\"about\":\"{about}\",\"banned_in\":{names}}}")?;
            }
            (false, None) if self.told == 0 => writeln!(self.out, "nobody is banned")?,
            (false, None) => {}
            (false, Some(about)) if names.is_empty() => {
                writeln!(self.out, "{} is not banned", Source::from(about))?;
            }
            (false, Some(about)) => {
                let about = Source::from(about);
                writeln!(self.out, "{about} is banned in {}", names.join(", "))?;
            }
        }
        self.out.flush()
    }
}
