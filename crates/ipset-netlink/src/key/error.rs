//! Why a text, or what a program put together, is not a key.

use std::net::IpAddr;

/// Why something is not a [`Key`](crate::Key) or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct KeyError(pub(crate) Fault);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0:?} is neither an address nor a network (ADDRESS/PREFIX) nor a range (FIRST-LAST)")]
    Text(Box<str>),
    #[error("{text:?} is not an entry of a set of type {set_type}")]
    NotOfType { text: Box<str>, set_type: Box<str> },
    #[error("a prefix of {prefix_length} bits is longer than the address {address}")]
    Prefix { address: IpAddr, prefix_length: u8 },
    #[error("{first} to {last} is not a range of addresses")]
    Range { first: IpAddr, last: IpAddr },
}
