//! The command line.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};
use iptables_ruleset::Family;

use crate::words::Span;

/// Where the configuration is looked for when `--config` is not given.
pub(crate) const DEFAULT_CONFIG: &str = "/etc/rampart/firewall.toml";

/// Where a change that waits to be confirmed is written down, unless told otherwise.
pub(crate) const DEFAULT_PENDING: &str = "/var/lib/rampart/firewall.pending.json";

/// Where `save` writes and `restore` and `apply` read, unless told otherwise.
pub(crate) const DEFAULT_SAVED: &str = "/var/lib/rampart/sets.save";

// No line is longer than a narrow terminal, which would break it in two.
macro_rules! exit_status {
    () => {
        "\
Exit status:
  0  all that was wanted is in the kernel, or was printed or written
  1  the run finished, but something wanted is not in the kernel: each is named;
     `diff`: kernel and configuration differ
  2  command line, configuration or input cannot be read: nothing was changed

It needs CAP_NET_ADMIN in the network namespace, and nothing else; `check` and
`print` need nothing. No program is ever started."
    };
}

const AFTER_HELP: &str = exit_status!();

const AFTER_LONG_HELP: &str = concat!(
    exit_status!(),
    "

Files:
  /etc/rampart/firewall.toml
      The configuration. Without it the defaults are applied: INPUT and FORWARD
      DROP, OUTPUT ACCEPT, ssh and https open with a limit for each source.
  /var/lib/rampart/sets.save
      The saved sets, in the format of `ipset save`. Lines that could not be put
      back are kept in sets.save.bad.
  /var/lib/rampart/firewall.last.toml
      The last configuration that went in.
  /var/lib/rampart/firewall.pending.json
      What `apply --confirm-within` goes back to; there as long as it waits.

Examples:
  firewall-apply check               is the configuration right?
  firewall-apply print               what would be installed?
  firewall-apply diff                is the kernel what the configuration says?
  firewall-apply                     install it
  firewall-apply apply --confirm-within 60s
                                     install it from far away; then, from another
                                     session: firewall-apply confirm
  firewall-apply status              what stands, and what came to it?
  firewall-apply status --watch      the same, every two seconds
  firewall-apply doctor              what is wrong on this host, and what cures it?
  firewall-apply explain 192.0.2.7 --port 22
                                     would it get in, and why?
  firewall-apply save                keep the members of the sets over a reboot
  firewall-apply reset               open the host again; the sets stay
  firewall-apply print --family inet6 | ip6tables-restore --test
  firewall-apply print --format ipset-save | ipset restore -exist

JSON:
  { \"version\": 1, \"command\": \"apply\", \"exit_status\": 0, ...,
    \"warnings\": [], \"errors\": [] }
  One document, also when the run fails. A warning or error has \"message\", and
  \"path\", \"line\" and \"column\" where they are known. The rest is what the text
  says, command by command; README.md of firewall-apply lists it."
);

/// Puts the firewall into the kernel: the sets and the chains of IPv4 and IPv6, all or nothing
///
/// Without a command it applies. The chains of both families are replaced in one transaction:
/// whatever goes wrong, the rules that were there stay as they were. Rules, chains and sets of
/// others are never touched.
#[derive(Debug, Parser)]
#[command(name = "firewall-apply", version, max_term_width = 90, after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// The configuration [default: /etc/rampart/firewall.toml, and where that does not exist the
    /// built-in defaults]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Write one JSON document to standard output instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

impl Args {
    /// Reads the command line of the process; ends it with status 2 when it makes no sense.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        args.check().unwrap_or_else(|error| error.exit());
        args
    }

    /// What the definition of the options cannot say.
    fn check(&self) -> Result<(), clap::Error> {
        match &self.command {
            Some(Command::Save(save)) if self.json && save.file == Path::new("-") => {
                Err(Self::command().error(
                    ErrorKind::ArgumentConflict,
                    "--json and --file - both want standard output",
                ))
            }
            Some(Command::Status(status)) if self.json && status.watch.is_some() => {
                Err(Self::command().error(
                    ErrorKind::ArgumentConflict,
                    "--json is one document, and --watch has no end",
                ))
            }
            _ => Ok(()),
        }
    }

    /// The command to run; without one it is `apply` with its defaults.
    pub(crate) fn chosen(&self) -> Command {
        self.command.clone().unwrap_or_else(|| {
            Command::Apply(ApplyArgs {
                saved: PathBuf::from(DEFAULT_SAVED),
                last: None,
                boot: false,
                force: false,
                adopt: false,
                confirm_within: None,
                pending: None,
            })
        })
    }

    /// The configuration file, and whether it was asked for by name and so has to exist.
    pub(crate) fn config(&self) -> (&Path, bool) {
        match &self.config {
            Some(path) => (path, true),
            None => (Path::new(DEFAULT_CONFIG), false),
        }
    }
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Create the sets that are missing, then replace our chains of both families in one
    /// transaction (the default)
    ///
    /// Sets that already exist keep their members. A set that this run creates gets its saved
    /// members back, with the time each has left. The jump to our chain for new packets,
    /// `FIREWALL_INPUT`, is appended to INPUT the first time and keeps its place afterwards.
    /// Where the rules are there already nothing is sent, and counters and limits go on.
    ///
    /// A chain that somebody else made under a name of ours is not taken over: exit status 2, and
    /// nothing is changed, unless --adopt is given. Ours are known by a mark in their rules, or by
    /// what earlier versions wrote into them; one that is empty is taken.
    ///
    /// When something fails before the transaction, or the kernel refuses it, the rules are exactly
    /// what they were and the sets created by this run are gone again. Saved members that cannot be
    /// put back do not keep the firewall from going up: they are named, and the exit status is 1.
    ///
    /// A host on which nothing of ours stands, although it had a firewall before (as after a boot),
    /// is not left open: where the configuration cannot be read or cannot go in, the last one that
    /// did goes in instead, and failing that a floor, which lets in loopback, established
    /// connections, the whitelist and ssh. The exit status is 1.
    Apply(ApplyArgs),

    /// Keep what `apply --confirm-within` put in
    ///
    /// To be said from a new session: that one which was open before goes on says nothing about
    /// whether anybody gets in. Where nothing waits the exit status is 2.
    Confirm(WaitingArgs),

    /// Go back at once to what was there before `apply --confirm-within`
    ///
    /// Policies, jumps and all rules of our chains come back as they were, also those that were
    /// put there by hand; the sets that there were not are gone; members that the configuration
    /// put in or took out are as they were. Where nothing waits the exit status is 2.
    Rollback(RollbackArgs),

    /// Read the configuration and its lists and say what is wrong with them, with line and column;
    /// touches nothing
    Check,

    /// Compare the kernel with the configuration: what apply would take out (-) and put in (+)
    ///
    /// Policies, jumps, every rule of our chains in its place, and the sets: missing, of another
    /// type or size. Nothing is printed where they are the same. The exit status is 1 where they
    /// differ, 2 where they cannot be compared; nothing is changed in any case.
    Diff,

    /// Print what apply would install; asks nothing of the kernel
    Print(PrintArgs),

    /// Say what stands: policies, jumps, what came to each rule, how full each set is, and what makes
    /// it void or weak
    ///
    /// Rules are told by what they are there for. Exit status 1 when no firewall stands, when
    /// something of it is missing, or when a rule of others makes it void.
    Status(StatusArgs),

    /// Look at all that the firewall depends on, and say what is wrong with the command that cures
    /// it
    ///
    /// The kernel and its modules, the rules and the sets, the log's disk and who writes the log,
    /// its rotation, the scans, and what else on the host changes rules. Files, /proc and netlink
    /// are read; nothing is changed and no program started. Exit status 1 when something has failed.
    Doctor(DoctorArgs),

    /// Say what becomes of a new packet from ADDRESS, and which rule or entry of a set says so
    ///
    /// Asks the sets and the rules in the kernel, in the kernel's order: also those of others, of
    /// every table that the packet comes through. Of a rule that matches and of one that does not it
    /// says why; of a set the entry that decides, with its comment and the time it has left; of a
    /// limit what is left of it at this moment. Where the answer depends on what is not known, it
    /// says on what. Nothing is changed, no packet is sent.
    Explain(ExplainArgs),

    /// Read the files of lists anew and put what stands in them into their sets; rules stay
    ///
    /// For cron, after the files were fetched. A list is a [[blocklist]] or a [[set]] with a file.
    /// Each set is given its new members in one step, and nothing is sent where it has them already.
    /// A file that cannot be read, with any bad line in it, or that would take more out of a block
    /// list than its `max-shrink` says, changes nothing of that list: exit status 1.
    Refresh(RefreshArgs),

    /// Take out our jump and our chains, and set the policies to ACCEPT
    ///
    /// The sets and their members stay unless --sets is given. Rules, chains and sets of others
    /// stay in any case. Where there is nothing of ours, nothing is done.
    Reset(ResetArgs),

    /// Write the sets, with the time each member has left, in the format of `ipset save`
    ///
    /// The first line is a comment with the time of saving, so that a later restore can take off
    /// what has passed since: a ban ends when it was said to end, also when the machine was off.
    /// `ipset restore -exist` reads the file as well. It is written whole or not at all. When none
    /// of the sets exists, the file of an earlier save is left alone.
    Save(SaveArgs),

    /// Put the members of a saved file back into the sets
    ///
    /// The whole file is read and judged before the first change. Sets that are missing are
    /// created. A member that is already there keeps the later of the two ends. Files that `ipset
    /// save` wrote are read too (sets of type hash:ip and hash:net); they do not say when they were
    /// written, so nothing is taken off.
    Restore(RestoreArgs),
}

