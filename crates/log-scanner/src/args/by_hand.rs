//! The flags of what an administrator does by hand: bans, ban, unban.

use std::path::PathBuf;

use ban_sets::{Network, SetName};
use clap::Args;

use crate::duration::Seconds;
use crate::ours::SetArgs;
use crate::rule::{SetPair, network, removeafter};

/// Whose bans to tell.
#[derive(Debug, Args)]
#[command(after_help = BANS)]
pub(crate) struct BansArgs {
    /// Only what is about this address or network: its own entry, the networks around it, what is in
    /// it; exit status 1 where it is not banned
    #[arg(value_name = "ADDRESS[/PREFIX]", value_parser = network)]
    pub(crate) about: Option<Network>,

    #[command(flatten)]
    pub(crate) sets: SetArgs,

    /// Writes one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Of whom to tell whether they are exempt.
#[derive(Debug, Args)]
#[command(after_help = EXEMPT)]
pub(crate) struct ExemptArgs {
    /// Only what is about this address or network; exit status 1 where it is not exempt
    #[arg(value_name = "ADDRESS[/PREFIX]", value_parser = network)]
    pub(crate) about: Option<Network>,

    /// Reads protect and the rules' exempt from this file [default: /etc/rampart/scan.toml, where
    /// it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,

    /// Writes one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whom to ban.
#[derive(Debug, Args)]
#[command(after_help = BAN)]
pub(crate) struct BanArgs {
    /// Who is banned
    #[arg(value_name = "ADDRESS[/PREFIX]", value_parser = network)]
    pub(crate) source: Network,

    /// How long, at most 2147483s (24d20h31m23s)
    #[arg(long = "for", value_name = "DURATION", default_value = "1d", value_parser = removeafter)]
    pub(crate) span: Seconds,

    /// Why, in a few words; stands in the set
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) why: String,

    #[expect(clippy::doc_markdown, reason = "it is the text of --help")]
    /// Into this set, or NAME_v6
    #[arg(long, value_name = "NAME", default_value = "blacklist")]
    pub(crate) set: SetPair,

    /// Tells who reads at this Unix socket what came of it: one JSON object in a datagram
    #[arg(long, value_name = "PATH")]
    pub(crate) notify_socket: Option<PathBuf>,

    /// Bans also who is exempt: whom the whitelist holds, this host's own addresses, gateways,
    /// servers, who is logged in over ssh, and addresses of no host
    #[arg(long)]
    pub(crate) force: bool,

    /// Writes one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whom to let go.
#[derive(Debug, Args)]
#[command(after_help = UNBAN)]
pub(crate) struct UnbanArgs {
    /// Who is let go
    #[arg(value_name = "ADDRESS[/PREFIX]", value_parser = network)]
    pub(crate) source: Network,

    /// How long what it did until now counts no more; longer than any ban that is dated from it
    /// could last unless given
    #[arg(long = "for", value_name = "DURATION", value_parser = removeafter)]
    pub(crate) span: Option<Seconds>,

    /// Why, in a few words; stands with the pardon
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) why: String,

    #[command(flatten)]
    pub(crate) sets: SetArgs,

    /// Tells who reads at this Unix socket what came of it: one JSON object in a datagram
    #[arg(long, value_name = "PATH")]
    pub(crate) notify_socket: Option<PathBuf>,

    /// Writes one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

impl BanArgs {
    /// The set that the source belongs into.
    pub(crate) fn set(&self) -> &SetName {
        self.set.of(self.source.address())
    }
}

const BANS: &str = "\
Tells one entry a line, as they come out of the sets; pardons (unban) and offenders (--repeat) are among them. An exception (nomatch) takes what it covers \
out of the ban of the network around it.

Exit status: 0; 1 when an ADDRESS was given that is in none of the sets; 2 when they cannot be read. Needs CAP_NET_ADMIN.

Example:
    log-scanner bans 203.0.113.7 || echo not banned";

const EXEMPT: &str = "\
Exempt are addresses of this host and of no host, its gateways, the resolvers and time servers that files name by address, the other ends \
of ssh sessions that somebody is logged in by, members of the sets whitelist and whitelist_v6, and for one rule whom its exempt names. \
A ban by hand asks for --force. Whom this host has opened a connection to is not banned while it lasts, and not in this list.

Exit status: 0; 1 when the address or network asked for is not exempt from every rule, or not all could be told; 2 for wrong usage. \
The whitelists need CAP_NET_ADMIN.

Examples:
    log-scanner exempt
    log-scanner exempt 203.0.113.7";

const BAN: &str = "\
A ban that lasts longer already stays as it is. A pardon of unban ends with it.

Exit status: 0; 1 when the source is not banned, and why; 2 for wrong usage or an unusable set. Needs CAP_NET_ADMIN.

Example:
    log-scanner ban 203.0.113.0/24 --for 7d --why 'asked for by the provider'";

const UNBAN: &str = "\
Takes it and what is in it out of every set. Where a network around it is banned, that stays, and an exception (nomatch) for it is \
put into the same set. A pardon, an entry of the set pardoned or pardoned_v6, has every scan leave out of its counts what came \
from it until now; what comes later counts. Earlier bans (--repeat) are forgotten.

Exit status: 0; 1 when it is still in a set, and why; 2 for wrong usage or sets that cannot be read. Needs CAP_NET_ADMIN.

Example:
    log-scanner unban 203.0.113.7 --why 'the new backup server'";
