//! The first apply: what goes on that was there before.

use ipset_netlink::{IpSet, Key};
use iptables_ruleset::SetName;

use super::sessions::{self, Session, is_covered};
use crate::config::Wanted;
use crate::findings::{Findings, causes};
use crate::words::first_of;

/// How many sessions a warning names.
const NAMED: usize = 20;

/// Makes the live sessions known to connection tracking, so that they go on, and tells which of
/// them nobody could open again.
pub(super) fn run(kernel: &mut IpSet, wanted: Option<&Wanted>, findings: &mut Findings) {
    let sessions = sessions::live();
    let uncovered: Vec<&Session> = match wanted {
        Some(wanted) => sessions
            .iter()
            .filter(|one| one.inward)
            .filter(|one| {
                let is_in = |set: &SetName| is_member(kernel, set.as_str(), one);
                !is_covered(one, &wanted.config, is_in) && !is_whitelisted(kernel, one)
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

fn is_whitelisted(kernel: &mut IpSet, session: &Session) -> bool {
    let name = if session.peer.is_ipv4() {
        "whitelist"
    } else {
        "whitelist_v6"
    };
    is_member(kernel, name, session)
}

fn is_member(kernel: &mut IpSet, set: &str, session: &Session) -> bool {
    // Where there is no such set yet, nobody is in it.
    set.parse().is_ok_and(|name| {
        let peer = Key::ip(session.peer.ip());
        kernel.contains(&name, &peer).unwrap_or(false)
    })
}