/// Options of `apply`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ApplyArgs {
    /// The saved members for the sets that are created
    #[arg(long, value_name = "FILE", default_value = DEFAULT_SAVED)]
    pub(crate) saved: PathBuf,

    /// The last configuration that went in, kept for the day when the wanted one cannot [default:
    /// firewall.last.toml beside the saved members]
    #[arg(long, value_name = "FILE")]
    pub(crate) last: Option<PathBuf>,

    /// Let the host not stay open: what cannot go in is replaced by the last configuration that
    /// did, or a floor
    ///
    /// For the unit that runs at boot. Only where no firewall of ours stands; where one was in
    /// before on this host the same is done without the flag. The exit status then is 1 when a
    /// firewall is in that is not the one wanted, 2 when none is.
    #[arg(long)]
    pub(crate) boot: bool,

    /// Go on although no rule would let in again the ssh session that this is typed over
    #[arg(long)]
    pub(crate) force: bool,

    /// Make chains anew that somebody else made under names of ours
    #[arg(long)]
    pub(crate) adopt: bool,

    /// Go back to what was there unless `firewall-apply confirm` is said within this time, like
    /// 60s or 5m
    ///
    /// Also when this session or this process ends. Until then no other apply and no reset is
    /// done. A host that is started anew meanwhile comes up, with --boot, with the configuration
    /// that was confirmed last.
    #[arg(long, value_name = "DURATION", conflicts_with = "boot")]
    pub(crate) confirm_within: Option<Span>,

    /// Where it is written down what to go back to [default: firewall.pending.json beside the saved
    /// members]
    #[arg(long, value_name = "FILE")]
    pub(crate) pending: Option<PathBuf>,
}

