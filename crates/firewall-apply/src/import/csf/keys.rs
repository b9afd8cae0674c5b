//! The settings of csf.conf and the files beside it that have no counterpart.

use std::path::Path;

use super::super::source::Source;
use super::super::translation::Translation;
use super::conf::Conf;
use crate::findings::Problem;

/// Names each setting that does something to packets or bans and is not translated. One that is
/// off, or as csf comes with it, is no news.
pub(super) fn others(conf: &Conf, made: &mut Translation) {
    for (key, value, place) in conf.all() {
        if READ.contains(&key) || is_of_nothing(key) {
            continue;
        }
        let (_, shipped, why) = match LEFT.iter().find(|(known, ..)| *known == key) {
            Some(row) => *row,
            None => (key, "", "it is no setting that is known here"),
        };
        if !matches!(value, "" | "0") && value != shipped {
            made.left(&place, &format!("{key} = {value}"), why);
        }
    }
    for key in ["LF_SPI", "IPV6_SPI", "PACKET_FILTER"] {
        // Off is what would be another firewall.
        if conf.value(key) == "0" {
            let why = "connections are always tracked, and what belongs to none is dropped";
            made.left(&conf.place(key), &format!("{key} = 0"), why);
        }
    }
    let on = |key: &&str| conf.is_on(key);
    let logins: Vec<&str> = LOGINS.into_iter().filter(on).collect();
    if let (true, Some(first)) = (conf.is_on("LF_DAEMON"), logins.first()) {
        made.note(
            &conf.place(first),
            &logins.join(", "),
            "failed logins are not looked for: the log of the firewall alone bans. Keep a tool for them, such as fail2ban",
        );
    }
}

/// Whether the setting is about no packet and no ban: paths, mails, the user interface, statistics.
fn is_of_nothing(key: &str) -> bool {
    OF_NOTHING_BEGIN.iter().any(|begin| key.starts_with(begin))
        || OF_NOTHING_END.iter().any(|end| key.ends_with(end))
        || OF_NOTHING.contains(&key)
}

/// Names the files beside csf.conf in which something stands and which have no counterpart.
pub(super) fn other_files(directory: &Path, made: &mut Translation) -> Result<(), Problem> {
    for (name, why) in FILES {
        let Some(source) = Source::read_if_there(&directory.join(name))? else {
            continue;
        };
        made.read.push(source.path().to_owned());
        let mut lines = source
            .lines()
            .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
        if let Some((place, text)) = lines.next() {
            let what = match lines.count() {
                0 => text.to_owned(),
                1 => format!("{text} and a line more"),
                more => format!("{text} and {more} lines more"),
            };
            // csf comes with those, and they are about no packet.
            if why == NOT_SEARCHED {
                made.note(&place, &what, why);
            } else {
                made.left(&place, &what, why);
            }
        }
    }
    Ok(())
}

