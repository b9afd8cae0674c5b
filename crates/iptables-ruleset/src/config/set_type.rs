//! The types of the sets that a configuration speaks of.

/// The type of an ipset of addresses, which has one for each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SetType {
    /// `hash:net`: addresses and networks.
    HashNet,
    /// `hash:ip`: single addresses.
    HashIp,
    /// `hash:ip,port`.
    HashIpPort,
    /// `hash:ip,port,ip`.
    HashIpPortIp,
    /// `hash:ip,port,net`.
    HashIpPortNet,
    /// `hash:ip,mark`.
    HashIpMark,
    /// `hash:ip,mac`.
    HashIpMac,
    /// `hash:net,net`.
    HashNetNet,
    /// `hash:net,port`.
    HashNetPort,
    /// `hash:net,port,net`.
    HashNetPortNet,
    /// `hash:net,iface`.
    HashNetIface,
}

impl SetType {
    pub(super) const ALL: [(&'static str, Self); 11] = [
        ("hash:net", Self::HashNet),
        ("hash:ip", Self::HashIp),
        ("hash:ip,port", Self::HashIpPort),
        ("hash:ip,port,ip", Self::HashIpPortIp),
        ("hash:ip,port,net", Self::HashIpPortNet),
        ("hash:ip,mark", Self::HashIpMark),
        ("hash:ip,mac", Self::HashIpMac),
        ("hash:net,net", Self::HashNetNet),
        ("hash:net,port", Self::HashNetPort),
        ("hash:net,port,net", Self::HashNetPortNet),
        ("hash:net,iface", Self::HashNetIface),
    ];

    /// Its name as the kernel knows it: `hash:net`, `hash:ip`.
    pub fn name(self) -> &'static str {
        let mut known = Self::ALL.iter();
        known
            .find(|(_, set_type)| *set_type == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether its entries are addresses and nothing else, so that the rules of services can look
    /// into it and a file of addresses can fill it.
    pub fn is_of_addresses(self) -> bool {
        matches!(self, Self::HashNet | Self::HashIp)
    }
}
