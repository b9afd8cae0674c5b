//! What an embedder wants to do, one file each. Every header says what you will see and how to undo
//! it.
//!
//! | example | shows | needs |
//! |---|---|---|
//! | `print_firewall` | the firewall of a configuration as `iptables-save` text | nothing |
//! | `ban_from_log` | reading a log, finding who knocks too often, banning them | `CAP_NET_ADMIN` |
//! | `fill_set` | a large list into a set, entry by entry accounted for, swapped in at once | `CAP_NET_ADMIN` |
//! | `own_firewall` | rules of your own, both families in one transaction | `CAP_NET_ADMIN` |
//!
//! To have the privilege in a private network namespace and leave the host alone:
//!
//! ```sh
//! cargo build -p rampart-examples --examples
//! unshare --user --map-root-user --net target/debug/examples/fill_set
//! ```
