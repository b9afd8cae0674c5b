//! `follow`: a log that goes on, judged as its lines come.
//!
//! ```text
//! Live ─▶ lines ─▶ Judge ─▶ Violator ─▶ Pending ─whose turn it is─▶ Round: Ban ─▶ Banned ─▶ told
//! ```
//!
//! What a log holds at the begin is judged whole before anybody is banned, as in a scan. From then
//! on everybody has his turn at the line that breaks a threshold.

mod doubt;
mod judge;
mod own;
mod pending;
mod round;
mod service;
#[cfg(test)]
mod tests;
mod told;
mod turns;

use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ban_sets::{Network, Pardons};
use jiff::Timestamp;
use judge::Judge;
use netfilter_host::signals::{Signals, wait};
use own::Own;
use pending::Pending;
use round::{Pace, Round};
use service::Service;
use told::Told;
use turns::{Busy, Turns};

use crate::args::FollowArgs;
use crate::ban::pardons;
use crate::clock::{AsOf, Present};
use crate::connected::Mirror;
use crate::error::{Fatal, Stop, chain};
use crate::log::{Live, Packets};
use crate::metrics::Figures;
use crate::rule::{Rule, RulesFile};
use crate::sets::Sets;
use crate::share::Share;
use crate::status::{DONE, INCOMPLETE};

/// How often the clock is looked at by which lines are dated.
const TICK: Duration = Duration::from_secs(1);
/// How often what is over is forgotten, and asked who is exempt in networks.
const MINUTE: Duration = Duration::from_secs(60);
/// How long reading what has come may take once the end has been asked for.
const LAST: Duration = Duration::from_secs(5);

/// Follows until it is told to end; the exit status.
pub(crate) fn run(args: &FollowArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let signals = Signals::register().map_err(Fatal::Signals)?;
    let RulesFile {
        mut rules,
        protect,
        notify_socket,
    } = args.ban.wanted()?;
    check(&rules, args.ban.dryrun)?;
    let now = Instant::now();
    let own = Own::of_this_host(&args.ban.exempt, protect).map_err(Fatal::OwnAddresses)?;
    let present = Present::new(AsOf::Now);
    let packets = args.nflog_group.map(Packets::bind).transpose();
    let mut follower = Follower {
        args,
        signals,
        logs: Live::open(paths(args), !args.log.no_rotated)?,
        packets: packets.map_err(Fatal::Packets)?,
        own,
        mirror: Mirror::new(),
        told: Told::new(out, args.json, args.ban.dryrun, present.zone.clone()),
        pace: Pace::new(args.ban.max_bans, now),
        turns: Turns::new(args.ban.dryrun, now),
        missing: Vec::new(),
        lost: 0,
        service: Service::new(),
        figures: None,
        share: Share::new(args.ban.share.as_deref()),
    };
    if let Some(file) = &args.metrics.textfile {
        follower.figures = Some(Figures::start(file).map_err(Fatal::Textfile)?);
    }
    follower.told.notifier.set_path(notify_socket.as_deref());
    while let Some(next) = follower.follow(&rules)? {
        rules = next;
    }
    Ok(if follower.told.is_incomplete {
        INCOMPLETE
    } else {
        DONE
    })
}

/// The logs that are read; none beside a group.
fn paths(args: &FollowArgs) -> &[PathBuf] {
    if args.nflog_group.is_some() {
        return &[];
    }
    &args.log.paths
}

/// Whether the sets of the rules can be filled.
fn check(rules: &[Rule], dry_run: bool) -> Result<(), Fatal> {
    let (_, troubles) = Sets::open(rules);
    if dry_run || troubles.is_empty() {
        return Ok(());
    }
    Err(Fatal::Sets(troubles))
}

/// What stays when the rules are read anew.
struct Follower<'a, W> {
    args: &'a FollowArgs,
    signals: Signals,
    logs: Live,
    packets: Option<Packets>,
    own: Own,
    /// To whom this host has opened connections.
    mirror: Mirror,
    told: Told<'a, W>,
    pace: Pace,
    turns: Turns,
    /// The logs of which has been said that they are not there.
    missing: Vec<PathBuf>,
    /// Lost packets of which has been said that they are.
    lost: u64,
    service: Service,
    /// The file of `--textfile`.
    figures: Option<Figures>,
    /// The outbox of `--share`.
    share: Share,
}

