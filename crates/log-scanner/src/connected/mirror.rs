//! A copy of what the kernel's table of connections says of those that were opened from here.
//!
//! The kernel tells of each connection when it begins, and what has become of one is looked up. So
//! only the beginnings have to be heard: all of them before each answer. Where some may have been
//! missed the table is read, as a scan does; and it is read from time to time after bans, to see
//! whether anything was missed without a word. A rule of somebody's (`CT --ctevents`) can have the
//! kernel say nothing of a connection.

use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use ban_sets::{Network, SetName};
use netfilter_host::conntrack::{Connection, Conntrack, Heard, Opened, Openings};
use netfilter_host::sockets::Sockets;

use super::{Peering, Peers, is_peer};
use crate::error::chain;
use crate::exempt::Exemptions;

/// How long it is after a ban until the table is read.
const DOUBT: Duration = Duration::from_secs(2);
/// How many times as long as reading the table took it is not read again while nobody asks.
const REST: u32 = 20;
/// How long it is not read again at least.
const LEAST: Duration = Duration::from_millis(200);
/// How long the kernel is not asked again to tell what it did not want to tell.
const RETRY: Duration = Duration::from_secs(60);
/// How long what comes may wait while nobody asks: a busy server is not to wake for each of its
/// clients.
const PAUSE: Duration = Duration::from_millis(20);
/// More connections than these are not kept: 10 MB.
const MOST: usize = 16_384;
/// How many connections to one address are looked up before reading the table is less work.
const LOOKUPS: usize = 500;
/// How many bans are looked at again at most.
const DOUBTS: usize = 100_000;

/// The other ends of connections that this host has opened, kept current.
#[derive(Debug)]
pub(crate) struct Mirror {
    /// What tells of new connections, while it does.
    openings: Option<Openings>,
    opened: Opened,
    /// Whether `opened` is all that there is, since something tells.
    is_whole: bool,
    /// When the kernel may be asked again to tell, and never where it has told only a part.
    retry: Option<Instant>,
    /// Why it does not tell.
    silence: Option<String>,
    is_silence_said: bool,
    /// Whether the table could be read.
    has_read: bool,
    /// What was read before, with all its peers, for one round.
    table: Option<Peers>,
    /// Those that were asked about in a round.
    found: Peers,
    conntrack: Option<Conntrack>,
    sockets: Option<Sockets>,
    /// When what has come was read last.
    heard: Instant,
    /// When the table may be read again where nobody asks.
    rested: Instant,
    doubted: Doubted,
}

/// Bans that were made because nobody told of a connection.
#[derive(Debug, Default)]
struct Doubted {
    bans: Vec<(SetName, Network)>,
    /// When the table is asked whether that is right.
    due: Option<Instant>,
    /// To whom connections were open that nobody has told of.
    missed: Peers,
}

