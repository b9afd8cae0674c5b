//! Names of hosts. Addresses in figures are read here too, the way the C library reads them: `10.1`
//! is 10.0.0.1, and a leading zero makes a part octal.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dns_lookup::{AddrFamily, AddrInfoHints, SockType, getaddrinfo, lookup_addr};
use ipset_netlink::Family;

use crate::text;

/// What a text for a host means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) address: IpAddr,
    /// The name has more addresses; this one was the first.
    pub(crate) has_others: bool,
}

impl Host {
    fn alone(address: impl Into<IpAddr>) -> Self {
        Self {
            address: address.into(),
            has_others: false,
        }
    }
}

/// The address of a host, given in figures or by its name.
pub(crate) fn address_of(text: &str, family: Family) -> Option<Host> {
    if family == Family::Inet6 {
        if text.contains(':') {
            return text.parse::<Ipv6Addr>().ok().map(Host::alone);
        }
    } else if let Some(address) = dotted_quad(text.as_bytes()) {
        return Some(Host::alone(address));
    } else if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.')) {
        return short_form(text).map(Host::alone);
    }
    look_up(text, family)
}

/// The name of a host, or `None` if it has none.
pub(crate) fn name_of(address: IpAddr) -> Option<String> {
    lookup_addr(&address).ok()
}

/// Four decimal parts, which nearly all addresses are.
fn dotted_quad(text: &[u8]) -> Option<Ipv4Addr> {
    let mut bits: u32 = 0;
    let mut part: u32 = 0;
    let mut digits = 0;
    let mut dots = 0;
    for byte in text {
        match byte {
            // A leading zero would make it octal.
            b'0'..=b'9' if digits == 0 || (part != 0 && digits < 3) => {
                part = part * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && part < 256 && dots < 3 => {
                bits = bits << 8 | part;
                (part, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (dots == 3 && digits > 0 && part < 256).then(|| Ipv4Addr::from_bits(bits << 8 | part))
}

/// One to four parts, decimal or octal; the last fills what the others leave.
fn short_form(text: &str) -> Option<Ipv4Addr> {
    let mut parts = text.split('.').map(|part| match part.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) => u32::from_str_radix(octal, 8).ok(),
        None => part.parse().ok(),
    });
    let mut bits = 0;
    let mut free = 32;
    let mut part = parts.next()??;
    for next in parts {
        if free == 8 || part > 255 {
            return None;
        }
        free -= 8;
        bits |= part << free;
        part = next?;
    }
    (free == 32 || part < 1 << free).then(|| Ipv4Addr::from_bits(bits | part))
}

fn look_up(name: &str, family: Family) -> Option<Host> {
    // The resolver would take these for addresses, which as the name of a host they are not.
    if name.is_empty() || name.contains(':') || is_hexadecimal_address(name) {
        return None;
    }
    let hints = AddrInfoHints {
        address: match family {
            Family::Inet6 => AddrFamily::Inet6.into(),
            _ => AddrFamily::Inet.into(),
        },
        // One answer for an address, not one for each kind of socket.
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let name = text::utf_8(name)?;
    let mut addresses = getaddrinfo(Some(&name), None, Some(hints))
        .ok()?
        .filter_map(|answer| Some(answer.ok()?.sockaddr.ip()));
    let address = addresses.next()?;
    Some(Host {
        address,
        has_others: addresses.any(|other| other != address),
    })
}

fn is_hexadecimal_address(name: &str) -> bool {
    name.split('.').all(|part| {
        let digits = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        match digits {
            Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => part.bytes().all(|byte| byte.is_ascii_digit()),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inet(text: &str) -> Option<String> {
        address_of(text, Family::Inet).map(|host| host.address.to_string())
    }

    /// As `ipset test` of version 7.17 takes them in a `hash:ip`.
    #[test]
    fn figures_mean_what_they_mean_to_the_c_library() {
        for (text, address) in [
            ("10.0.0.1", "10.0.0.1"),
            ("255.255.255.255", "255.255.255.255"),
            ("10.1", "10.0.0.1"),
            ("10.258", "10.0.1.2"),
            ("10.1.258", "10.1.1.2"),
            ("10", "0.0.0.10"),
            ("4294967295", "255.255.255.255"),
            ("012.0.0.1", "10.0.0.1"),
            ("0", "0.0.0.0"),
            ("00.00.00.00", "0.0.0.0"),
            ("127.0.0.010", "127.0.0.8"),
        ] {
            assert_eq!(inet(text).as_deref(), Some(address), "{text}");
        }
        for text in [
            "",
            ".",
            "1..2",
            "10.0.0.1.",
            ".10.0.0.1",
            "4294967296",
            "10.16777216",
            "256.1",
            "1.2.3.256",
            "1.2.3.4.5",
            "08.1.1.1",
            "0x0a000001",
            "0x0a.1",
            "2001:db8::1",
        ] {
            assert_eq!(inet(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_of_the_other_family_is_none() {
        assert_eq!(address_of("10.0.0.1", Family::Inet6), None);
        assert_eq!(address_of("::1%lo", Family::Inet6), None);
        assert_eq!(
            address_of("::ffff:1.2.3.4", Family::Inet6).map(|host| host.address.to_string()),
            Some("::ffff:1.2.3.4".into())
        );
    }

    proptest! {
        #[test]
        fn plain_addresses_are_read_as_the_standard_library_reads_them(text in "[0-9.]{0,16}") {
            let expected = text.parse::<Ipv4Addr>().ok();
            prop_assert_eq!(dotted_quad(text.as_bytes()), expected);
        }

        #[test]
        fn every_address_survives(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(dotted_quad(address.to_string().as_bytes()), Some(address));
            prop_assert_eq!(short_form(&bits.to_string()), Some(address));
        }

        #[test]
        fn nothing_panics(text in "[0-9a-fx.:%]{0,12}") {
            if text.contains(|c: char| c.is_ascii_digit()) {
                dotted_quad(text.as_bytes());
                short_form(&text);
                is_hexadecimal_address(&text);
            }
        }
    }
}
