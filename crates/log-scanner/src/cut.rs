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
use std::net::IpAddr;

use ban_sets::{Members, Network, PrefixMap, SetName};
use jiff::Timestamp;
use netfilter_host::conntrack::{Connection, Conntrack, Error, Transport};
use netfilter_host::sockets::Sockets;

use crate::error::chain;
use crate::sets::Sets;
use crate::violation::{Banned, Connections};

/// Cuts the connections of all that is banned by rules that want it; what to warn of. `open` reaches
/// connection tracking. In a dry run connections are only counted.
pub(crate) fn act<'r, C: Transport>(
    open: impl FnOnce() -> Result<Conntrack<C>, Error>,
    banned: Vec<Banned<'r>>,
    sets: Option<&mut Sets>,
    dry_run: bool,
) -> (Vec<Banned<'r>>, Option<String>) {
    let is_to_be_cut =
        |banned: &Banned<'r>| banned.ban.rule.cut_connections && banned.outcome.is_banned();
    let (mut to_cut, mut all): (Vec<_>, Vec<_>) = banned.into_iter().partition(is_to_be_cut);
    if to_cut.is_empty() {
        return (all, None);
    }
    for banned in &mut to_cut {
        banned.connections = Some(Connections::default());
    }
    let mut cutter = Cutter {
        sets,
        dry_run,
        members: BTreeMap::new(),
        warning: None,
    };
    let cut = open().and_then(|conntrack| cutter.cut(conntrack, &mut to_cut));
    let mut warning = cutter.warning;
    if let Err(error) = cut {
        let why = chain(&error);
        if dry_run {
            warning = Some(format!("cannot tell which connections would be cut: {why}"));
        } else {
            for banned in &mut to_cut {
                take_in(banned, &Err(why.clone()));
            }
        }
    }
    all.append(&mut to_cut);
    (all, warning)
}

/// What is done about a connection for the ban of its source.
enum Verdict {
    Cut,
    /// It is older than the first hit, and left alone for that.
    Older,
    /// Its source is excepted from the ban.
    Excepted,
}

/// A connection that is open, and whether it was cut, once one of the bans wants that: by its end
/// itself if that came first.
struct Open {
    connection: Connection,
    cut: Option<Result<bool, String>>,
}

/// Connections by their source; the number tells those of one source apart.
type BySource = BTreeMap<(IpAddr, usize), Open>;

struct Cutter<'a> {
    sets: Option<&'a mut Sets>,
    dry_run: bool,
    /// What is in the sets, where a dry run has to know.
    members: BTreeMap<SetName, Members>,
    /// Why sockets go on.
    warning: Option<String>,
}

impl Cutter<'_> {
    /// Deletes what is tracked from banned sources.
    ///
    /// # Errors
    ///
    /// What is tracked cannot be told.
    fn cut<C: Transport>(
        &mut self,
        mut conntrack: Conntrack<C>,
        all: &mut [Banned<'_>],
    ) -> Result<(), Error> {
        let mut sources = PrefixMap::default();
        for banned in &*all {
            sources.insert(banned.ban.source().network(), ());
        }
        let is_banned = |connection: &Connection| {
            let source = connection.source().into();
            sources.covering(source).next().is_some()
        };
        let mut open = BySource::new();
        for (number, connection) in conntrack.connections(is_banned)?.into_iter().enumerate() {
            let key = (connection.source(), number);
            let cut = None;
            open.insert(key, Open { connection, cut });
        }
        let mut sockets = Sockets::open();
        let mut end = |cutter: &mut Self, connection: &Connection| {
            if cutter.dry_run {
                return Ok(true);
            }
            let ended = cutter.end(&mut sockets, connection);
            let deleted = conntrack.delete(connection);
            deleted
                .map(|was_there| was_there || ended)
                .map_err(|error| chain(&error))
        };
        let mut left_alone = Vec::with_capacity(all.len());
        for banned in &mut *all {
            let mut older = Vec::new();
            for (key, open) in within(&mut open, banned.ban.source().network()) {
                match self.verdict(banned, &open.connection) {
                    Ok(Verdict::Cut) => {
                        let cut = open.cut.take();
                        let cut = cut.unwrap_or_else(|| end(self, &open.connection));
                        take_in(banned, &cut);
                        open.cut = Some(cut);
                    }
                    Ok(Verdict::Older) => older.push(*key),
                    Ok(Verdict::Excepted) => {}
                    Err(why) => take_in(banned, &Err(why)),
                }
            }
            left_alone.push(older);
        }
        for (banned, older) in all.iter_mut().zip(left_alone) {
            for key in older {
                // For another ban it may have been cut all the same.
                let is_left = open.get(&key).is_some_and(|open| open.cut.is_none());
                if let Some(connections) = banned.connections.as_mut().filter(|_| is_left) {
                    connections.left += 1;
                }
            }
        }
        Ok(())
    }

    fn verdict(&mut self, banned: &Banned<'_>, connection: &Connection) -> Result<Verdict, String> {
        let source = connection.source();
        let mut exceptions = banned.exceptions.iter();
        // A banned network may have an exception (nomatch) in its set.
        if exceptions.any(|part| part.network.contains(source))
            || !(banned.ban.source().is_single_address()
                || self.matches(banned.ban.set(), source)?)
        {
            return Ok(Verdict::Excepted);
        }
        if banned.ban.rule.cut_older {
            return Ok(Verdict::Cut);
        }
        let Some(began) = connection.began() else {
            self.warning.get_or_insert_with(|| {
                "connections are cut however old they are, because the kernel does not keep when they began: \
                 sysctl net.netfilter.nf_conntrack_timestamp=1 has it do so"
                    .to_owned()
            });
            return Ok(Verdict::Cut);
        };
        Ok(if began < banned.ban.violator.first_seen {
            Verdict::Older
        } else {
            Verdict::Cut
        })
    }

    /// Whether packets from an address match a set.
    fn matches(&mut self, set: &SetName, source: IpAddr) -> Result<bool, String> {
        let Some(sets) = &mut self.sets else {
            return Ok(true);
        };
        if !self.dry_run {
            return sets.matches(set, source);
        }
        // That a set cannot be read has been said.
        let members = self.members.entry(set.clone());
        let now = Timestamp::now();
        let members = members.or_insert_with_key(|set| {
            let members = sets.members(set, now);
            members.unwrap_or_else(|_| Members::none(now))
        });
        let member = members.covering(source.into()).next();
        Ok(!member.is_some_and(|member| member.exception))
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
            self.warning = Some(format!(
                "the sockets of connections that were cut cannot be ended, so that those where this host goes on sending may \
                 go on: {error}"
            ));
            false
        })
    }
}

