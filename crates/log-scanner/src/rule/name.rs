//! `--rule`: which lines count, by their prefix.

use std::fmt;
use std::str::FromStr;

use crate::names::LOG_PREFIXES;

/// A name that stands for the prefixes `IPTABLES-NAME` and `IP6TABLES-NAME`, in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleName(String);

impl RuleName {
    /// The prefixes of both families.
    pub(crate) fn prefixes(&self) -> [String; 2] {
        LOG_PREFIXES.map(|family| format!("{family}{}", self.0))
    }

    /// Whether it is of the packets that belong to no connection and open none.
    pub(crate) fn is_of_invalid_packets(&self) -> bool {
        stem(self.0.as_bytes()).eq_ignore_ascii_case(b"invalid")
    }

    /// Whether lines with this prefix are counted: case does not matter, nor do colons and spaces
    /// at the end.
    pub(crate) fn stands_for(&self, prefix: &[u8]) -> bool {
        let mut own = self.prefixes().into_iter();
        own.any(|own| stem(own.as_bytes()).eq_ignore_ascii_case(stem(prefix)))
    }
}

fn stem(prefix: &[u8]) -> &[u8] {
    let end = prefix.iter().rposition(|byte| !b": ".contains(byte));
    prefix
        .get(..end.map_or(0, |end| end + 1))
        .unwrap_or_default()
}

impl FromStr for RuleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole_prefix = LOG_PREFIXES.iter().find(|family| {
            text.split_at_checked(family.len())
                .is_some_and(|(start, _)| start.eq_ignore_ascii_case(family))
        });
        if let Some(family) = whole_prefix {
            return Err(format!(
                "leave {family} away: NAME is what follows it in the prefix"
            ));
        }
        if text.trim_end_matches([':', ' ']).is_empty() {
            return Err(
                "a name is missing: blocked, allowed, or what follows IPTABLES- in the prefix"
                    .to_owned(),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_the_prefix_of_both_families() {
        let own: RuleName = "SSH-Guard".parse().expect("a name");
        assert_eq!(
            own.prefixes(),
            ["IPTABLES-SSH-Guard", "IP6TABLES-SSH-Guard"]
        );
        assert!(own.stands_for(b"iptables-ssh-guard: "));
        assert!(!own.stands_for(b"IPTABLES-SSH") && !own.stands_for(b"SSH-Guard: "));
        for (name, invalid) in [
            ("invalid", true),
            ("INVALID: ", true),
            ("blocked", false),
            ("invalid2", false),
        ] {
            let name: RuleName = name.parse().expect("a name");
            assert_eq!(name.is_of_invalid_packets(), invalid, "{name}");
        }
        for bad in [
            "",
            ": ",
            "IPTABLES-BLOCKED",
            "ip6tables-",
            "IPTABLES-blocked: ",
        ] {
            assert!(bad.parse::<RuleName>().is_err(), "{bad:?}");
        }
    }
}
