//! Which rules are worth telling others of.

/// Whether the bans of a rule are shared where its file does not say: it counts TCP alone, and asks
/// for different ports or for completed handshakes.
///
/// Whoever can forge the source of a packet can have anybody banned by UDP, ICMP or a single SYN,
/// and by a shared rule on all hosts at once. Different ports make that longer and a handshake makes
/// it hard; what a forger can do all the same is one host's word, which [`Policy`](crate::Policy)
/// asks a second one for.
pub fn is_shared_unless_said(tcp_alone: bool, distinct_ports: bool, handshake: bool) -> bool {
    tcp_alone && (distinct_ports || handshake)
}
