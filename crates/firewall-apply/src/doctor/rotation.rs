//! Whether the log is cut before it fills its disk.

use iptables_ruleset::config::LogTarget;

use super::context::Context;
use super::found::{Found, Item};
use super::log_lines::LOG;
use crate::amount::Bytes;

pub(super) const ITEM: Item = Item {
    name: "rotation",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let host = &context.host;
    let mut found = Vec::new();
    let size = host.metadata(LOG).map_or(0, |found| found.len());
    if size > LARGE {
        found.push(Found::failure(
            format!("{LOG} has grown to {}: nothing cuts it", Bytes(size)),
            "`logrotate --force /etc/rampart/logrotate.conf`",
        ));
    }
    let target = context
        .expected()
        .map(|expected| expected.config.log.target);
    if matches!(target, Some(LogTarget::Nflog { .. })) {
        found.push(Found::ok("log-collector cuts its log itself"));
        return found;
    }
    let names_it = |path: &String| {
        let text = host.read(path).unwrap_or_default();
        let mut lines = text.lines().map(str::trim_start);
        lines.any(|line| line.starts_with(LOG) && !line.starts_with(&format!("{LOG}.")))
    };
    let daily = host
        .files_in("/etc/logrotate.d", "")
        .into_iter()
        .find(names_it);
    let own = Some(OWN.to_owned()).filter(names_it);
    match (&own, &daily) {
        (Some(_), Some(daily)) => found.push(Found::warning(
            format!("{daily} cuts the log too, beside {OWN}: two runs at once throw lines away"),
            format!("`rm {daily}`"),
        )),
        (Some(_), None) if host.is_enabled(TIMER) => {
            found.push(Found::ok(format!("{TIMER} cuts the log by {OWN}")));
        }
        (Some(_), None) => found.push(Found::failure(
            format!("nothing runs logrotate with {OWN} often enough"),
            format!("`systemctl enable --now {TIMER}`"),
        )),
        (None, Some(daily)) => found.push(Found::warning(
            format!("{daily} is read once a day, and a flood fills the disk within minutes"),
            format!("`rm {daily}`, `packaging/install.sh`, `systemctl enable --now {TIMER}`"),
        )),
        (None, None) => found.push(Found::failure(
            format!("no file of logrotate's names {LOG}: it fills its disk"),
            format!("`packaging/install.sh`, `systemctl enable --now {TIMER}`"),
        )),
    }
    found
}

const OWN: &str = "/etc/rampart/logrotate.conf";
const TIMER: &str = "rampart-logrotate.timer";
/// Bytes that a log that is cut at 100 MB never has.
const LARGE: u64 = 512 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::host::testing::Made;

    #[test]
    fn a_log_that_is_cut_too_seldom_is_told() {
        let wanted = config::built_in().unwrap();
        let made = Made::new(&[]);
        let about = || {
            let found = look(&mut Context::of_files(made.host(), Some(&wanted)));
            format!("{:?}: {}", found[0].outcome(), found[0].about())
        };
        assert!(about().starts_with("Failure: no file of logrotate's"));
        made.write(
            "/etc/logrotate.d/iptables",
            "/ram/iptables.log\n{\n size 100M\n}\n",
        );
        assert!(about().starts_with("Warning: /etc/logrotate.d/iptables is read once a day"));
        let own = include_str!("../../../../packaging/rampart/logrotate.conf");
        made.write(OWN, own);
        assert!(about().starts_with("Warning: /etc/logrotate.d/iptables cuts the log too"));
        std::fs::remove_file(made.host().path("/etc/logrotate.d/iptables")).unwrap();
        assert!(about().starts_with("Failure: nothing runs logrotate"));
        made.write(
            "/etc/systemd/system/timers.target.wants/rampart-logrotate.timer",
            "",
        );
        assert!(about().starts_with("Ok: rampart-logrotate.timer"));
    }
}
