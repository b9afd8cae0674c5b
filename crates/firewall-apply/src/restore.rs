//! `restore`: saved members back into the sets.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use ipset_netlink::{CreateSet, IfExists, IpSet, SetName, SetType, Timeout};
use jiff::Timestamp;
use serde::Serialize;

use crate::config::Wanted;
use crate::configured::ConfiguredSet;
use crate::findings::{Findings, Problem, causes};
use crate::save::everybody;
use crate::save::format::{Member, Saved, SavedSet, cannot_add, misfit};
use crate::save::members::{NAMED, PutBack, elapsed, note_refused, put_back};
use crate::save::parse::read;
use crate::turn::wait_for_turn;
use crate::words::{Count, Span};
use crate::{report, sets};

/// What `restore` did.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where from; - is standard input.
    pub(crate) path: PathBuf,
    /// When it was saved; `None` when the file does not say.
    pub(crate) saved: Option<Timestamp>,
    /// The seconds that were taken off each timeout.
    pub(crate) elapsed: u32,
    /// The sets in the file.
    pub(crate) sets: Vec<SetReport>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "restore";
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.sets.is_empty() {
            return Ok(());
        }
        let path = if self.path.as_os_str() == "-" {
            "standard input".to_owned()
        } else {
            self.path.display().to_string()
        };
        match self.saved {
            Some(saved) => writeln!(f, "{path} was saved at {saved}, {} ago", Span(self.elapsed))?,
            None => writeln!(
                f,
                "{path} does not say when it was saved: no time is taken off"
            )?,
        }
        for set in &self.sets {
            let outcome = match set.outcome {
                Outcome::Created => "created",
                Outcome::Kept => "was there",
            };
            writeln!(f, "{:<16}  {outcome}; {}", set.name, Members(&set.members))?;
        }
        Ok(())
    }
}

/// What `restore` did with a set.
#[derive(Debug, Serialize)]
pub(crate) struct SetReport {
    /// Its name.
    pub(crate) name: String,
    /// Whether it was there.
    pub(crate) outcome: Outcome,
    /// What became of its members.
    #[serde(flatten)]
    pub(crate) members: Counts,
}

/// Whether a set was there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// This run created it.
    Created,
    /// It was there.
    Kept,
}

/// What became of the members of a set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(crate) struct Counts {
    /// Not in the set before.
    pub(crate) added: u64,
    /// In the set before, and would have ended earlier.
    pub(crate) prolonged: u64,
    /// In the set before, and not ending earlier there.
    pub(crate) kept: u64,
    /// Over by now.
    pub(crate) expired: u64,
    /// Not taken by the kernel.
    pub(crate) refused: u64,
}

impl From<&PutBack> for Counts {
    fn from(outcome: &PutBack) -> Self {
        Self {
            added: outcome.added,
            prolonged: outcome.prolonged,
            kept: outcome.kept,
            expired: outcome.expired,
            refused: outcome.refused,
        }
    }
}

/// A set of the file and what the kernel has for it.
struct Plan<'a> {
    saved: &'a SavedSet,
    target: CreateSet,
    exists: bool,
}

/// Puts the members that `path` holds back into the sets; those of ours that it does not create are
/// made as wanted.
pub(crate) fn run(wanted: Option<Wanted>, path: &Path, findings: &mut Findings) -> Report {
    let mut report = Report {
        path: path.to_owned(),
        saved: None,
        elapsed: 0,
        sets: Vec::new(),
    };
    let Some(Wanted { sets: ours, .. }) = wanted else {
        return report;
    };
    let Some(mut kernel) = sets::connect(findings) else {
        return report;
    };
    let mut type_of = |name: &SetName| Some(kernel.header(name).ok()?.set_type);
    let saved = match read(path, &mut type_of) {
        Ok(parsed) => {
            for problem in parsed.bad_lines(path) {
                findings.refuse(problem);
            }
            parsed.saved
        }
        Err(error) => {
            findings.refuse(format!("cannot read {}: {error}", path.display()));
            return report;
        }
    };
    report.saved = saved.at;
    report.elapsed = elapsed(saved.at, Timestamp::now());
    if findings.failed() {
        return report;
    }
    let _turn = wait_for_turn(findings);
    let plans = plan(&mut kernel, &saved, &ours, path, findings);
    if findings.failed() {
        return report;
    }
    let mut created = Vec::new();
    for plan in plans.iter().filter(|plan| !plan.exists) {
        match kernel.create(&plan.target, IfExists::Fail) {
            Ok(()) => created.push(&plan.target.name),
            Err(error) => {
                findings.fail(causes(&error));
                sets::destroy(&mut kernel, created, findings);
                return report;
            }
        }
    }
    for plan in &plans {
        report
            .sets
            .push(fill(&mut kernel, plan, saved.at, path, findings));
    }
    report
}

