//! Who is exempt from every rule, kept current: the kernel tells when this host's addresses and
//! routes change, and files are read again before somebody is banned.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use ban_sets::Network;
use netfilter_host::changes::Changes;

use crate::exempt::{Exemptions, unprotected};
use crate::rule::Protect;

/// How long what files said is believed: reading them takes less than a millisecond.
const FILES: Duration = Duration::from_secs(1);
/// How many times as long as it took the routes are not asked for again: a router may have a
/// million, and changes all the time.
const REST: u32 = 10;

/// Exemptions that are kept current.
#[derive(Debug)]
pub(crate) struct Own {
    addresses: Changes,
    routes: Changes,
    exempt: Vec<Network>,
    protect: Protect,
    exemptions: Exemptions,
    /// Whether the routes are others by now, and when they may be asked for.
    routes_changed: bool,
    routes_from: Instant,
    /// When files are read again.
    files: Instant,
}

impl Own {
    /// Asks the kernel, and to be told of changes; `exempt` are the networks of `--exempt`.
    pub(crate) fn of_this_host(exempt: &[Network], protect: Protect) -> io::Result<Self> {
        // Before all is asked for, so that no change comes in between.
        let (addresses, routes) = (Changes::of_addresses()?, Changes::of_routes()?);
        let now = Instant::now();
        Ok(Self {
            addresses,
            routes,
            exemptions: Exemptions::of_this_host(exempt)?,
            exempt: exempt.to_vec(),
            protect,
            routes_changed: true,
            routes_from: now,
            files: now,
        })
    }

    /// Protects others from now on.
    pub(crate) fn protect(&mut self, protect: Protect) {
        if protect != self.protect {
            self.protect = protect;
            (self.files, self.routes_from) = (Instant::now(), Instant::now());
            self.routes_changed = true;
        }
    }

    /// Asks for this host's addresses anew if there was a change; whether there was.
    pub(crate) fn look(&mut self) -> io::Result<bool> {
        let changed = self.addresses.any()?;
        if changed {
            self.exemptions
                .renew(Exemptions::of_this_host(&self.exempt)?);
        }
        Ok(changed)
    }

    /// Asks anew who is protected, as far as he may be another by now; the text says why some are
    /// not.
    pub(crate) fn look_at_protected(&mut self) -> Option<String> {
        let now = Instant::now();
        let protected = self.exemptions.protected();
        if self.files <= now {
            protected.read_files(&self.protect);
            self.files = now + FILES;
        }
        let asked = self.routes.any().and_then(|changed| {
            self.routes_changed |= changed;
            if !self.routes_changed || self.routes_from > now {
                return Ok(());
            }
            self.routes_changed = false;
            let asked = protected.read_gateways(&self.protect);
            self.routes_from = now + now.elapsed() * REST;
            asked
        });
        asked.err().map(|error| unprotected(&error))
    }

    pub(crate) fn exemptions(&self) -> &Exemptions {
        &self.exemptions
    }

    /// Readable when addresses changed.
    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.addresses.as_fd()
    }
}
