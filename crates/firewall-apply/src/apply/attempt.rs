//! Sets and rules of one configuration, all or nothing.

use std::collections::BTreeMap;

use ipset_netlink::{IfExists, IpSet, SetName};
use iptables_ruleset::{Config, Ruleset, Snapshot};

use super::install::{self, Failure, Installed, install};
use super::lists::Lists;
use super::members::{self, Changed};
use super::replace::{self, Replaced};
use super::report::{Applied, ChainReport, Confirm, Report, Rules, SavedReport, SetReport};
use super::saved_members::SavedMembers;
use super::unwanted_sets;
use crate::args::ApplyArgs;
use crate::config::{Source, Wanted};
use crate::findings::{Findings, causes};
use crate::lists::put_in;
use crate::pending::Armed;
use crate::rules::FamilyRules;
use crate::save::members::PutBack;
use crate::sets::{self, WantedSet};

/// One run's attempts: one configuration after the other, until one goes in.
pub(super) struct Attempt<'a> {
    kernel: &'a mut IpSet,
    pub(super) findings: &'a mut Findings,
    args: &'a ApplyArgs,
    /// The tables before the run; `None` where they could not be read.
    before: Option<&'a Snapshot>,
    /// The saved members; read once, when the first set is made.
    saved: Option<SavedMembers<'a>>,
    report: Report,
    /// The tables after the configuration went in; `None` where it was in already, or they could
    /// not be read.
    pub(super) after: Option<Snapshot>,
}

/// The sets as they were found and what this run did with them.
pub(super) struct Prepared {
    sets: Vec<WantedSet>,
    created: BTreeMap<SetName, PutBack>,
    changed: BTreeMap<SetName, Changed>,
    replaced: Replaced,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        kernel: &'a mut IpSet,
        config: Source,
        args: &'a ApplyArgs,
        before: Option<&'a Snapshot>,
        saved: Option<(SavedMembers<'a>, SavedReport)>,
        findings: &'a mut Findings,
    ) -> Self {
        let mut report = Report::new(config);
        let saved = saved.map(|(saved, about)| {
            report.saved = Some(about);
            saved
        });
        Self {
            kernel,
            findings,
            args,
            before,
            saved,
            report,
            after: None,
        }
    }

