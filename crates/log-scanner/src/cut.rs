//! `--cut-connections`: what is open from a banned source ends.
//!
//! The firewall accepts the packets of established connections before it looks into any set; one
//! that has no entry in the kernel's connection tracking is new to it, and the set decides.
//!
//! A ban is about packets from a source, so the connections that go are those that the source
//! opened. One that was opened from here stays: it was wanted here, and the next packet to go out
//! would have it tracked again. For that reason, the sockets of this host that a connection ends at
//! go first.

use std::collections::BTreeMap;
use std::io;

use ipset_netlink::{SetName, Transport};
use netfilter_host::conntrack::{Connection, Conntrack, Error};
use netfilter_host::sockets::Sockets;

use crate::error::chain;
use crate::networks::{Members, Networks};
use crate::report::{Connections, Outcome, Phase, RuleReport, ViolationReport, Warning};
use crate::sets::Sets;

/// Where a violation is: its rule and its place.
type Place = (usize, usize);

/// Cuts the connections of all that is banned by rules that want it, and says so in their reports.
/// In a dry run they are only counted.
pub(crate) fn act(
    reports: &mut [RuleReport],
    sets: Option<&mut Sets>,
    dry_run: bool,
) -> Vec<Warning> {
    act_with(Conntrack::open, reports, sets, dry_run)
}

fn act_with<T: Transport>(
    open: impl FnOnce() -> Result<Conntrack<T>, Error>,
    reports: &mut [RuleReport],
    sets: Option<&mut Sets>,
    dry_run: bool,
) -> Vec<Warning> {
    let mut banned: Networks<Vec<Place>> = Networks::default();
    let mut places = Vec::new();
    for (rule, report) in reports.iter().enumerate() {
        if !report.rule.cut_connections {
            continue;
        }
        for (place, violation) in report.violations.iter().enumerate() {
            if is_banned(&violation.outcome) {
                let network = violation.source.network();
                banned.entry(network).or_default().push((rule, place));
                places.push((rule, place));
            }
        }
    }
    if places.is_empty() {
        return Vec::new();
    }
    for place in &places {
        if let Some(violation) = violation(reports, *place) {
            violation.connections = Some(if dry_run {
                Connections::WouldCut(0)
            } else {
                Connections::Cut(0)
            });
        }
    }
    let mut cutter = Cutter {
        reports,
        banned,
        sets,
        dry_run,
        members: BTreeMap::new(),
        warning: None,
    };
    let Err(error) = open().and_then(|conntrack| cutter.cut(conntrack)) else {
        return Vec::from_iter(cutter.warning);
    };
    let why = chain(&error);
    if dry_run {
        let text = format!("cannot tell which connections would be cut: {why}");
        return vec![Warning::new(Phase::Acting, text)];
    }
    for place in places {
        cutter.refuse(place, &why);
    }
    Vec::new()
}

/// Whether the ban is, or would be, in the set.
fn is_banned(outcome: &Outcome) -> bool {
    outcome.is_by_this_scan() || matches!(outcome, Outcome::Kept(_))
}

fn violation(reports: &mut [RuleReport], (rule, place): Place) -> Option<&mut ViolationReport> {
    reports.get_mut(rule)?.violations.get_mut(place)
}

struct Cutter<'a> {
    reports: &'a mut [RuleReport],
    banned: Networks<Vec<Place>>,
    sets: Option<&'a mut Sets>,
    dry_run: bool,
    /// What is in the sets, where a dry run has to know.
    members: BTreeMap<SetName, Members>,
    /// Why sockets go on.
    warning: Option<Warning>,
}

