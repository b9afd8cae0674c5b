//! How full a set is.

use ban_sets::Set;

/// From so many percent on, a set is worth a warning.
const FULL_SOON: u64 = 80;

/// What to say about a set as full as this one, if anything; `cure` is how to make room.
pub(super) fn warning(set: &Set, cure: impl FnOnce() -> Option<String>) -> Option<String> {
    let most = u64::from(set.most?);
    let members = u64::from(set.entries?);
    let percent = members.saturating_mul(100).checked_div(most)?;
    let once_full = if set.forgets {
        "throws members out for new ones"
    } else {
        "takes no more bans"
    };
    (percent >= FULL_SOON).then(|| {
        let cure = cure().map_or_else(String::new, |cure| format!("; {cure}"));
        format!(
            "set \"{}\" is {percent} % full, {members} of {most} entries, and a full one {once_full}{cure}",
            set.name
        )
    })
}
