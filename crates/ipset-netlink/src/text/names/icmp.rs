//! What `ipset` calls the types and codes of ICMP and `ICMPv6`.

/// Names of the messages of a protocol.
#[derive(Debug)]
pub struct IcmpNames {
    protocol: &'static str,
    /// Ascending, each type with its codes, ascending too.
    types: &'static [(u8, &'static [Code])],
}

/// A code, its name, and other names that are understood.
type Code = (u8, &'static str, &'static [&'static str]);

impl IcmpNames {
    /// The names of ICMP or `ICMPv6`, by the number of the protocol (`IPPROTO_*`).
    pub fn of(protocol: u8) -> Option<&'static Self> {
        match protocol {
            IPPROTO_ICMP => Some(&ICMP),
            IPPROTO_ICMPV6 => Some(&ICMPV6),
            _ => None,
        }
    }

    /// The protocol, as error messages of `ipset` call it: `ICMP` or `ICMPv6`.
    pub fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// The name of a type and code.
    pub fn name(&self, icmp_type: u8, code: u8) -> Option<&'static str> {
        self.messages()
            .find(|(known, (of, ..))| (*known, *of) == (icmp_type, code))
            .map(|(_, (_, name, _))| *name)
    }

    /// Type and code of the message with this name, in letters of either case.
    pub fn find(&self, name: &str) -> Option<(u8, u8)> {
        self.find_by(|known| known.eq_ignore_ascii_case(name))
    }

    /// Type and code of the first message whose name begins so, in letters of either case: what
    /// `ipset` takes.
    pub fn find_beginning(&self, beginning: &str) -> Option<(u8, u8)> {
        self.find_by(|name| {
            name.get(..beginning.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(beginning))
        })
    }

    fn find_by(&self, is_it: impl Fn(&str) -> bool) -> Option<(u8, u8)> {
        self.messages()
            .find(|(_, (_, name, aliases))| is_it(name) || aliases.iter().any(|alias| is_it(alias)))
            .map(|(icmp_type, (code, ..))| (icmp_type, *code))
    }

    /// All names, of each message its own and then the others that are understood.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.messages().flat_map(|(_, (_, name, aliases))| {
            std::iter::once(*name).chain(aliases.iter().copied())
        })
    }

    fn messages(&self) -> impl Iterator<Item = (u8, &'static Code)> {
        self.types
            .iter()
            .flat_map(|(icmp_type, codes)| codes.iter().map(|code| (*icmp_type, code)))
    }
}

/// ICMP; type and code as in linux/icmp.h.
static ICMP: IcmpNames = IcmpNames {
    protocol: "ICMP",
    types: &[
        (0, &[(0, "echo-reply", &["pong"])]),
        (
            3,
            &[
                (0, "network-unreachable", &[]),
                (1, "host-unreachable", &[]),
                (2, "protocol-unreachable", &[]),
                (3, "port-unreachable", &[]),
                (4, "fragmentation-needed", &[]),
                (5, "source-route-failed", &[]),
                (6, "network-unknown", &[]),
                (7, "host-unknown", &[]),
                (9, "network-prohibited", &[]),
                (10, "host-prohibited", &[]),
                (11, "TOS-network-unreachable", &[]),
                (12, "TOS-host-unreachable", &[]),
                (13, "communication-prohibited", &[]),
                (14, "host-precedence-violation", &[]),
                (15, "precedence-cutoff", &[]),
            ],
        ),
        (4, &[(0, "source-quench", &[])]),
        (
            5,
            &[
                (0, "network-redirect", &[]),
                (1, "host-redirect", &[]),
                (2, "TOS-network-redirect", &[]),
                (3, "TOS-host-redirect", &[]),
            ],
        ),
        (8, &[(0, "echo-request", &["ping"])]),
        (9, &[(0, "router-advertisement", &[])]),
        (10, &[(0, "router-solicitation", &[])]),
        (
            11,
            &[
                (0, "ttl-zero-during-transit", &[]),
                (1, "ttl-zero-during-reassembly", &[]),
            ],
        ),
        (
            12,
            &[
                (0, "ip-header-bad", &[]),
                (1, "required-option-missing", &[]),
            ],
        ),
        (13, &[(0, "timestamp-request", &[])]),
        (14, &[(0, "timestamp-reply", &[])]),
        (17, &[(0, "address-mask-request", &[])]),
        (18, &[(0, "address-mask-reply", &[])]),
    ],
};

/// `ICMPv6`; type and code as in linux/icmpv6.h. The aliases of the neighbour messages are spelt as
/// `ipset` spells them.
static ICMPV6: IcmpNames = IcmpNames {
    protocol: "ICMPv6",
    types: &[
        (
            1,
            &[
                (0, "no-route", &[]),
                (1, "communication-prohibited", &[]),
                (3, "address-unreachable", &[]),
                (4, "port-unreachable", &[]),
            ],
        ),
        (2, &[(0, "packet-too-big", &[])]),
        (
            3,
            &[
                (0, "ttl-zero-during-transit", &[]),
                (1, "ttl-zero-during-reassembly", &[]),
            ],
        ),
        (
            4,
            &[
                (0, "bad-header", &[]),
                (1, "unknown-header-type", &[]),
                (2, "unknown-option", &[]),
            ],
        ),
        (128, &[(0, "echo-request", &["ping"])]),
        (129, &[(0, "echo-reply", &["pong"])]),
        (133, &[(0, "router-solicitation", &[])]),
        (134, &[(0, "router-advertisement", &[])]),
        (
            135,
            &[(0, "neighbour-solicitation", &["neigbour-solicitation"])],
        ),
        (
            136,
            &[(0, "neighbour-advertisement", &["neigbour-advertisement"])],
        ),
        (137, &[(0, "redirect", &[])]),
    ],
};

// linux/in.h and linux/in6.h
const IPPROTO_ICMP: u8 = 1;
const IPPROTO_ICMPV6: u8 = 58;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_shortened() {
        assert_eq!(ICMP.find_beginning("PI"), Some((8, 0)));
        assert_eq!(ICMP.find_beginning("echo"), Some((0, 0)));
        assert_eq!(ICMP.find_beginning("host-p"), Some((3, 10)));
        assert_eq!(ICMPV6.find_beginning("echo"), Some((128, 0)));
        assert_eq!(ICMPV6.find_beginning("neig"), Some((135, 0)));
        assert_eq!(ICMP.find_beginning("pingx"), None);
        assert_eq!(ICMP.find_beginning("8/0"), None);
    }

    #[test]
    fn every_name_means_the_message_it_names() {
        for names in [&ICMP, &ICMPV6] {
            for (icmp_type, (code, name, _)) in names.messages() {
                assert_eq!(names.name(icmp_type, *code), Some(*name));
                assert_eq!(names.find(name), Some((icmp_type, *code)), "{name}");
                let beginning = names.find_beginning(name);
                assert_eq!(beginning, Some((icmp_type, *code)), "{name}");
            }
        }
        assert_eq!(ICMP.find("Ping"), Some((8, 0)));
        assert_eq!(ICMP.find("echo"), None);
        assert_eq!(ICMP.name(3, 8), None);
        assert_eq!(ICMPV6.name(1, 2), None);
    }
}
