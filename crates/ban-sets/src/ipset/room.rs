//! How to make room in a full set.

use ipset_netlink::{CreateSet, SetHeader};

/// How to make room in a set while rules use it.
pub(super) fn cure(header: &SetHeader) -> String {
    let name = &header.name;
    format!(
        "to make room, take members out (ipset del {name} ENTRY) or give it twice the room: {}",
        larger(header)
    )
}

/// Commands that put a set of twice the size in the place of this one, with the same members.
fn larger(header: &SetHeader) -> String {
    let name = &header.name;
    let maxelem = header.options.max_elements.unwrap_or(DEFAULT_MAXELEM);
    let mut create = CreateSet::from(header).max_elements(maxelem.saturating_mul(2));
    if let Ok(larger) = LARGER.parse() {
        create.name = larger;
    }
    format!(
        "ipset {create} && \
         ipset save {name} | sed -n 's/^add {name} /add {LARGER} /p' | ipset restore && \
         ipset swap {LARGER} {name} && ipset destroy {LARGER}"
    )
}

/// A name that is short enough beside any other.
const LARGER: &str = "larger-set";
/// What the kernel takes for a set that was created without one.
const DEFAULT_MAXELEM: u32 = 65_536;
