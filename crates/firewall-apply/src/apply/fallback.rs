//! What goes in where the wanted configuration cannot and the host would be left open.

use iptables_ruleset::config::FloorParts;
use iptables_ruleset::{Config, Family, Ruleset};

use super::attempt::{Attempt, Prepared};
use super::report::Applied;
use crate::config::{self, Wanted};
use crate::findings::causes;
use crate::last::{Kept, Last, body};

/// Puts in the last configuration that went in, or else a floor. With `boot` the exit status tells
/// whether either is in.
pub(super) fn run(attempt: &mut Attempt<'_>, wanted: Option<&Wanted>, last: &Last, boot: bool) {
    if last_one(attempt, wanted, last) || floor(attempt, wanted, last, &Names::ALL) {
        attempt.findings.something_is_in();
    } else if boot {
        attempt.findings.nothing_is_in();
    }
}

fn last_one(attempt: &mut Attempt<'_>, wanted: Option<&Wanted>, last: &Last) -> bool {
    if let Some(why) = last.trouble() {
        attempt.findings.fail(format!(
            "the last configuration that went in cannot be used either: {why}"
        ));
    }
    let Some(Kept {
        at, wanted: kept, ..
    }) = last.kept()
    else {
        return false;
    };
    // What was just tried fails again.
    if wanted.is_some_and(|wanted| body(&wanted.text) == body(&kept.text)) {
        return false;
    }
    let lists = attempt.read_lists(kept);
    if !attempt.put_in(kept, &lists, Applied::Last) {
        return false;
    }
    let place = last.path().map(|path| path.display().to_string());
    let at = at.map_or(String::new(), |at| format!(" at {at:.0}"));
    attempt.findings.fail(format!(
        "in instead is the configuration that went in{at}: {}",
        place.unwrap_or_default()
    ));
    true
}

/// Where a floor goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Into the chains of every configuration.
    Usual,
    /// Into one that has a name of its own, where others have made some of the usual ones.
    Apart,
}

impl Names {
    const ALL: [Self; 2] = [Self::Usual, Self::Apart];
}

/// Puts in a floor, under the first of the names under which it goes in. Returns `false` when none
/// does.
pub(super) fn floor(
    attempt: &mut Attempt<'_>,
    wanted: Option<&Wanted>,
    last: &Last,
    names: &[Names],
) -> bool {
    // The best there is that tells where the administrator comes in.
    let built_in = config::built_in().ok();
    let base = wanted
        .or(last.kept().map(|kept| &kept.wanted))
        .or(built_in.as_ref());
    let Some(base) = base else { return false };
    let lists = attempt.read_lists(base);
    let prepared = attempt.prepare(base, &lists, false);
    let mut why = String::new();
    let floors = less_and_less(&prepared);
    for (names, parts) in names
        .iter()
        .flat_map(|names| floors.iter().map(move |parts| (*names, parts)))
    {
        let Ok(rulesets) = rulesets(&base.config, parts, names) else {
            continue;
        };
        match attempt.try_install(&prepared, &base.config, &rulesets) {
            Ok(()) => {
                attempt.findings.fail(told(parts, names));
                return true;
            }
            Err(error) => why = error,
        }
    }
    attempt.undo(&prepared);
    attempt
        .findings
        .fail(format!("not even a floor goes in, the host is open: {why}"));
    false
}

fn rulesets(config: &Config, parts: &FloorParts, names: Names) -> Result<Vec<Ruleset>, String> {
    let floor = |family| match names {
        Names::Usual => config.floor(family, parts),
        Names::Apart => config.floor_apart(family, parts),
    };
    Family::BOTH
        .into_iter()
        .map(|family| floor(family).map_err(|error| causes(&error)))
        .collect()
}

/// The floors to try: first with the usable sets and the log, then without what may be what fails.
fn less_and_less(prepared: &Prepared) -> Vec<FloorParts> {
    let sets: Vec<_> = prepared
        .usable()
        .filter_map(|name| name.as_str().parse().ok())
        .collect();
    [
        (&sets, true),
        (&sets, false),
        (&Vec::new(), true),
        (&Vec::new(), false),
    ]
    .map(|(sets, log)| FloorParts {
        sets: sets.clone(),
        log,
    })
    .into()
}

fn told(parts: &FloorParts, names: Names) -> String {
    let place = match names {
        Names::Usual => "",
        Names::Apart => " in the chain FIREWALL_FLOOR",
    };
    let mut text = format!(
        "in instead is a floor{place}, which lets in loopback, established connections, ssh"
    );
    if parts
        .sets
        .iter()
        .any(|set| set.as_str().starts_with("whitelist"))
    {
        text.push_str(" and the whitelist");
    }
    text.push_str(", and nothing else");
    if !parts.log {
        text.push_str("; nothing is logged");
    }
    text
}
