//! One request and all its answers over netlink.
//!
//! A part of the kernel that speaks netlink answers a request in one of three ways: it
//! [acknowledges](Session::acknowledge) it, it [gives one answer](Session::ask), or it
//! [dumps](Session::dump) many. A [`Session`] sends the request and reads up to the end of what is
//! answered. It knows nothing of what the messages are about.
//!
//! # Example
//!
//! The network interfaces of this host, which anybody may ask for:
//!
//! ```
//! use netlink_packet_route::RouteNetlinkMessage;
//! use netlink_packet_route::link::{LinkAttribute, LinkMessage};
//! use netlink_session::{NetlinkFamily, NetlinkSocket, Session, request};
//!
//! let mut session = Session::new(NetlinkSocket::connect(NetlinkFamily::Route)?);
//! let mut links = request(&RouteNetlinkMessage::GetLink(LinkMessage::default()), 0)?;
//! let names = session.dump_whole(&mut links, |answer| {
//!     let RouteNetlinkMessage::NewLink(link) = answer else {
//!         return Ok(None);
//!     };
//!     Ok(link.attributes.into_iter().find_map(|attribute| match attribute {
//!         LinkAttribute::IfName(name) => Some(name),
//!         _ => None,
//!     }))
//! })?;
//! assert!(names.contains(&"lo".to_owned()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds for every conversation
//!
//! - **Nothing waits for ever.** An answer that does not come within ten seconds is an error, whatever
//!   comes for others meanwhile, and so is one that has no end.
//! - **Only the kernel is believed.** A [`NetlinkSocket`] takes datagrams of port 0 and of nobody
//!   else. An answer counts if it carries the number of the request and the port of the socket;
//!   everything else is passed over.
//! - **A signal interrupts nothing**: the call is made again (`EINTR`).
//! - **A lost answer is told apart from a refusal.** Where the kernel had no room for its answer
//!   (`ENOBUFS`), where none came or it makes no sense, the change that was asked for may have been
//!   made: [`Error::is_outcome_unknown`].
//! - **A dump is read to its end**, even if nobody wants the rest, because the kernel can hold on to
//!   what it lists until then. What changed while it was dumped (`NLM_F_DUMP_INTR`) is told as
//!   [`Dump::Interrupted`]; [`Session::dump_whole`] asks again then, a few times.
//! - **A datagram that was cut short is an error**, not an answer.
//!
//! A long dump is read ahead in a thread of its own, because the kernel makes each part while it is
//! received.
//!
//! # Tests without a kernel
//!
//! Everything goes through the [`Transport`] trait, and [`testing::Script`] answers from a script.
#![forbid(unsafe_code)]

mod decode_error;
mod error;
mod messages;
mod session;
pub mod testing;
mod transport;

pub use decode_error::DecodeError;
pub use error::Error;
pub use messages::messages;
pub use session::{Dump, Session, request};
pub use transport::{NetlinkFamily, NetlinkSocket, Transport};
