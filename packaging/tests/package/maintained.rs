//! What installing, upgrading, removing and purging do, and what they leave alone.

use netns_testbed::{Failed, Trial, trial};

use super::host::Host;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("package::nothing_is_enabled_or_started", nothing_is_started),
        trial("package::an_upgrade_restarts_the_daemons_alone", upgrade),
        trial(
            "package::removed_it_is_ended_and_what_it_knew_is_kept",
            removed,
        ),
        trial("package::purged_it_leaves_nothing", purged),
        trial("package::what_was_chosen_goes_too", chosen_goes_too),
        trial(
            "package::what_was_chosen_and_edited_is_kept_until_purge",
            edited,
        ),
    ]
}

fn nothing_is_started() -> Result<(), Failed> {
    let host = Host::new()?;
    let done = host.done("dpkg -i /stub/1.deb\necho ==\ncat /calls")?;
    let (said, calls) = done.said.split_once("==\n").ok_or("no mark")?;
    assert_eq!(calls, "systemctl daemon-reload\n");
    assert!(said.contains("sudo rampart-setup --whitelist-me"), "{said}");
    let files: Vec<_> = done
        .left
        .iter()
        .filter(|path| !path.ends_with('/'))
        .cloned()
        .collect();
    assert_eq!(files, host.packed()?);
    for path in ["/etc/rsyslog.d/10-iptables.conf", "/etc/cron.d/rampart"] {
        assert!(!files.iter().any(|file| file == path), "{path}");
    }
    Ok(())
}

fn upgrade() -> Result<(), Failed> {
    let host = Host::new()?;
    let script = "\
dpkg -i /stub/1.deb >/dev/null
echo '[policy]' >/etc/rampart/firewall.toml
mkdir -p /var/lib/rampart
echo saved >/var/lib/rampart/sets.save
: >/calls
dpkg -i /stub/2.deb
echo ==
cat /calls /etc/rampart/firewall.toml /var/lib/rampart/sets.save";
    let done = host.done(script)?;
    let (said, rest) = done.said.split_once("==\n").ok_or("no mark")?;
    assert_eq!(
        rest,
        "systemctl daemon-reload\nsystemd-tmpfiles --create rampart.conf\nsystemctl try-restart rampart-collector.service\n\
         systemctl try-restart rampart-live.service\n[policy]\nsaved\n"
    );
    assert!(!said.contains("rampart-setup"), "{said}");
    Ok(())
}

const USED: &str = "\
dpkg -i /stub/1.deb >/dev/null
mkdir -p /var/lib/rampart /etc/rampart/firewall.d
echo saved >/var/lib/rampart/sets.save
: >/var/lib/rampart/firewall.last.toml
echo >/etc/rampart/firewall.d/50-log.toml
for target in multi-user timers paths local-fs sysinit; do mkdir -p /etc/systemd/system/$target.target.wants; done
ln -s /usr/lib/systemd/system/rampart-live.service /etc/systemd/system/multi-user.target.wants/
ln -s /usr/lib/systemd/system/rampart-firewall.service /etc/systemd/system/sysinit.target.wants/
ln -s /usr/lib/systemd/system/ram.mount /etc/systemd/system/local-fs.target.wants/
mkdir -p /etc/systemd/system/rampart-live.service.d /ram
: >/etc/systemd/system/rampart-live.service.d/override.conf
: >/ram/iptables.log
: >/ram/iptables.log.1
: >/calls
";

fn removed() -> Result<(), Failed> {
    let host = Host::new()?;
    let done = host.done(&format!("{USED}dpkg -r rampart\necho ==\ncat /calls"))?;
    let (said, calls) = done.said.split_once("==\n").ok_or("no mark")?;
    let stopped: Vec<_> = calls
        .lines()
        .filter_map(|call| call.strip_prefix("systemctl stop "))
        .collect();
    assert_eq!(
        stopped,
        [
            "rampart-metrics.timer",
            "rampart-scan.timer",
            "rampart-scan.path",
            "rampart-live.service",
            "rampart-logrotate.timer",
            "rampart-rollback.path",
            "rampart-collector.service",
            "rampart-firewall.service"
        ]
    );
    assert!(said.contains("stays up until the next boot"), "{said}");
    assert!(
        said.contains("iptables -D INPUT -j FIREWALL_INPUT"),
        "{said}"
    );
    for kept in [
        "/etc/rampart/firewall.toml",
        "/etc/rampart/firewall.d/50-log.toml",
        "/var/lib/rampart/sets.save",
        "/etc/systemd/system/sysinit.target.wants/rampart-firewall.service",
    ] {
        assert!(
            done.left.iter().any(|path| path == kept),
            "{kept} is gone: {:?}",
            done.left
        );
    }
    assert!(
        !done.left.iter().any(|path| path.starts_with("/usr/")),
        "{:?}",
        done.left
    );
    Ok(())
}

