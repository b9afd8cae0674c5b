//! Putting saved members back into a set.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::Path;

use ipset_netlink::{
    Counters, CreateSet, Entry, IfExists, IpSet, Key, SetName, SetType, SkbInfo, Timeout, Transport,
};
use jiff::Timestamp;

use super::everybody;
use super::format::{Member, SavedSet, cannot_add, misfit};
use crate::findings::{Findings, Problem, causes};

/// Of one set this many refused members are named, the rest is counted.
pub(crate) const NAMED: usize = 20;

/// What became of the members of one set.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct PutBack {
    /// They were not in the set.
    pub(crate) added: u64,
    /// They were in the set and would have ended earlier.
    pub(crate) prolonged: u64,
    /// They were in the set and end no earlier there.
    pub(crate) kept: u64,
    /// Their time was over before they came back.
    pub(crate) expired: u64,
    /// They could not be put into the set.
    pub(crate) refused: u64,
    /// Of those that were put into it: without a comment, counters or skbinfo that they had, for
    /// which it keeps no room.
    pub(crate) bared: u64,
    /// The lines of those that could not.
    pub(crate) lines: BTreeSet<usize>,
    /// Why, for the first of them, with the number of the line; without one it is about all of
    /// them.
    pub(crate) reasons: Vec<(Option<usize>, String)>,
}

/// Seconds from the saving to `now`; none when the file does not say when it was saved, or when the
/// clock has not been set yet and stands before it.
pub(crate) fn elapsed(saved: Option<Timestamp>, now: Timestamp) -> u32 {
    let passed = saved.map_or(0, |saved| now.as_second() - saved.as_second());
    u32::try_from(passed.max(0)).unwrap_or(u32::MAX)
}

/// Adds the members of `saved`, which was written `at` that time, to the set `target`, which holds
/// `present`.
///
/// Of two ends of a member the later one stays; ends are no more exact than a second. What the set
/// keeps no room for, a comment or counters, is left out and counted.
pub(crate) fn put_back<T: Transport>(
    kernel: &mut IpSet<T>,
    target: &CreateSet,
    present: &[Entry],
    saved: &SavedSet,
    at: Option<Timestamp>,
) -> PutBack {
    // Now, not when the file was read: a large one takes a while.
    let elapsed = elapsed(at, Timestamp::now());
    let mut outcome = PutBack::default();
    let mut ends: HashMap<Key, u32> = present
        .iter()
        .map(|entry| (entry.key.clone(), end(entry)))
        .collect();
    // For each entry that is sent: its line, and whether the set has it.
    let mut sent = Vec::new();
    let mut entries = Vec::new();
    let default = default_timeout(saved, target);
    let everybody = everybody::widest(saved);
    for member in exceptions_first(&saved.members) {
        if everybody.contains(&member.line) {
            let why = everybody::why(saved, member);
            outcome.refuse(member.line, &why, target, saved);
            continue;
        }
        let entry = match unmasked(&member.entry, saved, target) {
            Ok(entry) => entry,
            Err(why) => {
                outcome.refuse(member.line, &why, target, saved);
                continue;
            }
        };
        let Some(entry) = aged(entry, elapsed, default, target) else {
            outcome.expired += 1;
            continue;
        };
        let known = ends.get(&entry.key).copied();
        if known.is_some_and(|known| known.saturating_add(1) >= end(&entry)) {
            outcome.kept += 1;
            continue;
        }
        let (bare, lost) = bared(entry, target);
        outcome.bared += u64::from(lost);
        ends.insert(bare.key.clone(), end(&bare));
        sent.push((member.line, known.is_some()));
        entries.push(bare);
    }
    let failures = match kernel.add_all(&target.name, &entries, IfExists::Update) {
        Ok(bulk) => bulk.failures,
        Err(error) => {
            outcome.refused += sent.len() as u64;
            outcome.lines.extend(sent.iter().map(|(line, _)| *line));
            outcome.reasons.push((None, causes(&error)));
            return outcome;
        }
    };
    outcome.added += sent.iter().filter(|(_, present)| !present).count() as u64;
    outcome.prolonged += sent.iter().filter(|(_, present)| *present).count() as u64;
    for failure in failures {
        let index = usize::try_from(failure.index).ok();
        let Some((line, present)) = index.and_then(|index| sent.get(index)) else {
            continue;
        };
        if *present {
            outcome.prolonged -= 1;
        } else {
            outcome.added -= 1;
        }
        outcome.refuse(*line, &causes(&failure.error), target, saved);
    }
    outcome
}

/// Whether an address is in a set like `target` that [`put_back`] filled with nothing but `saved`.
pub(crate) fn will_hold(
    target: &CreateSet,
    saved: &SavedSet,
    at: Option<Timestamp>,
    address: IpAddr,
) -> bool {
    let elapsed = elapsed(at, Timestamp::now());
    let default = default_timeout(saved, target);
    let everybody = everybody::widest(saved);
    let covering = saved.members.iter().filter_map(|member| {
        let entry = unmasked(&member.entry, saved, target).ok()?;
        let network = entry.key.as_network()?;
        let comes_back = !everybody.contains(&member.line)
            && network.contains(address)
            && aged(entry, elapsed, default, target).is_some();
        comes_back.then_some((network.prefix_length(), !member.entry.nomatch))
    });
    // The smallest network that holds it decides.
    covering.max().is_some_and(|(_, matches)| matches)
}

