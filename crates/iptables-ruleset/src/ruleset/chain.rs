//! A chain of our own.

use super::Rule;
use crate::ChainName;

/// A chain of our own. All of its rules are ours: applying a ruleset replaces them whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    name: ChainName,
    rules: Vec<Rule>,
}

impl Chain {
    pub(crate) fn new(name: ChainName) -> Self {
        Self {
            name,
            rules: Vec::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &ChainName {
        &self.name
    }

    /// Its rules, first to last.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Adds a rule at the end.
    pub fn append(&mut self, rule: Rule) -> &mut Self {
        self.rules.push(rule);
        self
    }
}
