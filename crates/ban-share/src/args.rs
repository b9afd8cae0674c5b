//! The command line.

use std::path::PathBuf;

use ban_fleet::Host;
use clap::{Args, Parser, Subcommand};

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