/// What lasts as long as the rules.
struct Case<'r> {
    rules: &'r [Rule],
    exempt: Vec<Network>,
    /// What is left out of the counts.
    pardons: Pardons,
    /// Whether it is something else by now.
    is_outdated: bool,
    judge: Judge,
    pending: Pending,
}

impl<W: Write> Follower<'_, W> {
    /// Follows by the rules until the end, or until there are others.
    fn follow(&mut self, rules: &[Rule]) -> Result<Option<Vec<Rule>>, Stop> {
        let exempt = self.exempt_in_networks(rules)?;
        let (mut sets, _) = Sets::open(rules);
        let pardons = pardons(sets.as_mut(), Timestamp::now())?;
        drop(sets);
        let mut case = Case {
            judge: Judge::new(rules, &exempt, &pardons, Present::new(AsOf::Now)),
            rules,
            exempt,
            pardons,
            is_outdated: false,
            pending: Pending::default(),
        };
        if let Some(figures) = &mut self.figures {
            figures.by(rules);
        }
        let spares_peers = rules.iter().any(|rule| !rule.ban_connected);
        if !spares_peers {
            self.mirror = Mirror::new();
        }
        while self.read_logs(&mut case)? && !self.signals.stop() {
            self.service.alive();
        }
        self.round(&mut case, true)?;
        if spares_peers {
            self.mirror.keep(self.own.exemptions());
        }
        self.told.start(rules, &case.judge.read())?;
        self.write_figures(&case)?;
        service::ready();
        self.lost = 0;
        let (mut tick, mut minute) = (Instant::now() + TICK, Instant::now() + MINUTE);
        while !self.signals.stop() {
            if case.is_outdated {
                self.rewind()?;
                return Ok(Some(rules.to_vec()));
            }
            if self.signals.take_reopen() {
                if let Some(next) = self.reload()? {
                    self.finish(&mut case)?;
                    self.rewind()?;
                    return Ok(Some(next));
                }
            }
            self.service.alive();
            let more = self.read_logs(&mut case)? | self.read_packets(&mut case)?;
            let now = Instant::now();
            if now >= tick {
                tick = now + TICK;
                case.judge.set_present(Present::new(AsOf::Now));
                self.tell_missing()?;
                self.told.notify()?;
                self.write_figures(&case)?;
            }
            if now >= minute {
                minute = now + MINUTE;
                case.judge.forget();
                case.pending.forget(rules, Timestamp::now());
                self.tell_lost(&case)?;
                if self.are_others_exempt(&case)? {
                    self.finish(&mut case)?;
                    self.rewind()?;
                    return Ok(Some(rules.to_vec()));
                }
            }
            let wanted = [case.pending.next_due(), self.mirror.next_doubt()];
            let due = wanted.into_iter().flatten().min();
            let due = due.map_or_else(
                || self.pace.next_review(),
                |due| due.min(self.pace.next_review()),
            );
            let due = due.max(self.turns.not_before());
            if due <= now {
                self.round(&mut case, false)?;
                continue;
            }
            if self.packets.is_none() && self.logs.is_over() {
                break;
            }
            if !more {
                if spares_peers {
                    self.mirror.keep(self.own.exemptions());
                }
                let timeout = due.min(tick).duration_since(now).min(self.logs.patience());
                self.wait(timeout)?;
            }
        }
        service::stopping();
        let last = Instant::now() + LAST;
        while self.read_logs(&mut case)? && Instant::now() < last {}
        self.logs.end(&mut |lines| case.lines(lines));
        self.end_packets(&mut case)?;
        self.finish(&mut case)?;
        self.end_figures(&case)?;
        self.told.end(&case.judge.read())?;
        Ok(None)
    }

    /// Writes the last figures.
    fn end_figures(&mut self, case: &Case<'_>) -> io::Result<()> {
        let reading = case.judge.reading(case.pending.len());
        let figures = self.figures.take();
        let unwritten = figures.and_then(|figures| figures.end(&reading));
        unwritten.map_or(Ok(()), |why| self.told.warn(&why))
    }

    /// Writes the figures where it is time to.
    fn write_figures(&mut self, case: &Case<'_>) -> io::Result<()> {
        let due = self.figures.as_mut().filter(|figures| figures.is_due());
        let Some(figures) = due else { return Ok(()) };
        let reading = case.judge.reading(case.pending.len());
        let failure = figures.write(&reading);
        failure.map_or(Ok(()), |why| self.told.warn(&why))
    }

    /// Everybody who waits has his turn.
    fn finish(&mut self, case: &mut Case<'_>) -> Result<(), Stop> {
        self.mirror.hasten();
        if case.pending.is_empty() && self.mirror.next_doubt().is_none() {
            return Ok(());
        }
        self.round(case, true)?;
        self.told.is_incomplete |= !case.pending.is_empty();
        Ok(())
    }

    /// Judges packets that have come; whether there may be more at once.
    fn read_packets(&mut self, case: &mut Case<'_>) -> Result<bool, Stop> {
        let Some(packets) = &mut self.packets else {
            return Ok(false);
        };
        let now = Instant::now();
        let Case { judge, pending, .. } = case;
        let more = packets.read(&mut |event| {
            judge.packet(event, &mut |case, violator| {
                pending.add(case, violator, now);
            });
        });
        judge.lost(packets.take_lost());
        more.map_err(Stop::Packets)
    }

    /// Judges the packets that the kernel still has.
    fn end_packets(&mut self, case: &mut Case<'_>) -> Result<(), Stop> {
        let Some(packets) = &mut self.packets else {
            return Ok(());
        };
        let now = Instant::now();
        let Case { judge, pending, .. } = case;
        let ended = packets.end(&mut |event| {
            judge.packet(event, &mut |case, violator| {
                pending.add(case, violator, now);
            });
        });
        judge.lost(packets.take_lost());
        ended.map_err(Stop::Packets)
    }

    /// Says how many packets were lost since it was said last.
    fn tell_lost(&mut self, case: &Case<'_>) -> io::Result<()> {
        let lost = case.judge.read().lost;
        let new = lost.saturating_sub(std::mem::replace(&mut self.lost, lost));
        if new > 0 {
            self.told
                .warn(&format!("{new} packets were lost before they were read"))?;
        }
        Ok(())
    }

    /// Judges lines that have come; whether there may be more at once.
    fn read_logs(&mut self, case: &mut Case<'_>) -> Result<bool, Stop> {
        let more = self.logs.read(&mut |lines| case.lines(lines));
        for warning in self.logs.take_warnings() {
            self.told.is_incomplete = true;
            self.told.warn(&warning)?;
        }
        let turned_away = case.pending.take_turned_away();
        if turned_away > 0 {
            self.told.warn(&format!(
                "more than 100,000 sources break a threshold at once: {turned_away} lines of others have to be followed by one more before \
                 these are banned"
            ))?;
        }
        Ok(more)
    }

    /// Bans those whose turn it is; `all`: everybody who waits. Nobody while another program is at
    /// work on the sets, for a while.
    fn round(&mut self, case: &mut Case<'_>, all: bool) -> Result<(), Stop> {
        let dry_run = self.args.ban.dryrun;
        let (turn, warning) = match self.turns.take(all) {
            Ok(turn) => turn,
            Err(Busy) => return Ok(()),
        };
        if let Some(warning) = warning {
            self.told.warn(&warning)?;
        }
        self.look_at_own()?;
        self.look_at_protected()?;
        let (mut sets, troubles) = Sets::open(case.rules);
        for trouble in troubles {
            self.told.warn(&trouble)?;
        }
        let now_pardoned = match pardons(sets.as_mut(), Timestamp::now()) {
            Ok(now_pardoned) => now_pardoned,
            Err(fatal) => {
                self.told.warn(&chain(&fatal))?;
                case.pardons.clone()
            }
        };
        case.is_outdated |= now_pardoned != case.pardons;
        let present = Present::new(AsOf::Now);
        self.mirror.begin_round();
        let mut round = Round {
            pardons: (&case.pardons, &now_pardoned),
            sets: sets.as_mut(),
            exemptions: self.own.exemptions(),
            peering: &mut self.mirror,
            dry_run,
            present: &present,
        };
        let acted = round.act(case.rules, &mut case.pending, &mut self.pace, all);
        if let Ok(acted) = &acted {
            doubt::note(&mut self.mirror, &acted.banned);
        }
        let wrong = doubt::take_out(&mut self.mirror, sets.as_mut(), self.own.exemptions());
        drop(turn);
        match acted {
            Ok(acted) => {
                if let Some(figures) = &mut self.figures {
                    // All have their turn at the begin, when the log is old, and at the end.
                    figures.round(&acted, !all, dry_run);
                }
                self.told.round(&acted)?;
                if !dry_run {
                    let shared = self.share.leave(&acted.banned, &wrong, Timestamp::now());
                    if let Some(warning) = shared {
                        self.told.warn(&warning)?;
                    }
                }
            }
            Err(fatal) => {
                self.told.is_incomplete = true;
                for complaint in fatal.complaints() {
                    self.told.warn(&format!("nobody was banned: {complaint}"))?;
                }
            }
        }
        self.told.taken_back(&wrong)?;
        if let Some(warning) = self.mirror.take_silence() {
            self.told.warn(&warning)?;
        }
        if all {
            for warning in sets.as_mut().map(Sets::fullness).unwrap_or_default() {
                self.told.warn(&warning)?;
            }
        }
        Ok(())
    }

    /// The rules as they are now; `None`, and a word why, where they cannot be used.
    fn reload(&mut self) -> Result<Option<Vec<Rule>>, Stop> {
        let file = self.args.ban.wanted();
        let checked = file.and_then(|file| check(&file.rules, self.args.ban.dryrun).map(|()| file));
        match checked {
            Ok(RulesFile {
                rules,
                protect,
                notify_socket,
            }) => {
                self.told.notifier.set_path(notify_socket.as_deref());
                self.own.protect(protect);
                Ok(Some(rules))
            }
            Err(fatal) => {
                for complaint in fatal.complaints() {
                    self.told
                        .warn(&format!("the rules stay as they were: {complaint}"))?;
                }
                Ok(None)
            }
        }
    }

    /// Has the logs read again from their begin.
    fn rewind(&mut self) -> Result<(), Stop> {
        let rewound = self
            .logs
            .rewind(&self.args.log.paths, !self.args.log.no_rotated);
        if let Err(fatal) = rewound {
            self.told.is_incomplete = true;
            self.told.warn(&format!(
                "what the logs hold is not read again: {}",
                chain(&fatal)
            ))?;
        }
        Ok(())
    }

    /// Of whom nobody is counted with a network around him.
    fn exempt_in_networks(&mut self, rules: &[Rule]) -> Result<Vec<Network>, Stop> {
        if !rules.iter().any(Rule::counts_networks) {
            return Ok(Vec::new());
        }
        self.look_at_protected()?;
        let (mut sets, _) = Sets::open(rules);
        let exemptions = self.own.exemptions();
        Ok(exemptions.in_networks(rules, sets.as_mut())?)
    }

    /// Whether they are others by now.
    fn are_others_exempt(&mut self, case: &Case<'_>) -> Result<bool, Stop> {
        match self.exempt_in_networks(case.rules) {
            Ok(exempt) => Ok(exempt != case.exempt),
            Err(Stop::Fatal(fatal)) => {
                self.told.warn(&chain(&fatal))?;
                Ok(false)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Says once of each log that it is not there.
    fn tell_missing(&mut self) -> io::Result<()> {
        let missing: Vec<_> = self.logs.missing().map(ToOwned::to_owned).collect();
        for path in &missing {
            if !self.missing.contains(path) {
                let path = path.display();
                self.told
                    .warn(&format!("log {path} is not there; it is read once it is"))?;
            }
        }
        self.missing = missing;
        Ok(())
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), Stop> {
        let mut files = self.logs.files();
        files.extend(self.packets.as_ref().map(Packets::file));
        files.extend([self.signals.as_fd(), self.own.file()]);
        files.extend(self.mirror.file());
        let timeout = timeout.min(self.service.rest()).min(self.mirror.rest());
        let timeout = timeout.min(self.told.notifier.rest());
        wait(&files, Some(timeout)).map_err(Stop::Wait)?;
        self.told.notifier.send();
        self.signals.rest();
        self.look_at_own()
    }

    /// Takes in who is protected by now.
    fn look_at_protected(&mut self) -> Result<(), Stop> {
        match self.own.look_at_protected() {
            Some(trouble) => Ok(self.told.warn(&trouble)?),
            None => Ok(()),
        }
    }

    /// Takes in a change of this host's addresses.
    fn look_at_own(&mut self) -> Result<(), Stop> {
        match self.own.look() {
            Ok(false) => {}
            Ok(true) => self.mirror.outdated(),
            Err(error) => self.told.warn(&format!(
                "cannot tell the addresses of this host, so that those it had are let go: {error}"
            ))?,
        }
        Ok(())
    }
}

impl Case<'_> {
    fn lines(&mut self, lines: &[u8]) {
        let now = Instant::now();
        let Self { judge, pending, .. } = self;
        judge.lines(lines, &mut |case, violator| {
            pending.add(case, violator, now);
        });
    }
}