/// Notes what `outcome` says about members that the kernel did not take.
pub(crate) fn note_refused(
    name: &SetName,
    outcome: &PutBack,
    path: &Path,
    findings: &mut Findings,
) {
    for (line, why) in &outcome.reasons {
        findings.fail(Problem {
            line: *line,
            ..Problem::file(path, why.clone())
        });
    }
    if outcome.bared > 0 {
        findings.warn(format!(
            "set \"{name}\" keeps no comments, counters or skbinfo of some kind: {} members were put back without",
            outcome.bared
        ));
    }
    let more = outcome.refused.saturating_sub(outcome.reasons.len() as u64);
    if more > 0 {
        let more = format!("{more} more members could not be put back into set \"{name}\"");
        findings.fail(Problem::file(path, more));
    }
}

/// Nobody is to be banned with a network before he is excepted from it.
fn exceptions_first(members: &[Member]) -> impl Iterator<Item = &Member> {
    let exceptions = members.iter().filter(|member| member.entry.nomatch);
    exceptions.chain(members.iter().filter(|member| !member.entry.nomatch))
}

impl PutBack {
    fn refuse(&mut self, line: usize, why: &str, target: &CreateSet, saved: &SavedSet) {
        self.refused += 1;
        self.lines.insert(line);
        if self.reasons.len() < NAMED {
            // A set has another name while it is being made.
            let why = why.replace(target.name.as_str(), saved.name.as_str());
            self.reasons.push((Some(line), why));
        }
    }
}

/// What members without a timeout have: what the set had that was saved, where the file says so.
/// One without timeouts had permanent members.
fn default_timeout(saved: &SavedSet, target: &CreateSet) -> Option<Timeout> {
    match &saved.create {
        Some(create) => create.options.timeout.or(Some(Timeout::PERMANENT)),
        None => target.options.timeout,
    }
}

/// The entry as it is to be `elapsed` seconds later in a set of this kind; `None` when its time is
/// over.
pub(crate) fn aged(
    mut entry: Entry,
    elapsed: u32,
    default: Option<Timeout>,
    target: &CreateSet,
) -> Option<Entry> {
    if entry.timeout.is_none() {
        entry.timeout = default;
    } else if let Some(timeout) = entry.timeout.filter(|timeout| !timeout.is_permanent()) {
        // Nothing left is not 0, which would be for ever.
        let left = timeout
            .as_secs()
            .checked_sub(elapsed)
            .filter(|left| *left > 0)?;
        entry.timeout = Timeout::from_secs(left).ok();
    }
    if target.options.timeout.is_none() {
        entry.timeout = None;
    }
    Some(entry)
}

/// The entry without what the set keeps no room for, and whether that was anything.
fn bared(mut entry: Entry, target: &CreateSet) -> (Entry, bool) {
    let mut lost = false;
    if !target.options.counters {
        // Every entry of a set with counters has them.
        lost |= entry.counters.take().unwrap_or_default() != Counters::default();
    }
    if !target.options.comments {
        lost |= entry.comment.take().is_some();
    }
    if !target.options.skbinfo {
        lost |= entry.skbinfo.take().unwrap_or_default() != SkbInfo::default();
    }
    (entry, lost)
}

/// The entry that stands for what the member did: the set it was saved from may have looked at some
/// bits of an address only.
fn unmasked(member: &Entry, saved: &SavedSet, target: &CreateSet) -> Result<Entry, String> {
    let mut entry = member.clone();
    if let Some(CreateSet { options: from, .. }) = &saved.create {
        let to = &target.options;
        let same =
            (from.netmask, from.bitmask, from.mark_mask) == (to.netmask, to.bitmask, to.mark_mask);
        let none = (from.netmask, from.bitmask, from.mark_mask) == (None, None, None);
        match (from.netmask, entry.key.as_ip()) {
            _ if same || none => {}
            (Some(bits), Some(address)) if target.set_type == SetType::HashNet => {
                entry.key = Key::net(address, bits).map_err(|error| error.to_string())?;
            }
            _ => {
                let why = "it stands for more than itself by the netmask, bitmask or markmask of the set it was saved \
                           from, which this set does not have";
                return Err(cannot_add(&entry.key, &saved.name, why));
            }
        }
    }
    misfit(&entry, target).map_or(Ok(entry), Err)
}