impl Mirror {
    /// Nothing is asked yet.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            openings: None,
            opened: Opened::new(MOST),
            is_whole: false,
            retry: Some(now),
            silence: None,
            is_silence_said: false,
            has_read: false,
            table: None,
            found: Peers::default(),
            conntrack: None,
            sockets: None,
            heard: now,
            rested: now,
            doubted: Doubted::default(),
        }
    }

    /// Forgets what was answered before: another round begins.
    pub(crate) fn begin_round(&mut self) {
        self.table = None;
        self.found = Peers::default();
    }

    /// The addresses of this host are others by now.
    pub(crate) fn outdated(&mut self) {
        self.is_whole = false;
    }

    /// What to say of a kernel that does not tell; said once.
    pub(crate) fn take_silence(&mut self) -> Option<String> {
        let why = self.silence.as_ref().filter(|_| self.has_read)?;
        if std::mem::replace(&mut self.is_silence_said, true) {
            return None;
        }
        Some(format!(
            "the kernel's table of connections is read for each ban, which makes it a little later: {why}"
        ))
    }

    /// Hears what has come, and reads the table where that is needed. To be called when nobody waits
    /// for anything.
    pub(crate) fn keep(&mut self, exemptions: &Exemptions) {
        let now = Instant::now();
        if self.openings.is_none() || now.duration_since(self.heard) >= PAUSE {
            self.hear(exemptions, |_| ());
        }
        if !self.is_whole && self.openings.is_some() && self.rested <= now {
            // Whoever asks next is told why it cannot be read.
            let _ = self.read(exemptions);
        }
    }

    /// Readable when something has come; not within moments of the last.
    pub(crate) fn file(&self) -> Option<BorrowedFd<'_>> {
        let has_rested = self.heard.elapsed() >= PAUSE;
        let openings = self.openings.as_ref().filter(|_| has_rested);
        openings.map(Openings::as_fd)
    }

    /// How long nothing has to be done.
    pub(crate) fn rest(&self) -> Duration {
        let pause = PAUSE.saturating_sub(self.heard.elapsed());
        if self.openings.is_none() {
            Duration::MAX
        } else if !pause.is_zero() {
            pause
        } else if self.is_whole {
            Duration::MAX
        } else {
            self.rested.saturating_duration_since(Instant::now())
        }
    }

    /// Notes that an address was banned because it was no peer.
    pub(crate) fn doubt(&mut self, set: &SetName, network: Network) {
        if self.openings.is_some() && self.doubted.bans.len() < DOUBTS {
            self.doubted.bans.push((set.clone(), network));
            let due = self.rested.max(Instant::now() + DOUBT);
            self.doubted.due.get_or_insert(due);
        }
    }

    /// When bans are to be looked at again.
    pub(crate) fn next_doubt(&self) -> Option<Instant> {
        self.doubted.due
    }

    /// It is time to look at bans again.
    pub(crate) fn hasten(&mut self) {
        let now = Instant::now();
        self.doubted.due = self.doubted.due.map(|_| now);
    }

    /// Looks at bans again if it is time: those that ought not to have been.
    pub(crate) fn take_wrong(&mut self, exemptions: &Exemptions) -> Vec<(SetName, Network)> {
        if self.doubted.due.is_none_or(|due| due > Instant::now()) {
            return Vec::new();
        }
        if self.read(exemptions).is_err() {
            self.doubted.due = Some(Instant::now() + DOUBT);
            return Vec::new();
        }
        let Doubted { bans, missed, .. } = std::mem::take(&mut self.doubted);
        let bans = bans.into_iter();
        bans.filter(|(_, network)| missed.any_in(*network))
            .collect()
    }

    /// Hears all that has come; whether everything is known by now. `each` is told of what is new.
    fn hear(&mut self, exemptions: &Exemptions, mut each: impl FnMut(&Connection)) -> bool {
        self.heard = Instant::now();
        if self.openings.is_none() && self.retry.is_some_and(|retry| retry <= self.heard) {
            match Openings::watch() {
                Ok(openings) => self.openings = Some(openings),
                Err(error) => self.fall_silent(chain(&error), Some(RETRY)),
            }
        }
        let Some(openings) = &mut self.openings else {
            return false;
        };
        let (opened, own) = (&mut self.opened, |address| exemptions.is_own(address));
        let heard = openings.read(own, |new| {
            each(&new);
            opened.add(new, own);
        });
        match heard {
            Ok(Heard::All) => self.is_whole &= self.opened.is_whole(),
            Ok(Heard::Part) => self.is_whole = false,
            Err(error) => self.fall_silent(chain(&error), Some(RETRY)),
        }
        self.is_whole
    }

    /// Does without being told, for so long or for good.
    fn fall_silent(&mut self, why: String, retry: Option<Duration>) {
        self.openings = None;
        self.is_whole = false;
        self.opened = Opened::new(MOST);
        self.retry = retry.map(|pause| Instant::now() + pause);
        if self.silence.is_none() {
            self.silence = Some(why);
        }
    }

    /// Reads the table, and begins anew with what is in it: all that was opened from here.
    fn read(&mut self, exemptions: &Exemptions) -> Result<Vec<Connection>, String> {
        let started = Instant::now();
        let read = self.begin(exemptions);
        let ended = Instant::now();
        self.rested = ended + (ended.duration_since(started) * REST).max(LEAST);
        self.has_read |= read.is_ok();
        read
    }

    fn begin(&mut self, exemptions: &Exemptions) -> Result<Vec<Connection>, String> {
        let own = |address| exemptions.is_own(address);
        let was_whole = self.hear(exemptions, |_| ());
        let mut conntrack = Conntrack::open().map_err(|error| chain(&error))?;
        let there = conntrack.connections(|connection| connection.begun_from(own).is_some());
        let there = there.map_err(|error| chain(&error))?;
        // What has come meanwhile may be in no part of the table.
        let mut meanwhile = Vec::new();
        self.is_whole = self.openings.is_some();
        let is_whole = self.hear(exemptions, |new| meanwhile.push(new.clone()));
        if was_whole && is_whole {
            self.compare(&there, exemptions)?;
        }
        if self.openings.is_some() {
            self.opened = Opened::new(MOST);
            for connection in there.iter().cloned().chain(meanwhile) {
                self.opened.add(connection, own);
            }
            self.is_whole = is_whole;
            if !self.opened.is_whole() {
                let why = format!("this host has opened more than {MOST} connections");
                self.fall_silent(why, Some(RETRY));
            }
        }
        Ok(there)
    }

    /// Whether all that is in the table was told of.
    fn compare(&mut self, there: &[Connection], exemptions: &Exemptions) -> Result<(), String> {
        let own = |address| exemptions.is_own(address);
        let missed = there.iter().filter(|connection| {
            let opened = connection.opened_from(own);
            opened.is_some_and(|(_, remote)| !own(remote.ip())) && !self.opened.holds(connection)
        });
        let missed: Vec<_> = missed.cloned().collect();
        let Some((_, remote)) = missed.first().and_then(|one| one.opened_from(own)) else {
            return Ok(());
        };
        self.doubted.missed = Peers::of(&missed, exemptions)?;
        let now = Instant::now();
        self.doubted.due = self.doubted.due.map(|_| now);
        let why = format!(
            "the kernel tells of new connections, but not of the one to {remote} (a rule with CT --ctevents?)"
        );
        (self.silence, self.is_silence_said) = (None, false);
        self.fall_silent(why, None);
        Ok(())
    }

    /// Whether one of the connections to an address is open.
    fn confirm(&mut self, peer: IpAddr, exemptions: &Exemptions) -> Result<bool, String> {
        let own = |address| exemptions.is_own(address);
        let known = self.opened.to(peer);
        if known.len() > LOOKUPS {
            return Err("there are too many connections".to_owned());
        }
        for connection in known {
            let conntrack = match &mut self.conntrack {
                Some(conntrack) => conntrack,
                none => none.insert(Conntrack::open().map_err(|error| chain(&error))?),
            };
            let found = conntrack.find(&connection).map_err(|error| chain(&error))?;
            let Some(now) = found.filter(|now| now.is_same(&connection)) else {
                self.opened.forget(&connection);
                continue;
            };
            if let Some((local, remote)) = now.opened_from(own) {
                if is_peer(&mut self.sockets, exemptions, local, remote)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

impl Peering for Mirror {
    /// Of an address it is known; of a network the table is asked.
    fn peers(&mut self, network: Network, exemptions: &Exemptions) -> Result<&Peers, String> {
        let is_address = network == Network::from(network.address());
        if self.table.is_none() && is_address && self.hear(exemptions, |_| ()) {
            if let Ok(is_peer) = self.confirm(network.address(), exemptions) {
                if is_peer {
                    self.found.0.insert(network, ());
                }
                return Ok(&self.found);
            }
            (self.conntrack, self.sockets) = (None, None);
        }
        if self.table.is_none() {
            let there = self.read(exemptions)?;
            self.table = Some(Peers::of(&there, exemptions)?);
        }
        Ok(self.table.get_or_insert_default())
    }
}