/// Those that the other files here read, and those that say how csf does what is translated.
const READ: &[&str] = &[
    "TESTING",
    "TESTING_INTERVAL",
    "LF_SPI",
    "IPV6_SPI",
    "PACKET_FILTER",
    "TCP_IN",
    "TCP_OUT",
    "UDP_IN",
    "UDP_OUT",
    "TCP6_IN",
    "TCP6_OUT",
    "UDP6_IN",
    "UDP6_OUT",
    "ICMP_IN",
    "ICMP_IN_RATE",
    "ICMP_OUT",
    "ICMP_TIMESTAMPDROP",
    "IPV6",
    "IPV6_ICMP_STRICT",
    "ETH_DEVICE",
    "ETH_DEVICE_SKIP",
    "USE_CONNTRACK",
    "DNS_STRICT",
    "DENY_IP_LIMIT",
    "DENY_TEMP_IP_LIMIT",
    "LF_DAEMON",
    "LF_CSF",
    "FASTSTART",
    "LF_IPSET",
    "LF_IPSET_HASHSIZE",
    "LF_IPSET_MAXELEM",
    "LFDSTART",
    "SYNFLOOD",
    "SYNFLOOD_RATE",
    "SYNFLOOD_BURST",
    "CONNLIMIT",
    "PORTFLOOD",
    "DROP",
    "DROP_OUT",
    "DROP_LOGGING",
    "DROP_IP_LOGGING",
    "DROP_OUT_LOGGING",
    "DROP_NOLOG",
    "LF_PERMBLOCK",
    "LF_PERMBLOCK_INTERVAL",
    "LF_PERMBLOCK_COUNT",
    "LF_NETBLOCK",
    "LF_NETBLOCK_INTERVAL",
    "LF_NETBLOCK_COUNT",
    "LF_NETBLOCK_CLASS",
    "PS_INTERVAL",
    "PS_LIMIT",
    "PS_PORTS",
    "PS_DIVERSITY",
    "PS_PERMANENT",
    "PS_BLOCK_TIME",
    "DOCKER",
    "DOCKER_DEVICE",
    "DOCKER_NETWORK4",
    "DOCKER_NETWORK6",
    "LF_BLOCKINONLY",
    "UDPFLOOD_LIMIT",
    "UDPFLOOD_BURST",
    "UDPFLOOD_ALLOWUSER",
    "SMTP_ALLOWLOCAL",
    "SMTP_PORTS",
    "SMTP_ALLOWUSER",
    "SMTP_ALLOWGROUP",
    "DYNDNS_IGNORE",
    "GLOBAL_DYNDNS_INTERVAL",
    "GLOBAL_DYNDNS_IGNORE",
    "CC_SRC",
    "CC_LOOKUPS",
    "CC6_LOOKUPS",
    "CC_INTERVAL",
    "CT_INTERVAL",
    "CT_PERMANENT",
    "CT_BLOCK_TIME",
    "CT_SKIP_TIME_WAIT",
    "CT_STATES",
    "CT_PORTS",
    "UID_LIMIT",
    "UID_PORTS",
    "CLUSTER_PORT",
    "CLUSTER_BLOCK",
    "CLUSTER_CHILDREN",
    "CF_BLOCK",
    "CF_TEMP",
];

