//! `rampart-setup`, with our programs in a network of their own and stand-ins for systemd.

use netns_testbed::{Failed, Tool, Trial, trial};

use super::host::Host;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("setup::brings_it_up", brings_it_up),
        trial("setup::shows_and_does_nothing", dry_run),
        trial("setup::over_ssh_it_waits_to_be_confirmed", confirmed),
        trial("setup::unconfirmed_it_goes_back", unconfirmed),
        trial("setup::another_firewall_goes_first", another_firewall),
        trial("setup::rsyslog_in_its_place", rsyslog_in_its_place),
    ]
}

/// The package, then our programs in the place of its empty ones.
const INSTALLED: &str = "\
dpkg -i /stub/1.deb >/dev/null
for program in firewall-apply log-scanner log-collector; do cp /stub/$program /usr/sbin/$program; done
rm -f /etc/ufw/ufw.conf /etc/rsyslog.d/10-iptables.conf
: >/calls
";

/// The addresses that the sessions lead to.
const ADDRESSES: &str = "\
ip link set lo up
ip address add 192.0.2.1/24 dev lo
ip address add 2001:db8::1/64 dev lo nodad
";

/// Until a change waits.
const WAIT: &str = "until [ -e /var/lib/rampart/firewall.pending.json ]; do sleep 0.1; done\n";

fn host() -> Result<Host, Failed> {
    Tool::require("iptables")?;
    Host::new()?.with_programs()
}

/// The last word is doctor's, who misses what the stand-ins did not do.
fn brings_it_up() -> Result<(), Failed> {
    let host = host()?;
    let script = format!(
        "{INSTALLED}rampart-setup || echo status $?\necho ==\niptables -S INPUT\necho ==\ncat /calls"
    );
    let done = host.done(&script)?;
    assert!(
        done.said.contains("-A INPUT -j FIREWALL_INPUT"),
        "{}{}",
        done.said,
        done.errors
    );
    assert!(
        done.said.contains("\n+ firewall-apply doctor\n"),
        "{}",
        done.said
    );
    assert!(done.said.contains("\nstatus 1\n"), "{}", done.said);
    for enabled in [
        "ram.mount",
        "rampart-collector.service",
        "rampart-rollback.path",
        "rampart-firewall.service",
        "rampart-scan.timer rampart-scan.path",
    ] {
        let call = format!("systemctl enable --now {enabled}\n");
        assert!(done.said.contains(&call), "{call}: {}", done.said);
    }
    assert!(!done.said.contains("rampart-live"), "{}", done.said);
    assert!(
        !done.left.iter().any(|path| path.contains("firewall.d")),
        "{:?}",
        done.left
    );
    Ok(())
}

fn dry_run() -> Result<(), Failed> {
    let host = host()?;
    let setup = "SSH_CONNECTION='192.0.2.7 5 192.0.2.1 22' rampart-setup --whitelist-me --log rsyslog --live --dry-run";
    let installed = host.done(INSTALLED)?;
    let done = host.done(&format!(
        "{INSTALLED}{setup}\necho ==\ngrep -v is-active /calls || :\niptables -S INPUT"
    ))?;
    assert_eq!(done.left, installed.left);
    assert!(
        done.said.ends_with("==\n-P INPUT ACCEPT\n"),
        "{}",
        done.said
    );
    for shown in [
        "+ write /etc/rampart/firewall.d/50-log.toml\n",
        "+ write /etc/rampart/firewall.d/50-whitelist-me.toml\n",
        "+ firewall-apply apply --confirm-within 2m\n",
        "+ systemctl enable --now rampart-live.service\n",
    ] {
        assert!(done.said.contains(shown), "{shown}: {}", done.said);
    }
    Ok(())
}

fn confirmed() -> Result<(), Failed> {
    let host = host()?;
    let script = format!(
        "{INSTALLED}{ADDRESSES}\
({WAIT}firewall-apply confirm) >/dev/null 2>&1 &
SSH_CONNECTION='::ffff:192.0.2.7 5 192.0.2.1 22' sh -c 'rampart-setup --whitelist-me' || echo status $?
SSH_CONNECTION='2001:db8::7 5 2001:db8::1 22' rampart-setup --whitelist-me --no-confirm >/dev/null || :
echo ==
cat /etc/rampart/firewall.d/50-whitelist-me.toml
ipset list whitelist_v6
grep firewall.service /calls"
    );
    let done = host.done(&script)?;
    assert!(
        done.said
            .contains("From a NEW ssh session, within 2m:  sudo firewall-apply confirm"),
        "{}",
        done.said
    );
    assert!(
        done.said
            .contains("\nwhitelist = [\"192.0.2.7\", \"2001:db8::7\"]\n"),
        "{}",
        done.said
    );
    assert!(done.said.contains("\n2001:db8::7"), "{}", done.said);
    assert!(
        done.said
            .contains("systemctl enable --now rampart-firewall.service"),
        "{}",
        done.said
    );
    Ok(())
}

fn unconfirmed() -> Result<(), Failed> {
    let host = host()?;
    let script = format!(
        "{INSTALLED}{ADDRESSES}\
({WAIT}firewall-apply rollback) >/dev/null 2>&1 &
SSH_CONNECTION='192.0.2.7 5 192.0.2.1 22' rampart-setup || echo status $?
echo ==
iptables -S INPUT
grep firewall.service /calls || :"
    );
    let done = host.done(&script)?;
    let (said, after) = done
        .said
        .split_once("==\n-P")
        .ok_or_else(|| done.said.clone())?;
    assert!(
        said.contains("was not confirmed") && said.ends_with("status 1\n"),
        "{said}"
    );
    assert_eq!(after, " INPUT ACCEPT\n");
    Ok(())
}

fn another_firewall() -> Result<(), Failed> {
    let host = host()?;
    let script = format!(
        "{INSTALLED}mkdir -p /etc/ufw\necho ENABLED=yes >/etc/ufw/ufw.conf\nrampart-setup || echo status $?\ngrep -v is-active /calls || :"
    );
    let done = host.done(&script)?;
    assert_eq!(done.said, "status 2\n");
    assert!(
        done.errors.contains("another firewall is at work: ufw.")
            && done.errors.contains("\n  ufw disable\n"),
        "{}",
        done.errors
    );
    Ok(())
}

fn rsyslog_in_its_place() -> Result<(), Failed> {
    let host = host()?;
    let script = format!(
        "{INSTALLED}mkdir -p /usr/lib/x/rsyslog /etc/rsyslog.d\n: >/usr/lib/x/rsyslog/imkmsg.so
printf 'module(load=\"imuxsock\")\\nmodule(load=\"imklog\")\\n' >/etc/rsyslog.conf
rampart-setup --log rsyslog --scan none || :
echo ==
cat /etc/rsyslog.conf
iptables -S LOG_AND_DROP
rampart-setup --log collector --scan none >/dev/null || :
iptables -S LOG_AND_DROP
ls /etc/rsyslog.d
echo ==
cat /etc/rsyslog.conf"
    );
    let done = host.done(&script)?;
    let (_, after) = done
        .said
        .split_once("==\nmodule(load")
        .ok_or_else(|| format!("{}{}", done.said, done.errors))?;
    assert!(after.contains("\n#module(load=\"imklog\")\n"), "{after}");
    let (log, nflog) = (after.find("-j LOG "), after.find("-j NFLOG "));
    assert!(log.is_some() && log < nflog, "{after}");
    assert!(!after.contains("10-iptables.conf"), "{after}");
    assert!(after.ends_with("\nmodule(load=\"imklog\")\n"), "{after}");
    Ok(())
}
