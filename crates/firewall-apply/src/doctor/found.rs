//! What an item found.

use serde::Serialize;

use super::context::Context;
use crate::findings::{Findings, Problem};

/// Something to look at.
pub(super) struct Item {
    /// What it is called: `ram-disk`.
    pub(super) name: &'static str,
    /// Looks at it; whoever finds nothing to say says nothing.
    pub(super) look: fn(&mut Context<'_>) -> Vec<Found>,
}

impl Item {
    /// Looks at it.
    pub(super) fn look(&self, context: &mut Context<'_>) -> Vec<Found> {
        let mut found = (self.look)(context);
        for one in &mut found {
            one.item = self.name;
        }
        found
    }
}

/// How it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and might be better.
    Warning,
    /// It does not work.
    Failure,
}

/// What an item found.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    item: &'static str,
    outcome: Outcome,
    about: String,
    cure: Option<String>,
}

impl Found {
    /// All is well.
    pub(super) fn ok(about: impl Into<String>) -> Self {
        Self::new(Outcome::Ok, about.into(), None)
    }

    /// It works, and might be better.
    pub(super) fn warning(about: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(Outcome::Warning, about.into(), Some(cure.into()))
    }

    /// It does not work.
    pub(super) fn failure(about: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(Outcome::Failure, about.into(), Some(cure.into()))
    }

    /// What other commands say as one sentence, the cure behind the last semicolon.
    pub(super) fn of_sentence(outcome: Outcome, sentence: &str) -> Self {
        match sentence.rsplit_once("; ") {
            Some((about, cure)) if cure.contains('`') => {
                Self::new(outcome, about.to_owned(), Some(cure.to_owned()))
            }
            _ => Self::new(outcome, sentence.to_owned(), None),
        }
    }

    /// Errors and warnings of `look`, or `fine` where there are none.
    pub(super) fn of_findings(fine: &str, look: impl FnOnce(&mut Findings)) -> Vec<Self> {
        let mut findings = Findings::default();
        look(&mut findings);
        let all = |problems: &[Problem], outcome| {
            let found = |problem: &Problem| Self::of_sentence(outcome, &problem.to_string());
            problems.iter().map(found).collect::<Vec<_>>()
        };
        let mut found = all(&findings.errors, Outcome::Failure);
        found.extend(all(&findings.warnings, Outcome::Warning));
        if found.is_empty() && !fine.is_empty() {
            found.push(Self::ok(fine));
        }
        found
    }

    fn new(outcome: Outcome, about: String, cure: Option<String>) -> Self {
        Self {
            item: "",
            outcome,
            about,
            cure,
        }
    }

    pub(super) fn item(&self) -> &'static str {
        self.item
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    pub(super) fn about(&self) -> &str {
        &self.about
    }

    pub(super) fn cure(&self) -> Option<&str> {
        self.cure.as_deref()
    }
}
