//! Chains that somebody else made under names of ours.

use super::attempt::Attempt;
use super::fallback;
use super::tables_before::TablesBefore;
use crate::config::Wanted;
use crate::findings::Findings;
use crate::foreign::{CURE, named};
use crate::last::Last;

/// Refuses to take over chains of others; returns `false` where there are none.
pub(super) fn refuse(
    tables: &TablesBefore,
    wanted: Option<&Wanted>,
    boot: bool,
    findings: &mut Findings,
) -> bool {
    let Some(found) = tables.snapshot().and_then(|tables| named(tables, wanted)) else {
        return false;
    };
    let what = if boot {
        "this firewall does not go in"
    } else {
        "nothing was changed"
    };
    findings.refuse(format!("somebody else made {found}: {what}. {CURE}"));
    true
}

/// What a host that comes up has all the same: what stands already, or a floor that needs none of
/// these names.
pub(super) fn come_up(
    attempt: &mut Attempt<'_>,
    tables: &TablesBefore,
    wanted: Option<&Wanted>,
    last: &Last,
) {
    if tables.stands() || fallback::floor(attempt, wanted, last, &[fallback::Names::Apart]) {
        attempt.findings.something_is_in();
    }
}
