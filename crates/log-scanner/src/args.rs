//! The command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use ipset_netlink::{Key, Network, SetName};
use jiff::Timestamp;

use crate::duration::Seconds;
use crate::rule::{Protocols, RuleName};
use crate::sets::WHITELIST;

/// Where the firewall's log is, unless `--log` says otherwise.
const DEFAULT_LOG: &str = "/ram/iptables.log";

const LOG_HELP: &str = "\
A log to read; - is standard input, a name ending in .gz is read decompressed; can be repeated, several are one stream";

const AFTER_HELP: &str = "\
Examples:
  Who would be banned for 100 blocked TCP packets in 5 minutes? Changes nothing:
    log-scanner --rule blocked --type tcp --howmany 100 --within 5m \\
        --ipset blacklist --removeafter 1d --dryrun

  500 blocked TCP packets in 30 minutes: throttle for 2 hours:
    log-scanner --rule blocked --type tcp --howmany 500 --within 30m \\
        --ipset throttle-hard --removeafter 2h

  200 blocked pings in a minute, over IPv4 or IPv6: ban for 6 hours:
    log-scanner --rule blocked --type icmp --howmany 200 --within 1m \\
        --ipset blacklist --removeafter 6h

  Try a rule on an old log, as of its last line:
    log-scanner ... --dryrun --log iptables.log.1.gz --as-of log-end

  See what the scanner sees:
    log-scanner events --json | jq -c 'select(.dpt == 22)'

DURATION is whole numbers with s, m, h, d or w: 90s, 30m, 1h30m, 7d.

A source is a violator when at least N of its matching lines lie at most --within apart. Its ban \
ends --removeafter after the last line of the last such window, however late the scan is: \
scanning the same log again prolongs nothing. Scans that run at the same time fill the sets one after the other, \
and of two bans the longer stays.

Never added: members of the sets whitelist and whitelist_v6, --exempt, this host's own addresses, \
loopback, unspecified, multicast and broadcast addresses, and what the set itself excepts (nomatch).

Exit status: 0 when every violator is dealt with; 1 when one could not be added, each is named with \
[ERROR]; 2 for wrong usage, an unreadable log or an unusable set, and then nothing was changed.

Needs CAP_NET_ADMIN; with --dryrun only the right to read the log.";

/// One pass over the firewall's log; who hit it too often goes into an ipset
#[derive(Debug, Parser)]
#[command(
    name = "log-scanner",
    version,
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) scan: Option<ScanArgs>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what the scanner sees: every line, read by the same code
    Events(EventsArgs),
}

/// One rule and what to do with those who break it.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Which lines count: NAME stands for the log prefixes IPTABLES-NAME and IP6TABLES-NAME, in any case
    #[arg(long, value_name = "blocked|allowed|NAME")]
    pub(crate) rule: RuleName,

    /// Which packets count: a protocol's name or number; icmp is ICMP and ICMPv6
    #[arg(long = "type", value_name = "tcp|udp|icmp|all|NAME")]
    pub(crate) protocols: Protocols,

    /// How many matching lines make a violator, at least 1
    #[arg(long, value_name = "N")]
    pub(crate) howmany: NonZeroU32,

    /// How far the first and the last of them may lie apart, both included
    #[arg(long, value_name = "DURATION")]
    pub(crate) within: Seconds,

    #[expect(clippy::doc_markdown, reason = "it is the text of --help")]
    /// The set for IPv4 violators; NAME_v6 is the one for IPv6. At most 28 bytes; both must exist, be of type
    /// hash:ip or hash:net and have been created with a timeout
    #[arg(long, value_name = "NAME")]
    pub(crate) ipset: SetPair,

    /// How long after the last hit the ban ends, at most 2147483s (24d20h31m23s)
    #[arg(long, value_name = "DURATION", value_parser = removeafter)]
    pub(crate) removeafter: Seconds,

    /// Only says what would be done; troubles with the sets are warnings
    #[arg(long)]
    pub(crate) dryrun: bool,

    #[arg(long = "log", value_name = "PATH", default_value = DEFAULT_LOG, help = LOG_HELP)]
    pub(crate) logs: Vec<PathBuf>,

    /// Scans as if it were that time (RFC 3339, 2026-11-22T09:00:00Z), or the time of the newest line of the
    /// firewall in the log [default: now]
    #[arg(
        long,
        value_name = "TIME|log-end",
        default_value = "now",
        hide_default_value = true
    )]
    pub(crate) as_of: AsOf,

    /// Never adds this address or network; can be repeated
    #[arg(long, value_name = "ADDRESS[/PREFIX]", value_parser = network)]
    pub(crate) exempt: Vec<Network>,

    /// One JSON document instead of text; times in UTC, durations in seconds
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `events` shows and how.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    #[arg(long = "log", value_name = "PATH", default_value = DEFAULT_LOG, help = LOG_HELP)]
    pub(crate) logs: Vec<PathBuf>,

    /// The time (RFC 3339) that stamps without a year are completed by: the latest year that does not put the
    /// line after it [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) as_of: Option<Timestamp>,

    /// JSON lines instead of text: one object a line of the log
    #[arg(long)]
    pub(crate) json: bool,
}

