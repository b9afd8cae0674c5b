//! `-s` and `-d`: the address that a packet comes from or goes to.

use std::fmt;
use std::net::IpAddr;

use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression, PayloadBase};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family, Network};

/// A match of one address of a packet: the option of iptables, and the offsets in struct iphdr
/// (linux/ip.h) and struct ipv6hdr (linux/ipv6.h).
macro_rules! address_match {
    ($(#[$doc:meta])* $name:ident, $which:literal, $option:literal, $v4:literal, $v6:literal, $of:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(Address);

        impl $name {
            #[doc = concat!("Packets with a ", $which, " address in `network`.")]
            pub fn new(network: impl Into<Network>) -> Self {
                Self(Address::within(network.into()))
            }

            #[doc = concat!("Packets with any other ", $which, " address.")]
            pub fn not(network: impl Into<Network>) -> Self {
                Self(Address::outside(network.into()))
            }

            fn offset(family: Family) -> u32 {
                match family {
                    Family::Ipv4 => $v4,
                    Family::Ipv6 => $v6,
                }
            }
        }

        impl MatchKind for $name {
            fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
                self.0.save(f, $option)
            }

            fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
                let offset = Self::offset(encoder.family);
                self.0.encode(encoder, offset);
                Ok(())
            }

            fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
                let offset = Self::offset(decoder.family);
                Address::decode(decoder, offset).map(Self)
            }

            fn check(&self, _protocol: Option<&Protocol>, family: Family) -> Result<(), String> {
                self.0.check(family)
            }

            fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
                let of: fn(&Packet) -> Option<IpAddr> = $of;
                self.0.ask(of(packet), $which)
            }
        }
    };
}

address_match! {
    /// `-s`: the address or network that it comes from.
    Source, "source", "-s", 12, 8, |packet| Some(packet.source())
}

address_match! {
    /// `-d`: the address or network that it goes to.
    Destination, "destination", "-d", 16, 24, Packet::destination
}

/// A network that an address has to be in, or must not be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address {
    network: Network,
    inverted: bool,
}

impl Address {
    fn within(network: Network) -> Self {
        Self {
            network,
            inverted: false,
        }
    }

    fn outside(network: Network) -> Self {
        Self {
            network,
            inverted: true,
        }
    }

    /// `192.0.2.0/25` behind its option; a network that holds every address is left out, as
    /// iptables does.
    fn save(self, f: &mut fmt::Formatter<'_>, option: &str) -> fmt::Result {
        if self.network.prefix_length() == 0 {
            return Ok(());
        }
        let not = if self.inverted { "! " } else { "" };
        write!(f, "{not}{option} {} ", self.network)
    }

    fn ask(self, address: Option<IpAddr>, which: &str) -> Answer {
        match address {
            Some(address) => {
                let within = self.network.contains(address);
                Answer::known(within, format!("it is {address}"))
            }
            None if self.network.prefix_length() == 0 => Answer::yes(""),
            None => Answer::perhaps(format!("its {which}")),
        }
        .inverted(self.inverted)
    }

    fn check(self, family: Family) -> Result<(), String> {
        if self.network.family() != family {
            return Err(format!("{} is not an {family} address", self.network));
        }
        if self.inverted && self.network.prefix_length() == 0 {
            return Err("\"not any address\" matches nothing".to_owned());
        }
        Ok(())
    }

    /// The comparison. When the prefix ends with a byte, only the bytes that count are loaded, so
    /// that no mask is needed.
    fn encode(self, encoder: &mut Encoder<'_>, offset: u32) {
        let Self { network, inverted } = self;
        let prefix = usize::from(network.prefix_length());
        if prefix == 0 {
            return;
        }
        let mut value = network.octets();
        let whole_bytes = prefix % 8 == 0;
        if whole_bytes {
            value.truncate(prefix / 8);
        }
        let length =
            u32::try_from(value.len()).unwrap_or(u32::from(network.family().address_bits() / 8));
        encoder.push(Expression::Payload {
            base: PayloadBase::Network,
            offset,
            length,
        });
        if !whole_bytes {
            encoder.push(Expression::Mask(network.mask()));
        }
        encoder.push(Expression::Compare {
            inverted,
            data: value,
        });
    }

    /// A comparison with the address at this offset.
    fn decode(decoder: &mut Decoder<'_>, offset: u32) -> Option<Self> {
        match decoder.next()? {
            Expression::Payload {
                base: PayloadBase::Network,
                offset: at,
                ..
            } if *at == offset => {}
            _ => return None,
        }
        let compared = decoder.comparison()?;
        let bits = match compared.mask {
            Some(mask) => mask.iter().map(|byte| byte.count_ones()).sum(),
            None => u32::try_from(compared.data.len()).ok()?.checked_mul(8)?,
        };
        let network = Network::of_octets(decoder.family, compared.data, u8::try_from(bits).ok()?)?;
        Some(Self {
            network,
            inverted: compared.inverted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{expressions, refusal, text};
    use super::super::{Destination, Source};
    use super::*;

    #[test]
    fn prefixes_that_end_with_a_byte_need_no_mask() {
        let load = |offset, length| Expression::Payload {
            base: PayloadBase::Network,
            offset,
            length,
        };
        let compare = |data: &[u8]| Expression::Compare {
            inverted: false,
            data: data.to_vec(),
        };
        let source = |text: &str| Source::new(text.parse::<Network>().unwrap());
        assert_eq!(
            expressions(source("192.0.0.0/16"), Family::Ipv4),
            [load(12, 2), compare(&[192, 0])]
        );
        assert_eq!(
            expressions(source("2001:db8::/32"), Family::Ipv6),
            [load(8, 4), compare(&[0x20, 0x01, 0x0d, 0xb8])]
        );
        assert_eq!(
            expressions(source("10.0.0.0/9"), Family::Ipv4),
            [
                load(12, 4),
                Expression::Mask(vec![255, 128, 0, 0]),
                compare(&[10, 0, 0, 0])
            ]
        );
        let host = Destination::new("192.0.2.1".parse::<Network>().unwrap());
        assert_eq!(
            expressions(host, Family::Ipv4),
            [load(16, 4), compare(&[192, 0, 2, 1])]
        );
    }

    #[test]
    fn hosts_print_with_their_prefix_and_everything_prints_as_nothing() {
        let source = |text: &str| Source::new(text.parse::<Network>().unwrap());
        assert_eq!(text(source("192.0.2.1"), Family::Ipv4), "-s 192.0.2.1/32");
        assert_eq!(text(source("0.0.0.0/0"), Family::Ipv4), "");
        assert_eq!(expressions(source("::/0"), Family::Ipv6), []);
    }

    #[test]
    fn the_other_family_is_refused() {
        let source = Source::new("::1".parse::<Network>().unwrap());
        assert_eq!(
            refusal(source, vec![], Family::Ipv4),
            "::1/128 is not an IPv4 address"
        );
    }
}
