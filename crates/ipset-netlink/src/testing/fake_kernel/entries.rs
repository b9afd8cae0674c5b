//! What the fake kernel does with entries.

use super::FakeKernel;
use super::request::{Asked, Refusal};
use crate::packet::errno::{
    ERANGE, IPSET_ERR_BITMAP_RANGE, IPSET_ERR_COMMENT, IPSET_ERR_COUNTER, IPSET_ERR_EXIST,
    IPSET_ERR_HASH_FULL, IPSET_ERR_INVALID_CIDR, IPSET_ERR_LOOP, IPSET_ERR_NAME, IPSET_ERR_NAMEREF,
    IPSET_ERR_PROTOCOL, IPSET_ERR_REF_EXIST, IPSET_ERR_SKBINFO, IPSET_ERR_TIMEOUT,
};
use crate::packet::{
    Command, EncodedEntries, EntryAttribute, IPSET_FLAG_BEFORE, IpSetAttribute, IpSetMessage,
    attributes, entries,
};
use crate::set_type::Method;
use crate::testing::Answer;
use crate::{
    BitmapRange, DecodeError, Element, Entry, Key, Network, Position, Set, SetName, SetType,
};

impl FakeKernel {
    pub(super) fn entries(
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
        let limit = match header.set_type.method() {
            Some(Method::Hash) => options.max_elements.unwrap_or(65536),
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
}

/// An entry of a request, and the number by which an error names it.
fn decode(set_type: &SetType, bytes: &[u8]) -> Result<(Entry, Option<u32>), DecodeError> {
    let mut entry = Entry::decode(set_type.definition(), bytes)?;
    let (mut line, mut before, mut neighbour) = (None, false, None);
    for attribute in attributes::<&[u8]>(bytes) {
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
