//! `ban`: an administrator bans an address or a network.

use std::io::Write;
use std::time::Duration;

use ban_sets::{Backend, End, Entry, Family, IfThere, Left, Network, SetName};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use netfilter_host::turn::Turn;
use serde::Serialize;

use crate::args::BanByHandArgs;
use crate::duration::Spelled;
use crate::error::{Fatal, Stop, chain};
use crate::exempt::{Exemption, Exemptions};
use crate::notify;
use crate::reason::{ByHand, Reason};
use crate::record::{ByHandRecord, Records};
use crate::rule::Protect;
use crate::sets::Sets;
use crate::source::Source;
use crate::status::{DONE, INCOMPLETE, complain};
use crate::words::local;

/// Bans; 1 where the source is not banned then.
pub(crate) fn run(args: &BanByHandArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let backend = ban_sets::of_this_host().map_err(|error| Fatal::Sets(vec![chain(&error)]))?;
    let exemptions = Exemptions::of_this_host(&[]).map_err(Fatal::OwnAddresses)?;
    let (exemptions, unprotected) = exemptions.protecting(&Protect::default());
    if let Some(why) = unprotected {
        complain(&format!("[WARNING] {why}"));
    }
    let _turn = Turn::take().map_err(|error| {
        complain(&format!(
            "[WARNING] not waiting any longer for other programs: {error}"
        ));
    });
    let told = ban(backend, args, &exemptions, Timestamp::now())?;
    notify::by_hand(args.notify_socket.as_deref(), "ban", &told);
    Records::new(Duration::ZERO).by_hand(&ByHandRecord {
        lines: told.lines(&TimeZone::UTC),
        event: "ban",
        source: told.source,
        by_hand: &told.by_hand,
        sets: vec![told.set.clone()],
        end: told.expires.clone(),
    });
    if args.json {
        serde_json::to_writer(&mut *out, &told).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        for line in told.lines(&TimeZone::system()) {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(match told.outcome {
        Outcome::Refused(_) => INCOMPLETE,
        Outcome::Added | Outcome::Kept => DONE,
    })
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Told {
    version: u32,
    source: Source,
    set: String,
    #[serde(flatten)]
    outcome: Outcome,
    /// When the ban ends, for good where it is not known.
    expires: Option<String>,
    timeout: Option<u32>,
    #[serde(flatten)]
    by_hand: ByHand,
    /// Whose pardons ended with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pardons_lifted: Vec<Source>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "error")]
enum Outcome {
    Added,
    /// It is there for as long already.
    Kept,
    Refused(String),
}

fn ban(
    backend: Box<dyn Backend>,
    args: &BanByHandArgs,
    exemptions: &Exemptions,
    now: Timestamp,
) -> Result<Told, Fatal> {
    let source = Source::from(args.source);
    let (set, family) = (args.set(), Family::of(args.source.address()));
    let networks = !source.is_single_address();
    let (mut sets, troubles) = Sets::with(backend, [((set, family), networks)]);
    if !troubles.is_empty() {
        return Err(Fatal::Sets(troubles));
    }
    let by_hand = ByHand::new(now, &args.why);
    let mut told = Told {
        version: 1,
        source,
        set: set.to_string(),
        outcome: Outcome::Added,
        expires: None,
        timeout: None,
        by_hand: by_hand.clone(),
        pardons_lifted: Vec::new(),
    };
    let exemption = exemptions.of(source, &[], Some(&mut sets))?;
    let exempt = match exemption {
        Exemption::Whole(why) => Some(why),
        Exemption::Parts(parts) => parts.first().map(ToString::to_string),
    };
    if let Some(why) = exempt.filter(|_| !args.force) {
        told.outcome = Outcome::Refused(format!(
            "{source} is not banned: {}; --force bans it all the same",
            is(&why)
        ));
        return Ok(told);
    }
    let trouble = |why: String| Fatal::Sets(vec![why]);
    let lifted = sets.lift_pardons(args.source, now).map_err(trouble)?;
    told.pardons_lifted = lifted.into_iter().map(Source::from).collect();
    let wanted = Left::Seconds(args.span.at_most(sets.longest()));
    let members = sets.members(set, now).map_err(trouble)?;
    let there = members.get(args.source).filter(|member| !member.exception);
    let left = there.map(|member| members.left(member));
    let stays = left.filter(|left| *left >= wanted);
    if let Some(left) = stays {
        told.outcome = Outcome::Kept;
        told.end(left, now);
        return Ok(told);
    }
    told.end(wanted, now);
    let comment = Reason::Ban(by_hand).comment();
    let comment = comment.filter(|_| sets.keeps_comments(set));
    let entry = Entry::new(args.source)
        .because(comment)
        .until(told.ends(now));
    let (refused, broken) = sets.fill(set, &[entry], now, IfThere::Replace);
    if let Some(why) = refused.into_iter().flatten().next().or(broken) {
        told.outcome = Outcome::Refused(why);
        return Ok(told);
    }
    if let Some(why) = missing(&mut sets, set, args.source) {
        told.outcome = Outcome::Refused(format!("cannot add {source} to set \"{set}\": {why}"));
    }
    Ok(told)
}

/// Why a network is not banned, read back.
fn missing(sets: &mut Sets, set: &SetName, network: Network) -> Option<String> {
    match sets.members(set, Timestamp::now()) {
        Err(why) => Some(format!("it cannot be read back whether it is there: {why}")),
        Ok(members) => match members.get(network) {
            Some(member) if !member.exception => None,
            _ => Some("it is not there, read back after it was added".to_owned()),
        },
    }
}

/// As in "it is a member of whitelist"; what is said of a part names it.
fn is(why: &str) -> String {
    if why.contains(" in it is ") {
        why.to_owned()
    } else {
        format!("it is {why}")
    }
}

impl Told {
    fn end(&mut self, left: Left, now: Timestamp) {
        if let Left::Seconds(seconds) = left {
            self.timeout = Some(seconds);
            if let End::At(end) = self.ends(now) {
                self.expires = Some(end.to_string());
            }
        }
    }

    fn ends(&self, now: Timestamp) -> End {
        self.timeout
            .map_or(End::Never, |seconds| End::after(now, seconds))
    }

    fn lines(&self, zone: &TimeZone) -> Vec<String> {
        let Self { source, set, .. } = self;
        let end = self.expires.as_deref().and_then(|end| end.parse().ok());
        let until = match (self.timeout, end) {
            (Some(left), Some(end)) => {
                let (left, end) = (Spelled(left.into()), local(end, zone));
                format!("for {left}, until {end}")
            }
            _ => "for good".to_owned(),
        };
        let why = match self.by_hand.why.as_str() {
            "" => String::new(),
            why => format!("; by hand: {why}"),
        };
        let first = match &self.outcome {
            Outcome::Added => format!("[ACTION] {source}: added to {set} {until}{why}"),
            Outcome::Kept => format!("kept: {source} is in {set} {until} already"),
            Outcome::Refused(why) => format!("[ERROR] {why}"),
        };
        let lifted = self.pardons_lifted.iter();
        let lifted = lifted.map(|pardoned| format!("[ACTION] {pardoned}: not pardoned any more"));
        std::iter::once(first).chain(lifted).collect()
    }
}
