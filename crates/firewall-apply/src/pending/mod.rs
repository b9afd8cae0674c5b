//! A change that waits to be confirmed: what goes back unless it is.
//!
//! It is a file beside the saved sets. As long as the file is there the change is not confirmed,
//! whoever is alive to wait for it; taking it away is what confirms.

mod contents;
mod file;
mod members;
mod waiter;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use ipset_netlink::{IfMissing, IpSet, SetName};
use iptables_ruleset::{Checkpoint, Kernel as _, KernelSet, Nftables, Ruleset, Snapshot};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use file::Place;
use members::MemberThen;
pub(crate) use waiter::{Armed, Arming, arm, at_once, when_due};

use crate::config::{self, Wanted};
use crate::findings::{Findings, Problem, causes, refusal};
use crate::last::Last;
use crate::lists::Planned;

/// What there was before a change, and what is known of the change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pending {
    version: u32,
    /// Tells this change from every other.
    id: String,
    /// The kernel's name for the time since it was started.
    boot: String,
    /// When the change began.
    pub(crate) at: Timestamp,
    /// When what was there comes back.
    pub(crate) until: Timestamp,
    /// The configuration that was put in.
    config: String,
    /// Where it is kept once it is confirmed.
    last: Option<PathBuf>,
    /// The sets that there were not.
    new_sets: Vec<String>,
    /// The members of others that the configuration changes.
    members: Vec<MemberThen>,
    /// What was in sets that lists fill, as `save` writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    contents: String,
    rules: Checkpoint,
    /// What came of going back when it was tried last; `None` as long as it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<Trouble>,
}

/// Going back did not succeed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trouble {
    /// When it was tried and was another trouble before.
    pub(crate) at: Timestamp,
    /// Why it did not.
    pub(crate) why: String,
}

