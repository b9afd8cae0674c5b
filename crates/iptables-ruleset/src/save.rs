//! A ruleset as `iptables-save` of iptables 1.8.9 prints it, byte for byte.

use std::fmt;

use crate::{Hook, Policy, Ruleset};

pub(crate) struct Save<'a>(pub(crate) &'a Ruleset);

impl fmt::Display for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ruleset = self.0;
        writeln!(f, "*filter")?;
        for hook in Hook::ALL {
            // What a table has before anybody sets a policy.
            let policy = ruleset.policy_of(hook).unwrap_or(Policy::Accept);
            writeln!(f, ":{hook} {policy} [0:0]")?;
        }
        for chain in ruleset.chains() {
            writeln!(f, ":{} - [0:0]", chain.name())?;
        }
        for hook in Hook::ALL {
            for to in ruleset.jumps_from(hook) {
                writeln!(f, "-A {hook} -j {to}")?;
            }
        }
        for chain in ruleset.chains() {
            for rule in chain.rules() {
                writeln!(
                    f,
                    "-A {} {}",
                    chain.name(),
                    rule.to_iptables_save(ruleset.family())
                )?;
            }
        }
        writeln!(f, "COMMIT")
    }
}

/// A string as `xtables_save_string()` prints it: in quotes unless it is one plain word.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !self.0.is_empty() && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        f.write_str("\"")?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\' | '\'') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::Quoted;

    #[test]
    fn words_are_bare_and_everything_else_is_quoted() {
        for (value, saved) in [
            ("BLK", "BLK"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("say \"hi\"", "\"say \\\"hi\\\"\""),
            ("a:", "\"a:\""),
        ] {
            assert_eq!(Quoted(value).to_string(), saved);
        }
    }
}
