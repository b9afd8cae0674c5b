//! Names that the firewall gives to its sets and to the lines of its log.

/// The set of those who were banned, how often, and for what last.
pub(crate) const OFFENDERS: &str = "offenders";

/// The firewall's sets whose members are banned or throttled.
pub(crate) const BANNING: [&str; 3] = ["blacklist", "throttle-hard", "throttle-soft"];

/// The sets beside them that the firewall's rules fill by themselves (`[[instant]]`).
pub(crate) const INSTANT: [&str; 3] = [
    "blacklist-instant",
    "throttle-hard-instant",
    "throttle-soft-instant",
];

/// What the log prefixes of the two families begin with: `IPTABLES-BLOCKED`, `IP6TABLES-BLOCKED`.
pub(crate) const LOG_PREFIXES: [&str; 2] = ["IPTABLES-", "IP6TABLES-"];

/// What follows in the prefix of what the firewall has let in.
pub(crate) const ALLOWED: &str = "ALLOWED";
