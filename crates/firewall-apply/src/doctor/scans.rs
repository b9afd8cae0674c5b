//! The scans: who runs them, when the last was, and whether the sets that they fill are there.

use std::collections::BTreeSet;

use ipset_netlink::SetName;

use super::context::Context;
use super::found::{Found, Item};
use crate::amount::Rough;
use crate::host::Host;

pub(super) const ITEM: Item = Item {
    name: "scans",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let host = context.host.clone();
    let mut found = Vec::new();
    let timer = host.is_enabled(TIMER);
    let crontabs = crontabs(&host);
    match (timer, crontabs.as_slice()) {
        (false, []) => found.push(Found::warning(
            "nothing runs log-scanner, so nobody is banned",
            format!("`systemctl enable --now {TIMER} rampart-scan.path`"),
        )),
        (true, [(crontab, _), ..]) => found.push(Found::warning(
            format!("{crontab} and {TIMER} both run log-scanner"),
            format!("take it out of {crontab}, or `systemctl disable --now {TIMER}`"),
        )),
        (true, []) => found.push(Found::ok(format!(
            "{TIMER} runs them; `journalctl -u rampart-scan` has what they said{}",
            last_of_timer(context)
        ))),
        (false, [(crontab, _), ..]) => {
            found.push(Found::ok(format!("cron runs them, by {crontab}")));
        }
    }
    found.extend(report(context));
    let (rules, trouble) = rules(&host);
    found.extend(trouble);
    let mut names = rules;
    for (_, line) in &crontabs {
        names.extend(option(line, "--ipset"));
    }
    found.extend(missing_sets(context, &names));
    found
}

/// Crontabs in which log-scanner stands, with that line.
fn crontabs(host: &Host) -> Vec<(String, String)> {
    let mut paths = vec!["/etc/crontab".to_owned()];
    for directory in CRONTABS {
        paths.extend(host.files_in(directory, ""));
    }
    let line = |path: String| {
        let text = host.read(&path)?;
        let mut lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        let line =
            lines.find(|line| line.contains("log-scanner") || line.contains("log_scanner"))?;
        Some((path, line.to_owned()))
    };
    paths.into_iter().filter_map(line).collect()
}

fn last_of_timer(context: &Context<'_>) -> String {
    let stamp = context
        .host
        .metadata("/var/lib/systemd/timers/stamp-rampart-scan.timer");
    let at = stamp.and_then(|stamp| stamp.modified().ok());
    at.map_or(String::new(), |at| {
        format!(", the last {} ago", Rough(context.seconds_since(at)))
    })
}

/// What cron's scans wrote.
fn report(context: &Context<'_>) -> Vec<Found> {
    let written = context
        .host
        .metadata(REPORT)
        .and_then(|found| found.modified().ok());
    let Some(written) = written else {
        return Vec::new();
    };
    let ago = context.seconds_since(written);
    let text = context.host.tail(REPORT, 64 << 10).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let error = text.lines().rev().find(|line| line.contains("[ERROR]"));
    match error {
        Some(error) => vec![Found::failure(
            format!(
                "{REPORT}, written {} ago: {}",
                Rough(ago),
                error.escape_default()
            ),
            "`log-scanner --rules /etc/rampart/scan.toml --dryrun` shows whether it is still so",
        )],
        None => vec![Found::ok(format!(
            "{REPORT} was written {} ago",
            Rough(ago)
        ))],
    }
}

/// The sets that the rules of the scans fill.
fn rules(host: &Host) -> (BTreeSet<String>, Vec<Found>) {
    let mut names = BTreeSet::new();
    let Some(text) = host.read(RULES) else {
        return (names, Vec::new());
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let found = Found::failure(
                format!("{RULES} cannot be read: {}", error.message()),
                format!("`log-scanner --rules {RULES} --dryrun` shows the place"),
            );
            return (names, vec![found]);
        }
    };
    let rules = table.get("rule").and_then(toml::Value::as_array);
    for rule in rules.into_iter().flatten() {
        let name = rule.get("ipset").and_then(toml::Value::as_str);
        names.extend(name.map(str::to_owned));
    }
    (names, Vec::new())
}

/// The word behind an option of a command line.
fn option(line: &str, option: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == option)?;
    words.next().map(str::to_owned)
}

fn missing_sets(context: &mut Context<'_>, names: &BTreeSet<String>) -> Vec<Found> {
    let Some(sets) = &mut context.kernel.sets else {
        return Vec::new();
    };
    let both = names
        .iter()
        .flat_map(|name| [name.clone(), format!("{name}_v6")]);
    let mut missing = Vec::new();
    for name in both {
        let is_missing = match name.parse::<SetName>() {
            Ok(name) => sets
                .type_of(&name)
                .is_err_and(|error| error.is_set_not_found()),
            Err(_) => true,
        };
        if is_missing {
            missing.push(Found::failure(
                format!("a scan is to fill set \"{}\", and there is none", name.escape_default()),
                format!("`firewall-apply` makes the firewall's sets; another name stands as ipset = in {RULES}, or in the crontab"),
            ));
        }
    }
    missing
}

const TIMER: &str = "rampart-scan.timer";
const RULES: &str = "/etc/rampart/scan.toml";
const REPORT: &str = "/var/log/log_scanner.log";
const CRONTABS: [&str; 3] = ["/etc/cron.d", "/var/spool/cron/crontabs", "/var/spool/cron"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::Made;

    fn told(made: &Made) -> Vec<String> {
        let found = look(&mut Context::of_files(made.host(), None));
        let told = |found: &Found| format!("{:?}: {}", found.outcome(), found.about());
        found.iter().map(told).collect()
    }

    #[test]
    fn who_scans_is_told_and_what_went_wrong() {
        let made = Made::new(&[]);
        assert_eq!(
            told(&made),
            ["Warning: nothing runs log-scanner, so nobody is banned"]
        );
        let crontab = include_str!("../../../../packaging/cron.d/rampart");
        made.write("/etc/cron.d/rampart", crontab);
        assert_eq!(told(&made), ["Ok: cron runs them, by /etc/cron.d/rampart"]);
        made.write(REPORT, "fine\n[ERROR] set \"x\" is full\n");
        let found = told(&made);
        assert!(
            found[1].starts_with("Failure: /var/log/log_scanner.log, written "),
            "{found:?}"
        );
        made.write(
            "/etc/systemd/system/timers.target.wants/rampart-scan.timer",
            "",
        );
        assert!(told(&made)[0].starts_with("Warning: /etc/cron.d/rampart and"));
        made.write(RULES, "[[rule]\n");
        assert!(told(&made)[2].starts_with("Failure: /etc/rampart/scan.toml cannot be read"));
    }

    #[test]
    fn the_sets_of_the_rules_are_known() {
        let packaged = include_str!("../../../../packaging/rampart/scan.toml");
        let made = Made::new(&[(RULES, packaged)]);
        let (names, trouble) = rules(&made.host());
        assert!(trouble.is_empty());
        assert!(names.contains("throttle-hard"), "{names:?}");
        let line = "*/5 * * * * root log-scanner --rule blocked --ipset throttle-soft --within 1h";
        assert_eq!(option(line, "--ipset").as_deref(), Some("throttle-soft"));
    }
}
