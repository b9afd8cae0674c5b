//! The word in a prefix that tells lines of the firewall from others: `IPTABLES-`, `IP6TABLES-`.

use std::sync::LazyLock;

use memchr::memmem;

/// Whether there is `IPTABLES-` or `IP6TABLES-`, as in the prefixes that firewall-apply sets.
pub(crate) fn carries_marker(text: &[u8]) -> bool {
    first_marker(text).is_some()
}

/// Whether a prefix holds a marker and does not begin with one: something stands before it that is
/// not known.
pub(crate) fn is_misplaced(prefix: &[u8]) -> bool {
    first_marker(prefix).is_some_and(|at| at > 0)
}

/// Where the first marker begins.
fn first_marker(text: &[u8]) -> Option<usize> {
    static MARKER: LazyLock<memmem::Finder<'static>> =
        LazyLock::new(|| memmem::Finder::new(b"TABLES-"));
    MARKER.find_iter(text).find_map(|at| {
        let before = text.get(..at)?;
        let start = before.strip_suffix(b"IP6").or(before.strip_suffix(b"IP"))?;
        Some(start.len())
    })
}
