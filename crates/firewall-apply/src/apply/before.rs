//! The first apply: what goes on that was there before.

use ipset_netlink::IpSet;
use iptables_ruleset::SetName;

use super::foreseen::Foreseen;
use super::sessions::{self, Session, is_covered};
use crate::findings::{Findings, causes};
use crate::words::first_of;

/// How many sessions a warning names.
const NAMED: usize = 20;

/// Makes the live sessions known to connection tracking, so that they go on, and tells which of
/// them nobody could open again.
pub(super) fn run(kernel: &mut IpSet, foreseen: Option<&Foreseen<'_>>, findings: &mut Findings) {
    let sessions = sessions::live();
    let uncovered: Vec<&Session> = match foreseen {
        Some(foreseen) => sessions
            .iter()
            .filter(|one| one.inward)
            .filter(|one| {
                let mut is_in = |set: &SetName| foreseen.holds(kernel, set, one.peer.ip());
                !is_whitelisted(&mut is_in, one) && !is_covered(one, &foreseen.wanted.config, is_in)
            })
            .collect(),
        None => Vec::new(),
    };
    if let Err((count, error)) = sessions::enter(&sessions) {
        findings.warn(format!(
            "{count} of {} sessions from before the firewall may break off: they cannot be entered into connection tracking: {}",
            sessions.len(),
            causes(&error)
        ));
    }
    if !uncovered.is_empty() {
        let named: Vec<String> = uncovered
            .iter()
            .map(|one| format!("{} to port {}", one.peer.ip(), one.local.port()))
            .collect();
        findings.warn(format!(
            "sessions that no rule covers go on until they end, and no new one gets in: {}",
            first_of(&named, NAMED)
        ));
    }
}

fn is_whitelisted(is_in: &mut impl FnMut(&SetName) -> bool, session: &Session) -> bool {
    let name = if session.peer.is_ipv4() {
        "whitelist"
    } else {
        "whitelist_v6"
    };
    name.parse().is_ok_and(|name| is_in(&name))
}
