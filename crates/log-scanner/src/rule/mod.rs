//! A rule: which lines count, how many in what time are too many, and what becomes of who sent
//! them.
//!
//! The flags of the command line, the keys of a rules file and what the document of `--json` says
//! of a rule are the fields of one struct, so that they cannot differ.

mod file;
pub(crate) mod keys;
mod name;
mod prefix;
mod protect;
mod protocols;
mod repeat;
mod set_pair;

use std::num::{NonZeroU16, NonZeroU32};
use std::ops::Not;
use std::time::SystemTime;

use ban_sets::network::mapping;
use ban_sets::{Family, LONGEST, Network, Pardons};
use clap::{Arg, Args};
pub(crate) use file::{RulesFile, RulesFileError};
use file::{by_text, removeafter_by_text, texts};
use firewall_log::Threshold;
use jiff::SignedDuration;
pub(crate) use name::RuleName;
pub(crate) use prefix::PrefixLength;
pub(crate) use protect::{Protect, Role};
pub(crate) use protocols::Protocols;
pub(crate) use repeat::{Offence, Repeat};
use serde::{Deserialize, Serialize};
pub(crate) use set_pair::SetPair;

use crate::duration::Seconds;
use crate::words::as_text;

/// One rule and what to do with those who break it.
#[derive(Clone, Debug, Args, Deserialize, Serialize)]
#[command(mut_args = or_rules_file)]
#[serde(rename_all(deserialize = "kebab-case"), deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub(crate) struct Rule {
    /// Which lines count: NAME stands for the log prefixes IPTABLES-NAME and IP6TABLES-NAME, in any
    /// case
    // Before all other flags, however many there are.
    #[arg(
        long = "rule",
        value_name = "blocked|allowed|NAME",
        id = "rule",
        display_order = 1
    )]
    #[serde(
        rename = "rule",
        deserialize_with = "by_text",
        serialize_with = "as_text"
    )]
    pub(crate) name: RuleName,

    /// Which packets count: a protocol's name or number; icmp is ICMP and ICMPv6; hidden is those
    /// that hide their protocol, which count for every other type, too
    #[arg(
        long = "type",
        value_name = "tcp|udp|icmp|all|hidden|NAME",
        display_order = 2
    )]
    #[serde(
        rename = "type",
        deserialize_with = "by_text",
        serialize_with = "as_text"
    )]
    pub(crate) protocols: Protocols,

    /// How many matching lines make a violator, at least 1
    #[arg(long, value_name = "N", display_order = 3)]
    pub(crate) howmany: NonZeroU32,

    /// How far the first and the last of them may lie apart, both included
    // The help says the sets next, the document of `--json` says them last.
    #[arg(long, value_name = "DURATION", display_order = 4)]
    #[serde(deserialize_with = "by_text")]
    pub(crate) within: Seconds,

    /// Only who sent them to at least N different destination ports in the same window is a
    /// violator; UDP from port 53, 123 or 443 does not count
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) distinct_ports: Option<NonZeroU16>,

    /// Counts and bans IPv4 sources as networks of this prefix length, 1 to 32; the set must be of
    /// type hash:net
    #[arg(long, value_name = "PREFIX")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aggregate_v4: Option<PrefixLength<32>>,

    /// Counts and bans IPv6 sources as networks of this prefix length, 1 to 128; 64 is what one
    /// host commonly has
    #[arg(long, value_name = "PREFIX")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aggregate_v6: Option<PrefixLength<128>>,

    /// Bans a whole IPv4 /24 or IPv6 /64 while --aggregate-at of its addresses are banned by this
    /// rule; the set must be of type hash:net
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) aggregate_auto: bool,

    /// How many addresses make a network one, 8 unless given, for --aggregate-auto
    #[arg(long, value_name = "N", requires = "aggregate_auto")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aggregate_at: Option<NonZeroU32>,

    /// Counts answers, too: TCP packets that open no connection, ICMP replies and errors, UDP from
    /// ports of services; whoever forges packets in this host's name can have anybody send them
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) count_answers: bool,

    /// Counts packets to multicast and broadcast addresses, too, which routers and neighbours send
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) count_multicast: bool,

    /// Bans only who has completed as many TCP handshakes in the window as make a violator, by what
    /// connection tracking knows still; whoever forges his address completes none
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(crate) handshake: bool,

    #[expect(clippy::doc_markdown, reason = "it is the text of --help")]
    /// The set for IPv4 violators; NAME_v6 is the one for IPv6. At most 28 bytes; both must exist,
    /// be of type hash:ip or hash:net and have been created with a timeout
    #[arg(long, value_name = "NAME", display_order = 5)]
    #[serde(deserialize_with = "by_text", serialize_with = "as_text")]
    pub(crate) ipset: SetPair,

    /// How long after the last hit the ban ends, at most 2147483s (24d20h31m23s)
    #[arg(long, value_name = "DURATION", value_parser = removeafter, display_order = 6)]
    #[serde(deserialize_with = "removeafter_by_text")]
    pub(crate) removeafter: Seconds,

    /// Bans who comes back for longer each time: the n-th ban is N to the power of n-1 times as long
    /// as --removeafter, at most so long. A source is remembered for the time of within after what
    /// it was banned for
    #[arg(long, value_name = "within=DURATION,factor=N,at-most=DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repeat: Option<Repeat>,

    /// How many new bans this rule adds at most in a run, or in a minute of one that follows; on the
    /// command line `--max-bans` goes for all rules together.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_bans: Option<NonZeroU32>,

    /// Whom this rule lets go; on the command line `--exempt` goes for every rule.
    #[arg(skip)]
    #[serde(default, deserialize_with = "texts", skip_serializing)]
    pub(crate) exempt: Vec<Network>,

    /// Whether this rule cuts connections; on the command line `--cut-connections` goes for every
    /// rule.
    #[arg(skip)]
    #[serde(default, skip_serializing)]
    pub(crate) cut_connections: bool,

    /// Whether this rule cuts connections also where they are older than the first hit; on the
    /// command line `--cut-older` goes for every rule.
    #[arg(skip)]
    #[serde(default, skip_serializing)]
    pub(crate) cut_older: bool,

    /// Whether other hosts are told of its bans, by `--share`; what a forged source cannot easily
    /// trip unless said.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<bool>,

    /// Whether this rule bans whom this host has opened a connection to; on the command line
    /// `--ban-connected` goes for every rule.
    #[arg(skip)]
    #[serde(default, skip_serializing)]
    pub(crate) ban_connected: bool,
}

