use std::sync::OnceLock;

use super::{fields, read};

/// `/etc/protocols`: names of protocols and their numbers (`IPPROTO_*`).
pub(crate) struct Protocols {
    known: Vec<Protocol>,
    names: Vec<Option<Box<str>>>,
}

struct Protocol {
    number: u8,
    /// Its name and its aliases.
    names: Vec<Box<str>>,
}

impl Protocols {
    /// This machine's, read when they are first asked for.
    pub(crate) fn of_system() -> &'static Self {
        static SYSTEM: OnceLock<Protocols> = OnceLock::new();
        SYSTEM.get_or_init(|| Self::parse(&read("/etc/protocols")))
    }

    fn parse(text: &str) -> Self {
        let mut known = Vec::new();
        let mut names = vec![None; 256];
        for line in text.lines() {
            let mut fields = fields(line);
            let (Some(name), Some(number)) = (fields.next(), fields.next()) else {
                continue;
            };
            let Ok(number) = number.parse::<u8>() else {
                continue;
            };
            if let Some(first @ None) = names.get_mut(usize::from(number)) {
                *first = Some(name.into());
            }
            known.push(Protocol {
                number,
                names: std::iter::once(name).chain(fields).map(Box::from).collect(),
            });
        }
        Self { known, names }
    }

    /// The number of a protocol by its name or an alias.
    pub(crate) fn number(&self, name: &str) -> Option<u8> {
        self.known
            .iter()
            .find(|protocol| protocol.names.iter().any(|known| **known == *name))
            .map(|protocol| protocol.number)
    }

    /// The name of a protocol.
    pub(crate) fn name(&self, number: u8) -> Option<&str> {
        self.names.get(usize::from(number))?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_number_names_it() {
        let protocols = Protocols::parse(
            "# comment\nip\t0\tIP\t# pseudo\nhopopt 0 HOPOPT\nipv6-icmp 58 IPv6-ICMP # x\n\
             bad\nworse 256\n#tcp 6\n",
        );
        assert_eq!(protocols.name(0), Some("ip"));
        assert_eq!(protocols.name(58), Some("ipv6-icmp"));
        assert_eq!(protocols.name(6), None);
        assert_eq!(protocols.number("HOPOPT"), Some(0));
        assert_eq!(protocols.number("IPv6-ICMP"), Some(58));
        assert_eq!(protocols.number("ipv6-ICMP"), None);
        assert_eq!(protocols.number("worse"), None);
    }
}
