//! What is not confirmed goes back, and keeps others from changing the firewall meanwhile.

use std::time::Duration;

use ipset_netlink::IpSet;
use iptables_ruleset::Snapshot;
use jiff::{SignedDuration, Timestamp};

use super::lists::Lists;
use super::report::Confirm;
use crate::args::ApplyArgs;
use crate::config::Wanted;
use crate::findings::Findings;
use crate::last::{Last, body};
use crate::pending::{self, Armed, Arming, Pending, Place};
use crate::words::Span;

/// What a run knows of changes that are to be confirmed: the one before it, and its own.
pub(super) struct Guard {
    /// `None` where nothing is to be written down.
    place: Option<Place>,
    within: Option<Span>,
    boot: bool,
}

impl Guard {
    pub(super) fn new(args: &ApplyArgs) -> Self {
        let place = match &args.pending {
            Some(path) => Place::of(path),
            None => Place::beside(&args.saved),
        };
        Self {
            place,
            within: args.confirm_within,
            boot: args.boot,
        }
    }

    /// Whether `wanted` is not to go in, because a host that is started shall not have what nobody
    /// confirmed. `None`: nothing is to be done at all, and an error says why.
    pub(super) fn holds_back(
        &self,
        wanted: Option<&Wanted>,
        last: &Last,
        is_bare: bool,
        findings: &mut Findings,
    ) -> Option<bool> {
        let Some(place) = &self.place else {
            return Some(false);
        };
        let pending = match place.read() {
            Ok(pending) => pending,
            // A host that is started gets a firewall whatever the file says.
            Err(why) if self.boot => {
                findings.fail(why);
                None
            }
            Err(why) => {
                findings.refuse(why);
                return None;
            }
        };
        if let Some(pending) = pending {
            // Where nothing of ours stands there is nothing left of the change.
            if !(pending.is_of_another_boot() || self.boot && is_bare) {
                findings.refuse(pending.refusal(place));
                return None;
            }
            place.retire(&pending, findings);
        }
        let Some(wanted) = wanted.filter(|_| self.boot && is_bare) else {
            return Some(false);
        };
        let kept = last.kept();
        let is_kept = kept.is_some_and(|kept| body(&kept.wanted.text) == body(&wanted.text));
        let held_back = !is_kept && place.was_taken_back(&wanted.text);
        if held_back {
            findings.fail(
                "this configuration does not go in when the host is started: it was put in with --confirm-within, and nobody confirmed \
                 it. To have it all the same: `firewall-apply`",
            );
        }
        Some(held_back)
    }

    /// Writes down what is there, and has somebody wait, where the change is to be confirmed.
    pub(super) fn arm(
        &self,
        kernel: &mut IpSet,
        tables: Option<&Snapshot>,
        wanted: Option<&Wanted>,
        lists: Option<&Lists<'_>>,
        last: &Last,
    ) -> Result<Option<Arming>, String> {
        let (Some(within), Some(wanted)) = (self.within, wanted) else {
            return Ok(None);
        };
        let place = self.place.as_ref().ok_or(
            "--confirm-within needs a file to write down what to go back to: name one with --pending",
        )?;
        let tables =
            tables.ok_or("what is there cannot be read, so that there is nothing to go back to")?;
        let planned = lists.map_or(&[][..], |lists| &lists.planned);
        let pending = Pending::of(kernel, tables, wanted, planned, last, end_of(within))?;
        pending::arm(place, pending, Duration::from_secs(within.0.into())).map(Some)
    }

    /// The change is in: its time runs.
    pub(super) fn start(&self, armed: &mut Armed, findings: &mut Findings) -> Confirm {
        let within = self.within.unwrap_or(Span(0));
        let until = end_of(within);
        if let Err(why) = armed.start(until) {
            findings.warn(why);
        }
        Confirm {
            within: within.0,
            until,
            process: armed.process,
        }
    }

    /// What is in was wanted without a condition: nothing is held back any more.
    pub(super) fn forget(&self) {
        if let Some(place) = &self.place {
            place.forget();
        }
    }
}

/// The moment that is so far away.
fn end_of(within: Span) -> Timestamp {
    Timestamp::now()
        .saturating_add(SignedDuration::from_secs(within.0.into()))
        .unwrap_or(Timestamp::MAX)
}
