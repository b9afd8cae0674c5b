//! Sets as attributes of a message, in the order `ipset` writes them, and back.

use crate::packet::{
    HeaderAttribute, IPSET_FLAG_WITH_COMMENT, IPSET_FLAG_WITH_COUNTERS, IPSET_FLAG_WITH_FORCEADD,
    IPSET_FLAG_WITH_SKBINFO, IpSetAttribute,
};
use crate::{
    AddressRange, BitmapRange, CreateSet, DecodeError, Family, KeyError, Network, SetHeader,
    SetName, SetOptions, SetType, Timeout,
};

impl CreateSet {
    /// The family to create it with.
    pub(crate) fn kernel_family(&self) -> Family {
        match &self.set_type {
            SetType::Other(_) => self.family,
            known if known.holds_addresses() => self.family,
            _ => Family::Unspec,
        }
    }

    pub(crate) fn attributes(&self, revision: u8) -> Vec<IpSetAttribute> {
        vec![
            IpSetAttribute::SetName(self.name.as_bytes().into()),
            IpSetAttribute::TypeName(self.set_type.name().into()),
            IpSetAttribute::Revision(revision),
            IpSetAttribute::Family(self.kernel_family().into()),
            IpSetAttribute::Header(self.options.attributes()),
        ]
    }
}

impl SetOptions {
    /// In the order `ipset` writes them.
    fn attributes(&self) -> Vec<HeaderAttribute> {
        let mut flags = 0;
        for (given, flag) in [
            (self.counters, IPSET_FLAG_WITH_COUNTERS),
            (self.comments, IPSET_FLAG_WITH_COMMENT),
            (self.forceadd, IPSET_FLAG_WITH_FORCEADD),
            (self.skbinfo, IPSET_FLAG_WITH_SKBINFO),
        ] {
            if given {
                flags |= flag;
            }
        }
        let (first, last) = match self.range {
            Some(BitmapRange::Addresses(range)) => (
                Some(HeaderAttribute::Ip(range.first())),
                Some(HeaderAttribute::IpTo(range.last())),
            ),
            Some(BitmapRange::Ports(first, last)) => (
                Some(HeaderAttribute::Port(first)),
                Some(HeaderAttribute::PortTo(last)),
            ),
            None => (None, None),
        };
        let attributes = [
            first,
            last,
            self.timeout
                .map(|default| HeaderAttribute::Timeout(default.as_secs())),
            (flags != 0).then_some(HeaderAttribute::CadtFlags(flags)),
            self.mark_mask.map(HeaderAttribute::MarkMask),
            self.bitmask.map(HeaderAttribute::Bitmask),
            self.initial_value.map(HeaderAttribute::InitialValue),
            self.hash_size.map(HeaderAttribute::HashSize),
            self.max_elements.map(HeaderAttribute::MaxElements),
            self.netmask.map(HeaderAttribute::Netmask),
            self.bucket_size.map(HeaderAttribute::BucketSize),
            self.size.map(HeaderAttribute::Size),
        ];
        attributes.into_iter().flatten().collect()
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
            options: SetOptions::default(),
            elements: None,
            references: 0,
            memory: 0,
        }
    }

    pub(crate) fn set_options(
        &mut self,
        attributes: &[HeaderAttribute],
    ) -> Result<(), DecodeError> {
        let options = &mut self.options;
        let (mut ip, mut ip_to, mut cidr) = (None, None, None);
        let (mut port, mut port_to) = (None, None);
        for attribute in attributes {
            match *attribute {
                HeaderAttribute::Ip(address) => ip = Some(address),
                HeaderAttribute::IpTo(address) => ip_to = Some(address),
                HeaderAttribute::Cidr(bits) => cidr = Some(bits),
                HeaderAttribute::Port(number) => port = Some(number),
                HeaderAttribute::PortTo(number) => port_to = Some(number),
                HeaderAttribute::Timeout(seconds) => {
                    options.timeout = Some(Timeout::from_kernel(seconds));
                }
                HeaderAttribute::MaxElements(n) => options.max_elements = Some(n),
                HeaderAttribute::HashSize(n) => options.hash_size = Some(n),
                HeaderAttribute::BucketSize(n) => options.bucket_size = Some(n),
                HeaderAttribute::InitialValue(n) => options.initial_value = Some(n),
                HeaderAttribute::Netmask(n) => options.netmask = Some(n),
                HeaderAttribute::Bitmask(mask) => options.bitmask = Some(mask),
                HeaderAttribute::MarkMask(mask) => options.mark_mask = Some(mask),
                HeaderAttribute::Size(n) => options.size = Some(n),
                HeaderAttribute::Elements(n) => self.elements = Some(n),
                HeaderAttribute::References(n) => self.references = n,
                HeaderAttribute::MemorySize(n) => self.memory = n,
                HeaderAttribute::CadtFlags(flags) => {
                    options.counters = flags & IPSET_FLAG_WITH_COUNTERS != 0;
                    options.comments = flags & IPSET_FLAG_WITH_COMMENT != 0;
                    options.forceadd = flags & IPSET_FLAG_WITH_FORCEADD != 0;
                    options.skbinfo = flags & IPSET_FLAG_WITH_SKBINFO != 0;
                }
                HeaderAttribute::Other(_) => {}
            }
        }
        let wrong = |error: KeyError| DecodeError::new(error.to_string());
        options.range = match (ip, ip_to, cidr, port, port_to) {
            (Some(first), Some(last), ..) => {
                Some(AddressRange::new(first, last).map_err(wrong)?.into())
            }
            (Some(first), None, Some(bits), ..) => {
                Some(Network::new(first, bits).map_err(wrong)?.into())
            }
            (_, _, _, Some(first), Some(last)) => Some(BitmapRange::Ports(first, last)),
            _ => None,
        };
        Ok(())
    }

    /// A message that begins a set in a listing.
    pub(crate) fn decode(name: &[u8], attributes: &[IpSetAttribute]) -> Result<Self, DecodeError> {
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
                header.set_options(options)?;
            }
        }
        Ok(header)
    }
}
