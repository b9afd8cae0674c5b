//! Bans that depend on what the kernel has told of connections: they are looked at again, and taken
//! back where it has not told of one.

use ban_sets::network::spelled;

use crate::connected::{CONNECTED, Mirror};
use crate::exempt::Exemptions;
use crate::sets::Sets;
use crate::violation::{Banned, Outcome};

/// Has those of a round looked at again later.
pub(super) fn note(mirror: &mut Mirror, banned: &[Banned<'_>]) {
    for banned in banned {
        let (ban, is_new) = (&banned.ban, banned.outcome == Outcome::Added);
        if is_new && !ban.rule.ban_connected && ban.source().is_single_address() {
            mirror.doubt(ban.set(), ban.source().network());
        }
    }
}

/// Takes those back that would not have been made, if it is time to look; what to say of them.
pub(super) fn take_out(
    mirror: &mut Mirror,
    mut sets: Option<&mut Sets>,
    exemptions: &Exemptions,
) -> Vec<String> {
    let wrong = mirror.take_wrong(exemptions).into_iter();
    let said = wrong.map(|(set, network)| {
        let who = spelled(network);
        let sets = sets
            .as_deref_mut()
            .ok_or_else(|| "no set can be reached".to_owned());
        match sets.and_then(|sets| sets.remove(&set, network)) {
            Ok(()) => format!("{who} is taken out of {set} again: it is {CONNECTED}"),
            Err(why) => format!("cannot take {who} out of {set}, which is {CONNECTED}: {why}"),
        }
    });
    said.collect()
}