/// Judges the whole file against the kernel, before the first change.
fn plan<'a>(
    kernel: &mut IpSet,
    saved: &'a Saved,
    ours: &[ConfiguredSet],
    path: &Path,
    findings: &mut Findings,
) -> Vec<Plan<'a>> {
    let mut plans = Vec::new();
    for set in &saved.sets {
        let (target, exists) = match kernel.header(&set.name) {
            Ok(header) => (CreateSet::from(&header), true),
            Err(error) if error.is_set_not_found() => match to_create(set, ours) {
                Ok(target) => (target, false),
                Err(why) => {
                    findings.refuse(Problem::file(path, why));
                    continue;
                }
            },
            Err(error) => {
                findings.fail(causes(&error));
                return plans;
            }
        };
        judge(set, &target, path, findings);
        plans.push(Plan {
            saved: set,
            target,
            exists,
        });
    }
    plans
}

/// The set as the file says, or as wanted where it does not. One of ours is made so that the rules
/// can use it.
fn to_create(set: &SavedSet, ours: &[ConfiguredSet]) -> Result<CreateSet, String> {
    let name = &set.name;
    let mut wanted = ours.iter().map(|set| &set.create);
    let wanted = wanted.find(|wanted| wanted.name == *name);
    let usable = |create: &CreateSet, wanted: &CreateSet| {
        matches!(create.set_type, SetType::HashIp | SetType::HashNet)
            || create.set_type == wanted.set_type
    };
    match (&set.create, wanted) {
        (Some(create), Some(wanted)) if create.family != wanted.family => Err(format!(
            "set \"{name}\" is created for family {}, and the firewall needs it for {}",
            create.family, wanted.family
        )),
        (Some(create), Some(wanted)) if !usable(create, wanted) => Err(format!(
            "set \"{name}\" is created with type {}, and the firewall can use only hash:net and hash:ip",
            create.set_type
        )),
        (Some(create), Some(wanted))
            if create.options.timeout.is_none() && wanted.options.timeout.is_some() =>
        {
            Ok(create.clone().timeout(Timeout::PERMANENT))
        }
        (Some(create), _) => Ok(create.clone()),
        (None, Some(wanted)) => Ok(wanted.clone()),
        (None, None) => Err(format!(
            "there is no set \"{name}\", and no line that creates it"
        )),
    }
}

fn judge(set: &SavedSet, target: &CreateSet, path: &Path, findings: &mut Findings) {
    let everybody = everybody::widest(set);
    let wrong = |member: &Member| {
        let key = &member.entry.key;
        let all = || {
            let is_part = everybody.contains(&member.line);
            is_part.then(|| everybody::why(set, member))
        };
        let forever = || {
            let timeout = member
                .entry
                .timeout
                .filter(|timeout| !timeout.is_permanent());
            let why = "the set is there already without timeouts, so that it would stay for ever";
            (timeout.is_some() && target.options.timeout.is_none())
                .then(|| cannot_add(key, &set.name, why))
        };
        let why = misfit(&member.entry, target)
            .or_else(all)
            .or_else(forever)?;
        Some(Problem::line(path, member.line, why))
    };
    let mut problems = set.members.iter().filter_map(wrong);
    problems
        .by_ref()
        .take(NAMED)
        .for_each(|problem| findings.refuse(problem));
    let more = problems.count();
    if more > 0 {
        let why = format!(
            "{more} more members cannot be put into set \"{}\"",
            set.name
        );
        findings.refuse(Problem::file(path, why));
    }
}

fn fill(
    kernel: &mut IpSet,
    plan: &Plan<'_>,
    at: Option<Timestamp>,
    path: &Path,
    findings: &mut Findings,
) -> SetReport {
    let name = &plan.target.name;
    let mut report = SetReport {
        name: name.to_string(),
        outcome: if plan.exists {
            Outcome::Kept
        } else {
            Outcome::Created
        },
        members: Counts::default(),
    };
    let present = if plan.exists && !plan.saved.members.is_empty() {
        match kernel.list(name) {
            Ok(set) => set.entries,
            Err(error) => {
                findings.fail(causes(&error));
                report.members.refused = plan.saved.members.len() as u64;
                return report;
            }
        }
    } else {
        Vec::new()
    };
    let outcome = put_back(kernel, &plan.target, &present, plan.saved, at);
    note_refused(name, &outcome, path, findings);
    report.members = Counts::from(&outcome);
    report
}

/// Members as "3 put back, 1 prolonged, 2 kept, 4 expired, 1 refused"; zeros are left out.
struct Members<'a>(&'a Counts);

impl Display for Members<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let counts = self.0;
        write!(f, "{} put back", Count(counts.added, "member"))?;
        let rest = [
            (counts.prolonged, "prolonged"),
            (counts.kept, "kept as they were"),
            (counts.expired, "over by now"),
            (counts.refused, "refused"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_what_did_not_happen() {
        let mut counts = Counts {
            added: 1,
            ..Counts::default()
        };
        assert_eq!(Members(&counts).to_string(), "1 member put back");
        counts.expired = 2;
        assert_eq!(
            Members(&counts).to_string(),
            "1 member put back, 2 over by now"
        );
    }
}