impl Rule {
    /// What the log is counted by. Where the rule counts networks, nobody who is `exempt` is
    /// counted with one; who is a source by himself is counted, and let go later. What is pardoned
    /// counts nowhere.
    pub(crate) fn threshold(&self, exempt: &[Network], pardons: &Pardons) -> Threshold {
        let mut threshold = Threshold::new(self.howmany, self.within.into())
            .count_answers(self.count_answers)
            .count_multicast(self.count_multicast)
            .count_stealth_scans(self.name.is_of_invalid_packets());
        for prefix in self.name.prefixes() {
            threshold = threshold.prefix(prefix);
        }
        for protocol in self.protocols.iter() {
            threshold = threshold.protocol(protocol);
        }
        if self.protocols.are_hidden() {
            threshold = threshold.hidden_transport();
        }
        if let Some(ports) = self.distinct_ports {
            threshold = threshold.distinct_ports(ports);
        }
        if let Some(prefix) = self.aggregate_v4 {
            threshold = threshold.aggregate_v4(prefix.get());
        }
        if let Some(prefix) = self.aggregate_v6 {
            threshold = threshold.aggregate_v6(prefix.get());
        }
        if let Some(apart) = self.apart() {
            threshold = threshold.bouts(apart.unsigned_abs());
        }
        let exempt = exempt.iter().chain(&self.exempt);
        let exempt = exempt.flat_map(|network| [*network, mapping(*network)]);
        let in_networks = exempt.filter(|network| {
            let (_, counted) = threshold.network(network.address());
            counted < network.prefix_length()
        });
        let in_networks = in_networks.map(|network| (network.address(), network.prefix_length()));
        let in_networks: Vec<_> = in_networks.collect();
        let pardoned = pardons.forms().map(|(network, until)| {
            let (address, length) = (network.address(), network.prefix_length());
            (address, length, SystemTime::from(until))
        });
        threshold.except(in_networks).pardon(pardoned)
    }

    /// How many new bans it adds at most in a run or a minute.
    pub(crate) fn most_bans(&self) -> NonZeroU32 {
        const UNLESS_SAID: u32 = 1000;
        let unless_said = || NonZeroU32::MIN.saturating_add(UNLESS_SAID - 1);
        self.max_bans.unwrap_or_else(unless_said)
    }

    /// How far apart windows of one bout end, where it is asked who has come back: as long as a first
    /// ban, so that nobody who is banned begins another.
    pub(crate) fn apart(&self) -> Option<SignedDuration> {
        self.repeat?;
        let seconds = i64::try_from(self.removeafter.get()).unwrap_or(i64::MAX);
        Some(SignedDuration::from_secs(seconds))
    }

    /// What is wrong with keys that are right by themselves.
    pub(crate) fn fault(&self) -> Option<String> {
        let why = self.repeat?.fault(self.removeafter)?;
        Some(format!("repeat: {why}"))
    }

    /// How many addresses of a network have to be banned for it to be one ban.
    pub(crate) fn enough_neighbours(&self) -> NonZeroU32 {
        const UNLESS_SAID: u32 = 8;
        let unless_said = || NonZeroU32::MIN.saturating_add(UNLESS_SAID - 1);
        self.aggregate_at.unwrap_or_else(unless_said)
    }

    /// Whether it may ban networks of a family, whatever it counts.
    pub(crate) fn bans_networks(&self, family: Family) -> bool {
        self.aggregate_auto || self.aggregates(family)
    }

    /// Whether sources of either family are networks.
    pub(crate) fn counts_networks(&self) -> bool {
        self.aggregates(Family::Inet) || self.aggregates(Family::Inet6)
    }

    /// Whether sources of `family` are networks.
    pub(crate) fn aggregates(&self, family: Family) -> bool {
        match family {
            Family::Inet => self
                .aggregate_v4
                .is_some_and(PrefixLength::is_shorter_than_an_address),
            Family::Inet6 => self
                .aggregate_v6
                .is_some_and(PrefixLength::is_shorter_than_an_address),
            _ => false,
        }
    }
}

/// A flag of a rule has its place on the command line unless `--rules` names a file of rules; what
/// a rule cannot be without is asked for only then.
fn or_rules_file(flag: Arg) -> Arg {
    let flag = if flag.is_required_set() {
        flag.required(false).required_unless_present("rules")
    } else {
        flag
    };
    flag.conflicts_with("rules")
}

/// As much as the kernel can count.
pub(crate) fn removeafter(text: &str) -> Result<Seconds, String> {
    let seconds: Seconds = text.parse()?;
    let most = u64::from(LONGEST);
    if seconds.get() > most {
        return Err(format!(
            "{} s are more than the kernel can count, {most} s",
            seconds.get()
        ));
    }
    Ok(seconds)
}

/// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
pub(crate) fn network(text: &str) -> Result<Network, String> {
    ban_sets::network::parse(text)
}
