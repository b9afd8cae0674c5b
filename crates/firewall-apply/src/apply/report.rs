//! What `apply` did.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use ipset_netlink::SetHeader;
use iptables_ruleset::Chain;
use jiff::Timestamp;
use serde::Serialize;

use super::members::Changed;
use crate::config::Source;
use crate::lists::ListReport;
use crate::report;
use crate::rules::{FamilyRules, policies_text};
use crate::save::members::PutBack;
use crate::sets::WantedSet;
use crate::words::{Count, Span, join};

/// What `apply` did.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration.
    pub(crate) config: Source,
    /// Which configuration went in; `None` when none did.
    pub(crate) applied: Option<Applied>,
    /// Whether its rules had to be put in; `None` when they are not in.
    pub(crate) rules: Option<Rules>,
    /// The sets; none when the firewall was not put in.
    pub(crate) sets: Vec<SetReport>,
    /// The lists; none when their sets were not looked at.
    pub(crate) lists: Vec<ListReport>,
    /// The saved members; `None` when no set was created.
    pub(crate) saved: Option<SavedReport>,
    /// The rules; none when they were not put in.
    pub(crate) families: Vec<FamilyRules<ChainReport>>,
    /// Until when it is to be confirmed; `None` when it stays anyway.
    pub(crate) confirm: Option<Confirm>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "apply";
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Nothing was done; the errors say why.
        if self.families.is_empty() {
            return Ok(());
        }
        match self.applied {
            Some(Applied::Last) => writeln!(f, "configuration     the last that went in")?,
            Some(Applied::Floor) => writeln!(f, "configuration     none, only a floor")?,
            _ => writeln!(f, "configuration     {}", self.config)?,
        }
        if self.rules == Some(Rules::Unchanged) {
            writeln!(f, "rules             unchanged")?;
        }
        match &self.saved {
            Some(saved) if saved.found => {
                write!(f, "saved members     {}", saved.path.display())?;
                match saved.saved {
                    Some(at) => writeln!(f, ", saved at {at}, {} ago", Span(saved.elapsed))?,
                    None => writeln!(f)?,
                }
            }
            Some(saved) => writeln!(
                f,
                "saved members     none, {} does not exist",
                saved.path.display()
            )?,
            None => {}
        }
        for set in &self.sets {
            write!(f, "{:<16}  ", set.name)?;
            match set.outcome {
                Outcome::Created => write!(f, "created, {}", set.set_type)?,
                Outcome::Kept => write!(f, "kept as it was")?,
                Outcome::Replaced => {
                    let members = Count(set.kept, "member");
                    write!(f, "made anew, {}, with its {members}", set.set_type)?;
                }
                Outcome::Destroyed => write!(f, "taken away: no [[instant]] fills it any more")?,
            }
            let members = [
                (set.restored, "put back"),
                (set.expired, "over by now"),
                (set.refused, "refused"),
            ];
            let mut separator = "; saved members: ";
            for (count, what) in members.into_iter().filter(|(count, _)| *count > 0) {
                write!(f, "{separator}{count} {what}")?;
                separator = ", ";
            }
            let configured = [(set.added, "put in"), (set.removed, "taken out")];
            let mut separator = "; by the configuration: ";
            for (count, what) in configured.into_iter().filter(|(count, _)| *count > 0) {
                write!(f, "{separator}{count} {what}")?;
                separator = ", ";
            }
            writeln!(f)?;
        }
        for list in &self.lists {
            writeln!(f, "{list}")?;
        }
        for family in &self.families {
            let chains = family
                .chains
                .iter()
                .map(|chain| format!("{} {}", chain.name, Count(chain.rules as u64, "rule")));
            writeln!(f, "{:<16}  {}", family.place, join(chains))?;
            let jumps = family
                .jumps
                .iter()
                .map(|jump| format!("{} jumps to {}", jump.from, jump.to));
            write!(f, "{:<16}  {}", "", join(jumps))?;
            match policies_text(family.table, &family.policies) {
                Some(policies) => writeln!(f, "; {policies}")?,
                None => writeln!(f)?,
            }
        }
        if let Some(confirm) = &self.confirm {
            writeln!(
                f,
                "what was there comes back at {:.0}, in {}, unless `firewall-apply confirm` is said before: from a new session, because \
                 the one that you have goes on whatever the rules",
                confirm.until,
                Span(confirm.within)
            )?;
        }
        Ok(())
    }
}

