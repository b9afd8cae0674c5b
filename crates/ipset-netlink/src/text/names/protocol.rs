//! Names of protocols: those of this machine, and those that everybody has.

use std::sync::OnceLock;

/// Names of protocols and their numbers (`IPPROTO_*`), as `/etc/protocols` has them.
#[derive(Debug)]
pub struct Protocols {
    known: Vec<Protocol>,
    names: Vec<Option<Box<str>>>,
}

#[derive(Debug)]
struct Protocol {
    number: u8,
    /// Its name and its aliases.
    names: Vec<Box<str>>,
}

impl Protocols {
    /// This machine's, read from `/etc/protocols` when they are first asked for. A machine without
    /// that file knows no names.
    pub fn of_system() -> &'static Self {
        static SYSTEM: OnceLock<Protocols> = OnceLock::new();
        SYSTEM.get_or_init(|| {
            let file = std::fs::read("/etc/protocols").unwrap_or_default();
            Self::parse(&String::from_utf8_lossy(&file))
        })
    }

    fn built_in() -> &'static Self {
        static BUILT_IN: OnceLock<Protocols> = OnceLock::new();
        BUILT_IN.get_or_init(|| Self::parse(PROTOCOLS))
    }

    fn parse(text: &str) -> Self {
        let mut known = Vec::new();
        let mut names = vec![None; 256];
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("");
            let mut fields = line.split_ascii_whitespace();
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
    pub fn number(&self, name: &str) -> Option<u8> {
        self.known
            .iter()
            .find(|protocol| protocol.names.iter().any(|known| **known == *name))
            .map(|protocol| protocol.number)
    }

    /// The name of a protocol.
    pub fn name(&self, number: u8) -> Option<&str> {
        self.names.get(usize::from(number))?.as_deref()
    }
}

/// The number of a protocol by its name, also one that this machine does not know (`icmpv6` is
/// one), or written as a number. The pseudo protocol 0 has no name here, as in `ipset`.
pub(crate) fn protocol(text: &str) -> Option<u8> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return crate::text::words::decimal(text);
    }
    // Most are of these, and need no file.
    if let Some((_, number)) = [("tcp", 6), ("udp", 17)]
        .iter()
        .find(|(name, _)| *name == text)
    {
        return Some(*number);
    }
    let number = Protocols::of_system().number(text);
    number
        .or_else(|| Protocols::built_in().number(text))
        .filter(|number| *number != 0)
}

/// Names that files from other machines can have.
const PROTOCOLS: &str = "
icmp 1 ICMP\nigmp 2 IGMP\nggp 3 GGP\nipencap 4 IP-ENCAP\nst 5 ST\ntcp 6 TCP\negp 8 EGP\nigp 9 IGP
pup 12 PUP\nudp 17 UDP\nhmp 20 HMP\nxns-idp 22 XNS-IDP\nrdp 27 RDP\niso-tp4 29 ISO-TP4
dccp 33 DCCP\nxtp 36 XTP\nddp 37 DDP\nidpr-cmtp 38 IDPR-CMTP\nipv6 41 IPv6\nipv6-route 43 IPv6-Route
ipv6-frag 44 IPv6-Frag\nidrp 45 IDRP\nrsvp 46 RSVP\ngre 47 GRE\nesp 50 IPSEC-ESP\nah 51 IPSEC-AH
skip 57 SKIP\nipv6-icmp 58 IPv6-ICMP icmpv6\nipv6-nonxt 59 IPv6-NoNxt\nipv6-opts 60 IPv6-Opts
rspf 73 RSPF CPHB\nvmtp 81 VMTP\neigrp 88 EIGRP\nospf 89 OSPFIGP\nax.25 93 AX.25\nipip 94 IPIP
etherip 97 ETHERIP\nencap 98 ENCAP\npim 103 PIM\nipcomp 108 IPCOMP\nvrrp 112 VRRP\nl2tp 115 L2TP
isis 124 ISIS\nsctp 132 SCTP\nfc 133 FC\nmobility-header 135 Mobility-Header\nudplite 136 UDPLite
mpls-in-ip 137 MPLS-in-IP\nmanet 138\nhip 139 HIP\nshim6 140 Shim6\nwesp 141 WESP\nrohc 142 ROHC
";

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
        assert_eq!(protocol("gre"), Some(47));
        assert_eq!(protocol("icmpv6"), Some(58));
        assert_eq!(protocol("255"), Some(255));
        for none in ["", "hopopt", "256", "047", "+6", "nothing"] {
            assert_eq!(protocol(none), None, "{none}");
        }
    }
}
