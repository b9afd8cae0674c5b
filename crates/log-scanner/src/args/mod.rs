//! The command line.

mod by_hand;
mod help;
mod of_logs;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ban_sets::Network;
pub(crate) use by_hand::{BanArgs as BanByHandArgs, BansArgs, ExemptArgs, UnbanArgs};
use clap::{Args, Parser, Subcommand};
use help::{AFTER_HELP, EVENTS_AFTER_HELP, FOLLOW_AFTER_HELP, USAGE};
use jiff::Timestamp;
use netfilter_host::metrics::Textfile;
pub(crate) use of_logs::{ReportArgs, TryArgs};

use crate::clock::{AsOf, instant};
use crate::error::Fatal;
use crate::rule::{Protect, Rule, RulesFile, network};

/// Where the firewall's log is, unless `--log` says otherwise.
const DEFAULT_LOG: &str = "/ram/iptables.log";

/// One pass over the firewall's log; who hit it too often goes into an ipset
#[derive(Debug, Parser)]
#[command(
    name = "log-scanner",
    version,
    override_usage = USAGE,
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what the scanner sees: every line, read by the same code
    Events(EventsArgs),
    /// Tries rules on a log and changes nothing: who breaks them, who comes near, what they do not count
    Try(Box<TryArgs>),
    /// Reports what the log of a day holds: when, who, whereto, who is banned; at the terminal or as a
    /// page of HTML
    Report(ReportArgs),
    /// Judges a log that goes on, and bans at the line that breaks a threshold
    Follow(Box<FollowArgs>),
    /// Tells who is banned, since when, until when and why; whether somebody is
    Bans(BansArgs),
    /// Bans an address or network by hand
    Ban(BanByHandArgs),
    /// Lets an address or network go, for good: what it did until now counts no more
    Unban(UnbanArgs),
    /// Tells who is never banned and why; whether somebody is not
    Exempt(ExemptArgs),
}

/// What to read.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// A log to read, and before it PATH.1 where there is one; - is standard input; what gzip
    /// compressed is read decompressed, whatever its name; can be repeated, several are one stream
    #[arg(long = "log", value_name = "PATH", default_value = DEFAULT_LOG)]
    pub(crate) paths: Vec<PathBuf>,

    /// Leaves alone PATH.1, which PATH was before its last rotation
    #[arg(long)]
    pub(crate) no_rotated: bool,
}

/// Who is banned, by which rules, and who never is.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct BanArgs {
    #[command(flatten)]
    pub(crate) rule: Option<Rule>,

    /// Reads the rules from a TOML file and scans by all of them in one pass; `log-scanner --help` shows one
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,

    /// Tells of each ban that is made, prolonged, refused or lifted: one JSON object a datagram to this
    /// Unix socket, with the keys of follow --json; nobody waits for who reads there
    #[arg(long, value_name = "PATH")]
    pub(crate) notify_socket: Option<PathBuf>,

    /// Leaves in this outbox, from which ban-share tells other hosts, whom rules ban that a forged
    /// source cannot easily trip: those of type tcp that ask for different ports or for handshakes;
    /// in a rules file, share = true or false says it of a rule
    #[arg(long, value_name = "PATH")]
    pub(crate) share: Option<PathBuf>,

    /// Only says what would be done; troubles with the sets are warnings
    #[arg(long)]
    pub(crate) dryrun: bool,

    /// Never adds this address or network; can be repeated
    #[arg(long, value_name = "ADDRESS[/PREFIX]", value_parser = network)]
    pub(crate) exempt: Vec<Network>,

    /// Never bans these, whom this host cannot do without: its gateways, the resolvers and
    /// time-servers that files name by address, and the other ends of ssh sessions that somebody is
    /// logged in by; none is nobody [default: all four, or protect of the rules file]
    #[arg(long, value_name = "gateways,resolvers,time-servers,ssh|none")]
    pub(crate) protect: Option<Protect>,

    /// Ends the connections of whom it bans, which the firewall would go on accepting
    #[arg(long)]
    pub(crate) cut_connections: bool,

    /// Ends also those that are older than its first line in the log, which an attacker may have
    /// forged
    #[arg(long, requires = "cut_connections")]
    pub(crate) cut_older: bool,

    /// Bans also whom this host has opened a connection to, which is established
    #[arg(long)]
    pub(crate) ban_connected: bool,

    /// Adds at most so many new bans in one run, or in a minute of one that follows, those with the
    /// most evidence [default: 1000 by each rule, or its max-bans]
    #[arg(long, value_name = "N")]
    pub(crate) max_bans: Option<NonZeroU32>,
}

