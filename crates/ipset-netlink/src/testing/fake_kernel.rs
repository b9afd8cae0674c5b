use std::{collections::VecDeque, io};

use netlink_packet_core::{NLM_F_EXCL, NetlinkMessage, NetlinkPayload};

use super::{Answer, Script};
use crate::{
    BitmapRange, CreateSet, DecodeError, Element, Entry, Key, Network, Position, Set, SetHeader,
    SetName, SetType, Transport,
    packet::{
        Command, EncodedEntries, EntryAttribute, HeaderAttribute, IPSET_FLAG_BEFORE,
        IpSetAttribute, IpSetMessage, attributes, entries,
    },
    set_type::Kind,
};

/// Keeps sets in memory and answers as a kernel with every set type would, for tests that care what
/// is in the sets in the end and not how it got there.
///
/// It refuses what the kernel refuses, with the same numbers: what is there already or missing, full
/// sets, other families, options a set was created without. Not as in a kernel, time stands still and
/// no packet comes by, so that timeouts and counters stay as they were given; networks and ranges that
/// stand for many entries are refused as too large; netmasks and bitmasks are not applied.
///
/// ```
/// use ipset_netlink::{
///     CreateSet, Entry, Error, Family, IfExists, IpSet, Key, SetName, SetType, Transport,
///     testing::FakeKernel,
/// };
///
/// // What is to be tested.
/// fn ban<T: Transport>(sets: &mut IpSet<T>, set: &SetName, offender: Key) -> Result<(), Error> {
///     let create = CreateSet::new(set.clone(), SetType::HashNet, Family::Inet);
///     sets.create(&create, IfExists::Update)?;
///     sets.add(set, &Entry::new(offender), IfExists::Update)
/// }
///
/// let banned: SetName = "banned".parse()?;
/// let mut kernel = FakeKernel::new();
/// let mut sets = IpSet::with_transport(&mut kernel)?;
/// ban(&mut sets, &banned, "192.0.2.0/24".parse()?)?;
/// ban(&mut sets, &banned, "198.51.100.7".parse()?)?;
/// assert!(sets.contains(&banned, &"192.0.2.9".parse()?)?);
/// assert_eq!(kernel.sets()[0].entries.len(), 2);
///
/// const IPSET_ERR_HASH_FULL: i32 = 4352;
/// kernel.refuse_next(IPSET_ERR_HASH_FULL);
/// let mut sets = IpSet::with_transport(&mut kernel)?;
/// let error = sets.add(&banned, &Entry::new("203.0.113.7".parse()?), IfExists::Fail).unwrap_err();
/// assert!(error.is_set_full());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct FakeKernel {
    sets: Vec<Set>,
    datagrams: VecDeque<Vec<u8>>,
    refusal: Option<i32>,
}

impl FakeKernel {
    /// One without sets.
    pub fn new() -> Self {
        Self::default()
    }

    /// The sets, in the order they were created.
    pub fn sets(&self) -> &[Set] {
        &self.sets
    }

    /// Refuses the next request that would change something, with an error number of the kernel such
    /// as 2 (`ENOENT`) or 4103 (`IPSET_ERR_EXIST`), and does not make the change.
    pub fn refuse_next(&mut self, code: i32) {
        self.refusal = Some(code);
    }