/// Until when what is in is to be confirmed.
#[derive(Debug, Serialize)]
pub(crate) struct Confirm {
    /// The seconds that there are for it.
    pub(crate) within: u32,
    /// When what was there comes back.
    pub(crate) until: Timestamp,
    /// The process that waits.
    pub(crate) process: u32,
}

/// What was put in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Applied {
    /// What was wanted.
    Configuration,
    /// What was wanted the last time that it went in.
    Last,
    /// The least that keeps the host closed and its administrator in.
    Floor,
}

/// What was done with the rules.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rules {
    /// They were put in, those that were there already among them.
    PutIn,
    /// The kernel had them as they are wanted, and nothing was sent.
    Unchanged,
}

impl Report {
    /// The report of a run that has done nothing yet.
    pub(super) fn new(config: Source) -> Self {
        Self {
            config,
            applied: None,
            rules: None,
            sets: Vec::new(),
            lists: Vec::new(),
            saved: None,
            families: Vec::new(),
            confirm: None,
        }
    }
}

/// What `apply` did with a set.
#[derive(Debug, Serialize)]
pub(crate) struct SetReport {
    /// Its name.
    pub(crate) name: String,
    /// `inet` or `inet6`.
    pub(crate) family: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) set_type: String,
    /// The most members it takes.
    pub(crate) maxelem: Option<u32>,
    /// Whether it was there.
    pub(crate) outcome: Outcome,
    /// Members of the set that this one replaces.
    pub(crate) kept: u64,
    /// Members put back.
    pub(crate) restored: u64,
    /// Saved members whose time is over.
    pub(crate) expired: u64,
    /// Saved members that could not be put back.
    pub(crate) refused: u64,
    /// Members that the configuration put in.
    pub(crate) added: u64,
    /// Members that are out because the configuration no longer has them.
    pub(crate) removed: u64,
}

/// Whether a set was there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// This run created it.
    Created,
    /// It was there, and has the members it had.
    Kept,
    /// It was there otherwise than configured; one as configured has its members now.
    Replaced,
    /// It was there by another configuration, and nothing looks into it any more.
    Destroyed,
}

/// Where the saved members came from.
#[derive(Debug, Serialize)]
pub(crate) struct SavedReport {
    /// The file.
    pub(crate) path: PathBuf,
    /// Whether it exists.
    pub(crate) found: bool,
    /// When it was saved; `None` when the file does not say.
    pub(crate) saved: Option<Timestamp>,
    /// The seconds that were taken off each timeout.
    pub(crate) elapsed: u32,
}

/// A chain of ours.
#[derive(Debug, Serialize)]
pub(crate) struct ChainReport {
    /// Its name.
    pub(crate) name: String,
    /// How many rules it has.
    pub(crate) rules: usize,
}

impl SetReport {
    /// What was done with the set; `members` is what came back into one that was created,
    /// `replaced` how many members one has that was replaced.
    pub(super) fn new(
        set: &WantedSet,
        members: Option<&PutBack>,
        replaced: Option<u64>,
        changed: Changed,
    ) -> Self {
        let wanted = &set.wanted.create;
        let (outcome, set_type, maxelem) = match &set.found {
            Some(found) => (
                match replaced {
                    Some(_) => Outcome::Replaced,
                    None => Outcome::Kept,
                },
                &found.set_type,
                found.options.max_elements,
            ),
            None => (
                Outcome::Created,
                &wanted.set_type,
                wanted.options.max_elements,
            ),
        };
        Self {
            name: wanted.name.to_string(),
            family: wanted.family.to_string(),
            set_type: set_type.to_string(),
            maxelem,
            outcome,
            kept: replaced.unwrap_or(0),
            restored: members.map_or(0, |members| members.added),
            expired: members.map_or(0, |members| members.expired),
            refused: members.map_or(0, |members| members.refused),
            added: changed.added,
            removed: changed.removed,
        }
    }
}

impl SetReport {
    /// A set that is not wanted, and is gone.
    pub(super) fn destroyed(set: &SetHeader) -> Self {
        Self {
            name: set.name.to_string(),
            family: set.family.to_string(),
            set_type: set.set_type.to_string(),
            maxelem: set.options.max_elements,
            outcome: Outcome::Destroyed,
            kept: 0,
            restored: 0,
            expired: 0,
            refused: 0,
            added: 0,
            removed: 0,
        }
    }
}

impl ChainReport {
    /// A chain that was put in.
    pub(super) fn new(chain: &Chain) -> Self {
        Self {
            name: chain.name().to_string(),
            rules: chain.rules().len(),
        }
    }
}
