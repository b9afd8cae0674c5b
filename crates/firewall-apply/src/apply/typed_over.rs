//! The ssh session that a command is typed over, and whether rules would let it in again.

use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, SocketAddr};

use ipset_netlink::IpSet;
use iptables_ruleset::explain::{self, Answer, Ending, Explanation, Packet, Verdict};
use iptables_ruleset::{Family, Hook, SetName, Table};

use super::foreseen::Foreseen;
use super::sessions;

/// Why the rules of a configuration would not let the ssh session in again that the command is
/// typed over; `None` where they would, where that is not to be told, and where there is none.
pub(super) fn locks_out(kernel: &mut IpSet, foreseen: &Foreseen<'_>) -> Option<String> {
    let (peer, local) = ends()?;
    let live = sessions::live();
    let mut live = live.iter().filter(|one| one.inward);
    live.find(|one| (one.peer, one.local) == (peer, local))?;
    let family = Family::of(peer.ip());
    let mut rulesets = foreseen.wanted.rulesets.iter();
    let ruleset =
        rulesets.find(|ruleset| (ruleset.table(), ruleset.family()) == (Table::Filter, family))?;
    let packet = Packet::new(peer.ip()).to(local.ip()).tcp(local.port());
    let mut members = |set: &SetName, packet: &Packet| {
        let inside = foreseen.holds(kernel, set, packet.source());
        Answer::known(inside, "")
    };
    let explained = explain::ruleset(ruleset, Hook::Input, &packet, &mut members);
    let closed = |ending: &Ending| matches!(ending.verdict, Verdict::Drop | Verdict::Reject);
    if explained.cut_short || !explained.endings.iter().all(closed) {
        return None;
    }
    let (peer, port) = (peer.ip(), local.port());
    Some(format!(
        "no rule would let this ssh session in again, which comes from {peer} to port {port}: once it ends you are locked out{}. Open \
         the port with a [[service]], put {peer} into the whitelist, or say --force; nothing was changed",
        due_to(&explained)
    ))
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
