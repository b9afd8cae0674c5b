//! Who writes the log: log-collector from NFLOG, or rsyslog from the kernel's log.

use iptables_ruleset::config::LogTarget;
use netfilter_host::nflog_groups::reader_of;

use super::context::Context;
use super::found::{Found, Item};
use super::log_lines::LOG;
use crate::host::Host;

pub(super) const ITEM: Item = Item {
    name: "log-writer",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let target = context
        .expected()
        .map(|expected| expected.config.log.target);
    match target {
        Some(LogTarget::Nflog { group }) => collector(&context.host, group, reader_of(group)),
        Some(LogTarget::Log) => rsyslog(context),
        None => Vec::new(),
    }
}

fn collector(host: &Host, group: u16, reader: Option<u32>) -> Vec<Found> {
    let Some(reader) = reader else {
        return vec![Found::failure(
            format!("nobody reads NFLOG group {group}, so nothing is logged"),
            format!("`systemctl enable --now {COLLECTOR}`"),
        )];
    };
    let comm = host.read(&format!("/proc/{reader}/comm"));
    let by = comm.map_or(String::new(), |comm| format!(", by {}", comm.trim()));
    let mut found = vec![Found::ok(format!("NFLOG group {group} is read{by}"))];
    if !host.is_enabled(COLLECTOR) && host.exists("/run/systemd/system") {
        found.push(Found::warning(
            "log-collector is not started at boot",
            format!("`systemctl enable {COLLECTOR}`"),
        ));
    }
    found
}

fn rsyslog(context: &Context<'_>) -> Vec<Found> {
    let host = &context.host;
    let mut files = vec!["/etc/rsyslog.conf".to_owned()];
    files.extend(host.files_in("/etc/rsyslog.d", ".conf"));
    let texts: Vec<(String, String)> = files
        .into_iter()
        .filter_map(|path| Some((path.clone(), settings(&host.read(&path)?))))
        .collect();
    let Some((rule, text)) = texts.iter().find(|(_, text)| text.contains(LOG)) else {
        return vec![Found::failure(
            format!(
                "no file of rsyslog's names {LOG}, so the kernel's lines go elsewhere (`dmesg | grep IPTABLES-`)"
            ),
            "`packaging/install.sh --log rsyslog`, or better --log collector with target = \"NFLOG\" under [log]",
        )];
    };
    let mut found = running(context, rule);
    let loads = |module: &str| {
        let load = format!("load=\"{module}\"");
        let old = format!("$ModLoad {module}");
        let mut texts = texts.iter();
        texts.find(|(_, text)| text.contains(&load) || text.contains(&old))
    };
    let counts = texts.iter().find(|(path, _)| path.ends_with(UNSAFE));
    match (loads("imkmsg"), loads("imklog")) {
        (Some(_), Some((imklog, _))) if counts.is_none() => found.push(Found::failure(
            format!("{imklog} loads imklog beside imkmsg, and rsyslog takes one of the two: {LOG} may stay empty"),
            "`sed -i -E 's/^(module\\(load=\"imklog\"|\\$ModLoad imklog)/#\\1/' /etc/rsyslog.conf`, `systemctl restart rsyslog`",
        )),
        (None, None) => found.push(Found::failure(
            "rsyslog reads the kernel's log by neither imkmsg nor imklog".to_owned(),
            "`packaging/install.sh --log rsyslog`, `systemctl restart rsyslog`",
        )),
        _ => {}
    }
    let checks_input = text.contains("$inputname");
    if counts.is_some() || !checks_input {
        let why = if checks_input {
            "lets lines of imklog count"
        } else {
            "takes lines by their text, whoever wrote them"
        };
        let path = counts.map_or(rule, |(path, _)| path);
        found.push(Found::warning(
            format!("{path} {why}: every user of this host can have any address banned"),
            "`packaging/install.sh --log collector`, with target = \"NFLOG\" under [log]",
        ));
    }
    if found.is_empty() {
        found.push(Found::ok(format!("rsyslog writes it, by {rule}")));
    }
    found
}

