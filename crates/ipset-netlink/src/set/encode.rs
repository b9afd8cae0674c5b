//! Sets as attributes of a message, in the order `ipset` writes them, and back.

use crate::{
    CreateSet, DecodeError, Family, SetHeader, SetName, SetType, Timeout,
    error::InputError,
    packet::{
        HeaderAttribute, IPSET_FLAG_WITH_COMMENT, IPSET_FLAG_WITH_COUNTERS,
        IPSET_FLAG_WITH_FORCEADD, IPSET_FLAG_WITH_SKBINFO, IpSetAttribute,
    },
};

impl CreateSet {
    /// Refuses what no kernel would take, or should.
    pub(crate) fn check(&self) -> Result<(), InputError> {
        match (self.hash_size, self.netmask, self.set_type.definition()) {
            (Some(buckets), _, _) if buckets > Self::MAX_HASH_SIZE => {
                Err(InputError::HashSize { buckets })
            }
            (_, Some(_), Some(definition)) if !definition.has_netmask => {
                Err(InputError::Netmask(self.set_type.clone()))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn attributes(&self, revision: u8) -> Vec<IpSetAttribute> {
        let mut flags = 0;
        if self.counters {
            flags |= IPSET_FLAG_WITH_COUNTERS;
        }
        if self.comments {
            flags |= IPSET_FLAG_WITH_COMMENT;
        }
        let options = [
            self.timeout
                .map(|default| HeaderAttribute::Timeout(default.as_secs())),
            (flags != 0).then_some(HeaderAttribute::CadtFlags(flags)),
            self.hash_size.map(HeaderAttribute::HashSize),
            self.max_elements.map(HeaderAttribute::MaxElements),
            self.netmask.map(HeaderAttribute::Netmask),
        ];
        vec![
            IpSetAttribute::SetName(self.name.as_str().into()),
            IpSetAttribute::TypeName(self.set_type.name().into()),
            IpSetAttribute::Revision(revision),
            IpSetAttribute::Family(self.family.into()),
            IpSetAttribute::Header(options.into_iter().flatten().collect()),
        ]
    }
}

impl SetHeader {
    /// The header of a set with no option known yet.
    pub(crate) fn new(name: SetName, set_type: SetType, family: Family, revision: u8) -> Self {
        Self {
            name,
            set_type,
            revision,
            family,
            timeout: None,
            max_elements: None,
            hash_size: None,
            netmask: None,
            bitmask: None,
            counters: false,
            comments: false,
            forceadd: false,
            skbinfo: false,
            elements: None,
            references: 0,
            memory: 0,
        }
    }

    pub(crate) fn set_options(&mut self, options: &[HeaderAttribute]) {
        for option in options {
            match *option {
                HeaderAttribute::Timeout(seconds) => {
                    self.timeout = Some(Timeout::from_kernel(seconds));
                }
                HeaderAttribute::MaxElements(n) => self.max_elements = Some(n),
                HeaderAttribute::HashSize(n) => self.hash_size = Some(n),
                HeaderAttribute::Netmask(n) => self.netmask = Some(n),
                HeaderAttribute::Bitmask(mask) => self.bitmask = Some(mask),
                HeaderAttribute::Elements(n) => self.elements = Some(n),
                HeaderAttribute::References(n) => self.references = n,
                HeaderAttribute::MemorySize(n) => self.memory = n,
                HeaderAttribute::CadtFlags(flags) => {
                    self.counters = flags & IPSET_FLAG_WITH_COUNTERS != 0;
                    self.comments = flags & IPSET_FLAG_WITH_COMMENT != 0;
                    self.forceadd = flags & IPSET_FLAG_WITH_FORCEADD != 0;
                    self.skbinfo = flags & IPSET_FLAG_WITH_SKBINFO != 0;
                }
                HeaderAttribute::InitialValue(_)
                | HeaderAttribute::BucketSize(_)
                | HeaderAttribute::Other(_) => {}
            }
        }
    }

    /// A message that begins a set in a listing.
    pub(crate) fn decode(name: &str, attributes: &[IpSetAttribute]) -> Result<Self, DecodeError> {
        let mut set_type = None;
        let mut family = None;
        let mut revision = None;
        for attribute in attributes {
            match attribute {
                IpSetAttribute::TypeName(name) => set_type = name.parse().ok(),
                IpSetAttribute::Family(number) => family = Some(Family::from(*number)),
                IpSetAttribute::Revision(number) => revision = Some(*number),
                _ => {}
            }
        }
        let (Some(set_type), Some(family), Some(revision)) = (set_type, family, revision) else {
            return Err(DecodeError::new("a set has no type, family or revision"));
        };
        let mut header = Self::new(SetName::from_kernel(name), set_type, family, revision);
        for attribute in attributes {
            if let IpSetAttribute::Header(options) = attribute {
                header.set_options(options);
            }
        }
        Ok(header)
    }
}
