//! `firewall.toml`: what the firewall shall do, in a form that needs no knowledge of iptables.

mod blocklist;
mod document;
mod error;
mod forward;
mod hours;
mod icmp;
mod instant;
mod list;
mod members;
mod output;
mod own_set;
mod policy;
mod port_names;
mod protocol;
mod read;
mod ready;
mod service;
mod set_name;
mod set_type;
mod source;
mod traffic;

use std::num::NonZeroU32;
use std::time::Duration;

pub use blocklist::Blocklist;
pub use error::ConfigError;
pub use forward::{Forward, PortForward};
pub use hours::Hours;
pub use icmp::IcmpType;
pub use instant::Instant;
pub(crate) use list::List;
pub use members::Members;
pub use output::Output;
pub use own_set::OwnSet;
pub use policy::{ForwardPolicy, OutputPolicy, Policies, Position};
pub use protocol::ServiceProtocol;
pub use service::{Action, Service, ServiceName};
pub(crate) use service::{PER_V4, PER_V6};
pub use set_type::SetType;
pub use source::{ServiceSource, Who};
pub use traffic::Traffic;

use crate::target::LogLevel;
use crate::{Family, Network, Rate, RateUnit, SetName, UnixTime};

/// The configuration of a firewall. [`Config::default`] is the firewall that is applied without any
/// file, and the same as this one:
///
/// ```toml
#[doc = include_str!("../../tests/cases/10-default/firewall.toml")]
/// ```
///
/// An unknown key is an error, so that a slip of the pen never opens or closes anything unnoticed.
///
/// ```
/// use iptables_ruleset::{Config, Family};
///
/// let config = Config::parse(
///     r#"
///     [[service]]
///     name = "ssh"
///     protocol = "tcp"
///     ports = [22]
///     rate = "10/minute"
///     sources = ["192.0.2.0/24"]
///     "#,
/// )?;
/// assert_eq!(config.services.len(), 1);
///
/// let error = Config::parse("[log]\nblocked-levle = 4\n").unwrap_err();
/// assert_eq!((error.line(), error.column()), (2, 1));
/// assert_eq!(
///     error.to_string(),
///     "line 2, column 1: unknown key \"blocked-levle\" in [log]; did you mean \"blocked-level\"?",
/// );
/// # Ok::<(), iptables_ruleset::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// `[policy]`: what happens to packets that no rule decides about.
    pub policy: Policies,
    /// `[forward]`: what is passed on.
    pub forward: Forward,
    /// `[output]`: what this host may send.
    pub output: Output,
    /// `[log]`: where the lines about allowed and blocked packets go.
    pub log: Log,
    /// `[sets]`: how the ipsets are made.
    pub sets: Sets,
    /// `[[set]]`: sets of the administrator's own.
    pub own_sets: Vec<OwnSet>,
    /// `[[blocklist]]`: lists whose members are blocked, in this order.
    pub blocklists: Vec<Blocklist>,
    /// `[[instant]]`: whom the rules put into a set by themselves; by default nobody.
    pub instants: Vec<Instant>,
    /// `[throttle]`: what the members of the throttle sets may do.
    pub throttle: Throttle,
    /// `[[service]]`: what others may connect to. Without any in the file: ssh and https; `service
    /// = []` is none.
    pub services: Vec<Service>,
}

