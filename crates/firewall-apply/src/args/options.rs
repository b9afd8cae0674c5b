//! The options of each command.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as ClapArgs, ValueEnum};
use iptables_ruleset::Family;
use netfilter_host::metrics::Textfile;

use super::{DEFAULT_PENDING, DEFAULT_SAVED};
use crate::words::Span;

/// Options of `apply`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ApplyArgs {
    /// The saved members for the sets that are created
    #[arg(long, value_name = "FILE", default_value = DEFAULT_SAVED)]
    pub(crate) saved: PathBuf,

    /// Where the last configuration that went in is kept, for the day when the wanted one cannot go
    /// in [default: firewall.last.toml beside the saved members]
    #[arg(long, value_name = "FILE")]
    pub(crate) last: Option<PathBuf>,

    /// Leave no host open that comes up: where the configuration cannot go in, the last one that did
    /// goes in, or a floor
    ///
    /// For the unit that runs at boot. Only where no firewall of ours stands; on a host that had one
    /// before, the same is done without the flag. The exit status then is 1 when a firewall is in
    /// that is not the one wanted, 2 when none is.
    #[arg(long)]
    pub(crate) boot: bool,

    /// Install it also where no rule would let in again the ssh session that this is typed over
    #[arg(long)]
    pub(crate) force: bool,

    /// Take over chains that somebody else made under names of ours: their rules are gone
    #[arg(long)]
    pub(crate) adopt: bool,

    /// Go back to what was there unless `firewall-apply confirm` is said within this time, like
    /// 60s or 5m
    ///
    /// It goes back also when this session or this process ends. As long as it waits, another apply
    /// and a reset are refused. A host that is started anew meanwhile comes up with what was
    /// confirmed last.
    #[arg(long, value_name = "DURATION", conflicts_with = "boot")]
    pub(crate) confirm_within: Option<Span>,

    /// Where it is written down what to go back to; with --confirm-within [default:
    /// firewall.pending.json beside the saved members]
    #[arg(long, value_name = "FILE")]
    pub(crate) pending: Option<PathBuf>,
}

/// Options of `confirm`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct WaitingArgs {
    /// The change that waits to be confirmed
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PENDING)]
    pub(crate) pending: PathBuf,
}

/// Options of `rollback`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) waiting: WaitingArgs,

    /// Wait as long as there is time to confirm, and go back only if nobody did
    ///
    /// For a unit, which outlives the session that a change was made in. Where nothing waits,
    /// nothing is done, and the exit status is 0.
    #[arg(long)]
    pub(crate) when_due: bool,
}

/// Options of `status`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    /// Look again every so many seconds (2 unless given), and say how much came in a second; ends
    /// with Ctrl-C
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u32).range(1..=86_400)
    )]
    pub(crate) watch: Option<u32>,

    /// Write figures for a monitoring system instead, as OpenMetrics 1.0
    #[arg(long, conflicts_with_all = ["watch", "textfile"])]
    pub(crate) openmetrics: bool,

    /// Write them into this file instead, for the textfile collector of `node_exporter`; PATH ends
    /// in .prom
    ///
    /// The file is replaced whole, with mode 0644. What is odd or wrong is counted in it and not
    /// said; the exit status is 0 when the file is written, whatever stands in it, and else 1.
    #[arg(long, value_name = "PATH", conflicts_with = "watch")]
    pub(crate) textfile: Option<Textfile>,

    /// The last configuration that went in, which tells since when it is up [default:
    /// /var/lib/rampart/firewall.last.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) last: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) waiting: WaitingArgs,
}

/// Options of `doctor`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct DoctorArgs {
    /// The last configuration that went in [default: /var/lib/rampart/firewall.last.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) last: Option<PathBuf>,

    /// Read the host's files below this directory
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub(crate) root: PathBuf,
}

/// Options of `print`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct PrintArgs {
    /// The form to print in [default: iptables-save]
    #[arg(long, value_enum, conflicts_with = "json")]
    pub(crate) format: Option<Format>,

    /// Only this family; both otherwise
    #[arg(long, value_enum)]
    pub(crate) family: Option<FamilyArg>,
}

/// The forms that `print` knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// The rules, as iptables-restore and ip6tables-restore read them, one family after the other
    IptablesSave,
    /// The sets, as ipset restore reads them
    IpsetSave,
    /// Rules and sets in one JSON document, the same as --json
    Json,
}

/// A family, spelt as ipset and the kernel do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FamilyArg {
    /// IPv4
    Inet,
    /// IPv6
    Inet6,
}

/// Options of `explain`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ExplainArgs {
    /// Where the packet comes from; with --out, where it goes
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: IpAddr,

    /// The port that it goes to
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,

    /// Its protocol: tcp, udp, icmp (a ping), sctp, or any other by name or number [default: tcp
    /// with --port, else any]
    #[arg(long, value_name = "P")]
    pub(crate) proto: Option<Protocol>,

    /// The interface that it comes in by [default: any but lo; lo from an address of this host]
    #[arg(long = "in", value_name = "IFACE")]
    pub(crate) in_interface: Option<String>,

    /// Where it goes; with an address that is not of this host, what is passed on is explained
    /// [default: this host]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Option<IpAddr>,

    /// Explain a packet that this host sends to ADDRESS by this interface
    #[arg(long = "out", value_name = "IFACE", conflicts_with_all = ["in_interface", "to"])]
    pub(crate) out_interface: Option<String>,
}

/// A transport protocol, by its name or number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Protocol(u8);

impl Protocol {
    /// Its number among the packets of a family, which has an ICMP of its own.
    pub(crate) fn number(self, family: Family) -> u8 {
        match (self.0, family) {
            (1 | 58, Family::Ipv4) => 1,
            (1 | 58, Family::Ipv6) => 58,
            (number, _) => number,
        }
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.to_ascii_lowercase();
        let known = PROTOCOLS.iter().find(|(known, _)| *known == name);
        let number = known.map(|(_, number)| *number);
        match number.or_else(|| text.parse().ok()) {
            Some(number) if number > 0 => Ok(Self(number)),
            _ => Err(
                "expected the name of a protocol, such as tcp, or its number, 1 to 255".to_owned(),
            ),
        }
    }
}

/// Names of /etc/protocols, and what people write.
const PROTOCOLS: [(&str, u8); 16] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("dccp", 33),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("icmp6", 58),
    ("ipv6-icmp", 58),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("sctp", 132),
    ("udplite", 136),
];

/// Options of `refresh`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct RefreshArgs {
    /// The lists to read, by the name of their `[[blocklist]]` or `[[set]]` [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Take a block list also where it shrinks by more than its max-shrink
    #[arg(long)]
    pub(crate) allow_shrink: bool,
}

/// Options of `reset`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ResetArgs {
    /// Destroy our sets too, with their members
    #[arg(long)]
    pub(crate) sets: bool,

    /// Take out chains, too, that somebody else made under names of ours
    #[arg(long)]
    pub(crate) adopt: bool,

    #[command(flatten)]
    pub(crate) waiting: WaitingArgs,
}

/// Options of `save`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct SaveArgs {
    /// Where to write; - is standard output
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SAVED)]
    pub(crate) file: PathBuf,
}

/// Options of `restore`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct RestoreArgs {
    /// What to read; - is standard input
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SAVED)]
    pub(crate) file: PathBuf,
}