    /// The lists of a configuration, read.
    pub(super) fn read_lists<'w>(&mut self, wanted: &'w Wanted) -> Lists<'w> {
        Lists::read(self.kernel, wanted, self.findings)
    }

    /// Puts the sets and the rules of a configuration in. Returns `false` when they are not in:
    /// errors say why, and the sets that this run created are gone again.
    pub(super) fn put_in(&mut self, wanted: &Wanted, lists: &Lists<'_>, applied: Applied) -> bool {
        let prepared = self.prepare(wanted, lists, true);
        if !prepared.is_whole() {
            self.undo(&prepared);
            return false;
        }
        self.install(&prepared, wanted, applied)
    }

    /// Looks for the sets of a configuration, replaces those that are otherwise, puts its members
    /// into those that are there, makes those that are missing, and fills those of lists.
    ///
    /// With `all_or_none` no set is made where one of those that are there cannot be used;
    /// otherwise each that can be had, whatever is wrong with the others.
    pub(super) fn prepare(
        &mut self,
        wanted: &Wanted,
        lists: &Lists<'_>,
        all_or_none: bool,
    ) -> Prepared {
        let all = &wanted.sets;
        let mut headers = sets::headers(self.kernel, all);
        let replaced = replace::those_that_differ(self.kernel, all, &headers, self.findings);
        if !replaced.is_empty() {
            headers = sets::headers(self.kernel, all);
        }
        let mut prepared = Prepared {
            replaced,
            sets: sets::judge_found(self.kernel, all, headers, self.findings),
            created: BTreeMap::new(),
            changed: BTreeMap::new(),
        };
        for set in prepared.sets.iter().filter(|set| set.usable) {
            if let Some(found) = &set.found {
                let name = set.wanted.name();
                let keys = wanted.members_of(name);
                let done = members::into_existing(self.kernel, found, keys, self.findings);
                prepared.changed.insert(name.clone(), done);
            }
        }
        if prepared.is_whole() || !all_or_none {
            self.create(&mut prepared, wanted, lists, all_or_none);
        }
        if prepared.is_whole() || !all_or_none {
            self.fill_lists(&prepared, lists);
        }
        prepared
    }

    /// Puts the lists into their sets. Why one stays as it is, is noted.
    fn fill_lists(&mut self, prepared: &Prepared, lists: &Lists<'_>) {
        let looked_again;
        let planned = if prepared.created.is_empty() && prepared.replaced.is_empty() {
            &lists.planned
        } else {
            looked_again = lists.look_again(self.kernel, self.findings);
            &looked_again
        };
        self.report.lists = put_in(self.kernel, planned, self.findings);
    }

    fn create(
        &mut self,
        prepared: &mut Prepared,
        wanted: &Wanted,
        lists: &Lists<'_>,
        all_or_none: bool,
    ) {
        let missing = |set: &&mut WantedSet| set.usable && set.found.is_none();
        for set in prepared.sets.iter_mut().filter(missing) {
            let saved = match &mut self.saved {
                Some(saved) => saved,
                none => {
                    let (saved, about) = SavedMembers::read(&self.args.saved, self.findings);
                    self.report.saved = Some(about);
                    none.insert(saved)
                }
            };
            let name = set.wanted.name();
            let keys = wanted.members_of(name);
            let create = &set.wanted.create;
            let made = if lists.fills(name, saved) {
                let made = self.kernel.create(create, IfExists::Fail);
                made.map(|()| (PutBack::default(), 0))
            } else {
                saved.create(self.kernel, create, keys, self.findings)
            };
            match made {
                Ok((restored, added)) => {
                    prepared.created.insert(name.clone(), restored);
                    let changed = Changed { added, removed: 0 };
                    prepared.changed.insert(name.clone(), changed);
                }
                Err(error) => {
                    self.findings.fail(causes(&error));
                    set.usable = false;
                    if all_or_none {
                        return;
                    }
                }
            }
        }
    }

    /// Puts the rules in; returns `false` when they are not in.
    fn install(&mut self, prepared: &Prepared, wanted: &Wanted, applied: Applied) -> bool {
        let rulesets = &wanted.rulesets;
        match self.put_rules(&wanted.config, rulesets, &wanted.unwanted) {
            Ok(Installed { changed, after }) => {
                self.after = after.filter(|_| changed);
                self.note(prepared, rulesets, applied, changed);
                self.remember(prepared);
                true
            }
            Err(failure) => {
                self.findings.fail(failure.why);
                if failure.outcome_unknown {
                    prepared.replaced.keep(self.kernel, self.findings);
                } else {
                    self.undo(prepared);
                }
                false
            }
        }
    }

    /// Where sets were made anew, as at boot, those that the scanner remembers by are, too.
    fn remember(&mut self, prepared: &Prepared) {
        if !prepared.created.is_empty() {
            if let Some(saved) = &mut self.saved {
                saved.create_remembered(self.kernel, self.findings);
            }
        }
    }

    fn put_rules(
        &mut self,
        config: &Config,
        rulesets: &[Ruleset],
        unwanted: &[Ruleset],
    ) -> Result<Installed, Failure> {
        let rules = install::Rules {
            wanted: rulesets,
            unwanted,
            adopt: self.args.adopt,
        };
        install(self.kernel, config, &rules, self.before, self.findings)
    }

    /// Puts the rules of a floor in. The error says why they are not in; the sets stay in any case.
    pub(super) fn try_install(
        &mut self,
        prepared: &Prepared,
        config: &Config,
        rulesets: &[Ruleset],
    ) -> Result<(), String> {
        let put = self.put_rules(config, rulesets, &[]);
        let installed = put.map_err(|failure| failure.why)?;
        self.note(prepared, rulesets, Applied::Floor, installed.changed);
        Ok(())
    }

    /// Takes the sets away that this run made, and takes back what it did with others.
    pub(super) fn undo(&mut self, prepared: &Prepared) {
        sets::destroy(self.kernel, prepared.created.keys(), self.findings);
        prepared.replaced.take_back(self.kernel, self.findings);
    }

    fn note(&mut self, prepared: &Prepared, rulesets: &[Ruleset], applied: Applied, changed: bool) {
        prepared.replaced.keep(self.kernel, self.findings);
        self.report.applied = Some(applied);
        self.report.rules = Some(if changed {
            Rules::PutIn
        } else {
            Rules::Unchanged
        });
        self.report.sets = prepared
            .sets
            .iter()
            .filter(|set| set.usable)
            .map(|set| {
                let name = set.wanted.name();
                let changed = prepared.changed.get(name).copied().unwrap_or_default();
                let replaced = prepared.replaced.members(name);
                SetReport::new(set, prepared.created.get(name), replaced, changed)
            })
            .collect();
        let rules = |ruleset: &Ruleset| FamilyRules::new(ruleset, ChainReport::new);
        self.report.families = rulesets.iter().map(rules).collect();
    }

    /// Takes members out of the sets that the configuration `before` put there and that `now` does
    /// not have.
    pub(super) fn take_out(&mut self, before: Option<&Wanted>, now: &Wanted) {
        let Some(before) = before else { return };
        for (name, keys) in &before.members {
            let remaining = now.members_of(name);
            let removed = members::take_out(self.kernel, name, keys, remaining, self.findings);
            let mut sets = self.report.sets.iter_mut();
            if let Some(set) = sets.find(|set| set.name == name.as_str()) {
                set.removed = removed;
            }
        }
    }

    /// Destroys the sets that another configuration had packets fill, as far as they are as that
    /// would have made them and nobody else's rule looks into them.
    pub(super) fn destroy_unwanted(&mut self, wanted: &Wanted) {
        let changed = self.report.rules == Some(Rules::PutIn);
        match unwanted_sets::destroy(self.kernel, &wanted.config, changed) {
            Ok(gone) => {
                let reports = gone.iter().map(SetReport::destroyed);
                self.report.sets.extend(reports);
            }
            Err(why) => self.findings.warn(why),
        }
    }

    /// Notes until when what went in is to be confirmed.
    pub(super) fn waits(&mut self, confirm: Confirm) {
        self.report.confirm = Some(confirm);
    }

    /// Nothing went in that could be confirmed. What was done on the way is taken back.
    pub(super) fn give_up(&mut self, armed: &Armed) {
        // The same changes, if it cannot be told whether they are in.
        if armed.pending.go_back(self.kernel, self.findings) {
            if let Err(why) = armed.stop() {
                self.findings.fail(why);
            }
        }
    }

    /// Ends the run: lines of the saved file that were not put back are kept beside it.
    pub(super) fn finish(self) -> Report {
        if let Some(saved) = &self.saved {
            saved.keep_aside(self.findings);
        }
        self.report
    }
}

impl Prepared {
    /// Whether all the sets are there and can be looked into.
    fn is_whole(&self) -> bool {
        self.sets.iter().all(|set| set.usable)
    }

    /// Those that are there and can be looked into.
    pub(super) fn usable(&self) -> impl Iterator<Item = &SetName> {
        let usable = self.sets.iter().filter(|set| set.usable);
        usable.map(|set| set.wanted.name())
    }
}
