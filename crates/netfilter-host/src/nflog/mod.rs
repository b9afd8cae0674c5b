//! Packets of an NFLOG group, as the events that the kernel's LOG target would have written lines of.
//!
//! ```no_run
//! use netfilter_host::nflog::{Decoder, Gathering, Group, Item, Received};
//!
//! # fn main() -> Result<(), netfilter_host::nflog::Error> {
//! let mut group = Group::bind(5, Gathering::NONE)?;
//! let mut decoder = Decoder::default();
//! while let Received::Datagram = group.receive()? {
//!     decoder.decode(&group, b"fw", &mut |item| {
//!         if let Item::Event(event) = item {
//!             let mut line = Vec::new();
//!             event.render(&mut line);
//!         }
//!     });
//! }
//! # Ok(())
//! # }
//! ```

mod decode;
mod interfaces;
mod message;
mod packets;
mod socket;

pub use packets::{Decoder, Item};
pub use socket::{Error, Gathering, Group};

pub use crate::inbox::Received;