    fn answer(&mut self, request: &IpSetMessage, strict: bool) -> Result<Answer, Refusal> {
        let changes = !matches!(
            request.command,
            Command::Protocol
                | Command::Type
                | Command::Header
                | Command::List
                | Command::Save
                | Command::Test
                | Command::GetByName
                | Command::GetByIndex
        );
        if let Some(code) = self.refusal.take_if(|_| changes) {
            return Err(code.into());
        }
        let asked = Asked::of(request);
        match request.command {
            Command::Protocol => Ok(Answer::protocol()),
            Command::Type => match asked.set_type {
                Some(SetType::Other(_)) | None => Err(IPSET_ERR_FIND_TYPE.into()),
                Some(_) => Ok(Answer::revisions(REVISION)),
            },
            Command::Create => self.create(request, &asked, strict),
            Command::Destroy => self.destroy(&asked, strict),
            Command::Flush => self.flush(&asked),
            Command::Rename => self.rename(&asked),
            Command::Swap => self.swap(&asked),
            Command::List | Command::Save => self.list(&asked),
            Command::Add | Command::Delete | Command::Test => self.entries(request, &asked, strict),
            Command::Header => {
                let SetHeader {
                    set_type,
                    family,
                    revision,
                    ..
                } = &self.set(&asked)?.header;
                Ok(Answer::type_of_revision(set_type, *family, *revision))
            }
            Command::GetByName => {
                let index = self.position(&asked)?;
                let family = self.set(&asked)?.header.family;
                let index = u16::try_from(index).map_err(|_| ENOENT)?;
                Ok(Answer::message(IpSetMessage::new(
                    request.command,
                    vec![
                        IpSetAttribute::Index(index),
                        IpSetAttribute::Family(family.into()),
                    ],
                )))
            }
            Command::GetByIndex => {
                let set = self.sets.get(usize::from(asked.index)).ok_or(ENOENT)?;
                let name = IpSetAttribute::SetName(set.header.name.as_str().into());
                Ok(Answer::message(IpSetMessage::new(
                    request.command,
                    vec![name],
                )))
            }
            Command::Other(_) => Err(IPSET_ERR_PROTOCOL.into()),
        }
    }

    fn create(
        &mut self,
        request: &IpSetMessage,
        asked: &Asked,
        strict: bool,
    ) -> Result<Answer, Refusal> {
        let name = asked.name.as_ref().ok_or(IPSET_ERR_PROTOCOL)?;
        let created = SetHeader::decode(name.as_str(), &request.attributes)
            .map_err(|_| IPSET_ERR_PROTOCOL)?;
        if let Ok(found) = self.set(asked) {
            let found = CreateSet::from(&found.header);
            let mut wanted = CreateSet::from(&created);
            wanted.options.hash_size = found.options.hash_size;
            return if strict || found != wanted {
                Err(EEXIST.into())
            } else {
                Ok(Answer::ok())
            };
        }
        self.sets.push(Set {
            header: created,
            entries: Vec::new(),
        });
        Ok(Answer::ok())
    }

    fn destroy(&mut self, asked: &Asked, strict: bool) -> Result<Answer, Refusal> {
        if asked.name.is_none() {
            let names: Vec<_> = self.sets.iter().map(|set| &set.header.name).collect();
            if names.into_iter().any(|name| self.is_referenced(name)) {
                return Err(IPSET_ERR_BUSY.into());
            }
            self.sets.clear();
            return Ok(Answer::ok());
        }
        match self.position(asked) {
            Err(_) if !strict => {}
            Err(refusal) => return Err(refusal),
            Ok(_) if self.is_referenced(&self.set(asked)?.header.name) => {
                return Err(IPSET_ERR_BUSY.into());
            }
            Ok(position) => drop(self.sets.remove(position)),
        }
        Ok(Answer::ok())
    }

    fn flush(&mut self, asked: &Asked) -> Result<Answer, Refusal> {
        if asked.name.is_some() {
            self.set_mut(asked)?.entries.clear();
        } else {
            self.sets.iter_mut().for_each(|set| set.entries.clear());
        }
        Ok(Answer::ok())
    }

    fn rename(&mut self, asked: &Asked) -> Result<Answer, Refusal> {
        let second = asked.second.clone().ok_or(IPSET_ERR_PROTOCOL)?;
        if self.is_referenced(&self.set(asked)?.header.name) {
            return Err(IPSET_ERR_REFERENCED.into());
        }
        if self.sets.iter().any(|set| set.header.name == second) {
            return Err(IPSET_ERR_EXIST_SETNAME2.into());
        }
        self.set_mut(asked)?.header.name = second;
        Ok(Answer::ok())
    }

