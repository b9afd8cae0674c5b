//! `-i` and `-o`: the interface that a packet comes in or leaves by.

use std::fmt;

use super::MatchKind;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression, MetaKey};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family, InterfaceName};

/// A match of one interface: the option of iptables, and what the kernel calls it.
macro_rules! interface_match {
    ($(#[$doc:meta])* $name:ident, $verb:literal, $option:literal, $key:expr, $ask:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(Interface);

        impl $name {
            #[doc = concat!("Packets that ", $verb, " by `name`.")]
            pub fn new(name: InterfaceName) -> Self {
                Self(Interface::named(name))
            }

            #[doc = concat!("Packets that ", $verb, " by any other interface.")]
            pub fn not(name: InterfaceName) -> Self {
                Self(Interface::other_than(name))
            }
        }

        impl MatchKind for $name {
            fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
                self.0.save(f, $option)
            }

            fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
                self.0.encode(encoder, $key);
                Ok(())
            }

            fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
                Interface::decode(decoder, $key).map(Self)
            }

            fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
                self.0.$ask(packet).inverted(self.0.inverted)
            }
        }
    };
}

interface_match! {
    /// `-i`: the interface that packets came in by.
    InInterface, "came in", "-i", MetaKey::InInterface, ask_in
}

interface_match! {
    /// `-o`: the interface that packets leave by.
    OutInterface, "leave", "-o", MetaKey::OutInterface, ask_out
}

/// The interface that it has to be, or must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Interface {
    name: InterfaceName,
    inverted: bool,
}

impl Interface {
    fn named(name: InterfaceName) -> Self {
        Self {
            name,
            inverted: false,
        }
    }

    fn other_than(name: InterfaceName) -> Self {
        Self {
            name,
            inverted: true,
        }
    }

    fn save(&self, f: &mut fmt::Formatter<'_>, option: &str) -> fmt::Result {
        let not = if self.inverted { "! " } else { "" };
        write!(f, "{not}{option} {} ", self.name)
    }

    fn ask_in(&self, packet: &Packet) -> Answer {
        match packet.in_interface() {
            // Which has the name "" then.
            _ if packet.is_sent() => Answer::known(self.is(""), "this host sends it"),
            Some(name) => Answer::known(self.is(name), format!("it comes in by {name}")),
            // Who is not this host has another way.
            None if self.name.as_str() == "lo" => Answer::no("it comes from elsewhere"),
            None => Answer::perhaps("the interface that it comes in by"),
        }
    }

    fn ask_out(&self, packet: &Packet) -> Answer {
        match packet.out_interface() {
            _ if !packet.is_passed_on() && !packet.is_sent() => {
                Answer::known(self.is(""), "it is for this host")
            }
            Some(name) => Answer::known(self.is(name), format!("it leaves by {name}")),
            None => Answer::perhaps("the interface that it leaves by"),
        }
    }

    fn is(&self, name: &str) -> bool {
        match self.name.as_str().strip_suffix('+') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.name.as_str(),
        }
    }

    /// The comparison: with its NUL the whole name is compared, without it the beginning.
    fn encode(&self, encoder: &mut Encoder<'_>, key: MetaKey) {
        let name = self.name.as_str();
        let data = match name.strip_suffix('+') {
            Some(beginning) => beginning.as_bytes().to_vec(),
            None => [name.as_bytes(), b"\0"].concat(),
        };
        encoder.compare(Expression::Meta(key), self.inverted, data);
    }

    fn decode(decoder: &mut Decoder<'_>, key: MetaKey) -> Option<Self> {
        if *decoder.next()? != Expression::Meta(key) {
            return None;
        }
        let compared = decoder.comparison()?;
        let name = match compared.data {
            [name @ .., 0] => String::from_utf8(name.to_vec()).ok()?,
            beginning => String::from_utf8(beginning.to_vec()).ok()? + "+",
        };
        Some(Self {
            name: name.parse().ok()?,
            inverted: compared.inverted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{expressions, text};
    use super::super::{InInterface, OutInterface};
    use super::*;

    #[test]
    fn a_whole_name_is_compared_with_its_nul_and_a_beginning_without() {
        let whole = InInterface::new("eth0".parse().unwrap());
        assert_eq!(text(whole.clone(), Family::Ipv4), "-i eth0");
        assert_eq!(
            expressions(whole, Family::Ipv4),
            [
                Expression::Meta(MetaKey::InInterface),
                Expression::Compare {
                    inverted: false,
                    data: b"eth0\0".to_vec()
                },
            ]
        );
        let beginning = OutInterface::not("wg+".parse().unwrap());
        assert_eq!(text(beginning.clone(), Family::Ipv6), "! -o wg+");
        assert_eq!(
            expressions(beginning, Family::Ipv6),
            [
                Expression::Meta(MetaKey::OutInterface),
                Expression::Compare {
                    inverted: true,
                    data: b"wg".to_vec()
                },
            ]
        );
    }
}