impl BanArgs {
    /// The rule of the command line, or those of the file; what the command line says of all rules
    /// is in each.
    pub(crate) fn wanted(&self) -> Result<RulesFile, Fatal> {
        let mut file = rules_of(self.rule.as_ref(), self.rules.as_deref())?;
        if let Some(path) = &self.notify_socket {
            file.notify_socket = Some(path.clone());
        }
        if let Some(protect) = &self.protect {
            file.protect = protect.clone();
        }
        for rule in &mut file.rules {
            rule.cut_connections |= self.cut_connections;
            rule.ban_connected |= self.ban_connected;
            rule.cut_older |= self.cut_older;
            rule.max_bans = Some(rule.max_bans.or(self.max_bans).unwrap_or(rule.most_bans()));
        }
        Ok(file)
    }
}

/// The rule of the command line, or those of the file.
fn rules_of(rule: Option<&Rule>, path: Option<&Path>) -> Result<RulesFile, Fatal> {
    let file = match path {
        None => RulesFile {
            protect: Protect::default(),
            notify_socket: None,
            rules: rule.into_iter().cloned().collect(),
        },
        Some(path) => RulesFile::read(path).map_err(|source| Fatal::Rules {
            path: path.to_owned(),
            source,
        })?,
    };
    // Those of a file have been asked, and have a place.
    match file.rules.iter().find_map(Rule::fault) {
        Some(why) => Err(Fatal::Rule(why)),
        None => Ok(file),
    }
}

/// Where a monitoring system reads what was done.
#[derive(Debug, Args)]
pub(crate) struct MetricsArgs {
    #[expect(clippy::doc_markdown, reason = "it is the text of --help")]
    /// Writes figures for Prometheus into this file, for the textfile collector of node_exporter; PATH
    /// ends in .prom. A scan goes on with the counters that it finds there
    #[arg(long, value_name = "PATH")]
    pub(crate) textfile: Option<Textfile>,
}

/// What to scan, by which rules, and how to say it.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    pub(crate) ban: BanArgs,

    #[command(flatten)]
    pub(crate) log: LogArgs,

    /// Scans as if it were that time (RFC 3339, 2026-11-22T09:00:00Z), or the time of the newest
    /// line of the firewall in the log [default: now]
    #[arg(
        long,
        value_name = "TIME|log-end",
        default_value = "now",
        hide_default_value = true
    )]
    pub(crate) as_of: AsOf,

    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,

    /// Lists everybody; otherwise the text lists the first 50 violators of a rule and counts the
    /// rest
    #[arg(long)]
    pub(crate) all: bool,

    /// One JSON document instead of text; times in UTC, durations in seconds
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to follow, by which rules, and how to say it.
#[derive(Debug, Args)]
#[command(after_help = FOLLOW_AFTER_HELP)]
pub(crate) struct FollowArgs {
    #[command(flatten)]
    pub(crate) ban: BanArgs,

    #[command(flatten)]
    pub(crate) log: LogArgs,

    /// Reads packets from this NFLOG group instead of a log: iptables -j NFLOG --nflog-group N
    #[arg(long, value_name = "N", conflicts_with_all = ["paths", "no_rotated"])]
    pub(crate) nflog_group: Option<u16>,

    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,

    /// JSON lines instead of text: one object for each ban, warning, and at the end what was done
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `events` shows and how.
#[derive(Debug, Args)]
#[command(after_help = EVENTS_AFTER_HELP)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) log: LogArgs,

    /// The time (RFC 3339) that stamps without a year are completed by: the latest year that does
    /// not put the line after it [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) as_of: Option<Timestamp>,

