//! Listings, in the forms `ipset` writes them.

mod json;
mod layout;
mod plain;
mod save;
mod sort;
mod xml;

use std::io::{self, Write};
use std::net::IpAddr;
use std::ops::ControlFlow;

use ipset_netlink::text::{Style, address};
use ipset_netlink::{Element, Error, IpSet, Key, Listed, Method, SetHeader, SetName};
use layout::Layout;

use crate::command_line::{Command, Options, Output};
use crate::names;

/// Why a listing broke off.
#[derive(Debug)]
pub(crate) enum ListError {
    Kernel(Error),
    Output(io::Error),
}

impl From<Error> for ListError {
    fn from(error: Error) -> Self {
        Self::Kernel(error)
    }
}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A part of an entry as listings write it.
pub(crate) fn in_words(element: Element) -> String {
    let mut out = Vec::new();
    Style::default().key(&mut out, &Key::from(element));
    crate::text::of(&out)
}

/// Writes an address by the name of its host.
fn resolved(out: &mut Vec<u8>, ip: IpAddr) {
    match names::name_of(ip) {
        None => address(out, ip),
        // A hyphen would make it a range when it is read again.
        Some(name) if name.contains('-') => {
            out.push(b'[');
            out.extend_from_slice(name.as_bytes());
            out.push(b']');
        }
        Some(name) => out.extend_from_slice(name.as_bytes()),
    }
}

/// Writes a set, or all of them. Entries are written as they come, unless they are to be sorted.
pub(crate) fn list(
    sets: &mut IpSet,
    set: Option<&SetName>,
    command: Command,
    output: Output,
    options: &Options,
    out: &mut dyn Write,
) -> Result<(), ListError> {
    let options = match (command, output) {
        // Less than everything could not be restored.
        (_, Output::Save) => &Options {
            names: false,
            terse: false,
            ..options.clone()
        },
        _ => options,
    };
    // `ipset save -terse` writes headers as if there were no entries, and then the entries.
    let headers_only = options.terse && (command != Command::Save || output == Output::Json);
    let extent = match (options.names, headers_only) {
        (true, _) => Extent::Names,
        (false, true) => Extent::Headers,
        (false, false) => Extent::Everything,
    };
    match output {
        Output::Plain => Listing::new(plain::Plain::default(), options, out).run(sets, set, extent),
        Output::Save => Listing::new(save::Save::default(), options, out).run(sets, set, extent),
        Output::Xml => Listing::new(xml::Xml, options, out).run(sets, set, extent),
        Output::Json => Listing::new(json::Json::default(), options, out).run(sets, set, extent),
    }
}

/// How much of the sets is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Names,
    Headers,
    Everything,
}

/// A listing as far as it has been written.
struct Listing<'a, L> {
    layout: L,
    style: Style,
    /// Addresses are by the names of their hosts.
    resolve: bool,
    sorted: bool,
    /// Headers and ends of sets are those of sets with entries.
    members: bool,
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
    current: Option<Current>,
    /// The entries of the current set, where they are to be sorted.
    entries: sort::Entries,
}

/// The set that is being written.
struct Current {
    sorted: bool,
    has_entries: bool,
}

impl<'a, L: Layout> Listing<'a, L> {
    fn new(layout: L, options: &Options, out: &'a mut dyn Write) -> Self {
        Self {
            layout,
            style: Style {
                address: options.resolve.then_some(resolved),
            },
            resolve: options.resolve,
            sorted: options.sorted,
            members: !options.terse,
            out,
            buffer: Vec::with_capacity(BLOCK + BLOCK / 4),
            current: None,
            entries: sort::Entries::default(),
        }
    }

    fn run(
        mut self,
        sets: &mut IpSet,
        set: Option<&SetName>,
        extent: Extent,
    ) -> Result<(), ListError> {
        self.layout.begin(&mut self.buffer);
        match extent {
            Extent::Names => {
                let names = match set {
                    Some(set) => vec![sets.header(set)?.name],
                    None => sets.names()?,
                };
                for name in names {
                    self.layout.name(&mut self.buffer, name.as_bytes());
                    self.make_room()?;
                }
            }
            Extent::Headers => {
                let headers = match set {
                    Some(set) => vec![sets.header(set)?],
                    None => sets.headers()?,
                };
                for header in headers {
                    self.header(&header)?;
                }
            }
            Extent::Everything => self.stream(sets, set)?,
        }
        self.end_set()?;
        self.layout.end(&mut self.buffer);
        self.flush()
    }

    fn stream(&mut self, sets: &mut IpSet, set: Option<&SetName>) -> Result<(), ListError> {
        let mut written = Ok(());
        let listed = sets.for_each(set, |listed| {
            // Entries are too large to be moved about by the million.
            written = match &listed {
                Listed::Header(header) => self.header(header),
                Listed::Entry(entry) => self.entry(entry),
                _ => Ok(()),
            };
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        written?;
        if listed.is_err() && self.current.is_some() {
            // What came before the error is worth having.
            self.flush()?;
        }
        Ok(listed?)
    }

    fn header(&mut self, header: &SetHeader) -> Result<(), ListError> {
        self.end_set()?;
        self.layout
            .header(&mut self.buffer, header, self.style, self.members);
        self.current = Some(Current {
            sorted: self.sorted && header.set_type.method() == Some(Method::Hash),
            has_entries: false,
        });
        self.make_room()
    }

    fn entry(&mut self, entry: &ipset_netlink::Entry) -> Result<(), ListError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        if current.sorted {
            self.layout.entry(self.entries.next(), entry, self.style);
            return Ok(());
        }
        if std::mem::replace(&mut current.has_entries, true) {
            self.buffer.extend_from_slice(self.layout.separator());
        }
        self.layout.entry(&mut self.buffer, entry, self.style);
        self.make_room()
    }

    fn end_set(&mut self) -> Result<(), ListError> {
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        if current.sorted {
            // Names are sorted as they are, with all that comes before them.
            let offset = (!self.resolve).then(|| self.layout.entry_offset());
            let mut separator = b"".as_slice();
            for entry in self.entries.sorted(offset) {
                self.buffer.extend_from_slice(separator);
                separator = self.layout.separator();
                self.buffer.extend_from_slice(entry);
                if self.buffer.len() >= BLOCK {
                    self.out.write_all(&self.buffer)?;
                    self.buffer.clear();
                }
            }
            self.entries.clear();
        }
        self.layout.end_set(&mut self.buffer, self.members);
        self.make_room()
    }

    fn make_room(&mut self) -> Result<(), ListError> {
        if self.buffer.len() < BLOCK {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), ListError> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// How much is written at once.
const BLOCK: usize = 1 << 16;
