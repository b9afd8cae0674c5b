//! `unban`: an administrator lets an address or a network go, so that it stays gone.

use std::io::Write;

use ipset_netlink::{
    Entry, Family, IfExists, IpSet, Key, Network, SetHeader, SetName, Timeout, Transport,
};
use jiff::Timestamp;
use netfilter_host::turn::Turn;
use serde::Serialize;

use crate::args::{UnbanArgs, timeout};
use crate::error::{Fatal, Stop, chain};
use crate::prefix_map::Members;
use crate::reason::{ByHand, Reason};
use crate::source::{Source, spelled};
use crate::status::{DONE, INCOMPLETE, complain};
use crate::{notify, offender, ours, pardon};

/// Seconds that an exception stays when the network around it is gone: no scan takes it for one of
/// its own, which end earlier.
const LONGER: u32 = 660;

/// Lets go; 1 where somebody is in a set still.
pub(crate) fn run(args: &UnbanArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let mut kernel = IpSet::connect().map_err(|error| Fatal::Sets(vec![chain(&error)]))?;
    let _turn = Turn::take().map_err(|error| {
        complain(&format!(
            "[WARNING] not waiting any longer for other programs: {error}"
        ));
    });
    let told = unban(&mut kernel, args, Timestamp::now())?;
    notify::by_hand(args.notify_socket.as_deref(), "unban", &told);
    notify::host(&told.lines(), "unban", told.source, &told.by_hand);
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

fn unban<T: Transport>(
    kernel: &mut IpSet<T>,
    args: &UnbanArgs,
    now: Timestamp,
) -> Result<Told, Fatal> {
    let trouble = |why: String| Fatal::Sets(vec![why]);
    let sets = ours::sets(kernel, &args.sets)?;
    let by_hand = ByHand::new(now, &args.why);
    let stays = args.span.map_or(Timeout::MAX, timeout);
    // First, so that no scan brings him back.
    pardon::grant(kernel, args.source, &by_hand, stays).map_err(trouble)?;
    let forgiven = offender::forgive(kernel, args.source).map_err(trouble)?;
    let mut told = Told {
        version: 1,
        source: args.source.into(),
        sets: Vec::new(),
        by_hand,
        pardoned_for: stays.as_secs(),
        forgotten: forgiven.into_iter().map(Source::from).collect(),
    };
    let family = Family::of(args.source.address());
    for header in sets.iter().filter(|set| set.family == family) {
        let of_set = let_go(kernel, header, args.source, &told.by_hand);
        told.sets.extend(of_set.map_err(trouble)?);
    }
    Ok(told)
}

/// Takes a network out of a set, or excepts it there; `None` where the set has nothing to do with
/// it.
fn let_go<T: Transport>(
    kernel: &mut IpSet<T>,
    header: &SetHeader,
    network: Network,
    by_hand: &ByHand,
) -> Result<Option<OfSet>, String> {
    let name = &header.name;
    let mut members = members(kernel, name)?;
    let within: Vec<Network> = members
        .within(network)
        .filter(|(_, member)| !member.nomatch)
        .map(|(within, _)| within)
        .collect();
    for within in &within {
        let deleted = kernel.delete(name, &Key::from(*within));
        deleted.map_err(|error| chain(&error))?;
        members.remove(*within);
    }
    let mut told = OfSet {
        set: name.to_string(),
        removed: within.into_iter().map(Source::from).collect(),
        excepted_from: None,
        error: None,
    };
    if let Some((around, exception)) = exception(&members, network) {
        told.excepted_from = Some(around.into());
        let comment = Reason::Unban(by_hand.clone()).comment();
        let exception = match comment.filter(|_| header.options.comments) {
            Some(comment) => exception.comment(comment),
            None => exception,
        };
        let added = kernel.add(name, &exception, IfExists::Update);
        told.error = added.err().map(|error| chain(&error));
    }
    if told.removed.is_empty() && told.excepted_from.is_none() {
        return Ok(None);
    }
    if told.error.is_none() && !is_free(kernel, name, network)? {
        told.error = Some(format!(
            "{} is in set \"{name}\" still, read back",
            spelled(network)
        ));
    }
    Ok(Some(told))
}

/// The exception that a network needs from the ban of one around it, and which one that is; it lasts
/// longer than all of those bans.
fn exception(members: &Members, network: Network) -> Option<(Network, Entry)> {
    let around: Vec<&Entry> = members.covering(network).collect();
    let first = around.first().filter(|member| !member.nomatch)?;
    let lefts = around.iter().filter(|member| !member.nomatch);
    let lefts = lefts.map(|member| member.timeout.unwrap_or(Timeout::PERMANENT));
    let for_good = lefts.clone().any(Timeout::is_permanent);
    let longest = lefts.map(Timeout::as_secs).max().unwrap_or_default();
    let longest = longest.saturating_add(LONGER).min(Timeout::MAX.as_secs());
    let timeout = if for_good {
        Timeout::PERMANENT
    } else {
        Timeout::from_secs(longest).unwrap_or(Timeout::MAX)
    };
    let exception = Entry::new(Key::from(network)).timeout(timeout).nomatch();
    Some((first.key.as_network()?, exception))
}

/// Whether packets from a network do not match a set, as far as one answer tells.
fn is_free<T: Transport>(
    kernel: &mut IpSet<T>,
    name: &SetName,
    network: Network,
) -> Result<bool, String> {
    if Source::from(network).is_single_address() {
        let is_there = kernel.contains(name, &Key::from(network));
        return is_there.map(|is| !is).map_err(|error| chain(&error));
    }
    let members = members(kernel, name)?;
    let around = members.covering(network).next();
    let within = members.within(network).all(|(_, member)| member.nomatch);
    Ok(within && around.is_none_or(|member| member.nomatch))
}

fn members<T: Transport>(kernel: &mut IpSet<T>, name: &SetName) -> Result<Members, String> {
    let set = kernel.list(name).map_err(|error| chain(&error))?;
    Ok(set.entries.into_iter().collect())
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
