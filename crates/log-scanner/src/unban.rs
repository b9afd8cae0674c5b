//! `unban`: an administrator lets an address or a network go, so that it stays gone.

use std::io::Write;
use std::time::Duration;

use ban_sets::network::{is_single_address, spelled};
use ban_sets::{Backend, End, Entry, Family, IfThere, Left, Members, Network, Set, SetName};
use jiff::Timestamp;
use netfilter_host::turn::Turn;
use serde::Serialize;

use crate::args::UnbanArgs;
use crate::error::{Fatal, Stop, chain};
use crate::reason::{ByHand, Reason};
use crate::record::{ByHandRecord, Records};
use crate::source::Source;
use crate::status::{DONE, INCOMPLETE, complain};
use crate::{notify, offender, ours};

/// Seconds that an exception stays when the network around it is gone: no scan takes it for one of
/// its own, which end earlier.
const LONGER: u32 = 660;

/// Lets go; 1 where somebody is in a set still.
pub(crate) fn run(args: &UnbanArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let mut backend = ban_sets::of_this_host().map_err(|error| Fatal::Sets(vec![chain(&error)]))?;
    let _turn = Turn::take().map_err(|error| {
        complain(&format!(
            "[WARNING] not waiting any longer for other programs: {error}"
        ));
    });
    let told = unban(backend.as_mut(), args, Timestamp::now())?;
    notify::by_hand(args.notify_socket.as_deref(), "unban", &told);
    Records::new(Duration::ZERO).by_hand(&ByHandRecord {
        lines: told.lines(),
        event: "unban",
        source: told.source,
        by_hand: &told.by_hand,
        sets: told.sets.iter().map(|of_set| of_set.set.clone()).collect(),
        end: None,
    });
    if args.json {
        serde_json::to_writer(&mut *out, &told).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        for line in told.lines() {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    let failed = told.sets.iter().any(|of_set| of_set.error.is_some());
    Ok(if failed { INCOMPLETE } else { DONE })
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Told {
    version: u32,
    source: Source,
    /// Of the sets that had anything to do with it.
    sets: Vec<OfSet>,
    /// Since when what it does counts again, and why.
    #[serde(flatten)]
    by_hand: ByHand,
    /// How long that is known, in seconds.
    pardoned_for: u32,
    /// Whose earlier bans are forgotten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<Source>,
}

/// What came of it in one set.
#[derive(Debug, Serialize)]
struct OfSet {
    set: String,
    /// What was taken out: it, or what is in it.
    removed: Vec<Source>,
    /// The network that stays banned without it.
    excepted_from: Option<Source>,
    error: Option<String>,
}

fn unban(backend: &mut dyn Backend, args: &UnbanArgs, now: Timestamp) -> Result<Told, Fatal> {
    let trouble = |why: String| Fatal::Sets(vec![why]);
    let sets = ours::sets(backend, &args.sets)?;
    let by_hand = ByHand::new(now, &args.why);
    let longest = backend.longest();
    let stays = args.span.map_or(longest, |span| span.at_most(longest));
    // First, so that no scan brings him back.
    let pardoned = backend.pardon(args.source, &by_hand, End::after(now, stays));
    pardoned.map_err(|error| trouble(chain(&error)))?;
    let forgiven = offender::forgive(backend, args.source).map_err(trouble)?;
    let mut told = Told {
        version: 1,
        source: args.source.into(),
        sets: Vec::new(),
        by_hand,
        pardoned_for: stays,
        forgotten: forgiven.into_iter().map(Source::from).collect(),
    };
    let family = Family::of(args.source.address());
    for set in sets.iter().filter(|set| set.family == family) {
        let of_set = let_go(backend, set, args.source, &told.by_hand);
        told.sets.extend(of_set.map_err(trouble)?);
    }
    Ok(told)
}

/// Takes a network out of a set, or excepts it there; `None` where the set has nothing to do with
/// it.
fn let_go(
    backend: &mut dyn Backend,
    set: &Set,
    network: Network,
    by_hand: &ByHand,
) -> Result<Option<OfSet>, String> {
    let (name, longest) = (&set.name, backend.longest());
    let mut members = members(backend, name)?;
    let within: Vec<Network> = members
        .within(network)
        .filter(|(_, member)| !member.exception)
        .map(|(within, _)| within)
        .collect();
    for within in &within {
        let taken = backend.take_out(name, *within);
        taken.map_err(|error| chain(&error))?;
        members.remove(*within);
    }
    let mut told = OfSet {
        set: name.to_string(),
        removed: within.into_iter().map(Source::from).collect(),
        excepted_from: None,
        error: None,
    };
    if let Some((around, exception)) = exception(&members, network, longest) {
        told.excepted_from = Some(around.into());
        let comment = Reason::Unban(by_hand.clone()).comment();
        let exception = exception.because(comment.filter(|_| set.comments));
        let put = backend.put(name, &[exception], members.at(), IfThere::Replace);
        told.error = match put {
            Err(error) => Some(chain(&error)),
            Ok(refused) => refused.first().map(|refusal| chain(&refusal.error)),
        };
    }
    if told.removed.is_empty() && told.excepted_from.is_none() {
        return Ok(None);
    }
    if told.error.is_none() && !is_free(backend, name, network)? {
        told.error = Some(format!(
            "{} is in set \"{name}\" still, read back",
            spelled(network)
        ));
    }
    Ok(Some(told))
}

/// The exception that a network needs from the ban of one around it, and which one that is; it lasts
/// longer than all of those bans.
fn exception(members: &Members, network: Network, longest: u32) -> Option<(Network, Entry)> {
    let around: Vec<&Entry> = members.covering(network).collect();
    let first = around.first().filter(|member| !member.exception)?;
    let bans = around.iter().filter(|member| !member.exception);
    let end = match bans.map(|member| members.left(member)).max()? {
        Left::ForGood => End::Never,
        Left::Seconds(seconds) => {
            let longer = seconds.saturating_add(LONGER).min(longest);
            End::after(members.at(), longer)
        }
    };
    Some((first.network, Entry::new(network).until(end).except()))
}

/// Whether packets from a network do not match a set, as far as one answer tells.
fn is_free(backend: &mut dyn Backend, name: &SetName, network: Network) -> Result<bool, String> {
    if is_single_address(network) {
        let is_there = backend.matches(name, network);
        return is_there.map(|is| !is).map_err(|error| chain(&error));
    }
    let members = members(backend, name)?;
    let around = members.covering(network).next();
    let within = members.within(network).all(|(_, member)| member.exception);
    Ok(within && around.is_none_or(|member| member.exception))
}

fn members(backend: &mut dyn Backend, name: &SetName) -> Result<Members, String> {
    let members = backend.members(name, Timestamp::now());
    members.map_err(|error| chain(&error))
}

impl Told {
    fn lines(&self) -> Vec<String> {
        let (source, since) = (self.source, self.by_hand.since);
        let mut lines = Vec::new();
        for of_set in &self.sets {
            let set = &of_set.set;
            let removed = of_set.removed.iter();
            lines.extend(removed.map(|removed| format!("[ACTION] {removed}: taken out of {set}")));
            lines.extend(of_set.error.as_ref().map(|why| format!("[ERROR] {why}")));
            let around = of_set.excepted_from.filter(|_| of_set.error.is_none());
            lines.extend(around.map(|around| {
                format!("[ACTION] {source}: excepted (nomatch) in {set} from {around}, which stays banned")
            }));
        }
        if self.sets.is_empty() {
            lines.push(format!("{source} was in none of the sets"));
        }
        let forgotten = self.forgotten.iter();
        lines
            .extend(forgotten.map(|one| format!("[ACTION] {one}: its earlier bans are forgotten")));
        lines.push(format!(
            "[ACTION] {source}: pardoned, what came from it until {since} counts no more"
        ));
        lines
    }
}
