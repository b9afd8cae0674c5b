//! The command line.

mod help;
mod import;
mod options;

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

pub(crate) use import::{ImportArgs, Origin, SetAs};
pub(crate) use options::{
    ApplyArgs, DoctorArgs, ExplainArgs, FamilyArg, Format, PrintArgs, RefreshArgs, ResetArgs,
    RestoreArgs, RollbackArgs, SaveArgs, StatusArgs, WaitingArgs,
};

/// Where the configuration is looked for when `--config` is not given.
pub(crate) const DEFAULT_CONFIG: &str = "/etc/rampart/firewall.toml";

/// What the options are called that every command has.
const COMMON: &str = "Options of every command";

/// Where a change that waits to be confirmed is written down, unless told otherwise.
pub(crate) const DEFAULT_PENDING: &str = "/var/lib/rampart/firewall.pending.json";

/// Where `save` writes and `restore` and `apply` read, unless told otherwise.
pub(crate) const DEFAULT_SAVED: &str = "/var/lib/rampart/sets.save";

/// Puts the firewall into the kernel: the sets and the chains of IPv4 and IPv6, all or nothing
///
/// Without a command it applies. The chains of both families are replaced in one transaction:
/// whatever goes wrong, the rules that were there stay as they were. Rules, chains and sets of
/// others are never touched.
#[derive(Debug, Parser)]
#[command(name = "firewall-apply", version, max_term_width = 90, after_help = help::BRIEF, after_long_help = help::WHOLE)]
pub(crate) struct Args {
    /// The configuration [default: /etc/rampart/firewall.toml, and where that does not exist the
    /// built-in defaults]
    #[arg(long, global = true, value_name = "FILE", help_heading = COMMON)]
    config: Option<PathBuf>,

