//! What a run did, as figures for a monitoring system: the file of `--textfile`.
//!
//! What labels say are the administrator's words: rules, sets, the name of the file. Nothing of a line
//! of the log is among them, and no address.

mod bans;
mod follow;
mod scan;

pub(crate) use follow::{Figures, Reading};
use netfilter_host::metrics::{Metrics, Textfile};
pub(crate) use scan::write as write_scan;

/// The figures of a file; its name tells them from those of another scan of this host.
fn begin(file: &Textfile) -> Metrics {
    Metrics::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .everywhere("textfile", file.name())
}

/// Lines by what they are. Each is of one kind.
fn kinds(lines: u64, [events, damaged, rejected, misplaced]: [u64; 4]) -> [(&'static str, u64); 5] {
    let known = [events, damaged, rejected, misplaced];
    let known = known.into_iter().fold(0, u64::saturating_add);
    [
        ("event", events),
        ("damaged", damaged),
        ("rejected", rejected),
        ("misplaced", misplaced),
        ("other", lines.saturating_sub(known)),
    ]
}

const KINDS_HELP: &str = "event: of the firewall; damaged: of the kernel, not well formed; rejected: not written by the kernel; misplaced: the \
     prefix does not stand first; other: none of the firewall.";
