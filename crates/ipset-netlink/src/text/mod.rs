//! Sets and entries as text: the lines that `ipset save` writes and `ipset restore` reads.
//!
//! What is written is what `ipset` 7 writes, options in its order and names from its lists. What is
//! read is what it writes, and every other text that has one meaning only: numbers have no leading
//! zero, nothing stands there twice, names of hosts and services are not looked up.
//!
//! ```
//! use ipset_netlink::SetType;
//! use ipset_netlink::text::Line;
//!
//! let saved = "create web hash:ip,port family inet hashsize 1024 maxelem 65536 timeout 600";
//! let Line::Create(create) = Line::parse(saved.as_bytes(), |_| None)? else {
//!     panic!("it is a create line");
//! };
//! assert_eq!(create.set_type, SetType::HashIpPort);
//! assert_eq!(create.to_string(), saved);
//!
//! // What an entry says depends on the type of its set.
//! let saved = "add web 192.0.2.7,icmp:echo-request timeout 60";
//! let Line::Add(set, entry) = Line::parse(saved.as_bytes(), |_| Some(SetType::HashIpPort))? else {
//!     panic!("it is an add line");
//! };
//! assert_eq!(Line::Add(set, entry).to_string(), saved);
//!
//! let error = Line::parse(b"create web hash:ip range 0-9", |_| None).unwrap_err();
//! assert_eq!(error.to_string(), "byte 20: no set of type hash:ip has \"range\"");
//! # Ok::<(), ipset_netlink::text::TextError>(())
//! ```

mod create;
mod entry;
mod key;
mod names;
mod number;
mod style;
mod words;

use std::fmt::{self, Display};

pub use names::{IcmpNames, Protocols};
pub use number::address;
pub use style::{Style, Value};
use words::Words;

use crate::{CreateSet, Entry, SetName, SetType};

/// A line of a saved file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// A set is created.
    Create(CreateSet),
    /// An entry is added to the set of that name.
    Add(SetName, Entry),
}

impl Line {
    /// Reads a line; a line break at its end is nothing. `type_of` tells the type of the set that
    /// an entry is added to.
    ///
    /// # Errors
    ///
    /// What the line says is not all understood, or the type of the set is not known.
    pub fn parse(
        line: &[u8],
        type_of: impl FnOnce(&SetName) -> Option<SetType>,
    ) -> Result<Self, TextError> {
        let mut words = Words::new(line);
        match words.next()?.unwrap_or_default() {
            "create" => CreateSet::read(&mut words).map(Self::Create),
            "add" => {
                let name = words.need("the name of the set")?;
                let name = name.parse().map_err(|error| words.wrong(error))?;
                let set_type = type_of(&name)
                    .ok_or_else(|| words.wrong("the type of the set is not known"))?;
                Ok(Self::Add(name, Entry::read(&mut words, &set_type)?))
            }
            other => Err(words.wrong(format_args!("{other:?} is neither create nor add"))),
        }
    }

    /// Writes the line, without a line break, as the bytes it is.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Create(create) => Style::default().create(out, create),
            Self::Add(set, entry) => {
                out.extend_from_slice(b"add ");
                out.extend_from_slice(set.as_bytes());
                out.push(b' ');
                Style::default().entry(out, entry);
            }
        }
    }
}

/// What is not UTF-8 stands as U+FFFD; [`Line::write`] writes it as it is.
impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// Why a text is not what it should be, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {}: {reason}", .at + 1)]
pub struct TextError {
    at: usize,
    reason: Box<str>,
}

impl TextError {
    #[cold]
    fn new(at: usize, reason: impl Display) -> Self {
        Self {
            at,
            reason: reason.to_string().into(),
        }
    }

    /// How many bytes of the text come before the word that is wrong.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// What is wrong, without the place.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