/// The connections from a network.
fn within(
    open: &mut BySource,
    network: Network,
) -> impl Iterator<Item = (&(IpAddr, usize), &mut Open)> {
    let behind = open.range_mut((network.address(), 0)..);
    behind.take_while(move |((source, _), _)| network.contains(*source))
}

/// Notes what came of cutting a connection; nothing where it had ended by itself.
fn take_in(banned: &mut Banned<'_>, cut: &Result<bool, String>) {
    let source = banned.ban.source();
    let connections = banned.connections.get_or_insert_with(Connections::default);
    match cut {
        Ok(was_there) => connections.cut += u64::from(*was_there),
        Err(why) => {
            let why = format!("cannot cut the connections of {source}: {why}");
            connections.error = Some(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use netlink_session::testing::{Answer, Script};

    use super::*;
    use crate::rule::Rule;
    use crate::violation::Outcome;
    use crate::violation::tests::{ban, rule};

    const EINVAL: i32 = 22;

    fn without_conntrack(
        rule: &Rule,
        outcome: Outcome,
        dry_run: bool,
    ) -> (Banned<'_>, Option<String>) {
        let banned = vec![ban(rule, 1, "203.0.113.7").with(outcome)];
        let script = Script::new([Answer::error(EINVAL)]);
        let open = || Ok(Conntrack::with_transport(script));
        let (mut banned, warning) = act(open, banned, None, dry_run);
        (banned.remove(0), warning)
    }

    fn cutting() -> Rule {
        Rule {
            cut_connections: true,
            ..rule()
        }
    }

    #[test]
    fn a_kernel_without_connection_tracking_is_an_error() {
        let why =
            "the kernel has no connection tracking over netlink (modprobe nf_conntrack_netlink)";
        let rule = cutting();
        let (banned, warning) = without_conntrack(&rule, Outcome::Added, false);
        let expected = format!("cannot cut the connections of 203.0.113.7: {why}");
        assert_eq!(banned.error(), Some(expected.as_str()));
        assert_eq!(banned.outcome, Outcome::Added, "it is banned all the same");
        assert_eq!(warning, None);

        let (banned, warning) = without_conntrack(&rule, Outcome::WouldAdd, true);
        assert_eq!(banned.error(), None);
        assert_eq!(banned.connections, Some(Connections::default()));
        let expected = format!("cannot tell which connections would be cut: {why}");
        assert_eq!(warning, Some(expected));
    }

    #[test]
    fn who_is_not_banned_is_not_asked_about() {
        for outcome in [
            Outcome::Exempt("own".to_owned()),
            Outcome::Expired,
            Outcome::Refused("full".to_owned()),
        ] {
            let rule = cutting();
            let (banned, _) = without_conntrack(&rule, outcome, false);
            assert_eq!(banned.connections, None);
        }
    }
}