impl Cutter<'_> {
    /// Deletes what is tracked from banned sources.
    ///
    /// # Errors
    ///
    /// What is tracked cannot be told.
    fn cut<T: Transport>(&mut self, mut conntrack: Conntrack<T>) -> Result<(), Error> {
        let banned = &self.banned;
        let is_banned = |connection: &Connection| {
            let source = connection.source().into();
            banned.covering(source).next().is_some()
        };
        let connections = conntrack.connections(is_banned)?;
        let mut sockets = Sockets::open();
        for connection in connections {
            let places = self.places(&connection);
            let (older, places) = self.by_age(&connection, places);
            for place in older {
                if let Some(violation) = violation(self.reports, place) {
                    violation.connections_left += u64::from(places.is_empty());
                }
            }
            if places.is_empty() {
                continue;
            }
            let cut = if self.dry_run {
                Ok(true)
            } else {
                let ended = self.end(&mut sockets, &connection);
                conntrack
                    .delete(&connection)
                    .map(|was_there| was_there || ended)
            };
            for place in places {
                match &cut {
                    Ok(true) => self.count(place),
                    // It ended by itself.
                    Ok(false) => {}
                    Err(error) => self.refuse(place, &chain(error)),
                }
            }
        }
        Ok(())
    }

    /// The violations that a connection is older than, which leave it alone, and those that it is
    /// cut for.
    fn by_age(&mut self, connection: &Connection, places: Vec<Place>) -> (Vec<Place>, Vec<Place>) {
        places.into_iter().partition(|(rule, place)| {
            let Some(report) = self.reports.get(*rule) else {
                return false;
            };
            if report.rule.cut_older {
                return false;
            }
            let Some(began) = connection.began() else {
                self.warning.get_or_insert_with(|| {
                    Warning::new(
                        Phase::Acting,
                        "connections are cut however old they are, because the kernel does not keep when they began: \
                         sysctl net.netfilter.nf_conntrack_timestamp=1 has it do so",
                    )
                });
                return false;
            };
            let violation = report.violations.get(*place);
            violation.is_some_and(|violation| began < violation.first_seen)
        })
    }

    /// Ends the socket of this host that a connection ends at; whether there was one.
    fn end(&mut self, sockets: &mut io::Result<Sockets>, connection: &Connection) -> bool {
        let Some((local, remote)) = connection.ends() else {
            return false;
        };
        let ended = match sockets {
            Ok(sockets) => sockets.end(local, remote),
            Err(error) => Err(error.kind().into()),
        };
        ended.unwrap_or_else(|error| {
            self.warning = Some(Warning::new(
                Phase::Acting,
                format!(
                    "the sockets of connections that were cut cannot be ended, so that those where this host goes on sending may \
                     go on: {error}"
                ),
            ));
            false
        })
    }

    /// The violations that the source of a connection is banned for.
    fn places(&mut self, connection: &Connection) -> Vec<Place> {
        let source = connection.source();
        let covering = self.banned.covering(source.into());
        let mut places: Vec<_> = covering.flatten().copied().collect();
        let mut troubles = Vec::new();
        // A banned network may have an exception (nomatch) in its set.
        places.retain(|place| {
            let Some(violation) = violation(self.reports, *place) else {
                return false;
            };
            let mut exceptions = violation.exceptions.iter();
            if exceptions.any(|part| part.network.contains(source)) {
                return false;
            }
            let is_network = !violation.source.is_single_address();
            let Some(sets) = self.sets.as_mut().filter(|_| is_network) else {
                return true;
            };
            if self.dry_run {
                let members = self.members.entry(violation.set.clone());
                // That a set cannot be read has been said.
                let members =
                    members.or_insert_with_key(|set| sets.members(set).unwrap_or_default());
                let member = members.covering(source.into()).next();
                return !member.is_some_and(|member| member.nomatch);
            }
            sets.matches(&violation.set, source).unwrap_or_else(|why| {
                troubles.push((*place, why));
                false
            })
        });
        for (place, why) in troubles {
            self.refuse(place, &why);
        }
        places
    }

    fn count(&mut self, place: Place) {
        if let Some(violation) = violation(self.reports, place) {
            if let Some(
                Connections::Cut(number)
                | Connections::WouldCut(number)
                | Connections::Refused(number, _),
            ) = &mut violation.connections
            {
                *number += 1;
            }
        }
    }

    fn refuse(&mut self, place: Place, why: &str) {
        if let Some(violation) = violation(self.reports, place) {
            let cut = match violation.connections {
                Some(Connections::Cut(number) | Connections::Refused(number, _)) => number,
                Some(Connections::WouldCut(_)) | None => 0,
            };
            let source = violation.source;
            violation.connections = Some(Connections::Refused(
                cut,
                format!("cannot cut the connections of {source}: {why}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use ipset_netlink::testing::{Answer, Script};

    use super::*;
    use crate::report::tests::{report, violation};

    const EINVAL: i32 = 22;

    fn without_conntrack(outcome: Outcome, dry_run: bool) -> (ViolationReport, Vec<Warning>) {
        let mut report = report(dry_run, vec![violation("203.0.113.7", outcome)]);
        report.rules[0].rule.cut_connections = true;
        let script = Script::new([Answer::error(EINVAL)]);
        let open = || Ok(Conntrack::with_transport(script));
        let warnings = act_with(open, &mut report.rules, None, dry_run);
        (report.rules[0].violations[0].clone(), warnings)
    }

    #[test]
    fn a_kernel_without_connection_tracking_is_an_error() {
        let why =
            "the kernel has no connection tracking over netlink (modprobe nf_conntrack_netlink)";
        let (violation, warnings) = without_conntrack(Outcome::Added, false);
        let expected = format!("cannot cut the connections of 203.0.113.7: {why}");
        assert_eq!(violation.error(), Some(expected.as_str()));
        assert_eq!(
            violation.outcome,
            Outcome::Added,
            "it is banned all the same"
        );
        assert!(warnings.is_empty());

        let (violation, warnings) = without_conntrack(Outcome::WouldAdd, true);
        assert_eq!(violation.error(), None);
        let expected = format!("cannot tell which connections would be cut: {why}");
        assert_eq!(warnings, [Warning::new(Phase::Acting, expected)]);
    }

    #[test]
    fn who_is_not_banned_is_not_asked_about() {
        for outcome in [
            Outcome::Exempt("own".to_owned()),
            Outcome::Expired,
            Outcome::Refused("full".to_owned()),
        ] {
            let (violation, _) = without_conntrack(outcome, false);
            assert_eq!(violation.connections, None);
        }
    }
}