/// Whether rsyslog runs, and has read what stands in the file.
fn running(context: &Context<'_>, rule: &str) -> Vec<Found> {
    let host = &context.host;
    let pid = host.number("/run/rsyslogd.pid");
    let comm = pid.and_then(|pid| host.read(&format!("/proc/{pid}/comm")));
    if comm.as_deref().map(str::trim) != Some("rsyslogd") {
        return vec![Found::failure(
            "rsyslog does not run",
            "`rsyslogd -N1` shows errors of its files, `systemctl restart rsyslog`",
        )];
    }
    let changed = |path: &str| host.metadata(path)?.modified().ok();
    match (changed(rule), changed("/run/rsyslogd.pid")) {
        (Some(rule_at), Some(started)) if rule_at > started => vec![Found::warning(
            format!("{rule} was changed after rsyslog had started"),
            "`systemctl restart rsyslog`",
        )],
        _ => Vec::new(),
    }
}

/// What stands in a file but comments.
fn settings(text: &str) -> String {
    let lines = text.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

const COLLECTOR: &str = "rampart-collector.service";
/// Lets the lines of imklog count.
const UNSAFE: &str = "/08-rampart-imklog.conf";

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::super::found::Outcome;
    use super::*;
    use crate::config;
    use crate::host::testing::Made;

    fn told(made: &Made) -> Vec<String> {
        let wanted = config::built_in().unwrap();
        let found = look(&mut Context::of_files(made.host(), Some(&wanted)));
        let told = |found: &Found| format!("{:?}: {}", found.outcome(), found.about());
        found.iter().map(told).collect()
    }

    #[test]
    fn rsyslog_is_followed_from_the_kernel_to_the_log() {
        let made = Made::new(&[(
            "/etc/rsyslog.conf",
            "# /ram/iptables.log\nmodule(load=\"imklog\")\n",
        )]);
        assert!(told(&made)[0].starts_with("Failure: no file of rsyslog's names"));
        made.write(
            "/etc/rsyslog.d/10-iptables.conf",
            include_str!("../../../../packaging/rsyslog/10-iptables.conf"),
        );
        assert_eq!(told(&made), ["Failure: rsyslog does not run"]);
        made.write("/run/rsyslogd.pid", "7\n");
        made.write("/proc/7/comm", "rsyslogd\n");
        assert_eq!(
            told(&made),
            ["Ok: rsyslog writes it, by /etc/rsyslog.d/10-iptables.conf"]
        );
        made.write(
            "/etc/rsyslog.d/05-rampart-imkmsg.conf",
            include_str!("../../../../packaging/rsyslog/05-rampart-imkmsg.conf"),
        );
        assert!(
            told(&made)[0].contains("loads imklog beside imkmsg"),
            "{:?}",
            told(&made)
        );
        made.write("/etc/rsyslog.conf", "");
        assert!(told(&made)[0].starts_with("Ok: "), "{:?}", told(&made));
        // The seed's rule takes a line by its text.
        made.write(
            "/etc/rsyslog.d/10-iptables.conf",
            "if ($msg contains \"IPTABLES-\") then { action(type=\"omfile\" file=\"/ram/iptables.log\") stop }\n",
        );
        // The clock of a file system may stand still between two files.
        let started = |seconds| {
            let path = made.host().path("/run/rsyslogd.pid");
            let file = std::fs::File::options().write(true).open(path);
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            file.unwrap().set_modified(at).unwrap();
        };
        started(1);
        assert!(told(&made)[0].contains("was changed after rsyslog had started"));
        started(1 << 32);
        assert!(
            told(&made)[0].contains("takes lines by their text"),
            "{:?}",
            told(&made)
        );
    }

    #[test]
    fn a_group_that_nobody_reads_is_a_failure() {
        let made = Made::new(&[
            ("/proc/9/comm", "log-collector\n"),
            ("/run/systemd/system/x", ""),
        ]);
        let host = made.host();
        assert_eq!(collector(&host, 5, None)[0].outcome(), Outcome::Failure);
        let read = collector(&host, 5, Some(9));
        assert_eq!(read[0].about(), "NFLOG group 5 is read, by log-collector");
        assert_eq!(read[1].outcome(), Outcome::Warning);
    }
}
