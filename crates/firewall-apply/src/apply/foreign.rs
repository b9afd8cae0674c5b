//! Chains that somebody else made under names of ours.

use super::tables_before::TablesBefore;
use crate::config::Wanted;
use crate::findings::Findings;
use crate::foreign::named;

/// Refuses to take over chains of others; returns `false` where there are none.
pub(super) fn refuse(
    tables: &TablesBefore,
    wanted: Option<&Wanted>,
    findings: &mut Findings,
) -> bool {
    let Some(found) = tables.snapshot().and_then(|tables| named(tables, wanted)) else {
        return false;
    };
    findings.refuse(format!(
        "somebody else made {found}: nothing was changed. Rename it (`iptables -E`) if it is needed, or say --adopt to have it \
         made anew with the rules of this firewall"
    ));
    true
}