/// When the entry ends, for comparing: permanent ones last.
fn end(entry: &Entry) -> u32 {
    match entry.timeout {
        Some(timeout) if !timeout.is_permanent() => timeout.as_secs(),
        _ => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use ipset_netlink::Family;

    use super::*;

    fn set() -> CreateSet {
        CreateSet::new("s".parse().unwrap(), SetType::HashNet, Family::Inet)
            .timeout(Timeout::PERMANENT)
    }

    fn entry(timeout: u32) -> Entry {
        Entry::new("192.0.2.1".parse().unwrap()).timeout(Timeout::from_secs(timeout).unwrap())
    }

    #[test]
    fn the_time_that_passed_is_taken_off() {
        let left = |timeout, elapsed| {
            aged(entry(timeout), elapsed, None, &set())
                .map(|entry| entry.timeout.unwrap().as_secs())
        };
        assert_eq!(left(100, 0), Some(100));
        assert_eq!(left(100, 99), Some(1));
        // Not 0, which would be for ever.
        assert_eq!(left(100, 100), None);
        assert_eq!(left(100, 101), None);
        assert_eq!(left(0, 101), Some(0));
        assert_eq!(left(100, u32::MAX), None);
    }

    #[test]
    fn who_comes_back_is_known_before() {
        let text = "create s hash:net family inet timeout 0\nadd s 192.0.2.0/24 timeout 0\nadd s 192.0.2.4/30 timeout 60 nomatch\n\
            add s 192.0.2.5 timeout 0\nadd s 198.51.100.1 timeout 60\n";
        let parsed = super::super::parse::parse(text.as_bytes(), &mut |_| None).unwrap();
        assert_eq!(parsed.bad, []);
        let saved = &parsed.saved.sets[0];
        let holds = |address: &str, seconds: i64| {
            let at = Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
            will_hold(&set(), saved, Some(at), address.parse().unwrap())
        };
        assert!(holds("192.0.2.1", 0) && holds("198.51.100.1", 0));
        assert!(!holds("192.0.2.6", 0) && holds("192.0.2.5", 0));
        // What has ended does not come back, be it an exception.
        assert!(holds("192.0.2.6", 100) && !holds("198.51.100.1", 100));
        assert!(!holds("203.0.113.1", 0) && !holds("2001:db8::1", 0));
    }

    #[test]
    fn a_clock_before_the_saving_takes_nothing_off() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(elapsed(Some(at(100)), at(160)), 60);
        assert_eq!(elapsed(Some(at(100)), at(40)), 0);
        assert_eq!(elapsed(None, at(40)), 0);
        assert_eq!(elapsed(Some(Timestamp::MIN), Timestamp::MAX), u32::MAX);
    }

    #[test]
    fn what_the_set_does_not_keep_is_left_out() {
        let rich = entry(100)
            .comment("x".parse().unwrap())
            .counters(Counters::default());
        assert_eq!(bared(rich.clone(), &set()), (entry(100), true));
        assert_eq!(bared(entry(100), &set()), (entry(100), false));
        assert_eq!(
            bared(rich.clone(), &set().comments().counters()),
            (rich.clone(), false)
        );
        let mut plain = set();
        plain.options.timeout = None;
        assert_eq!(aged(rich, 0, None, &plain).unwrap().timeout, None);
    }

    #[test]
    fn members_of_a_set_without_timeouts_are_permanent() {
        let hour = Timeout::from_secs(3600).unwrap();
        let target = set().timeout(hour);
        let mut plain = set();
        plain.options.timeout = None;
        let mut saved = SavedSet {
            name: "s".parse().unwrap(),
            create: Some(plain),
            members: Vec::new(),
        };
        assert_eq!(default_timeout(&saved, &target), Some(Timeout::PERMANENT));
        saved.create = Some(set().timeout(Timeout::from_secs(60).unwrap()));
        assert_eq!(
            default_timeout(&saved, &target),
            Timeout::from_secs(60).ok()
        );
        saved.create = None;
        assert_eq!(default_timeout(&saved, &target), Some(hour));
        let entry = Entry::new("192.0.2.1".parse().unwrap());
        assert_eq!(
            aged(entry, 9999, Some(hour), &target).unwrap().timeout,
            Some(hour)
        );
    }

    #[test]
    fn a_member_stands_for_what_it_stood_for() {
        let name = || "s".parse().unwrap();
        let from = |create: CreateSet| SavedSet {
            name: name(),
            create: Some(create),
            members: Vec::new(),
        };
        let hash_ip = || CreateSet::new(name(), SetType::HashIp, Family::Inet);
        let masked = from(hash_ip().netmask(24));
        let key = |saved: &SavedSet, target: &CreateSet| {
            unmasked(&entry(0), saved, target).map(|entry| entry.key.to_string())
        };
        assert_eq!(key(&masked, &set()).as_deref(), Ok("192.0.2.0/24"));
        assert_eq!(
            key(&masked, &hash_ip().netmask(24)).as_deref(),
            Ok("192.0.2.1")
        );
        assert!(key(&masked, &hash_ip()).is_err());
        let bits = from(hash_ip().bitmask("255.0.255.0".parse().unwrap()));
        assert!(key(&bits, &set()).is_err());
        assert_eq!(key(&from(hash_ip()), &set()).as_deref(), Ok("192.0.2.1"));
        // An exception would become what it is an exception of.
        let exception = entry(0).nomatch();
        assert!(unmasked(&exception, &from(set()), &set()).is_ok());
        assert!(unmasked(&exception, &from(set()), &hash_ip()).is_err());
    }
}
