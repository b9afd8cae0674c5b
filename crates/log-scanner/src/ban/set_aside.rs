//! Bans of whom an administrator let go while the log was read.

use ban_sets::Pardons;
use jiff::Timestamp;

use crate::error::Fatal;
use crate::sets::Sets;
use crate::violation::{Ban, Banned, Outcome};

/// Whose past counts no more `now`; nobody's where the sets cannot be asked.
///
/// # Errors
///
/// When the kernel does not say whose.
pub(crate) fn pardons(sets: Option<&mut Sets>, now: Timestamp) -> Result<Pardons, Fatal> {
    let pardons = sets.map_or(Ok(Pardons::default()), |sets| sets.pardons(now));
    pardons.map_err(|why| Fatal::Sets(vec![why]))
}

/// The bans that stand, and those of sources that were pardoned after it was counted what is
/// `counted` without.
pub(crate) fn set_aside<'r>(
    bans: Vec<Ban<'r>>,
    counted: &Pardons,
    now: &Pardons,
) -> (Vec<Ban<'r>>, Vec<Banned<'r>>) {
    let (mut wanted, mut pardoned) = (Vec::with_capacity(bans.len()), Vec::new());
    for ban in bans {
        match now.news(counted, ban.source().network()) {
            None => wanted.push(ban),
            Some(since) => {
                let why = format!("pardoned since {since}, while the log was read");
                pardoned.push(ban.with(Outcome::Exempt(why)));
            }
        }
    }
    (wanted, pardoned)
}
