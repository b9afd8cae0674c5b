//! Sets in memory behind the interface of a kernel.

mod entries;
mod request;

use std::io;

use netlink_packet_core::{NLM_F_EXCL, NetlinkMessage, NetlinkPayload};
use request::{Asked, Refusal};

use super::answers::{protocol, revisions, type_of_revision};
use super::{Answer, Script};
use crate::packet::errno::{
    EEXIST, ENOENT, IPSET_ERR_BUSY, IPSET_ERR_EXIST_SETNAME2, IPSET_ERR_FIND_TYPE,
    IPSET_ERR_PROTOCOL, IPSET_ERR_REFERENCED, IPSET_ERR_TYPE_MISMATCH,
};
use crate::packet::{
    Command, EncodedEntries, HeaderAttribute, IPSET_PROTOCOL, IpSetAttribute, IpSetMessage,
};
use crate::{CreateSet, Set, SetHeader, SetName, SetType, Transport};

/// Keeps sets in memory and answers as a kernel with every set type would, for tests that care what
/// is in the sets in the end and not how it got there.
///
/// It refuses what the kernel refuses, with the same numbers: what is there already or missing,
/// full sets, other families, options a set was created without. Not as in a kernel, time stands
/// still and no packet comes by, so that timeouts and counters stay as they were given; networks
/// and ranges that stand for many entries are refused as too large; netmasks and bitmasks are not
/// applied. It looks through a set for each entry that is added, which is fast for some thousands
/// of them.
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
    /// What is still to be received.
    answers: Script,
    refusal: Option<u32>,
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

    /// Refuses the next request that would change something, with an error number of the kernel
    /// such as 2 (`ENOENT`) or 4103 (`IPSET_ERR_EXIST`), and does not make the change.
    pub fn refuse_next(&mut self, code: i32) {
        self.refusal = u32::try_from(code).ok();
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
            Command::Protocol => Ok(protocol(IPSET_PROTOCOL, 6)),
            Command::Type => match asked.set_type {
                Some(SetType::Other(_)) | None => Err(IPSET_ERR_FIND_TYPE.into()),
                Some(_) => Ok(revisions(REVISION)),
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
                Ok(type_of_revision(set_type, *family, *revision))
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
                let name = IpSetAttribute::SetName(set.header.name.as_bytes().into());
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
        let created = SetHeader::decode(name.as_bytes(), &request.attributes)
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
            let name = || IpSetAttribute::SetName(set.header.name.as_bytes().into());
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
        self.answers.answer(request, &answer);
        Ok(())
    }

    fn receive(&mut self, datagram: &mut Vec<u8>) -> io::Result<()> {
        self.answers.receive(datagram)
    }

    fn port(&self) -> u32 {
        self.answers.port()
    }
}

/// The revision of every type.
const REVISION: u8 = 9;

const ENTRIES_OF_A_MESSAGE: usize = 500;

// linux/netfilter/ipset/ip_set.h, enum ipset_cmd_flags
const IPSET_FLAG_LIST_SETNAME: u32 = 1 << 1;
const IPSET_FLAG_LIST_HEADER: u32 = 1 << 2;