    fn swap(&mut self, asked: &Asked) -> Result<Answer, Refusal> {
        let first = self.position(asked)?;
        let name = asked.second.clone();
        let other = Asked {
            name,
            ..Asked::default()
        };
        let second = self
            .position(&other)
            .map_err(|_| IPSET_ERR_EXIST_SETNAME2)?;
        let (a, b) = (
            self.set(asked)?.header.clone(),
            self.set(&other)?.header.clone(),
        );
        if (a.set_type, a.family) != (b.set_type, b.family) {
            return Err(IPSET_ERR_TYPE_MISMATCH.into());
        }
        self.sets.swap(first, second);
        for (position, name) in [(first, a.name), (second, b.name)] {
            if let Some(set) = self.sets.get_mut(position) {
                set.header.name = name;
            }
        }
        Ok(Answer::ok())
    }

    fn list(&self, asked: &Asked) -> Result<Answer, Refusal> {
        let listed = match &asked.name {
            None => self.sets.iter().collect(),
            Some(_) => vec![self.set(asked)?],
        };
        let names_only = asked.flags & IPSET_FLAG_LIST_SETNAME != 0;
        let headers_only = asked.flags & IPSET_FLAG_LIST_HEADER != 0;
        let mut messages = Vec::new();
        for set in listed {
            let name = || IpSetAttribute::SetName(set.header.name.as_str().into());
            let message = |attributes| IpSetMessage::new(Command::List, attributes);
            if names_only {
                messages.push(message(vec![name()]));
                continue;
            }
            messages.push(message(self.header(set)));
            // As from the kernel, a large set is spread over many messages.
            let mut entries = set.entries.iter().filter(|_| !headers_only).peekable();
            while entries.peek().is_some() {
                let mut bytes = Vec::new();
                for entry in entries.by_ref().take(ENTRIES_OF_A_MESSAGE) {
                    entry.append(&mut bytes, None);
                }
                let encoded = EncodedEntries::from_bytes(bytes);
                messages.push(message(vec![name(), IpSetAttribute::Entries(encoded)]));
            }
        }
        Ok(Answer::listing(messages))
    }

    fn header(&self, set: &Set) -> Vec<IpSetAttribute> {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut attributes = CreateSet::from(&set.header).attributes(set.header.revision);
        if let Some(IpSetAttribute::Header(options)) = attributes.last_mut() {
            options.extend([
                HeaderAttribute::Elements(number(set.entries.len())),
                HeaderAttribute::References(number(self.references(&set.header.name))),
                HeaderAttribute::MemorySize(0),
            ]);
        }
        attributes
    }

    fn entries(
        &mut self,
        request: &IpSetMessage,
        asked: &Asked,
        strict: bool,
    ) -> Result<Answer, Refusal> {
        let header = self.set(asked)?.header.clone();
        for attribute in &request.attributes {
            let encoded = match attribute {
                IpSetAttribute::Entries(entries) => entries.clone(),
                IpSetAttribute::Entry(attributes) => {
                    let mut entries = EncodedEntries::default();
                    entries.push(attributes);
                    entries
                }
                _ => continue,
            };
            for bytes in entries(encoded.as_bytes()) {
                let (entry, line) = bytes
                    .map_err(DecodeError::from)
                    .and_then(|bytes| decode(&header.set_type, bytes))
                    .map_err(|_| IPSET_ERR_PROTOCOL)?;
                let done = match request.command {
                    Command::Add => self.add(asked, entry, strict),
                    Command::Delete => self.delete(asked, &entry, strict),
                    _ => self.test(asked, &entry),
                };
                done.map_err(|refusal| Refusal { line, ..refusal })?;
            }
        }
        Ok(Answer::ok())
    }