/// Options of `confirm`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct WaitingArgs {
    /// What waits to be confirmed
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PENDING)]
    pub(crate) pending: PathBuf,
}

/// Options of `rollback`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) waiting: WaitingArgs,

    /// Wait for the time that there is left, and go back unless it was confirmed by then
    ///
    /// For a unit, which outlives the session that a change was made in. Where nothing waits
    /// nothing is done.
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

    /// The last configuration that went in [default: /var/lib/rampart/firewall.last.toml]
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
    /// Where the packet comes from
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

    /// Where it goes; to an address that this host has not, it is passed on [default: this host]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Option<IpAddr>,
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
    /// The lists to read [default: all]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        let args = Args::try_parse_from(line.split_whitespace())?;
        args.check().map(|()| args)
    }

    #[test]
    fn definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_command_is_apply() {
        let args = parse("firewall-apply --json").unwrap();
        assert!(args.json);
        assert_eq!(args.config(), (Path::new(DEFAULT_CONFIG), false));
        match args.chosen() {
            Command::Apply(apply) => assert_eq!(apply.saved, Path::new(DEFAULT_SAVED)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn config_and_json_stand_before_or_after_the_command() {
        for line in [
            "firewall-apply --config x --json check",
            "firewall-apply check --json --config x",
        ] {
            let args = parse(line).unwrap();
            assert!(args.json);
            assert_eq!(args.config(), (Path::new("x"), true));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "firewall-apply state",
            "firewall-apply status --watch 0",
            "firewall-apply status --json --watch",
            "firewall-apply print --format yaml",
            "firewall-apply print --family ipv4",
            "firewall-apply print --json --format ipset-save",
            "firewall-apply --saved x",
            "firewall-apply check extra",
            "firewall-apply apply --confirm-within 60",
            "firewall-apply apply --confirm-within 60s --boot",
            "firewall-apply save --file - --json",
            "firewall-apply explain",
            "firewall-apply explain host.example",
            "firewall-apply explain 192.0.2.1 --proto 0",
            "firewall-apply explain 192.0.2.1 --port 65536",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
