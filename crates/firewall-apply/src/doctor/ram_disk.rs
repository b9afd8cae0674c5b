//! The RAM disk of the log: there, of what size, how full, and whose.

use std::os::unix::fs::MetadataExt as _;

use nix::sys::statvfs::statvfs;

use super::context::Context;
use super::found::{Found, Item};
use crate::amount::Bytes;
use crate::host::Host;

pub(super) const ITEM: Item = Item {
    name: "ram-disk",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let host = &context.host;
    let Some(metadata) = host.metadata(DISK).filter(std::fs::Metadata::is_dir) else {
        return vec![Found::failure(
            format!("there is no {DISK}: the log has no place"),
            format!("`{MOUNT}`"),
        )];
    };
    let mut found = Vec::new();
    match kind(host) {
        Some(kind) if kind == "tmpfs" => {}
        Some(kind) => found.push(Found::warning(
            format!(
                "{DISK} is of type {kind} and no RAM disk: a flood of packets wears out the disk"
            ),
            format!("`{MOUNT}`"),
        )),
        None => found.push(Found::failure(
            format!(
                "{DISK} is no disk of its own: a flood of packets fills the disk that it lies on"
            ),
            format!("`{MOUNT}`"),
        )),
    }
    if metadata.mode() & 0o022 != 0 && metadata.mode() & 0o1000 == 0 {
        found.push(Found::failure(
            format!("others than root may write to {DISK}: they may put a log of their own there, and have anybody banned"),
            format!("`chmod 0755 {DISK}`, and mode=0755 among the options of its mount"),
        ));
    }
    let fill = fill(host);
    match fill {
        Some((size, percent)) if percent >= FULL => found.push(Found::failure(
            format!(
                "{DISK} is {percent} % full of {}: lines are lost",
                Bytes(size)
            ),
            CURE_OF_FULL,
        )),
        Some((size, percent)) if percent >= NEAR_FULL => found.push(Found::warning(
            format!("{DISK} is {percent} % full of {}", Bytes(size)),
            CURE_OF_FULL,
        )),
        _ => {}
    }
    let fstab = host.read("/etc/fstab").unwrap_or_default();
    let in_fstab = fstab.lines().any(|line| {
        let mut words = line.split_whitespace();
        !line.trim_start().starts_with('#') && words.nth(1) == Some(DISK)
    });
    if !in_fstab && !host.is_enabled("ram.mount") {
        found.push(Found::warning(
            format!("{DISK} is not mounted again at boot"),
            "`systemctl enable ram.mount`, or a line in /etc/fstab",
        ));
    }
    if found.is_empty() {
        let (size, percent) = fill.unwrap_or((0, 0));
        found.push(Found::ok(format!(
            "{DISK} is a tmpfs of {}, {percent} % full",
            Bytes(size)
        )));
    }
    found
}

/// The type of what is mounted there last.
fn kind(host: &Host) -> Option<String> {
    let mounts = host.read("/proc/self/mounts")?;
    let mounts = mounts.lines().rev().map(|line| line.split(' '));
    let mut kinds = mounts.filter_map(|mut words| {
        let (place, kind) = (words.nth(1)?, words.next()?);
        (place == DISK).then(|| kind.to_owned())
    });
    kinds.next()
}

/// Its size in bytes, and how full it is in per cent.
fn fill(host: &Host) -> Option<(u64, u64)> {
    let statistics = statvfs(&host.path(DISK)).ok()?;
    let size = statistics
        .blocks()
        .saturating_mul(statistics.fragment_size());
    let used = statistics.blocks().saturating_sub(statistics.blocks_free());
    let percent = used.saturating_mul(100).checked_div(statistics.blocks())?;
    Some((size, percent))
}

/// Where the log is.
const DISK: &str = "/ram";
const MOUNT: &str = "systemctl enable --now ram.mount";
const CURE_OF_FULL: &str = "`ls -l /ram` shows what fills it; size= among the options of its mount makes it larger, at once by \
     `mount -o remount,size=2G /ram`";
/// Per cent.
const NEAR_FULL: u64 = 80;
const FULL: u64 = 98;

#[cfg(test)]
mod tests {
    use super::super::found::Outcome;
    use super::*;
    use crate::host::testing::Made;

    fn told(made: &Made) -> Vec<(Outcome, String)> {
        let found = look(&mut Context::of_files(made.host(), None));
        let told = |found: &Found| (found.outcome(), found.about().to_owned());
        found.iter().map(told).collect()
    }

    #[test]
    fn a_disk_is_of_its_own_and_comes_back() {
        let made = Made::new(&[("/proc/self/mounts", "/dev/vda / ext4 rw 0 0\n")]);
        assert!(told(&made)[0].1.starts_with("there is no /ram"));
        made.write("/ram/iptables.log", "");
        let failed = told(&made);
        assert_eq!(failed[0].0, Outcome::Failure, "{failed:?}");
        assert!(failed[0].1.starts_with("/ram is no disk of its own"));
        made.write(
            "/proc/self/mounts",
            "x / ext4 rw 0 0\ntmpfs /ram tmpfs rw 0 0\n",
        );
        let warned = told(&made);
        assert!(
            warned
                .iter()
                .any(|(_, about)| about == "/ram is not mounted again at boot")
        );
        made.write("/etc/fstab", "tmpfs /ram tmpfs defaults,size=1G 0 0\n");
        // How full the disk is that the made files lie on is not known.
        let fine = told(&made);
        assert!(
            fine.iter().all(|(_, about)| about.contains("full")),
            "{fine:?}"
        );
        made.write("/proc/self/mounts", "/dev/vdb /ram ext4 rw 0 0\n");
        assert!(told(&made)[0].1.starts_with("/ram is of type ext4"));
    }
}