    fn add(&mut self, asked: &Asked, mut entry: Entry, strict: bool) -> Result<(), Refusal> {
        self.check(asked, &entry)?;
        let position = entry.position.take();
        let Set { header, entries } = self.set_mut(asked)?;
        let options = &header.options;
        entry.timeout = entry.timeout.or(options.timeout);
        let neighbour = match &position {
            None => None,
            Some(position) => {
                let (neighbour, after) = position.parts();
                let key = Key::from(neighbour.clone());
                let at = entries.iter().position(|entry| entry.key == key);
                let at = at.filter(|_| key != entry.key);
                Some(at.ok_or(IPSET_ERR_REF_EXIST)? + usize::from(after))
            }
        };
        if let Some(found) = entries.iter_mut().find(|found| found.key == entry.key) {
            if strict {
                return Err(IPSET_ERR_EXIST.into());
            }
            entry.counters = entry.counters.or(found.counters);
            *found = entry;
            return Ok(());
        }
        if options.counters {
            entry.counters.get_or_insert_default();
        }
        // Lists of sets have no limit any more.
        let limit = match header.set_type.kind() {
            Some(Kind::Hash) => options.max_elements.unwrap_or(65536),
            _ => u32::MAX,
        };
        if entries.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            if !options.forceadd || entries.is_empty() {
                return Err(IPSET_ERR_HASH_FULL.into());
            }
            entries.remove(0);
        }
        entries.insert(neighbour.unwrap_or(entries.len()), entry);
        Ok(())
    }

    fn delete(&mut self, asked: &Asked, entry: &Entry, strict: bool) -> Result<(), Refusal> {
        self.check(asked, entry)?;
        let positioned = entry.position.is_some();
        let missing = if positioned {
            IPSET_ERR_REF_EXIST
        } else {
            IPSET_ERR_EXIST
        };
        let entries = &mut self.set_mut(asked)?.entries;
        match entries.iter().position(|found| found.key == entry.key) {
            Some(at) if stands_there(entries, at, entry) => drop(entries.remove(at)),
            _ if strict || positioned => return Err(missing.into()),
            _ => {}
        }
        Ok(())
    }

    fn test(&self, asked: &Asked, entry: &Entry) -> Result<(), Refusal> {
        // Whatever is wrong with it, it is not there.
        self.check(asked, entry).map_err(|_| IPSET_ERR_EXIST)?;
        let entries = &self.set(asked)?.entries;
        let found = entries
            .iter()
            .enumerate()
            .filter(|(_, found)| covers(found.key.elements(), entry.key.elements()))
            .max_by_key(|(_, found)| prefix_lengths(found.key.elements()));
        match found {
            Some((at, found))
                if found.nomatch == entry.nomatch && stands_there(entries, at, entry) =>
            {
                Ok(())
            }
            _ => Err(IPSET_ERR_EXIST.into()),
        }
    }

    /// What the kernel says of an entry whatever is in the set.
    fn check(&self, asked: &Asked, entry: &Entry) -> Result<(), Refusal> {
        let header = &self.set(asked)?.header;
        let options = &header.options;
        let elements = entry.key.elements();
        let families = elements.iter().filter_map(Element::family);
        if families.into_iter().any(|family| family != header.family) {
            return Err(IPSET_ERR_PROTOCOL.into());
        }
        let inside = match (options.range, elements.first()) {
            (Some(BitmapRange::Addresses(range)), Some(Element::Ip(address))) => {
                (range.first()..=range.last()).contains(address)
            }
            (Some(BitmapRange::Ports(first, last)), Some(Element::Port(port))) => {
                (first..=last).contains(&port.first())
            }
            _ => true,
        };
        if !inside {
            return Err(IPSET_ERR_BITMAP_RANGE.into());
        }
        for (given, possible, refusal) in [
            (
                entry.timeout.is_some(),
                options.timeout.is_some(),
                IPSET_ERR_TIMEOUT,
            ),
            (
                entry.counters.is_some(),
                options.counters,
                IPSET_ERR_COUNTER,
            ),
            (entry.comment.is_some(), options.comments, IPSET_ERR_COMMENT),
            (entry.skbinfo.is_some(), options.skbinfo, IPSET_ERR_SKBINFO),
        ] {
            if given && !possible {
                return Err(refusal.into());
            }
        }
        let definition = header.set_type.definition();
        if definition.is_some_and(|definition| !definition.holds(elements)) {
            return Err(ERANGE.into());
        }
        let of_everything = |element: &Element| match element {
            Element::Net(network) => network.prefix_length() == 0,
            _ => false,
        };
        if header.set_type != SetType::HashNetIface && elements.iter().any(of_everything) {
            return Err(IPSET_ERR_INVALID_CIDR.into());
        }
        let find = |name: &SetName| self.sets.iter().find(|set| set.header.name == *name);
        if let [Element::Set(name)] = elements {
            let set = find(name).ok_or(IPSET_ERR_NAME)?;
            if set.header.set_type == SetType::ListSet {
                return Err(IPSET_ERR_LOOP.into());
            }
        }
        if let Some(position) = &entry.position {
            find(position.parts().0).ok_or(IPSET_ERR_NAMEREF)?;
        }
        Ok(())
    }

    fn position(&self, asked: &Asked) -> Result<usize, Refusal> {
        let mut names = self.sets.iter().map(|set| Some(&set.header.name));
        let position = names.position(|name| name == asked.name.as_ref());
        position.ok_or(ENOENT.into())
    }

    fn set(&self, asked: &Asked) -> Result<&Set, Refusal> {
        self.sets.get(self.position(asked)?).ok_or(ENOENT.into())
    }

    fn set_mut(&mut self, asked: &Asked) -> Result<&mut Set, Refusal> {
        let position = self.position(asked)?;
        self.sets.get_mut(position).ok_or(ENOENT.into())
    }

    fn is_referenced(&self, name: &SetName) -> bool {
        self.references(name) > 0
    }

    fn references(&self, name: &SetName) -> usize {
        let lists = self
            .sets
            .iter()
            .filter(|set| set.header.set_type == SetType::ListSet);
        let mut entries = lists.flat_map(|list| &list.entries);
        let names = entries
            .by_ref()
            .filter(|entry| entry.key == name.clone().into());
        names.count()
    }
}

