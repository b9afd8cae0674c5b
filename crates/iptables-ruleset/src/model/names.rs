//! Names of chains, interfaces and sets.

use std::fmt;
use std::str::FromStr;

use crate::BuildError;

/// The name of a chain of our own: 1 to 28 bytes of printable ASCII without quotes and blanks.
///
/// Not the name of a built-in chain and not one that `iptables` would take for a target.
///
/// ```
/// use iptables_ruleset::ChainName;
///
/// let chain: ChainName = "LOG_AND_DROP".parse()?;
/// assert_eq!(chain.as_str(), "LOG_AND_DROP");
/// assert!("INPUT".parse::<ChainName>().is_err());
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainName(String);

/// `XT_EXTENSION_MAXNAMELEN` (29, `linux/netfilter/x_tables.h`) less the NUL.
const CHAIN_MAX: usize = 28;
/// IFNAMSIZ (16, linux/if.h) less the NUL.
const INTERFACE_MAX: usize = 15;
/// `IPSET_MAXNAMELEN` (32, `linux/netfilter/ipset/ip_set.h`) less the NUL.
const SET_MAX: usize = 31;

impl FromStr for ChainName {
    type Err = BuildError;

    fn from_str(name: &str) -> Result<Self, BuildError> {
        let reserved = [
            "PREROUTING",
            "INPUT",
            "FORWARD",
            "OUTPUT",
            "POSTROUTING",
            "ACCEPT",
            "DROP",
            "RETURN",
            "QUEUE",
            "LOG",
            "NFLOG",
            "REJECT",
        ];
        let reason = if let Err(reason) = plain(name, CHAIN_MAX) {
            reason
        } else if reserved.contains(&name) {
            "this name is a built-in chain's or a target's".to_owned()
        } else if name.starts_with(['-', '!']) {
            "must not begin with \"-\" or \"!\"".to_owned()
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(BuildError::value("chain name", name, reason))
    }
}

/// The name of a network interface, or the beginning of one: `eth0`, `eth+`.
///
/// 1 to 15 bytes of printable ASCII without blanks, quotes, `/` and `:`, and not `.` or `..`: the
/// kernel gives no interface another name, so that a rule for one would never match. A `+` at the
/// end stands for anything. `*` and `@` are refused for what they are taken for: the `+`, and the
/// peer that `ip link` shows behind a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(String);

impl FromStr for InterfaceName {
    type Err = BuildError;

    fn from_str(name: &str) -> Result<Self, BuildError> {
        let reason = if let Some(reason) = taken_for_an_interface(name) {
            reason
        } else if let Err(reason) = plain(name, INTERFACE_MAX) {
            reason
        } else if let Some(bad) = name.chars().find(|c| matches!(c, '/' | ':')) {
            format!("must not contain {bad:?}")
        } else if matches!(name, "." | "..") {
            "no interface can have this name".to_owned()
        } else if name.starts_with(['-', '!']) {
            "must not begin with \"-\" or \"!\"".to_owned()
        } else if name == "+" {
            "\"+\" alone matches every interface; leave the interface out instead".to_owned()
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(BuildError::value("interface", name, reason))
    }
}

/// What people write where the name of an interface belongs, and what they meant.
fn taken_for_an_interface(name: &str) -> Option<String> {
    if let Some((interface, _)) = name.split_once('@').filter(|(name, _)| !name.is_empty()) {
        return Some(format!(
            "what `ip link` shows behind \"@\" is the interface's peer; did you mean \"{interface}\"?"
        ));
    }
    if let Some((interface, _)) = name.split_once(':').filter(|(name, _)| !name.is_empty()) {
        return Some(format!(
            "this is the label of an address, not an interface: packets to it come in by \"{interface}\""
        ));
    }
    let (beginning, _) = name.split_once('*')?;
    Some(if beginning.is_empty() {
        "matches every interface; leave the interface out instead".to_owned()
    } else {
        format!("\"*\" stands for itself; did you mean \"{beginning}+\"?")
    })
}

/// The name of an ipset: 1 to 31 bytes of printable ASCII without blanks and quotes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetName(String);

impl FromStr for SetName {
    type Err = BuildError;

    fn from_str(name: &str) -> Result<Self, BuildError> {
        match plain(name, SET_MAX) {
            Ok(()) if name.starts_with(['-', '!', ':']) => Err(BuildError::value(
                "set name",
                name,
                "must not begin with \"-\", \"!\" or \":\"",
            )),
            Ok(()) => Ok(Self(name.to_owned())),
            Err(reason) => Err(BuildError::value("set name", name, reason)),
        }
    }
}

macro_rules! text_of_names {
    ($($name:ident)*) => {
        $(impl $name {
            /// The name as text, as `iptables` writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        })*
    };
}

text_of_names!(ChainName InterfaceName SetName);

/// Refuses what `iptables-save` would quote, so that a saved ruleset always reads back as it was.
fn plain(name: &str, max: usize) -> Result<(), String> {
    if name.is_empty() {
        Err("must not be empty".to_owned())
    } else if name.len() > max {
        Err(format!(
            "is {} bytes long, at most {max} are possible",
            name.len()
        ))
    } else if let Some(bad) = name
        .chars()
        .find(|c| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '\\'))
    {
        Err(format!("must not contain {bad:?}"))
    } else {
        Ok(())
    }
}