/// The key, what csf comes with, and why there is nothing for it.
const LEFT: &[(&str, &str, &str)] = &[
    ("ICMP_OUT_RATE", "", NO_RATE_OUT),
    (
        "ETH6_DEVICE",
        "",
        "the ports are open on every interface; give a [[service]] `interfaces`",
    ),
    (
        "USE_FTPHELPER",
        "",
        "helpers of connection tracking are not set: open the passive ports of the FTP server instead",
    ),
    (
        "IGNORE_ALLOW",
        "",
        "who is on the whitelist is never banned in any case",
    ),
    (
        "DNS_STRICT_NS",
        "",
        "the name servers of this host need no rule: their answers belong to connections",
    ),
    (
        "SMTP_BLOCK",
        "",
        "a rule for users of this host has no counterpart; [[output.service]] with protocol = \"tcp\", ports = [25], action = \"reject\" closes it to everybody",
    ),
    ("SMTP_REDIRECT", "", OWNER),
    ("SMTPAUTH_RESTRICT", "", LOGIN),
    ("UDPFLOOD", "", NO_RATE_OUT),
    (
        "DROP_ONLYRES",
        "",
        "what is blocked is logged whatever its port",
    ),
    (
        "LF_NETBLOCK_IPV6",
        "",
        "networks of IPv6 that are banned as one are /64: aggregate-auto of a rule of scan.toml",
    ),
    (
        "SAFECHAINUPDATE",
        "",
        "each change is one transaction in any case",
    ),
    ("DYNDNS", "", NAMES),
    ("LF_GLOBAL", "", FETCHED),
    ("GLOBAL_ALLOW", "", FETCHED),
    ("GLOBAL_DENY", "", FETCHED),
    ("GLOBAL_IGNORE", "", FETCHED),
    ("GLOBAL_DYNDNS", "", NAMES),
    ("LF_BOGON_SKIP", "", FETCHED),
    ("CC_DENY", "", COUNTRIES),
    ("CC_ALLOW", "", COUNTRIES),
    ("CC_ALLOW_FILTER", "", COUNTRIES),
    ("CC_ALLOW_PORTS", "", COUNTRIES),
    ("CC_ALLOW_PORTS_TCP", "", COUNTRIES),
    ("CC_ALLOW_PORTS_UDP", "", COUNTRIES),
    ("CC_DENY_PORTS", "", COUNTRIES),
    ("CC_DENY_PORTS_TCP", "", COUNTRIES),
    ("CC_DENY_PORTS_UDP", "", COUNTRIES),
    ("CC_IGNORE", "", COUNTRIES),
    ("CC_ALLOW_SMTPAUTH", "", COUNTRIES),
    ("CC_DROP_CIDR", "", COUNTRIES),
    ("LF_TRIGGER", "", LOGIN),
    ("LF_TRIGGER_PERM", "1", LOGIN),
    ("LF_SELECT", "", LOGIN),
    (
        "LF_REPEATBLOCK",
        "",
        "a ban that is there is prolonged while its source goes on",
    ),
    ("LF_DISTATTACK", "", LOGIN),
    ("LF_DISTFTP", "", LOGIN),
    ("LF_DISTSMTP", "", LOGIN),
    ("LT_POP3D", "", LOGIN),
    ("LT_IMAPD", "", LOGIN),
    ("LF_EXPLOIT", "300", NOT_SEARCHED),
    ("LF_DIRWATCH", "300", NOT_SEARCHED),
    ("LF_INTEGRITY", "3600", NOT_SEARCHED),
    (
        "CF_ENABLE",
        "",
        "nobody else is told of bans: log-scanner --notify-socket hands them to a program of yours",
    ),
    (
        "CT_LIMIT",
        "",
        "connections of a source are limited by `connections` of a [[service]]",
    ),
    (
        "CT_SUBNET_LIMIT",
        "",
        "connections of a network are limited by `connections` and `per-v4` of a [[service]]",
    ),
    (
        "UID_INTERVAL",
        "",
        "what this host sends is counted by no rule",
    ),
    (
        "PORTKNOCKING",
        "",
        "there is no port knocking: let whom you know in by `sources`, or by a VPN",
    ),
    ("CLUSTER_SENDTO", "", CLUSTER),
    ("CLUSTER_RECVFROM", "", CLUSTER),
    (
        "RESTRICT_SYSLOG",
        "",
        "only lines of the kernel count in any case",
    ),
    ("MESSENGER", "", "who is banned gets no page that tells him"),
    (
        "BLOCK_REPORT",
        "",
        "no program is started: log-scanner --notify-socket hands bans to a program of yours",
    ),
    (
        "UNBLOCK_REPORT",
        "",
        "no program is started: log-scanner --notify-socket hands bans to a program of yours",
    ),
    ("LF_APACHE_404", "", LOGIN),
    ("LF_APACHE_403", "", LOGIN),
    ("LF_APACHE_401", "", LOGIN),
];

const NOT_SEARCHED: &str = "this host itself, its files and processes, is not searched";
const NO_RATE_OUT: &str = "what goes out has no rate";
const OWNER: &str = "a rule for users of this host has no counterpart";
const LOGIN: &str = "failed logins and other programs' logs are not looked at: keep a tool for them, such as fail2ban";
const NAMES: &str =
    "names are not looked up: let whoever resolves them fill a [[set]], `ipset add NAME ADDRESS`";
const FETCHED: &str = "no program of Rampart fetches anything: a [[blocklist]] or [[set]] with a `file`, which curl fetches, and `firewall-apply refresh`";
const COUNTRIES: &str = "there are no countries: a [[blocklist]], or a [[set]] that services name as a source, with a file of the country's networks";
const CLUSTER: &str = "hosts do not tell each other of bans by this";

/// Failed logins, by what logs them.
const LOGINS: [&str; 15] = [
    "LF_SSHD",
    "LF_FTPD",
    "LF_SMTPAUTH",
    "LF_EXIMSYNTAX",
    "LF_POP3D",
    "LF_IMAPD",
    "LF_HTACCESS",
    "LF_MODSEC",
    "LF_BIND",
    "LF_SUHOSIN",
    "LF_CXS",
    "LF_QOS",
    "LF_SYMLINK",
    "LF_WEBMIN",
    "LF_CPANEL",
];