impl Transport for FakeKernel {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        let message = NetlinkMessage::<IpSetMessage>::deserialize(request)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        let strict = message.header.flags & NLM_F_EXCL != 0;
        let NetlinkPayload::InnerMessage(message) = message.payload else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let answer = self.answer(&message, strict).unwrap_or_else(Answer::from);
        self.datagrams.extend(answer.into_datagrams(request));
        Ok(())
    }

    fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
        *datagram = self.datagrams.pop_front().ok_or(io::ErrorKind::TimedOut)?;
        Ok(())
    }

    fn port(&self) -> u32 {
        Script::PORT
    }
}

/// What a request is about.
#[derive(Default)]
struct Asked {
    name: Option<SetName>,
    second: Option<SetName>,
    set_type: Option<SetType>,
    index: u16,
    flags: u32,
}

impl Asked {
    fn of(request: &IpSetMessage) -> Self {
        let mut asked = Self::default();
        for attribute in &request.attributes {
            match attribute {
                IpSetAttribute::SetName(name) => asked.name = Some(SetName::from_kernel(name)),
                IpSetAttribute::SetName2(name) => asked.second = Some(SetName::from_kernel(name)),
                IpSetAttribute::TypeName(name) => asked.set_type = name.parse().ok(),
                IpSetAttribute::Index(index) => asked.index = *index,
                IpSetAttribute::Flags(flags) => asked.flags = *flags,
                _ => {}
            }
        }
        asked
    }
}

/// An error number, and the line of the entry it is about.
struct Refusal {
    code: i32,
    line: Option<u32>,
}

