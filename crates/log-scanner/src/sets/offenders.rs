//! Who was banned before, as the sets remember it.

use std::collections::BTreeMap;

use ipset_netlink::{Network, Transport};
use jiff::Timestamp;

use super::Sets;
use crate::offender::{self, Offenders};
use crate::reason::Record;

impl<T: Transport> Sets<T> {
    /// All that is remembered.
    ///
    /// # Errors
    ///
    /// The kernel does not say what.
    pub(crate) fn offenders(&mut self, now: Timestamp) -> Result<Offenders, String> {
        Offenders::read(&mut self.kernel, now)
    }

    /// Remembers offenders; what to warn of.
    pub(crate) fn remember(
        &mut self,
        offenders: &BTreeMap<Network, Record>,
        now: Timestamp,
    ) -> Vec<String> {
        offender::remember(&mut self.kernel, offenders, now)
    }

    /// Forgets networks.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub(crate) fn forget(&mut self, networks: &[Network]) -> Result<(), String> {
        offender::forget(&mut self.kernel, networks)
    }

    /// Whether something is remembered of a network, or of one around it.
    ///
    /// # Errors
    ///
    /// The kernel does not say.
    pub(crate) fn is_offender(&mut self, network: Network) -> Result<bool, String> {
        offender::is_known(&mut self.kernel, network)
    }
}