impl Pending {
    /// Writes down what there is, before `wanted` goes in until it is confirmed.
    ///
    /// # Errors
    ///
    /// When the sets cannot be read.
    pub(crate) fn of(
        kernel: &mut IpSet,
        tables: &Snapshot,
        wanted: &Wanted,
        planned: &[Planned<'_>],
        last: &Last,
        until: Timestamp,
    ) -> Result<Self, String> {
        let kept = last.kept().map(|kept| &kept.wanted);
        let rulesets = kept.into_iter().chain([wanted]);
        let rulesets = rulesets.flat_map(|wanted| &wanted.rulesets);
        // A table that nothing is taken out of is left alone on the way back, too.
        let is_there = |ruleset: &&Ruleset| !tables.leftovers(ruleset, |_| None).is_empty();
        let taken_out = wanted.unwanted.iter().filter(is_there);
        let rulesets: Vec<&Ruleset> = rulesets.chain(taken_out).collect();
        let mut new_sets = Vec::new();
        let mut members = Vec::new();
        for set in &wanted.sets {
            match kernel.header(set.name()) {
                Ok(_) => members.extend(members::of(kernel, set.name(), wanted, kept)?),
                Err(error) if error.is_set_not_found() => new_sets.push(set.name().to_string()),
                Err(error) => return Err(causes(&error)),
            }
        }
        let contents = contents::of(kernel, planned)?;
        let name_of = |index| kernel.name_of(index).ok().map(|name| name.to_string());
        let at = Timestamp::now();
        Ok(Self {
            version: VERSION,
            id: format!("{}.{}", std::process::id(), at.as_nanosecond()),
            boot: boot(),
            at,
            until,
            config: wanted.text.clone(),
            last: last.path().map(absolute).transpose()?,
            new_sets,
            members,
            contents,
            rules: Checkpoint::of(tables, rulesets, name_of),
            failed: None,
        })
    }

    /// Whether the kernel that it is about is gone.
    pub(crate) fn is_of_another_boot(&self) -> bool {
        self.boot != boot()
    }

    /// The configuration that waits to be confirmed.
    pub(crate) fn config(&self) -> &str {
        &self.config
    }

    /// Why nobody else may change the firewall now.
    pub(crate) fn refusal(&self, place: &Place) -> String {
        let over = if self.until < Timestamp::now() {
            "was to be confirmed by"
        } else {
            "waits to be confirmed until"
        };
        format!(
            "the firewall that was put in at {:.0} {over} {:.0} ({}): say `firewall-apply confirm` to keep it or `firewall-apply \
             rollback` to have back what was there; nothing was changed",
            self.at,
            self.until,
            place.path().display(),
        )
    }

    /// What somebody who looks at the firewall is to know about it: a warning, or as an error what
    /// went wrong.
    fn notice(&self) -> Result<String, String> {
        let at = self.at;
        if self.is_of_another_boot() {
            return Ok(format!(
                "the firewall that was put in at {at:.0}, before the host was started anew, was never confirmed; `firewall-apply` \
                 forgets it"
            ));
        }
        let until = self.until;
        if let Some(Trouble { at: tried, why }) = &self.failed {
            return Err(format!(
                "nobody confirmed the firewall that was put in at {at:.0}, and going back failed at {tried:.0}: {why}; \
                 `firewall-apply rollback` tries it again, `firewall-apply confirm` keeps what is there"
            ));
        }
        if until
            .saturating_add(OVERDUE)
            .is_ok_and(|late| late < Timestamp::now())
        {
            return Err(format!(
                "the firewall that was put in at {at:.0} was to be confirmed by {until:.0}, and whoever was to take it back is gone; \
                 `firewall-apply rollback` takes it back, `firewall-apply confirm` keeps it"
            ));
        }
        Ok(format!(
            "the firewall that was put in at {at:.0} goes back at {until:.0} unless it is confirmed; `firewall-apply confirm` keeps it, \
             `firewall-apply rollback` takes it back at once"
        ))
    }

    /// Puts back what was there. Returns `false` when the rules are not back; what else is not as
    /// it was is among the findings, too.
    pub(crate) fn go_back(&self, kernel: &mut IpSet, findings: &mut Findings) -> bool {
        // First: whoever is locked out by a member gets in again whatever comes of the rules.
        members::put_back(kernel, &self.members, findings);
        contents::put_back(kernel, &self.contents, findings);
        let mut find = |name: &str| {
            let set = kernel.index(&name.parse()?)?;
            Ok::<_, Box<dyn Error + Send + Sync>>(KernelSet::new(set.index, None))
        };
        let gone_back = Nftables::connect().and_then(|mut nftables| {
            let back = self.rules.go_back(&mut nftables, &mut find)?;
            Ok((back, nftables.snapshot()))
        });
        match gone_back {
            Ok((back, after)) => {
                let told = !back.left_out.is_empty();
                for what in back.left_out {
                    findings.fail(what);
                }
                match after {
                    Ok(after) if !told => {
                        for what in self.rules.differences(&after, &mut find) {
                            findings.fail(what);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => findings.fail(format!(
                        "cannot read the rules back after they were put back: {}",
                        refusal(&error)
                    )),
                }
            }
            Err(error) => {
                findings.fail(refusal(&error));
                return false;
            }
        }
        for name in &self.new_sets {
            let Ok(name) = name.parse::<SetName>() else {
                continue;
            };
            if let Err(error) = kernel.destroy(&name, IfMissing::Ignore) {
                findings.fail(causes(&error));
            }
        }
        true
    }

    /// Keeps the configuration as the last that went in.
    pub(crate) fn keep(&self, findings: &mut Findings) {
        let Some(path) = &self.last else { return };
        match config::parse(path, self.config.as_bytes()) {
            Ok(wanted) => Last::at(path).keep(&wanted, findings),
            Err(problem) => findings.warn(Problem {
                message: format!(
                    "it is not kept for the day when the next cannot go in: {problem}"
                ),
                ..Problem::default()
            }),
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path)
        .map_err(|error: io::Error| format!("cannot tell where {} is: {error}", path.display()))
}

/// The number that a start of the kernel has; empty where there is none.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

const VERSION: u32 = 1;
/// How long going back may take before it is said that nobody does it.
const OVERDUE: SignedDuration = SignedDuration::from_secs(30);
