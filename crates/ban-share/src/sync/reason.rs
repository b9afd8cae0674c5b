//! Why another host's ban is in a set here, as the comment of its entry says it.
//!
//! ```text
//! fleet: from=web1,web2 rule=blocked hits=501 last=2026-11-22T08:59:00Z
//! fleet: from=admin-anna last=2026-11-22T09:00:00Z why=the neighbours complain
//! ```
//!
//! Nothing that stands in a log is in it: the names are those of hosts and rules.

use std::collections::BTreeMap;

use ban_fleet::{Ban, Cause, Host, Member, Prefix, Set, State};
use ban_sets::Comment;

use super::time;

/// What comments of ours begin with.
pub(crate) const WORD: &str = "fleet: ";

/// For each ban that is wanted the one with the last hit, of all hosts that are believed.
pub(crate) fn latest<'s>(
    state: &'s State,
    wanted: &BTreeMap<(Set, Prefix), Member>,
) -> BTreeMap<(Set, Prefix), &'s Ban> {
    let mut latest: BTreeMap<(Set, Prefix), &Ban> = BTreeMap::new();
    for origin in state.origins() {
        for ban in state.bans_of(origin) {
            let key = (ban.set.clone(), ban.prefix);
            let is_of = wanted
                .get(&key)
                .is_some_and(|member| member.seen_by.contains(origin));
            if is_of {
                let known = latest.entry(key).or_insert(ban);
                if known.last_hit < ban.last_hit {
                    *known = ban;
                }
            }
        }
    }
    latest
}

/// The comment, cut where it is too long for one.
pub(crate) fn comment(member: &Member, ban: Option<&Ban>) -> Option<Comment> {
    let mut text = format!("{WORD}from={}", origins(member));
    let (mut rule, mut why) = (String::new(), String::new());
    match ban.map(|ban| &ban.cause) {
        Some(Cause::Scan { rule: of, hits, .. }) => rule = format!(" rule={of} hits={hits}"),
        Some(Cause::Hand { why: words }) => {
            why = format!(" why={}", words.as_str().replace('"', "'"));
        }
        None => {}
    }
    let last = time(member.last_hit).map(|last| format!(" last={last:.0}"));
    for part in [rule, last.unwrap_or_default(), why] {
        text.push_str(&part);
    }
    let ends = (0..=Comment::MAX_LEN.min(text.len())).rev();
    let mut parts = ends.filter_map(|end| text.get(..end));
    parts.next()?.parse().ok()
}

/// Up to two of them by name, so that there is room for the rest.
fn origins(member: &Member) -> String {
    let named: Vec<_> = member.seen_by.iter().take(2).map(Host::as_str).collect();
    let more = member.seen_by.len() - named.len();
    let named = named.join(",");
    if more == 0 {
        named
    } else {
        format!("{named},+{more}")
    }
}
