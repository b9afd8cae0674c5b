//! The tables of iptables, and where their built-in chains stand.

use std::fmt;

use crate::{Family, Hook};

/// A table of iptables: chains that packets come to at the same point of their way.
///
/// ```
/// use iptables_ruleset::{Hook, Table};
///
/// assert_eq!(Table::Raw.to_string(), "raw");
/// assert_eq!(Table::Raw.hooks(), [Hook::Prerouting, Hook::Output]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// Changes to packets.
    Mangle,
    /// Before connection tracking.
    Raw,
    /// Who gets in.
    Filter,
    /// Other addresses, for the first packet of a connection.
    Nat,
}

impl Table {
    /// All of them, in the order in which `iptables-save` prints them.
    pub const ALL: [Self; 4] = [Self::Mangle, Self::Raw, Self::Filter, Self::Nat];

    /// Its name: `filter`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mangle => "mangle",
            Self::Raw => "raw",
            Self::Filter => "filter",
            Self::Nat => "nat",
        }
    }

    /// The table of a family in words: `IPv4` for `filter`, `IPv4 raw` for another.
    pub fn of(self, family: Family) -> impl fmt::Display {
        match self {
            Self::Filter => family.to_string(),
            other => format!("{family} {other}"),
        }
    }

    /// The table of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Its built-in chains, in the order in which `iptables-save` prints them.
    pub fn hooks(self) -> &'static [Hook] {
        match self {
            Self::Mangle => &Hook::ALL,
            Self::Raw => &[Hook::Prerouting, Hook::Output],
            Self::Filter => &[Hook::Input, Hook::Forward, Hook::Output],
            Self::Nat => &[
                Hook::Prerouting,
                Hook::Input,
                Hook::Output,
                Hook::Postrouting,
            ],
        }
    }

    /// The hook whose built-in chain has this name here.
    pub(crate) fn hook(self, chain: &str) -> Option<Hook> {
        let mut hooks = self.hooks().iter().copied();
        hooks.find(|hook| hook.chain() == chain)
    }

    /// What the built-in chain of `hook` is to `nf_tables`.
    pub(crate) fn chain_type(self, hook: Hook) -> ChainType {
        match (self, hook) {
            (Self::Nat, _) => ChainType::Nat,
            // What is changed there may have to leave another way.
            (Self::Mangle, Hook::Output) => ChainType::Route,
            _ => ChainType::Filter,
        }
    }

    /// Where the built-in chain of `hook` stands among the chains of that hook: enum
    /// `nf_ip_hook_priorities`, `linux/netfilter_ipv4.h`.
    pub(crate) fn priority(self, hook: Hook) -> i32 {
        match (self, hook) {
            (Self::Raw, _) => -300,
            (Self::Mangle, _) => -150,
            (Self::Nat, Hook::Prerouting | Hook::Output) => -100,
            (Self::Filter, _) => 0,
            (Self::Nat, _) => 100,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a chain with a hook may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainType {
    Filter,
    Route,
    Nat,
}

impl ChainType {
    /// What `nf_tables` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Route => "route",
            Self::Nat => "nat",
        }
    }
}
