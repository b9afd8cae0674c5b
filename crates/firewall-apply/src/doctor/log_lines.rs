//! The lines of the log: which prefixes came lately, when the last was, by which clock, and whether
//! what the rules count is written at all.

use std::collections::BTreeMap;
use std::time::SystemTime;

use firewall_log::{Clock, Event, LogTime};
use iptables_ruleset::config::LogTarget;
use iptables_ruleset::{Family, Snapshot, Table};
use jiff::tz::TimeZone;

use super::context::Context;
use super::found::{Found, Item};
use crate::amount::{Grouped, Rough};
use crate::host::Host;
use crate::words::join;

pub(super) const ITEM: Item = Item { name: "log", look };

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let host = &context.host;
    let counted = context.kernel.snapshot.as_ref().map(counted);
    let counted = counted.unwrap_or_default();
    let target = context
        .expected()
        .map(|expected| expected.config.log.target);
    let cure = match target {
        Some(LogTarget::Nflog { .. }) => CURE_OF_NFLOG,
        _ => CURE,
    };
    let Some(written) = host.metadata(LOG).and_then(|found| found.modified().ok()) else {
        let about = format!("there is no {LOG}");
        return vec![match counted.values().sum::<u64>() {
            0 => Found::warning(about, format!("no packet was to be logged so far; {cure}")),
            packets => Found::failure(
                format!("{about}, although {} packets were logged", Grouped(packets)),
                cure,
            ),
        }];
    };
    let lines = Lines::read(host);
    let mut found = lines.clock(written);
    for (prefix, packets) in &counted {
        if *packets > 0 && !lines.prefixes.contains_key(prefix.trim_end()) && lines.is_all {
            found.push(Found::failure(
                format!(
                    "{} packets were logged as \"{}\", and no line of {LOG} has it",
                    Grouped(*packets),
                    prefix.trim_end()
                ),
                cure,
            ));
        }
    }
    if lines.rejected > 0 {
        found.push(Found::warning(
            format!(
                "{} of the last lines of {LOG} look like the firewall's, and the kernel did not write them",
                lines.rejected
            ),
            "`log-scanner events` shows who did",
        ));
    }
    let ago = Rough(context.seconds_since(written));
    let seen = lines.prefixes.iter();
    let seen = join(seen.map(|(prefix, count)| format!("{prefix} {}", Grouped(*count))));
    if seen.is_empty() && !counted.is_empty() && counted.values().all(|packets| *packets == 0) {
        found.push(Found::ok("no packet was to be logged so far"));
    } else if seen.is_empty() {
        found.push(Found::warning(
            format!("no line of the firewall is among the last of {LOG}"),
            cure,
        ));
    } else {
        found.push(Found::ok(format!("seen lately: {seen}; written {ago} ago")));
    }
    found
}

/// What the last lines are.
#[derive(Default)]
struct Lines {
    /// How many lines have a prefix, without the blank at its end.
    prefixes: BTreeMap<String, u64>,
    rejected: u64,
    last: Option<LogTime>,
    /// Whether these are all lines that there are.
    is_all: bool,
}

impl Lines {
    fn read(host: &Host) -> Self {
        let mut lines = Self {
            is_all: true,
            ..Self::default()
        };
        for path in [ROTATED, LOG] {
            let size = host.metadata(path).map_or(0, |found| found.len());
            lines.is_all &= size <= MOST;
            lines.note(&host.tail(path, MOST).unwrap_or_default());
        }
        lines
    }

    fn note(&mut self, bytes: &[u8]) {
        for line in bytes.split(|byte| *byte == b'\n') {
            match Event::parse(line) {
                Ok(event) => {
                    self.last = Some(event.time);
                    let prefix = String::from_utf8_lossy(event.prefix);
                    let prefix = prefix.trim_end().escape_default().to_string();
                    // Anybody may have the kernel print a line; so many kinds of it are enough.
                    if self.prefixes.len() < MOST_PREFIXES || self.prefixes.contains_key(&prefix) {
                        *self.prefixes.entry(prefix).or_default() += 1;
                    }
                }
                Err(error) => self.rejected += u64::from(error.is_rejected()),
            }
        }
    }