/// The instant of which a scan speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsOf {
    Now,
    LogEnd,
    At(Timestamp),
}

impl FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "now" => Ok(Self::Now),
            "log-end" => Ok(Self::LogEnd),
            time => instant(time)
                .map(Self::At)
                .map_err(|error| format!("{error}, or log-end")),
        }
    }
}

/// The two sets that `--ipset` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetPair {
    pub(crate) inet: SetName,
    pub(crate) inet6: SetName,
}

impl FromStr for SetPair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SUFFIX: &str = "_v6";
        const ROOM: usize = SetName::MAX_LEN - SUFFIX.len();
        if text.len() > ROOM {
            return Err(format!(
                "{} bytes are too many: {ROOM} leave room for the {SUFFIX} of the IPv6 set",
                text.len()
            ));
        }
        if text == WHITELIST {
            return Err("its members are accepted before anything else".to_owned());
        }
        let name = |text: &str| {
            text.parse()
                .map_err(|error: ipset_netlink::SetNameError| error.to_string())
        };
        Ok(Self {
            inet: name(text)?,
            inet6: name(&format!("{text}{SUFFIX}"))?,
        })
    }
}

fn removeafter(text: &str) -> Result<Seconds, String> {
    let seconds: Seconds = text
        .parse()
        .map_err(|error: crate::duration::DurationError| error.to_string())?;
    let most = u64::from(ipset_netlink::Timeout::MAX.as_secs());
    if seconds.get() > most {
        return Err(format!(
            "{} s are more than the kernel can count, {most} s",
            seconds.get()
        ));
    }
    Ok(seconds)
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "not a time with a zone, such as 2026-11-22T09:00:00Z or 2026-11-22T10:00:00+01:00"
            .to_owned()
    })
}