/// Where and how packets are logged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Log {
    /// `target`.
    pub target: LogTarget,
    /// `allowed-level`, for [`LogTarget::Log`]; by default 6.
    pub allowed_level: LogLevel,
    /// `blocked-level`, for [`LogTarget::Log`]; by default 4.
    pub blocked_level: LogLevel,
    /// `limited-level`, for [`LogTarget::Log`], of what is over a service's limit; by default 4.
    pub limited_level: LogLevel,
    /// `invalid`: whether packets that belong to no connection and open none are logged; by default
    /// they are.
    pub invalid: bool,
    /// `invalid-level`, for [`LogTarget::Log`], of those; by default 6.
    pub invalid_level: LogLevel,
    /// `rate`: at most so many lines of each of the chains; by default every packet. What is not
    /// logged is counted all the same: the rule behind the one that logs has matched so many
    /// packets more.
    pub rate: Option<Rate>,
    /// `allowed-rate`: likewise, for what is let in; by default `rate`.
    pub allowed_rate: Option<Rate>,
    /// `blocked-rate`: likewise, for what is blocked.
    pub blocked_rate: Option<Rate>,
    /// `limited-rate`: likewise, for what is over a service's limit.
    pub limited_rate: Option<Rate>,
    /// `invalid-rate`: likewise, for what belongs to no connection and opens none.
    pub invalid_rate: Option<Rate>,
    /// `quiet`: what no rule lets in and is dropped without a line; by default everything that is
    /// dropped is logged.
    pub quiet: Vec<Quiet>,
}

/// What is sent to many and not meant for this host alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quiet {
    /// `"broadcast"`: to all hosts of a link; IPv4 has it.
    Broadcast,
    /// `"multicast"`: to a group of hosts.
    Multicast,
}

impl Quiet {
    /// What the file calls it: `broadcast`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
        }
    }
}

/// Who writes the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the kernel has these two")]
pub enum LogTarget {
    /// `"LOG"`: the kernel's log, which syslog reads.
    Log,
    /// `"NFLOG"`: whoever listens to `nflog-group`, 0 to 65535, by default 5.
    Nflog {
        /// The group.
        group: u16,
    },
}

/// How the ipsets are made that the rules refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sets {
    /// `type`; by default `hash:net`.
    pub set_type: SetType,
    /// `maxelem`: how many members a set has room for; by default 1048576.
    pub maxelem: NonZeroU32,
    /// `comments`: whether a member of one of the lists can say why it is there, as `log-scanner`
    /// has it say of whom it bans; by default `true`.
    pub comments: bool,
    /// `[sets.members]`: who is in the sets because the file says so; by default nobody.
    pub members: Members,
}

/// What the members of the throttle sets may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttle {
    /// `[throttle.soft]`: members of `throttle-soft`.
    pub soft: ThrottleLimits,
    /// `[throttle.hard]`: members of `throttle-hard`.
    pub hard: ThrottleLimits,
    /// `within-limit`.
    pub within_limit: WithinLimit,
}

/// How much a throttled source may send; what is beyond is logged and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThrottleLimits {
    /// New TCP connections.
    pub tcp: Rate,
    /// ICMP messages.
    pub icmp: Rate,
}

/// What happens to a throttled source that keeps within its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice between two")]
pub enum WithinLimit {
    /// `"continue"`: it may use the services like anybody else.
    Continue,
    /// `"accept"`: its TCP connections and ICMP messages are accepted, whatever the port.
    Accept,
}

/// An ipset of a configuration. Those that the rules refer to must exist before they are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequiredSet {
    /// Its name; those for IPv6 end in `_v6`.
    pub name: SetName,
    /// The family of its members.
    pub family: Family,
    /// Why it is there.
    pub origin: SetOrigin,
    /// Its type.
    pub set_type: SetType,
    /// How many members it has room for.
    pub maxelem: NonZeroU32,
    /// How long members stay that are added without a time of their own, zero for ever; `None`:
    /// members have no time.
    pub timeout: Option<Duration>,
    /// Whether members can have a comment.
    pub comment: bool,
    /// Whether packets are counted for each member.
    pub counters: bool,
    /// Whether rules put the sources of packets into it: then nothing but its type will do, with
    /// times, and each address for itself.
    pub filled_by_packets: bool,
    /// Who is in it because the file says so, for as long as the file says so.
    pub members: Vec<Network>,
}

