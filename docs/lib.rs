//! The book of Rampart. The text is in `src/`; here its Rust is compiled and run.
#![forbid(unsafe_code)]

/// The chapter for those who embed a crate.
#[cfg(doctest)]
#[doc = include_str!("src/embed.md")]
pub struct Embed;
