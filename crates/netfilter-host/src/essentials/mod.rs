//! Whom the host cannot do without: the [gateways](gateways()) of its routes, the [servers](servers())
//! that it is told to ask for names and for the time, and the other ends of
//! [sessions](sessions()) that somebody is logged in by.
//!
//! What a configuration names by name is left out: looking it up would make the answer of a name
//! server decide who is trusted, and wait for it.
//!
//! ```
//! use std::path::Path;
//!
//! use netfilter_host::essentials::{gateways, servers, sessions};
//!
//! # fn main() -> std::io::Result<()> {
//! for gateway in gateways()? {
//!     println!("{} is the gateway of {}", gateway.address, gateway.interface);
//! }
//! for server in servers(Path::new("/")) {
//!     println!("{} is named in {}", server.address, server.file.display());
//! }
//! for session in sessions(Path::new("/")) {
//!     println!("{} is logged in as {}", session.peer, session.user);
//! }
//! # Ok(())
//! # }
//! ```

mod files;
mod gateways;
mod servers;
mod sessions;
mod utmp;

pub use gateways::{Gateway, gateways};
pub use servers::{Purpose, Server, servers};
pub use sessions::{Session, sessions};