fn network(text: &str) -> Result<Network, String> {
    let key: Key = text
        .parse()
        .map_err(|error: ipset_netlink::KeyError| error.to_string())?;
    key.as_network()
        .ok_or_else(|| format!("{text:?} is not a network"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: [&str; 13] = [
        "log-scanner",
        "--rule",
        "blocked",
        "--type",
        "tcp",
        "--howmany",
        "100",
        "--within",
        "5m",
        "--ipset",
        "blacklist",
        "--removeafter",
        "1d",
    ];

    fn parse(more: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(RULE.iter().chain(more))
    }

    /// The rule of [`RULE`] with the value of one flag replaced.
    fn with(flag: &str, value: &str) -> Result<Cli, clap::Error> {
        let mut line = RULE.to_vec();
        let place = line.iter().position(|word| *word == flag).expect(flag);
        line[place + 1] = value;
        Cli::try_parse_from(line)
    }

    #[test]
    fn definition_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn the_seed_s_example() {
        let scan = parse(&["--dryrun"]).expect("valid").scan.expect("a scan");
        assert_eq!(scan.rule.to_string(), "blocked");
        assert_eq!(scan.protocols.to_string(), "tcp");
        assert_eq!(scan.howmany.get(), 100);
        assert_eq!(scan.within.get(), 300);
        assert_eq!(scan.ipset.inet.as_str(), "blacklist");
        assert_eq!(scan.ipset.inet6.as_str(), "blacklist_v6");
        assert_eq!(scan.removeafter.get(), 86_400);
        assert!(scan.dryrun && !scan.json && scan.exempt.is_empty());
        assert_eq!(scan.logs, [PathBuf::from(DEFAULT_LOG)]);
        assert_eq!(scan.as_of, AsOf::Now);
    }

    #[test]
    fn what_can_be_repeated() {
        let scan = parse(&[
            "--log",
            "a",
            "--log",
            "-",
            "--exempt",
            "192.0.2.9/24",
            "--exempt",
            "2001:db8::1",
        ]);
        let scan = scan.expect("valid").scan.expect("a scan");
        assert_eq!(scan.logs, [PathBuf::from("a"), PathBuf::from("-")]);
        let exempt: Vec<_> = scan.exempt.iter().map(ToString::to_string).collect();
        assert_eq!(exempt, ["192.0.2.0/24", "2001:db8::1/128"]);
    }

    #[test]
    fn events_need_no_rule() {
        let cli = Cli::try_parse_from(["log-scanner", "events", "--json"]).expect("valid");
        let Some(Command::Events(events)) = cli.command else {
            panic!("{cli:?}")
        };
        assert!(events.json);
        assert_eq!(events.logs, [PathBuf::from(DEFAULT_LOG)]);
        assert!(Cli::try_parse_from(["log-scanner", "events", "--rule", "x"]).is_err());
    }

    #[test]
    fn a_scan_needs_its_whole_rule() {
        assert!(Cli::try_parse_from(["log-scanner"]).is_err());
        assert!(Cli::try_parse_from(["log-scanner", "--dryrun"]).is_err());
        for left_out in (1..RULE.len()).step_by(2) {
            let line = RULE.iter().enumerate();
            let line = line.filter(|(place, _)| !(left_out..left_out + 2).contains(place));
            let error = Cli::try_parse_from(line.map(|(_, word)| word)).expect_err("incomplete");
            assert!(error.to_string().contains(RULE[left_out]), "{error}");
        }
    }

    #[test]
    fn values_that_are_refused() {
        for (flag, value, why) in [
            ("--howmany", "0", "zero"),
            ("--within", "5", "a unit is missing at character 2"),
            ("--removeafter", "0s", "no time at all"),
            ("--removeafter", "2147484s", "2147483 s"),
            ("--removeafter", "4w", "2147483 s"),
            ("--type", "tpc", "known are all, icmp"),
            ("--ipset", "", "it is empty"),
            ("--ipset", "a b", "' '"),
            ("--ipset", "whitelist", "its members are accepted"),
            (
                "--ipset",
                "12345678901234567890123456789",
                "29 bytes are too many: 28",
            ),
        ] {
            let error = with(flag, value).expect_err(value);
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(with("--ipset", "1234567890123456789012345678").is_ok());
        assert!(with("--removeafter", "2147483s").is_ok());
        for exempt in ["", "192.0.2.0/33", "host", "192.0.2"] {
            assert!(parse(&["--exempt", exempt]).is_err(), "{exempt:?}");
        }
    }

    #[test]
    fn instants() {
        let as_of = |text| parse(&["--as-of", text]).map(|cli| cli.scan.expect("a scan").as_of);
        assert_eq!(as_of("log-end").expect("valid"), AsOf::LogEnd);
        let nine = AsOf::At("2026-11-22T09:00:00Z".parse().expect("a time"));
        assert_eq!(as_of("2026-11-22T09:00:00Z").expect("valid"), nine);
        assert_eq!(as_of("2026-11-22T10:00:00+01:00").expect("valid"), nine);
        for bad in ["2026-11-22T09:00:00", "yesterday", "2026-11-22", ""] {
            assert!(as_of(bad).is_err(), "{bad:?}");
        }
    }
}
