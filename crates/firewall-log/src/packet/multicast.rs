//! Destinations that are many hosts: what is sent there is not meant for this one.

use std::net::{IpAddr, Ipv4Addr};

use super::octets::Octets;

/// Whether an address is a multicast one, or the broadcast address of every network. The broadcast
/// address of a subnet looks like any other; only the frame tells it.
#[inline]
pub(crate) fn is_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_multicast() || address == Ipv4Addr::BROADCAST,
        IpAddr::V6(address) => address.is_multicast(),
    }
}

/// Whether a header as `MAC=` prints it is that of an Ethernet frame to all hosts, or to those of a
/// group of IPv4 or IPv6. The bit for groups alone would not do: the header of a tunnel is an IP
/// header and may have it set.
pub(crate) fn is_multicast_frame(header: Octets<'_>) -> bool {
    // With a VLAN tag it is longer.
    if header.len() < ETH_HLEN {
        return false;
    }
    let mut destination = [0; ETH_ALEN];
    destination
        .iter_mut()
        .zip(header.iter())
        .for_each(|(to, from)| *to = from);
    is_multicast_mac(destination)
}

/// Whether a hardware address is that of all hosts, or of a group of IPv4 or IPv6.
pub(crate) fn is_multicast_mac(destination: [u8; ETH_ALEN]) -> bool {
    // RFC 1112 6.4, RFC 2464 7
    destination == [0xff; ETH_ALEN]
        || destination.starts_with(&[0x01, 0x00, 0x5e])
        || destination.starts_with(&[0x33, 0x33])
}

// linux/if_ether.h
const ETH_ALEN: usize = 6;
const ETH_HLEN: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_to_many_hosts() {
        for (text, many) in [
            ("ff:ff:ff:ff:ff:ff:02:00:00:00:00:01:08:00", true),
            ("FF:ff:FF:ff:ff:ff:02:00:00:00:00:01:08:00", true),
            ("ff:ff:ff:ff:ff:fe:02:00:00:00:00:01:08:00", false),
            ("01:00:5e:00:00:fb:02:00:00:00:00:01:08:00", true),
            (
                "01:00:5e:7f:ff:fa:02:00:00:00:00:01:81:00:00:64:08:00",
                true,
            ),
            ("01:00:5d:00:00:fb:02:00:00:00:00:01:08:00", false),
            ("33:33:00:00:00:01:02:00:00:00:00:01:86:dd", true),
            ("33:32:00:00:00:01:02:00:00:00:00:01:86:dd", false),
            ("02:00:00:00:00:02:ff:ff:ff:ff:ff:ff:08:00", false),
            // A tunnel's, and what is cut short.
            ("45:00:00:54:00:00:40:00:40:2f:00:00:c0:00:02:01", false),
            ("ff:ff:ff:ff:ff:ff", false),
            ("", false),
        ] {
            let (_, header) = Octets::parse_colons(text.as_bytes()).unwrap();
            assert_eq!(is_multicast_frame(header), many, "{text}");
        }
    }

    #[test]
    fn addresses_of_many_hosts() {
        for (text, many) in [
            ("224.0.0.1", true),
            ("239.255.255.250", true),
            ("255.255.255.255", true),
            ("223.255.255.255", false),
            ("240.0.0.0", false),
            ("192.0.2.255", false),
            ("ff02::1", true),
            ("ff3e::8000:1", true),
            ("feff::1", false),
            ("2001:db8::ff02", false),
        ] {
            assert_eq!(is_multicast(text.parse().unwrap()), many, "{text}");
        }
    }
}
