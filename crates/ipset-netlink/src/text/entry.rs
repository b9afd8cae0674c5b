//! Entries as text: what follows the name of the set in an `add` line, in the order in which
//! `ipset` writes it.

use std::fmt;

use super::style::is_wildcard;
use super::words::Words;
use super::{Style, TextError, Value};
use crate::{Element, Entry, Key, Position, SetType};

impl Entry {
    /// Reads what follows the name of the set in an `add` line: a key as [`Key::parse`] reads it,
    /// then options in any order.
    ///
    /// ```
    /// use ipset_netlink::{Entry, SetType};
    ///
    /// let entry = Entry::parse(b"192.0.2.7,tcp:22 timeout 600 comment \"seen twice\"", &SetType::HashIpPort)?;
    /// assert_eq!(entry.comment.as_ref().map(|comment| comment.as_str()), Some("seen twice"));
    ///
    /// let error = Entry::parse(b"192.0.2.7,tcp:22 timeout ten", &SetType::HashIpPort).unwrap_err();
    /// assert_eq!(error.to_string(), "byte 26: timeout \"ten\" is no number, or out of range");
    /// # Ok::<(), ipset_netlink::text::TextError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// It is not an entry of a set of this type, as with every type that is not known here, or
    /// says something twice. What the set was created for is not asked.
    #[inline]
    pub fn parse(text: &[u8], set_type: &SetType) -> Result<Self, TextError> {
        Self::read(&mut Words::new(text), set_type)
    }

    #[inline]
    pub(super) fn read(words: &mut Words<'_>, set_type: &SetType) -> Result<Self, TextError> {
        let key = words.need("the entry")?;
        let key = Key::parse(key, set_type).map_err(|error| words.wrong(error))?;
        let mut entry = Self::new(key);
        let mut said: u16 = 0;
        while let Some(word) = words.next()? {
            // Lines of large files have nothing else.
            if word == "timeout" && entry.timeout.is_none() {
                entry.timeout = Some(words.timeout()?);
                said |= 1;
                continue;
            }
            let known = OPTIONS.iter().position(|option| *option == word);
            let Some(bit) = known
                .map(|place| 1 << place)
                .filter(|_| takes(set_type, word))
            else {
                let why = format_args!("no entry of a set of type {set_type} has {word:?}");
                return Err(words.wrong(why));
            };
            if said & bit != 0 {
                return Err(words.wrong(format_args!("{word} stands there twice")));
            }
            said |= bit;
            entry.read_option(word, words)?;
        }
        if entry.position.is_some() && said & BEFORE_AND_AFTER == BEFORE_AND_AFTER {
            return Err(words.wrong("it cannot stand both before and after another"));
        }
        Ok(entry)
    }

    fn read_option(&mut self, word: &str, words: &mut Words<'_>) -> Result<(), TextError> {
        match word {
            "timeout" => self.timeout = Some(words.timeout()?),
            "packets" => self.counters.get_or_insert_default().packets = words.number(word)?,
            "bytes" => self.counters.get_or_insert_default().bytes = words.number(word)?,
            "comment" => self.comment = Some(words.comment()?),
            "skbmark" => self.skbinfo.get_or_insert_default().mark = Some(words.mark(word)?),
            "skbprio" => self.skbinfo.get_or_insert_default().priority = Some(words.class(word)?),
            "skbqueue" => self.skbinfo.get_or_insert_default().queue = Some(words.number(word)?),
            "nomatch" => self.nomatch = true,
            "wildcard" => {
                if let [net, Element::Interface(interface)] = self.key.elements() {
                    self.key = Key::from((net.clone(), interface.clone().wildcard()));
                }
            }
            "before" => self.position = Some(Position::Before(words.read(word)?)),
            _ => self.position = Some(Position::After(words.read(word)?)),
        }
        Ok(())
    }

    /// Hands over what follows the key in a line, word and value, in the order in which `ipset`
    /// writes it. The place in a list comes last.
    pub fn each_option<'a>(&'a self, mut each: impl FnMut(&'static str, Value<'a>)) {
        if let Some(timeout) = self.timeout {
            each("timeout", Value::Number(timeout.as_secs().into()));
        }
        if self.nomatch {
            each("nomatch", Value::Flag);
        }
        if is_wildcard(&self.key) {
            each("wildcard", Value::Flag);
        }
        if let Some(counters) = self.counters {
            each("packets", Value::Number(counters.packets));
            each("bytes", Value::Number(counters.bytes));
        }
        if let Some(comment) = &self.comment {
            each("comment", Value::Comment(comment.as_bytes()));
        }
        if let Some(skbinfo) = self.skbinfo {
            if let Some(mark) = skbinfo.mark {
                each("skbmark", Value::SkbMark(mark));
            }
            if let Some(class) = skbinfo.priority {
                each("skbprio", Value::Class(class));
            }
            if let Some(queue) = skbinfo.queue {
                each("skbqueue", Value::Number(queue.into()));
            }
        }
        match &self.position {
            Some(Position::Before(set)) => each("before", Value::SetName(set.as_bytes())),
            Some(Position::After(set)) => each("after", Value::SetName(set.as_bytes())),
            None => {}
        }
    }
}

const OPTIONS: [&str; 11] = [
    "timeout", "packets", "bytes", "comment", "nomatch", "skbmark", "skbprio", "skbqueue",
    "wildcard", "before", "after",
];
/// Bits of the last two.
const BEFORE_AND_AFTER: u16 = 0b110_0000_0000;

/// Whether an entry of a set of this type can have the option.
fn takes(set_type: &SetType, option: &str) -> bool {
    match option {
        "nomatch" => set_type.holds_networks(),
        "wildcard" => *set_type == SetType::HashNetIface,
        "before" | "after" => *set_type == SetType::ListSet,
        _ => true,
    }
}

/// What follows the name of the set in an `add` line. What is not UTF-8 stands as U+FFFD; as bytes
/// it is what [`Style::entry`] writes.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        Style::default().entry(&mut out, self);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}