/// Mails, paths, statistics, processes, the user interface, how lfd goes about its work.
const OF_NOTHING_BEGIN: &[&str] = &[
    "UI",
    "ST_",
    "AT_",
    "PT_",
    "X_ARF",
    "RECAPTCHA_",
    "LOGSCANNER",
    "MESSENGER_",
    "MESSENGERV",
    "STYLE_",
    "URL",
    "CUSTOM",
    "LF_SSHD",
    "LF_FTPD",
    "LF_SMTPAUTH",
    "LF_EXIMSYNTAX",
    "LF_POP3D",
    "LF_IMAPD",
    "LF_HTACCESS",
    "LF_MODSEC",
    "LF_BIND",
    "LF_SUHOSIN",
    "LF_CXS",
    "LF_QOS",
    "LF_SYMLINK",
    "LF_WEBMIN",
    "LF_CPANEL",
    "LF_APACHE_ERRPORT",
    "LF_DIST_",
    "LF_DISTFTP_",
    "LF_DISTSMTP_",
    "LF_DISTATTACK_",
    "IPTABLES",
    "IP6TABLES",
    "CC_MESSENGER",
    "OLD_",
    "WAITLOCK",
    "PORTS_",
    "RT_",
    "LF_SCRIPT_",
    "LF_QUEUE_",
    "CPANEL_",
    "DIRECTADMIN",
];
const OF_NOTHING_END: &[&str] = &[
    "_ALERT",
    "_LOG",
    "_ALERT_TO",
    "_ALERT_FROM",
    "_ALERT_SMTP",
    "_LOGGING",
    "_PERM",
];
const OF_NOTHING: &[&str] = &[
    "RESTRICT_SYSLOG_GROUP",
    "RESTRICT_UI",
    "AUTO_UPDATES",
    "SYSLOG_CHECK",
    "VERBOSE",
    "LF_LOOKUPS",
    "SYSLOG",
    "MM_LICENSE_KEY",
    "LF_EXPLOIT_IGNORE",
    "LF_INTERVAL",
    "LF_PARSE",
    "LF_FLUSH",
    "LF_DIRWATCH_DISABLE",
    "LF_DIRWATCH_FILE",
    "LT_SKIPPERMBLOCK",
    "CLUSTER_MASTER",
    "CLUSTER_NAT",
    "CLUSTER_LOCALADDR",
    "CLUSTER_KEY",
    "CLUSTER_CONFIG",
    "MODPROBE",
    "IFCONFIG",
    "SENDMAIL",
    "PS",
    "VMSTAT",
    "NETSTAT",
    "LS",
    "MD5SUM",
    "TAR",
    "CHATTR",
    "UNZIP",
    "GUNZIP",
    "DD",
    "TAIL",
    "GREP",
    "ZGREP",
    "IPSET",
    "SYSTEMCTL",
    "HOST",
    "IP",
    "CURL",
    "WGET",
    "GENERIC",
    "DEBUG",
    "LF_MODSECIPDB_FILE",
    "VPS",
    "GENERIC_LOG",
    "DIRECTADMIN",
    "THIS_UI",
];

/// Files of csf's directory, and why there is nothing for what stands in them.
const FILES: [(&str, &str); 13] = [
    ("csf.dyndns", NAMES),
    (
        "csf.sips",
        "an address of this host to which nothing is let in: a [[service]] with action = \"drop\" and `destinations`",
    ),
    (
        "csf.rignore",
        "hosts that go by their names in DNS, which whoever owns an address can set",
    ),
    ("csf.pignore", NOT_SEARCHED),
    ("csf.fignore", NOT_SEARCHED),
    ("csf.dirwatch", NOT_SEARCHED),
    ("csf.suignore", NOT_SEARCHED),
    ("csf.signore", NOT_SEARCHED),
    ("csf.mignore", LOGIN),
    (
        "csf.uidignore",
        "what this host sends is counted by no rule",
    ),
    ("csf.smtpauth", LOGIN),
    ("csfpre.sh", OWN_RULES),
    ("csfpost.sh", OWN_RULES),
];
const OWN_RULES: &str = "rules of your own: iptables -A FIREWALL_LOCAL, by a unit that is After=rampart-firewall.service";