/// The directories of systemd that were made for links may stay; nothing else does.
fn nothing_left(left: &[String]) {
    let left: Vec<_> = left
        .iter()
        .filter(|path| !path.ends_with(".target.wants/"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn purged() -> Result<(), Failed> {
    let host = Host::new()?;
    for how in ["dpkg -P rampart", "dpkg -r rampart; dpkg -P rampart"] {
        let done = host.done(&format!("{USED}{how}"))?;
        nothing_left(&done.left);
    }
    Ok(())
}

/// Directories of other packages, where this host has none of them.
const EMPTY: &str = "\
rmdir /etc/apparmor.d/rsyslog.d /etc/apparmor.d /etc/cron.d /etc/logrotate.d /etc/rsyslog.d /etc/tmpfiles.d /var/lib/logrotate \
    2>/dev/null || :";

const CHOSEN: &str = "\
sh /usr/share/rampart/install.sh --choose --log rsyslog --scan cron --system ubuntu
mkdir -p /var/lib/logrotate
: >/var/log/log_scanner.log
: >/var/lib/logrotate/rampart.status
";

fn chosen_goes_too() -> Result<(), Failed> {
    let host = Host::new()?;
    let chosen = host.done(&format!(
        "{USED}mkdir -p /usr/lib/x/rsyslog\n: >/usr/lib/x/rsyslog/imkmsg.so\n{CHOSEN}"
    ))?;
    for path in [
        "/etc/rsyslog.d/10-iptables.conf",
        "/etc/rsyslog.d/05-rampart-imkmsg.conf",
        "/etc/systemd/system/rsyslog.service.d/rampart.conf",
        "/etc/apparmor.d/rsyslog.d/rampart",
        "/etc/tmpfiles.d/rampart.conf",
        "/etc/rampart/logrotate.conf",
        "/etc/cron.d/rampart",
        "/etc/logrotate.d/rampart-report",
    ] {
        assert!(
            chosen.left.iter().any(|left| left == path),
            "{path}: {:?}",
            chosen.left
        );
    }
    // imklog was put away for imkmsg, and comes back with it.
    let script = format!(
        "{USED}mkdir -p /usr/lib/x/rsyslog\n: >/usr/lib/x/rsyslog/imkmsg.so\n{CHOSEN}\
         printf '#module(load=\"imklog\")\\n' >/etc/rsyslog.conf\n: >/calls\n\
         dpkg -r rampart >/dev/null\ncat /etc/rsyslog.conf /calls\n\
         rm -r /etc/rsyslog.conf /usr/lib/x\ndpkg -P rampart\n\
         {EMPTY}"
    );
    let done = host.done(&script)?;
    assert!(
        done.said.contains("\nmodule(load=\"imklog\")\n")
            || done.said.starts_with("module(load=\"imklog\")\n"),
        "{}",
        done.said
    );
    assert!(
        done.said.contains("systemctl try-restart rsyslog.service"),
        "{}",
        done.said
    );
    nothing_left(&done.left);
    Ok(())
}

fn edited() -> Result<(), Failed> {
    let host = Host::new()?;
    let used = format!("{USED}{}", CHOSEN.replace("rsyslog", "collector"));
    let script = format!(
        "{used}echo >>/etc/cron.d/rampart\ndpkg -r rampart >/dev/null\ncat /etc/cron.d/rampart.dpkg-old"
    );
    let done = host.done(&script)?;
    assert!(done.said.contains("log-scanner --rules"), "{}", done.said);
    assert!(
        !done.left.iter().any(|path| path == "/etc/cron.d/rampart"),
        "{:?}",
        done.left
    );
    let script = format!("{used}echo >>/etc/cron.d/rampart\ndpkg -P rampart >/dev/null\n{EMPTY}");
    nothing_left(&host.done(&script)?.left);
    Ok(())
}
