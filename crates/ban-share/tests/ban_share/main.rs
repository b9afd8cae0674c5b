//! The engine and the program against the server from the distribution, on a Unix socket and with
//! the access rules that `ban-share acl` writes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod check;
mod fleet;
mod hostile;
mod server;