    /// Whether the time of the last line is the time at which it was written.
    fn clock(&self, written: SystemTime) -> Vec<Found> {
        let Some(last) = self.last else {
            return Vec::new();
        };
        let mut found = Vec::new();
        if matches!(last, LogTime::Rfc3164 { .. } | LogTime::Local(_)) {
            found.push(Found::warning(
                format!(
                    "the lines of {LOG} have no time zone, and are read as of that of this host"
                ),
                "`packaging/install.sh` has a rule for rsyslog that writes it",
            ));
        }
        // A log may be written later than its last line came, by who looks after it.
        let clock = Clock::new(written, TimeZone::system());
        let Ok(at) = last.resolve(&clock) else {
            return found;
        };
        let apart = written
            .duration_since(at)
            .unwrap_or_else(|error| error.duration())
            .as_secs();
        if apart > APART {
            found.push(Found::warning(
                format!(
                    "the last line of {LOG} is {} off the time at which it was written: the clock was set, or rsyslog still goes \
                     by another time zone",
                    Rough(apart)
                ),
                "`systemctl restart rsyslog`",
            ));
        }
        found
    }
}

/// How many packets the rules have logged, by the prefix.
fn counted(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    let all = Family::BOTH.into_iter();
    for (family, table) in all.flat_map(|family| Table::ALL.map(|table| (family, table))) {
        let Some(table) = snapshot.find(table, family) else {
            continue;
        };
        for (name, chain) in table.chains() {
            if !name.starts_with("LOG_AND_") {
                continue;
            }
            for state in chain.rules() {
                let rule = state.rule(family, |_| None);
                if let Some(prefix) = rule.target().log_prefix() {
                    *counted.entry(prefix.to_owned()).or_default() += state.counters().packets;
                }
            }
        }
    }
    counted
}

/// The log, and what it was before the last cut.
pub(super) const LOG: &str = "/ram/iptables.log";
const ROTATED: &str = "/ram/iptables.log.1";
/// What is told where lines are missing.
const CURE: &str = "`dmesg | grep IPTABLES-`: if the lines are there, rsyslog does not take them (item log-writer); if not, the \
     kernel prints none (`modprobe nf_log_syslog`), or this is a container: target = \"NFLOG\" under [log]";
const CURE_OF_NFLOG: &str =
    "`systemctl status rampart-collector` and `journalctl -u rampart-collector` (item log-writer)";
/// Bytes at the end of a log that are read.
const MOST: u64 = 4 << 20;
const MOST_PREFIXES: usize = 32;
/// Seconds between a line and its writing that need no explanation.
const APART: u64 = 15 * 60;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::found::Outcome;
    use super::*;
    use crate::config;
    use crate::host::testing::Made;

    fn line(time: &str) -> String {
        format!(
            "{time} fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 \
             ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n"
        )
    }

    fn told(made: &Made) -> Vec<(Outcome, String)> {
        let found = look(&mut Context::of_files(made.host(), None));
        let told = |found: &Found| (found.outcome(), found.about().to_owned());
        found.iter().map(told).collect()
    }

    #[test]
    fn prefixes_are_told_and_who_forged_them() {
        let made = Made::new(&[]);
        assert_eq!(told(&made)[0].1, "there is no /ram/iptables.log");
        made.write(LOG, "");
        assert!(told(&made)[0].1.starts_with("no line of the firewall"));
        let now = jiff::Timestamp::now().to_string();
        made.write(ROTATED, &line(&now));
        made.write(
            LOG,
            &(line(&now) + &line(&now).replace("kernel:", "sshd[1]:")),
        );
        let found = told(&made);
        assert!(found[0].1.starts_with("1 of the last lines"), "{found:?}");
        assert!(
            found[1]
                .1
                .starts_with("seen lately: IPTABLES-BLOCKED: 2; written "),
            "{found:?}"
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn who_writes_by_nflog_is_not_sent_to_rsyslog() {
        let made = Made::new(&[(LOG, "")]);
        let text = b"[log]\ntarget = \"NFLOG\"\n";
        let nflog = config::parse(Path::new("firewall.toml"), text).unwrap();
        let log = config::built_in().unwrap();
        for (wanted, named) in [(nflog, "rampart-collector"), (log, "rsyslog")] {
            let found = look(&mut Context::of_files(made.host(), Some(&wanted)));
            assert!(found[0].about().starts_with("no line of the firewall"));
            let cure = found[0].cure().unwrap();
            assert!(cure.contains(named), "{cure}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_told() {
        let made = Made::new(&[(LOG, &line("2026-01-01T00:00:00+00:00"))]);
        let found = told(&made);
        assert!(
            found[0].1.contains(" off the time at which it was written"),
            "{found:?}"
        );
        let mut lines = Lines::default();
        lines.note(line("Nov 22 09:25:54").as_bytes());
        let found = lines.clock(SystemTime::now());
        assert!(found[0].about().contains("have no time zone"));
    }

    #[test]
    fn what_is_counted_and_not_written_is_a_failure() {
        let made = Made::new(&[(LOG, "")]);
        let lines = Lines::read(&made.host());
        assert!(lines.is_all && lines.prefixes.is_empty());
    }
}
