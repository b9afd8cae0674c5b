//! One rule: matches and a target.

use std::fmt;

use crate::encoding::{EncodedRule, Encoder, Expression};
use crate::match_::{Comment, Match, Protocol};
use crate::{BuildError, Family, Target};

/// Matches that must all hold, and what then happens to the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    matches: Vec<Match>,
    target: Target,
}

impl Rule {
    /// A rule that matches every packet.
    pub fn new(target: impl Into<Target>) -> Self {
        Self {
            matches: Vec::new(),
            target: target.into(),
        }
    }

    /// One more match. They are tried in the order in which they were added, after interface,
    /// protocol and addresses.
    pub fn matching(mut self, one_more: impl Into<Match>) -> Self {
        self.matches.push(one_more.into());
        self
    }

    /// A comment that `iptables -S` shows: at most 255 bytes.
    ///
    /// # Errors
    /// When the text is longer or contains a control character.
    pub fn comment(self, text: &str) -> Result<Self, BuildError> {
        Ok(self.matching(Comment::new(text)?))
    }

    /// The matches in the order in which they were added.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// What happens to a packet that matches.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The rule as `iptables-save` prints it behind `-A CHAIN`: `-i lo -j ACCEPT`.
    pub fn to_iptables_save(&self, family: Family) -> impl fmt::Display + '_ {
        RuleText { rule: self, family }
    }

    /// Why it cannot work in that family, if so.
    pub(crate) fn check(&self, family: Family) -> Result<(), String> {
        for (position, one) in self.matches.iter().enumerate() {
            let twice =
                |other: &Match| std::mem::discriminant(one) == std::mem::discriminant(other);
            if one.is_header() && self.matches.iter().skip(position + 1).any(twice) {
                return Err("the same match twice".to_owned());
            }
            one.check(self.protocol(), family)?;
        }
        self.target.check(self.protocol(), family)
    }

    pub(crate) fn protocol(&self) -> Option<&Protocol> {
        self.matches.iter().find_map(|one| match one {
            Match::Protocol(protocol) => Some(protocol),
            _ => None,
        })
    }

    pub(crate) fn encode(
        &self,
        family: Family,
        set_index: &mut dyn FnMut(&str) -> Result<u16, BuildError>,
    ) -> Result<EncodedRule, BuildError> {
        let mut encoder = Encoder::new(family, set_index);
        let mut ordered: Vec<&Match> = self.matches.iter().collect();
        ordered.sort_by_key(|one| one.kernel_rank());
        for one in ordered {
            one.encode(&mut encoder)?;
        }
        encoder.push(Expression::Counter);
        self.target.encode(&mut encoder)?;
        let protocol = self.protocol();
        Ok(EncodedRule {
            expressions: encoder.expressions,
            protocol: protocol.map_or(0, |protocol| protocol.number()),
            protocol_inverted: protocol.is_some_and(Protocol::is_inverted),
        })
    }
}

struct RuleText<'a> {
    rule: &'a Rule,
    family: Family,
}

impl fmt::Display for RuleText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ordered: Vec<&Match> = self.rule.matches.iter().collect();
        ordered.sort_by_key(|one| one.text_rank());
        for one in ordered {
            one.save(f, self.family)?;
        }
        self.rule.target.save(f, self.family)
    }
}
