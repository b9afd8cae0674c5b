//! The pardons that hold at a host.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::name::Host;
use crate::prefix::{Prefix, PrefixTable};
use crate::record::{Ban, Bucket, Pardon};
use crate::state::State;
use crate::time::Time;
use crate::trust::{Intake, Policy};

/// What is dated so much later than now was not written by a clock that can be worked with.
pub(crate) const AHEAD: Duration = Duration::from_secs(60);

/// The pardons that hold at a host, by whom they let go.
#[derive(Clone, Debug, Default)]
pub struct Pardons {
    /// Until when nothing counts.
    instants: PrefixTable<Time>,
    holding: Vec<Pardon>,
}

impl Pardons {
    /// Those that this host or an administrator gave, or that enough hosts pass on.
    ///
    /// Of hosts that pass on pardons of one prefix, as many as the [policy](Policy::pardon_seen_by)
    /// asks for must have one that is as late.
    pub fn of(state: &State, policy: &Policy, intake: &Intake, now: Time) -> Self {
        let mut pardons = Self::default();
        let mut passed_on: BTreeMap<Prefix, Vec<(Time, &Pardon, &Host)>> = BTreeMap::new();
        for (origin, pardon) in state.pardons() {
            let is_taken = policy.trusts(origin) && !intake.is_cut_off(origin);
            if !is_taken || pardon.until <= now || pardon.at > now.after(AHEAD) {
                continue;
            }
            if *origin == policy.own || policy.is_admin(origin) {
                pardons.hold(pardon);
            } else {
                let of_prefix = passed_on.entry(pardon.prefix).or_default();
                of_prefix.push((pardon.at, pardon, origin));
            }
        }
        for mut of_prefix in passed_on.into_values() {
            // The latest of each host, the latest first.
            of_prefix.sort_unstable_by(|one, other| {
                (other.0, other.1, other.2).cmp(&(one.0, one.1, one.2))
            });
            let mut hosts = Vec::new();
            of_prefix.retain(|(_, _, host)| {
                let is_first = !hosts.contains(host);
                hosts.push(host);
                is_first
            });
            if let Some((_, pardon, _)) = of_prefix.get(policy.pardon_seen_by.get() - 1) {
                pardons.hold(pardon);
            }
        }
        pardons
    }

    fn hold(&mut self, pardon: &Pardon) {
        let instant = self.instants.entry(pardon.prefix, || pardon.at);
        *instant = (*instant).max(pardon.at);
        self.holding.push(pardon.clone());
    }

    /// All that hold.
    pub fn iter(&self) -> impl Iterator<Item = &Pardon> {
        self.holding.iter()
    }

    /// Whether a pardon voids this ban.
    pub fn void(&self, ban: &Ban) -> bool {
        let around = self.instants.around(ban.prefix);
        let mut around = around.filter(|(pardoned, _)| pardoned.covers(ban.prefix));
        around.any(|(_, at)| ban.last_hit <= *at)
    }

    /// Somebody who is pardoned after the last hit of the ban of a network that he is in.
    pub fn inside(&self, ban: &Ban) -> Option<Prefix> {
        let mut within = self.instants.within(ban.prefix);
        within.find_map(|(pardoned, at)| (ban.last_hit <= *at).then_some(pardoned))
    }

    /// Whether all of what came from there in a bucket counts.
    pub fn count(&self, source: Prefix, bucket: Bucket) -> bool {
        let around = self.instants.around(source);
        let mut all = around.chain(self.instants.within(source));
        all.all(|(_, at)| *at < bucket.start())
    }
}
