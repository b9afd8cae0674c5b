//! What lines of the firewall are known by.

use std::sync::LazyLock;

use memchr::memmem;

/// `IPTABLES-` or `IP6TABLES-`, as in the prefixes that firewall-apply sets.
pub(crate) fn carries_marker(text: &[u8]) -> bool {
    static MARKER: LazyLock<memmem::Finder<'static>> =
        LazyLock::new(|| memmem::Finder::new(b"TABLES-"));
    MARKER.find_iter(text).any(|at| {
        let before = text.get(..at).unwrap_or_default();
        before.ends_with(b"IP") || before.ends_with(b"IP6")
    })
}