/// Why a set is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SetOrigin {
    /// It is one of the lists of every firewall, such as the whitelist.
    List,
    /// `[[set]]`, without a file.
    Own,
    /// `[[set]]` with a file, which says what is in it.
    File,
    /// `[[blocklist]]`.
    Blocklist,
    /// An `[[instant]]` fills it for one of the lists.
    Instant,
    /// A service names it, and nothing else is said of it.
    Service,
}

/// The parts of the kernel that a floor ([`Config::floor`]) makes use of; by default nothing that a
/// kernel may lack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever asks for a floor says all of it"
)]
pub struct FloorParts {
    /// The sets that can be looked into, of both families: whitelists, blacklists, block lists and
    /// those that ssh names are.
    pub sets: Vec<SetName>,
    /// Whether packets are logged.
    pub log: bool,
}

impl Config {
    /// Reads a configuration file. What the file leaves out has its default.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        read::config(text)
    }

    /// Reads one more file on top of this configuration: a key replaces what it was before, while
    /// services, sets, block lists, instant rules, members of sets, trusted interfaces and what is
    /// quiet come on top. A service that is only there because no file named any gives way to one of
    /// its name.
    ///
    /// ```
    /// use iptables_ruleset::Config;
    ///
    /// let config = Config::parse("[log]\nblocked-level = 5\n")?
    ///     .and("[[service]]\nuse = \"mdns\"\n")?
    ///     .and("[log]\nblocked-level = 6\n")?;
    /// let names = config.services.iter().map(|service| service.name.as_str());
    /// assert_eq!(names.collect::<Vec<_>>(), ["ssh", "https", "mdns"]);
    /// assert_eq!(config.log.blocked_level.number(), 6);
    /// # Ok::<(), iptables_ruleset::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// The first thing that is wrong with the file, with its line and column there.
    pub fn and(self, text: &str) -> Result<Self, ConfigError> {
        read::and(self, text)
    }

    /// Each `open-until` of a file that is over: what is closed by it stays closed. The file is
    /// right all the same.
    ///
    /// ```
    /// use iptables_ruleset::{Config, UnixTime};
    ///
    /// let text = "[[service]]\nuse = \"ssh\"\nopen-until = 2026-12-01T18:00:00+01:00\n";
    /// Config::parse(text)?;
    /// let over = Config::over(text, "2026-12-02T00:00:00Z".parse()?);
    /// assert_eq!((over[0].line(), over[0].column()), (3, 14));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn over(text: &str, now: UnixTime) -> Vec<ConfigError> {
        read::over(text, now)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: Policies::default(),
            forward: Forward::default(),
            output: Output::default(),
            log: Log::default(),
            sets: Sets::default(),
            own_sets: Vec::new(),
            blocklists: Vec::new(),
            instants: Vec::new(),
            throttle: Throttle::default(),
            services: service::defaults(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            target: LogTarget::Log,
            allowed_level: LogLevel::INFO,
            blocked_level: LogLevel::WARNING,
            limited_level: LogLevel::WARNING,
            invalid: true,
            invalid_level: LogLevel::INFO,
            rate: None,
            allowed_rate: None,
            blocked_rate: None,
            limited_rate: None,
            invalid_rate: None,
            quiet: Vec::new(),
        }
    }
}

impl Default for Sets {
    fn default() -> Self {
        Self {
            set_type: SetType::HashNet,
            maxelem: count(1_048_576),
            comments: true,
            members: Members::default(),
        }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            soft: ThrottleLimits {
                tcp: per(100, RateUnit::Minute),
                icmp: per(100, RateUnit::Hour),
            },
            hard: ThrottleLimits {
                tcp: per(100, RateUnit::Hour),
                icmp: per(1, RateUnit::Minute),
            },
            within_limit: WithinLimit::Continue,
        }
    }
}

/// `nflog-group` unless the file says otherwise.
const DEFAULT_NFLOG_GROUP: u16 = 5;

/// `n`, which is not zero.
const fn count(n: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(n.saturating_sub(1))
}

const fn per(n: u32, unit: RateUnit) -> Rate {
    Rate::new(count(n), unit)
}
