//! The messages of the protocol, typed.
