//! How much room keys take in a set.

use std::net::IpAddr;

use super::{Definition, Dimension};
use crate::{AddressRange, Element};

impl Definition {
    /// How many entries a key with these elements stands for, at most.
    pub(crate) fn most_entries(&self, elements: &[Element]) -> u64 {
        let numbers = self.dimensions.iter().zip(elements);
        numbers
            .fold(1, |product: u64, (dimension, element)| {
                product.saturating_mul(dimension.most_entries(element))
            })
            .min(MOST_ENTRIES)
    }
}

impl Dimension {
    fn most_entries(self, element: &Element) -> u64 {
        match element {
            element if self.holds(element) => 1,
            // It is cut into networks, two of each size at most.
            Element::Range(range) if self == Self::Net => match range.first() {
                IpAddr::V4(_) => 2 * 32,
                IpAddr::V6(_) => 2 * 128,
            },
            Element::Range(range) => addresses(*range),
            Element::Net(network) => addresses((*network).into()),
            Element::Port(port) => u64::from(port.last().saturating_sub(port.first())) + 1,
            _ => 1,
        }
    }
}

fn addresses(range: AddressRange) -> u64 {
    let all = match (range.first(), range.last()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            u128::from(last.to_bits().saturating_sub(first.to_bits()))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => last.to_bits().saturating_sub(first.to_bits()),
        _ => 0,
    };
    u64::try_from(all).unwrap_or(u64::MAX).saturating_add(1)
}

/// The kernel refuses keys that stand for more than 2^14 entries, older ones for more than this or
/// never; a key that nobody has room for must not make a set large.
const MOST_ENTRIES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use crate::{Key, SetType};

    #[test]
    fn a_key_can_stand_for_many_entries() {
        for (set_type, key, number) in [
            (SetType::HashIp, "192.0.2.1", 1),
            (SetType::HashIp, "192.0.2.0/24", 256),
            (SetType::HashIp, "192.0.2.1-192.0.2.9", 9),
            (SetType::HashIp, "10.0.0.0/8", super::MOST_ENTRIES),
            (SetType::HashNet, "192.0.2.0/24", 1),
            (SetType::HashNet, "192.0.2.1-192.0.2.9", 64),
            (SetType::HashIpPort, "192.0.2.0/30,tcp:80-89", 40),
            (SetType::HashIpPortNet, "192.0.2.0/30,tcp:80,10.0.0.0/8", 4),
            (SetType::BitmapIpMac, "192.0.2.1", 1),
        ] {
            let definition = set_type.definition().unwrap();
            let parsed = Key::parse(key, &set_type).unwrap();
            assert_eq!(definition.most_entries(parsed.elements()), number, "{key}");
        }
    }
}
