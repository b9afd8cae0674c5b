//! The flags of what reads logs and changes nothing.

use std::path::PathBuf;

use ban_sets::Network;
use clap::Args;

use super::{LogArgs, rules_of};
use crate::clock::AsOf;
use crate::duration::Seconds;
use crate::error::Fatal;
use crate::ours::SetArgs;
use crate::rule::{Protect, Rule, RulesFile, network};

/// What to try on which log, and how to say what came of it.
#[derive(Debug, Args)]
#[command(after_help = TRY)]
pub(crate) struct TryArgs {
    #[command(flatten)]
    pub(crate) rule: Option<Rule>,

    /// Tries the rules of a TOML file, all in one pass
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) log: LogArgs,

    /// Says of this address or network that it is exempt; can be repeated
    #[arg(long, value_name = "ADDRESS[/PREFIX]", value_parser = network)]
    pub(crate) exempt: Vec<Network>,

    /// Whom this host cannot do without; none is nobody [default: all four, or protect of the rules
    /// file]
    #[arg(long, value_name = "gateways,resolvers,time-servers,ssh|none")]
    pub(crate) protect: Option<Protect>,

    /// Tries as if it were that time (RFC 3339, 2026-11-22T09:00:00Z), or the time of the newest line
    /// of the firewall in the log [default: now]
    #[arg(
        long,
        value_name = "TIME|log-end",
        default_value = "now",
        hide_default_value = true
    )]
    pub(crate) as_of: AsOf,

    /// Lists everybody; otherwise the text lists the first 50 of a rule and counts the rest
    #[arg(long)]
    pub(crate) all: bool,

    /// One JSON document instead of text; times in UTC, durations in seconds
    #[arg(long)]
    pub(crate) json: bool,
}

impl TryArgs {
    /// What is tried.
    pub(crate) fn wanted(&self) -> Result<RulesFile, Fatal> {
        let mut file = rules_of(self.rule.as_ref(), self.rules.as_deref())?;
        if let Some(protect) = &self.protect {
            file.protect = protect.clone();
        }
        Ok(file)
    }
}

/// What to report of which logs, and how.
#[derive(Debug, Args)]
#[command(after_help = REPORT)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) log: LogArgs,

    /// How long before its end the report begins; who is in the log from before that is known, and
    /// everybody else new
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub(crate) since: Seconds,

    /// Writes a page of HTML to this file, which needs nothing else and runs nothing; - is standard
    /// output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) html: Option<PathBuf>,

    /// Tells countries or autonomous systems by a database of this host, an .mmdb file; can be
    /// repeated, since mostly one file has the one and another the other
    #[arg(long, value_name = "FILE")]
    pub(crate) mmdb: Vec<PathBuf>,

    /// How many of a kind are told: sources, networks, ports, bans, and violators of a rule
    #[arg(long, value_name = "N", default_value_t = 15)]
    pub(crate) top: usize,

    /// Ends the report at that time (RFC 3339, 2026-11-22T09:00:00Z), or at the newest line of the
    /// firewall in the log, which reads the log twice [default: now]
    #[arg(
        long,
        value_name = "TIME|log-end",
        default_value = "now",
        hide_default_value = true
    )]
    pub(crate) as_of: AsOf,

    #[command(flatten)]
    pub(crate) sets: SetArgs,

    /// One JSON document instead of text; times in UTC
    #[arg(long)]
    pub(crate) json: bool,
}

const TRY: &str = "\
Reads no set, opens no connection and changes nothing, so it needs no root and any log will do. The rules, and what counts for them, are \
those of a scan (log-scanner --help); violators are whom a scan finds in the same log. A scan with --dryrun goes on from there: it \
looks into the sets and says what it would do on this host now.

Near is who reached 80 % of what a rule asks for, and of its ports, in one window, and not all of it. Let in is who has lines \
of IPTABLES-ALLOWED or IP6TABLES-ALLOWED in the same log; afterwards are those after the line that his ban would be dated from. Below stand the lines that no \
rule counts and why, and the first of those that are no lines of the firewall.

Exit status: 0 when nobody breaks a rule; 1 when somebody does; 2 for wrong usage or an unreadable log. Needs the right to read the log.

Examples:
  Whom would half as many packets ban?
    log-scanner try --rule blocked --type tcp --howmany 50 --within 5m \\
        --ipset blacklist --removeafter 1d

  The rules of the timers on an old log:
    log-scanner try --rules /etc/rampart/scan.toml --log iptables.log.2.gz --as-of log-end

  On what a journal holds, for programs:
    journalctl -k | log-scanner try --rules /etc/rampart/scan.toml --log - --json";

const REPORT: &str = "\
Counts packets of the span by what the firewall did with them: let in is what is logged under a prefix that ends with ALLOWED, \
and all else kept out. What this host itself sent (IN= is empty) is only counted. A source, a network and a port are told with both numbers, \
those that were kept out most often first. Of a log with more sources than 50,000 those with fewest packets are let go: \
the report says then how many packets somebody can have who is not in it.

Banned now is who is in the kernel's sets, as log-scanner bans tells; without the right to read them the report says so and goes on. \
The rules, those of /etc/rampart/scan.toml unless --rules or --set is given, are judged by this log alone, as log-scanner try judges.

Places are looked up in files that are on this host, and nobody is asked. The page of HTML has its style and its pictures in it; a browser that opens it \
fetches nothing and runs nothing.

Exit status: 0; 1 when the report cannot be written; 2 for wrong usage, or a log, a rules file or a database that cannot be read. \
Needs the right to read the log, and CAP_NET_ADMIN for the bans.

Examples:
  The last day at the terminal, the last week as a page:
    log-scanner report
    log-scanner report --since 7d --html /var/www/private/firewall.html

  With countries and autonomous systems:
    log-scanner report --mmdb GeoLite2-Country.mmdb --mmdb GeoLite2-ASN.mmdb

  An old log, for programs:
    log-scanner report --log iptables.log.2 --as-of log-end --json | jq .sources.top";