impl From<i32> for Refusal {
    fn from(code: i32) -> Self {
        Self { code, line: None }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal.line {
            Some(line) => Self::error_at_line(refusal.code, line),
            None => Self::error(refusal.code),
        }
    }
}

/// An entry of a request, and the number by which an error names it.
fn decode(set_type: &SetType, bytes: &[u8]) -> Result<(Entry, Option<u32>), DecodeError> {
    let mut entry = Entry::decode(set_type.definition(), bytes)?;
    let (mut line, mut before, mut neighbour) = (None, false, None);
    for attribute in attributes::<&str>(bytes) {
        match attribute? {
            EntryAttribute::LineNumber(number) => line = Some(number),
            EntryAttribute::CadtFlags(flags) => before = flags & IPSET_FLAG_BEFORE != 0,
            EntryAttribute::NameRef(name) => neighbour = Some(SetName::from_kernel(name)),
            _ => {}
        }
    }
    entry.position = neighbour.map(if before {
        Position::Before
    } else {
        Position::After
    });
    Ok((entry, line))
}

/// Whether a packet that has these elements matches an entry that has those.
fn covers(entry: &[Element], asked: &[Element]) -> bool {
    entry.iter().zip(asked).all(|pair| match pair {
        (Element::Net(network), Element::Ip(address)) => network.contains(*address),
        (one, other) => one == other,
    })
}

fn prefix_lengths(elements: &[Element]) -> u32 {
    let lengths = elements.iter().map(|element| match element {
        Element::Net(network) => network.prefix_length(),
        Element::Ip(address) => Network::from(*address).prefix_length(),
        _ => 0,
    });
    lengths.map(u32::from).sum()
}

/// Whether the entry at this place has the neighbour that is asked for, if one is.
fn stands_there(entries: &[Entry], at: usize, asked: &Entry) -> bool {
    let Some(position) = &asked.position else {
        return true;
    };
    let (neighbour, after) = position.parts();
    let place = if after {
        at.checked_sub(1)
    } else {
        at.checked_add(1)
    };
    let found = place.and_then(|place| entries.get(place));
    found.is_some_and(|entry| entry.key == Key::from(neighbour.clone()))
}

/// The revision of every type.
const REVISION: u8 = 9;

const ENTRIES_OF_A_MESSAGE: usize = 500;

// linux/netfilter/ipset/ip_set.h, enum ipset_cmd_flags
const IPSET_FLAG_LIST_SETNAME: u32 = 1 << 1;
const IPSET_FLAG_LIST_HEADER: u32 = 1 << 2;

// asm-generic/errno-base.h and errno.h
const ENOENT: i32 = 2;
const EEXIST: i32 = 17;
const ERANGE: i32 = 34;

// linux/netfilter/ipset/ip_set.h, enum ipset_errno
const IPSET_ERR_PROTOCOL: i32 = 4097;
const IPSET_ERR_FIND_TYPE: i32 = 4098;
const IPSET_ERR_BUSY: i32 = 4100;
const IPSET_ERR_EXIST_SETNAME2: i32 = 4101;
const IPSET_ERR_TYPE_MISMATCH: i32 = 4102;
const IPSET_ERR_EXIST: i32 = 4103;
const IPSET_ERR_INVALID_CIDR: i32 = 4104;
const IPSET_ERR_TIMEOUT: i32 = 4107;
const IPSET_ERR_REFERENCED: i32 = 4108;
const IPSET_ERR_COUNTER: i32 = 4111;
const IPSET_ERR_COMMENT: i32 = 4112;
const IPSET_ERR_SKBINFO: i32 = 4114;
const IPSET_ERR_BITMAP_RANGE: i32 = 4352;
const IPSET_ERR_HASH_FULL: i32 = 4352;
const IPSET_ERR_NAME: i32 = 4352;
const IPSET_ERR_LOOP: i32 = 4353;
const IPSET_ERR_NAMEREF: i32 = 4355;
const IPSET_ERR_REF_EXIST: i32 = 4357;
