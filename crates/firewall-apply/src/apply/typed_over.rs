//! The ssh session that a command is typed over, and whether rules would let it in again.

use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use ipset_netlink::IpSet;
use iptables_ruleset::explain::{self, Answer, Ending, Explanation, Packet, Verdict};
use iptables_ruleset::match_::Time;
use iptables_ruleset::{Chain, Family, Hook, Match, Rule, Ruleset, SetName, Table, UnixTime};

use super::foreseen::Foreseen;
use super::sessions;

/// The ssh session that the command is typed over, and the rules that it meets when it comes again.
pub(super) struct Session<'f> {
    foreseen: &'f Foreseen<'f>,
    ruleset: &'f Ruleset,
    peer: IpAddr,
    port: u16,
    packet: Packet,
}

impl<'f> Session<'f> {
    /// `None` where there is none, or that is not to be told.
    pub(super) fn find(foreseen: &'f Foreseen<'f>) -> Option<Self> {
        let (peer, local) = ends()?;
        let live = sessions::live();
        let mut live = live.iter().filter(|one| one.inward);
        live.find(|one| (one.peer, one.local) == (peer, local))?;
        let family = Family::of(peer.ip());
        let mut rulesets = foreseen.wanted.rulesets.iter();
        let ruleset = rulesets
            .find(|ruleset| (ruleset.table(), ruleset.family()) == (Table::Filter, family))?;
        Some(Self {
            foreseen,
            ruleset,
            peer: peer.ip(),
            port: local.port(),
            packet: Packet::new(peer.ip()).to(local.ip()).tcp(local.port()),
        })
    }

    /// Why the rules would not let it in again; `None` where they would, or may.
    pub(super) fn locks_out(&self, kernel: &mut IpSet) -> Option<String> {
        let dropped = self.dropped_at(SystemTime::now().into(), kernel)?;
        let (peer, port) = (self.peer, self.port);
        Some(format!(
            "no rule would let this ssh session in again, which comes from {peer} to port {port}: once it ends you are locked out{}. \
             Open the port with a [[service]], put {peer} into the whitelist, or say --force; nothing was changed",
            due_to(&dropped)
        ))
    }

    /// That it gets in again now and will not at a later time, as far as that is to be told.
    pub(super) fn closes(&self, kernel: &mut IpSet) -> Option<String> {
        let rules = self.ruleset.chains().flat_map(Chain::rules);
        let mut times: Vec<Time> = Vec::new();
        for one in rules.flat_map(Rule::matches) {
            match one {
                Match::Time(time) if !times.contains(time) => times.push(*time),
                _ => {}
            }
            if times.len() > MOST_TIMES {
                return None;
            }
        }
        let mut at = UnixTime::from(SystemTime::now());
        for _ in 0..MOST_CHANGES {
            let changes = times.iter().map(std::slice::from_ref);
            at = changes
                .filter_map(|time| Time::change_after(time, at))
                .min()?;
            if self.dropped_at(at, kernel).is_some() {
                let (peer, port) = (self.peer, self.port);
                return Some(format!(
                    "from {at} on no rule would let this ssh session in again, which comes from {peer} to port {port}: the hours of the \
                     service end, or its open-until. Leave a way in that has no end, or put {peer} into the whitelist"
                ));
            }
        }
        None
    }

    /// How it would be dropped if it came at that time; `None` where it gets in, or may.
    fn dropped_at(&self, at: UnixTime, kernel: &mut IpSet) -> Option<Explanation> {
        let mut members = |set: &SetName, packet: &Packet| {
            let inside = self.foreseen.holds(kernel, set, packet.source());
            Answer::known(inside, "")
        };
        let packet = self.packet.clone().at(at);
        let explained = explain::ruleset(self.ruleset, Hook::Input, &packet, &mut members);
        let closed = |ending: &Ending| matches!(ending.verdict, Verdict::Drop | Verdict::Reject);
        let is_closed = !explained.cut_short && explained.endings.iter().all(closed);
        is_closed.then_some(explained)
    }
}

/// The rule that would drop it.
fn due_to(explained: &Explanation) -> String {
    let last = explained.endings.last();
    match last.and_then(|ending| explained.deciding(ending)) {
        Some(step) => format!(" by rule {} of {}: {}", step.number, step.chain, step.rule),
        None => String::new(),
    }
}

/// Both ends, the other host's first, as sshd tells its children.
///
/// sudo leaves the variable out, so that the environments of the processes above are read too, as
/// far as that is allowed.
fn ends() -> Option<(SocketAddr, SocketAddr)> {
    let mut process = "self".to_owned();
    for _ in 0..MOST_PROCESSES {
        if let Some(found) = environment(&process).and_then(|bytes| in_environment(&bytes)) {
            return Some(found);
        }
        process = parent(&process)?;
    }
    None
}

fn environment(process: &str) -> Option<Vec<u8>> {
    let file = File::open(format!("/proc/{process}/environ")).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_SIZE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn parent(process: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim();
    (parent != "0").then(|| parent.to_owned())
}

/// `SSH_CONNECTION=192.0.2.1 50000 203.0.113.1 22`, sshd(8).
fn in_environment(bytes: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let mut variables = bytes.split(|byte| *byte == 0);
    let value = variables.find_map(|variable| variable.strip_prefix(b"SSH_CONNECTION="))?;
    let mut words = std::str::from_utf8(value).ok()?.split(' ');
    let mut end = || -> Option<SocketAddr> {
        let address = words.next()?.split('%').next()?;
        let address: IpAddr = address.parse().ok()?;
        Some(SocketAddr::new(
            address.to_canonical(),
            words.next()?.parse().ok()?,
        ))
    };
    Some((end()?, end()?))
}

/// Beginnings and ends of hours that are looked at: a service has two a day, for each of its hours.
const MOST_CHANGES: usize = 64;
/// Different hours of all services: far more than anybody writes.
const MOST_TIMES: usize = 64;
const MOST_PROCESSES: usize = 64;
/// Bytes of an environment.
const MAX_SIZE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sshd_tells_both_ends() {
        let found =
            in_environment(b"A=b\0SSH_CONNECTION=fe80::1%eth0 50000 ::ffff:203.0.113.1 22\0");
        let expected = (
            "[fe80::1]:50000".parse().unwrap(),
            "203.0.113.1:22".parse().unwrap(),
        );
        assert_eq!(found, Some(expected));
        for bad in [
            "",
            "SSH_CONNECTION=",
            "SSH_CONNECTION=1 2 3 4",
            "XSSH_CONNECTION=::1 1 ::1 1",
        ] {
            assert_eq!(in_environment(bad.as_bytes()), None, "{bad}");
        }
    }
}
