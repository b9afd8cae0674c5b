//! Bans that depend on what the kernel has told of connections: they are looked at again, and taken
//! back where it has not told of one.

use crate::connected::Mirror;
use crate::exempt::Exemptions;
use crate::sets::Sets;
use crate::violation::{Banned, Outcome, TakenBack};

/// Has those of a round looked at again later.
pub(super) fn note(mirror: &mut Mirror, banned: &[Banned<'_>]) {
    for banned in banned {
        let (ban, is_new) = (&banned.ban, banned.outcome == Outcome::Added);
        if is_new && !ban.rule.ban_connected && ban.source().is_single_address() {
            mirror.doubt(ban.set(), ban.source().network());
        }
    }
}

/// Takes those back that would not have been made, if it is time to look.
pub(super) fn take_out(
    mirror: &mut Mirror,
    mut sets: Option<&mut Sets>,
    exemptions: &Exemptions,
) -> Vec<TakenBack> {
    let wrong = mirror.take_wrong(exemptions).into_iter();
    let taken = wrong.map(|(set, network)| {
        let sets = sets
            .as_deref_mut()
            .ok_or_else(|| "no set can be reached".to_owned());
        let error = sets.and_then(|sets| sets.remove(&set, network)).err();
        let source = network.into();
        TakenBack { source, set, error }
    });
    taken.collect()
}