    /// JSON lines instead of text: one object a line of the log
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::PrefixLength;

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
        let scan = parse(&["--dryrun"]).expect("valid").scan;
        let rule = scan.ban.rule.expect("a rule");
        assert_eq!(rule.name.to_string(), "blocked");
        assert_eq!(rule.protocols.to_string(), "tcp");
        assert_eq!(rule.howmany.get(), 100);
        assert_eq!(rule.within.get(), 300);
        assert_eq!(rule.ipset.inet.as_str(), "blacklist");
        assert_eq!(rule.ipset.inet6.as_str(), "blacklist_v6");
        assert_eq!(rule.removeafter.get(), 86_400);
        assert!(rule.distinct_ports.is_none() && rule.aggregate_v6.is_none());
        assert!(!rule.count_answers && !rule.count_multicast);
        assert!(!scan.ban.cut_connections && scan.ban.rules.is_none());
        assert!(scan.ban.dryrun && !scan.json && scan.ban.exempt.is_empty());
        assert_eq!(scan.log.paths, [PathBuf::from(DEFAULT_LOG)]);
        assert_eq!(scan.as_of, AsOf::Now);
    }

    #[test]
    fn what_a_rule_must_have_comes_first_in_the_help() {
        use clap::CommandFactory as _;
        let help = Cli::command().render_long_help().to_string();
        let flags = help.lines().map(str::trim_start);
        let flags = flags.filter_map(|line| line.strip_prefix("--")?.split(' ').next());
        let first: Vec<_> = flags.take(7).collect();
        let expected = "rule type howmany within ipset removeafter distinct-ports";
        assert_eq!(first.join(" "), expected);
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
        let scan = scan.expect("valid").scan;
        assert_eq!(scan.log.paths, [PathBuf::from("a"), PathBuf::from("-")]);
        let exempt: Vec<_> = scan.ban.exempt.iter().map(ToString::to_string).collect();
        assert_eq!(exempt, ["192.0.2.0/24", "2001:db8::1/128"]);
    }

    #[test]
    fn what_a_rule_may_have_besides() {
        let more = [
            "--distinct-ports",
            "20",
            "--aggregate-v4",
            "24",
            "--aggregate-v6",
            "64",
            "--count-answers",
            "--count-multicast",
            "--cut-connections",
        ];
        let scan = parse(&more).expect("valid").scan;
        let rule = scan.ban.rule.expect("a rule");
        assert_eq!(rule.distinct_ports.map(u16::from), Some(20));
        assert_eq!(rule.aggregate_v4.map(PrefixLength::get), Some(24));
        assert_eq!(rule.aggregate_v6.map(PrefixLength::get), Some(64));
        assert!(rule.count_answers && rule.count_multicast);
        assert!(scan.ban.cut_connections);
        for (flag, value) in [
            ("--distinct-ports", "0"),
            ("--distinct-ports", "65536"),
            ("--aggregate-v4", "0"),
            ("--aggregate-v4", "33"),
            ("--aggregate-v6", "129"),
            ("--aggregate-v6", "/64"),
        ] {
            assert!(parse(&[flag, value]).is_err(), "{flag} {value}");
        }
    }

    #[test]
    fn a_rules_file_stands_for_every_flag_of_a_rule() {
        let rules = |more: &[&str]| {
            Cli::try_parse_from(["log-scanner", "--rules", "a.toml"].iter().chain(more))
        };
        let scan = rules(&["--dryrun", "--exempt", "192.0.2.1", "--cut-connections"]);
        let scan = scan.expect("valid").scan;
        assert_eq!(scan.ban.rules, Some(PathBuf::from("a.toml")));
        assert!(scan.ban.rule.is_none() && scan.ban.cut_connections);
        let flags = [
            ["--distinct-ports", "5"],
            ["--aggregate-v4", "24"],
            ["--aggregate-v6", "64"],
        ];
        let switches = [["--count-answers"], ["--count-multicast"]];
        let of_rule = RULE.iter().skip(1).copied().collect::<Vec<_>>();
        let flags = flags.iter().map(|flag| &flag[..]);
        let flags = flags.chain(switches.iter().map(|flag| &flag[..]));
        for flag in of_rule.chunks(2).chain(flags) {
            let error = rules(flag).expect_err("both");
            assert_eq!(error.kind(), clap::error::ErrorKind::ArgumentConflict);
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn events_need_no_rule() {
        let cli = Cli::try_parse_from(["log-scanner", "events", "--json"]).expect("valid");
        let Some(Command::Events(events)) = cli.command else {
            panic!("{cli:?}")
        };
        assert!(events.json);
        assert_eq!(events.log.paths, [PathBuf::from(DEFAULT_LOG)]);
        assert!(Cli::try_parse_from(["log-scanner", "events", "--rule", "x"]).is_err());
    }

    #[test]
    fn a_log_is_followed_by_the_same_flags() {
        let line = ["log-scanner", "follow"].iter().chain(&RULE[1..]);
        let cli = Cli::try_parse_from(line.chain(&["--log", "-", "--json"])).expect("valid");
        let Some(Command::Follow(follow)) = cli.command else {
            panic!("{cli:?}")
        };
        let rules = follow.ban.wanted().expect("no file").rules;
        assert_eq!(rules.len(), 1);
        assert!(follow.json && !follow.ban.dryrun);
        assert_eq!(follow.log.paths, [PathBuf::from("-")]);
        for bad in [
            "",
            "--dryrun",
            "--rules a.toml --howmany 5",
            "--rules a.toml --as-of now",
        ] {
            let line = ["log-scanner", "follow"].into_iter();
            assert!(
                Cli::try_parse_from(line.chain(bad.split_whitespace())).is_err(),
                "{bad}"
            );
        }
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
            ("--type", "tpc", "known are all, hidden, icmp"),
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
        let as_of = |text| parse(&["--as-of", text]).map(|cli| cli.scan.as_of);
        assert_eq!(as_of("log-end").expect("valid"), AsOf::LogEnd);
        let nine = AsOf::At("2026-11-22T09:00:00Z".parse().expect("a time"));
        assert_eq!(as_of("2026-11-22T09:00:00Z").expect("valid"), nine);
        assert_eq!(as_of("2026-11-22T10:00:00+01:00").expect("valid"), nine);
        for bad in ["2026-11-22T09:00:00", "yesterday", "2026-11-22", ""] {
            assert!(as_of(bad).is_err(), "{bad:?}");
        }
    }
}
