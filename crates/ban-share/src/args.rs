//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use ban_fleet::{Host, Prefix, Set, Words};
use clap::{Args, Parser, Subcommand};

use crate::config::seconds;

/// Bans of a fleet of hosts over Valkey or Redis
#[derive(Debug, Parser)]
#[command(name = "ban-share", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes the line of the server's access rules (ACL) for a host or an administrator
    Acl(AclArgs),
    /// Asks whether the configuration, the server, its rights and both clocks can be worked with
    Check(CheckArgs),
    /// Tells the fleet what this host has banned, and bans here whom the others have: one round
    Sync(SyncArgs),
    /// Lets an address or network go: what it did until now counts on no host any more
    Pardon(PardonArgs),
    /// Bans an address or network by hand
    Ban(BanArgs),
    /// Writes what holds by now, by who told it
    Snapshot(SnapshotArgs),
}

/// For whom.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0, or 2 where the name is none.")]
pub(crate) struct AclArgs {
    /// The name of the host, or of an administrator (admin-anna)
    #[arg(value_name = "HOST")]
    pub(crate) host: Host,

    /// The fleet
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) fleet: Host,
}

/// What to check.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0, 1 where something is not as it should be, 2 where nothing can be asked."
)]
pub(crate) struct CheckArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/rampart/share.toml")]
    pub(crate) config: PathBuf,

    /// Writes one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to do in a round, and how to say it.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0, 1 where something is not as it should be (the engine does not answer, an origin is cut off, a set is full), 2 where nothing can be done."
)]
pub(crate) struct SyncArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/rampart/share.toml")]
    pub(crate) config: PathBuf,

    /// Only says what would be told and banned
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Writes one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whom to let go.
#[derive(Debug, Args)]
#[command(
    after_help = "It goes into the outbox and is told by the next sync. Exit status: 0, or 2 where it cannot be written."
)]
pub(crate) struct PardonArgs {
    /// Whom
    #[arg(value_name = "ADDRESS[/PREFIX]")]
    pub(crate) prefix: Prefix,

    /// Why, in a few words that every host shows
    #[arg(
        long,
        value_name = "WORDS",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) why: Words,

    /// The configuration; pardons hold everywhere whose host is an administrator
    #[arg(long, value_name = "FILE", default_value = "/etc/rampart/share.toml")]
    pub(crate) config: PathBuf,
}

/// Whom to ban, and for how long.
#[derive(Debug, Args)]
#[command(
    after_help = "It goes into the outbox and is told by the next sync. Exit status: 0, or 2 where it cannot be written."
)]
pub(crate) struct BanArgs {
    /// Whom
    #[arg(value_name = "ADDRESS[/PREFIX]")]
    pub(crate) prefix: Prefix,

    /// For how long: 30m, 12h, 7d; each host cuts it to its own longest
    #[arg(long = "for", value_name = "DURATION", value_parser = seconds)]
    pub(crate) span: Duration,

    /// The set, without the _v6 of the other family
    #[arg(long, value_name = "NAME", default_value = "blacklist")]
    pub(crate) set: Set,

    /// Why, in a few words that every host shows
    #[arg(
        long,
        value_name = "WORDS",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) why: Words,

    /// The configuration; the word of a host that is an administrator is enough by itself
    #[arg(long, value_name = "FILE", default_value = "/etc/rampart/share.toml")]
    pub(crate) config: PathBuf,
}

/// Of whom.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0, 1 where somebody told what is no record, 2 where nothing can be asked."
)]
pub(crate) struct SnapshotArgs {
    /// Of this host alone
    #[arg(long, value_name = "HOST")]
    pub(crate) of: Option<Host>,

    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/rampart/share.toml")]
    pub(crate) config: PathBuf,
}