    /// Write one JSON document to standard output instead of text
    #[arg(long, global = true, help_heading = COMMON)]
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
            Some(Command::Import(import)) => match import.mistake() {
                None => Ok(()),
                Some(why) => Err(Self::command().error(ErrorKind::ArgumentConflict, why)),
            },
            Some(Command::Status(status))
                if self.json && (status.openmetrics || status.textfile.is_some()) =>
            {
                Err(Self::command().error(
                    ErrorKind::ArgumentConflict,
                    "--json is one document, and figures are another",
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
    /// Install the firewall: sets that are missing, then our chains of both families in one
    /// transaction (the default)
    ///
    /// Sets that already exist keep their members. A set that this run creates gets its saved
    /// members back, with the time each has left. The jump to our chain for new packets,
    /// `FIREWALL_INPUT`, is appended to INPUT the first time and keeps its place afterwards.
    /// Where the rules are there already nothing is sent, and counters and limits go on.
    ///
    /// When something fails before the transaction, or the kernel refuses it, the rules are exactly
    /// what they were and the sets created by this run are gone again. Saved members that cannot be
    /// put back do not keep the firewall from going up: they are named, and the exit status is 1.
    ///
    /// Typed over ssh, it asks the new rules first whether they would let that session in again. If
    /// not, nothing is changed, unless --force is given.
    ///
    /// A chain that somebody else made under a name of ours is not taken over: exit status 2, and
    /// nothing is changed, unless --adopt is given; with --boot a floor stands beside it. Ours are
    /// known by a mark in their rules, or by what earlier versions wrote into them; one that is
    /// empty is taken.
    ///
    /// A host on which nothing of ours stands, although it had a firewall before (as after a boot),
    /// is not left open: where the configuration cannot be read or cannot go in, the last one that
    /// did goes in instead, and failing that a floor, which lets in loopback, established
    /// connections, the whitelist and ssh. The exit status is 1.
    #[command(after_help = help::APPLY)]
    Apply(ApplyArgs),

    /// Keep what `apply --confirm-within` installed
    ///
    /// To be said from a new session: that a session goes on which was open before says nothing
    /// about whether anybody gets in.
    #[command(after_help = help::CONFIRM)]
    Confirm(WaitingArgs),

    /// Go back at once to what was there before `apply --confirm-within`
    ///
    /// Policies, jumps and all rules of our chains come back as they were, also those that were
    /// put there by hand, with their counters. Sets that the change made are destroyed; members
    /// that it put in or took out are as they were.
    #[command(after_help = help::ROLLBACK)]
    Rollback(RollbackArgs),

    /// Say what is wrong with the configuration and its lists, with file, line and column; touches
    /// nothing
    #[command(after_help = help::CHECK)]
    Check,

    /// Compare the kernel with the configuration: what apply would take out (-) and put in (+)
    ///
    /// Policies, jumps, every rule of our chains in its place, and the sets: missing, of another
    /// type or size; of sets that a file fills also the members. Nothing is changed.
    #[command(after_help = help::DIFF)]
    Diff,

    /// Print what apply would install; asks nothing of the kernel
    #[command(after_help = help::PRINT)]
    Print(PrintArgs),

    /// Say what stands and what came to it: policies, jumps, rules in words, how full each set is,
    /// and what makes it void or weak
    ///
    /// Rules are told by what they are there for: `ssh: 1,204 new connections, 33 over the limit`.
    /// `iptables -vL FIREWALL_INPUT` shows the same one by one.
    #[command(after_help = help::STATUS)]
    Status(StatusArgs),

    /// Find what is wrong on this host, each with the command that cures it
    ///
    /// The kernel and its modules, the rules and the sets, the log's disk and who writes the log,
    /// its rotation, the scans, and what else on the host changes rules. Files, /proc and netlink
    /// are read; nothing is changed and no program started.
    #[command(after_help = help::DOCTOR)]
    Doctor(DoctorArgs),

    /// Say what becomes of a new packet from ADDRESS, and which rule or entry of a set says so
    ///
    /// Asks the sets and the rules in the kernel, in the kernel's order: also those of others, of
    /// every table that the packet comes through. Of a rule that matches and of one that does not it
    /// says why; of a set the entry that decides, with its comment and the time it has left; of a
    /// limit what is left of it; of hours what the time is. Where the answer depends on what is not
    /// known, it says on what. Nothing is changed, no packet is sent.
    ///
    /// With --out it is about a packet from this host to ADDRESS.
    #[command(after_help = help::EXPLAIN)]
    Explain(ExplainArgs),

    /// Turn another firewall's files into files of ours; nothing is applied
    ///
    /// Writes firewall.toml, scan.toml where bans come of it, and the files that fill sets and block
    /// lists into a directory, each part with the file and line that it came from. What has no
    /// counterpart is named with file, line and reason (an error, exit status 1); what is translated
    /// and differs is a warning.
    ///
    /// The files are read as the program reads them that they are of, whether it is installed or
    /// not: a copy from another host will do.
    #[command(after_help = help::IMPORT)]
    Import(ImportArgs),

    /// Read the files of lists anew and put what stands in them into their sets; rules stay
    ///
    /// For cron, after the files were fetched. A list is a `[[blocklist]]` or a `[[set]]` with a
    /// file. Each set is given its new members in one step, and nothing is sent where it has them
    /// already. A file that cannot be read, with any bad line in it, or that would take more out of
    /// a block list than its `max-shrink` says, changes nothing of that list.
    #[command(after_help = help::REFRESH)]
    Refresh(RefreshArgs),

    /// Open the host again: take out our jumps and chains, and set the policies to ACCEPT
    ///
    /// The sets and their members stay unless --sets is given. Rules, chains and sets of others
    /// stay in any case. Where there is nothing of ours, nothing is done.
    #[command(after_help = help::RESET)]
    Reset(ResetArgs),

    /// Write the sets into a file, with the time each member has left
    ///
    /// In the format of `ipset save`: `ipset restore -exist` reads the file as well. Its first line
    /// is a comment with the time of saving, so that a later restore can take off what has passed
    /// since: a ban ends when it was said to end, also when the machine was off. It is written
    /// whole or not at all. When none of the sets exists, the file of an earlier save is left
    /// alone.
    #[command(after_help = help::SAVE)]
    Save(SaveArgs),

    /// Put the members of a saved file back into the sets
    ///
    /// The whole file is read and judged before the first change. Sets that are missing are
    /// created. A member that is already there keeps the later of the two ends. Files that `ipset
    /// save` wrote are read too; they do not say when they were written, so nothing is taken off.
    #[command(after_help = help::RESTORE)]
    Restore(RestoreArgs),
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
            "firewall-apply status --json --openmetrics",
            "firewall-apply status --json --textfile x.prom",
            "firewall-apply status --watch --openmetrics",
            "firewall-apply status --openmetrics --textfile x.prom",
            "firewall-apply status --textfile /etc/passwd",
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
            "firewall-apply import",
            "firewall-apply import shorewall",
            "firewall-apply import ipset",
            "firewall-apply import ipset x --as bad",
            "firewall-apply import ipset x --as bad=list",
            "firewall-apply import ipset x --bans y",
            "firewall-apply import csf --as bad=blacklist",
            "firewall-apply import ufw --bans y",
            "firewall-apply explain 192.0.2.1 --proto 0",
            "firewall-apply explain 192.0.2.1 --port 65536",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
