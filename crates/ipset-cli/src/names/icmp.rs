/// Names of ICMP messages.
pub(crate) struct IcmpNames {
    /// How error messages call the protocol.
    pub(crate) protocol: &'static str,
    /// Ascending, each type with its codes, ascending too.
    types: &'static [(u8, &'static [Code])],
}

/// A code, its name, and other names that are understood.
type Code = (u8, &'static str, &'static [&'static str]);

impl IcmpNames {
    /// The name of a type and code.
    pub(crate) fn name(&self, icmp_type: u8, code: u8) -> Option<&'static str> {
        self.messages()
            .find(|(known, (of, ..))| (*known, *of) == (icmp_type, code))
            .map(|(_, (_, name, _))| *name)
    }

    /// Type and code of the first message whose name begins so, in letters of either case.
    pub(crate) fn find(&self, beginning: &str) -> Option<(u8, u8)> {
        let begins = |name: &str| {
            name.get(..beginning.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(beginning))
        };
        self.messages()
            .find(|(_, (_, name, aliases))| {
                begins(name) || aliases.iter().any(|alias| begins(alias))
            })
            .map(|(icmp_type, (code, ..))| (icmp_type, *code))
    }

    /// All names, of each message its own and then the others that are understood.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
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
pub(crate) static ICMP: IcmpNames = IcmpNames {
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
pub(crate) static ICMPV6: IcmpNames = IcmpNames {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_shortened() {
        assert_eq!(ICMP.find("PI"), Some((8, 0)));
        assert_eq!(ICMP.find("echo"), Some((0, 0)));
        assert_eq!(ICMP.find("host-p"), Some((3, 10)));
        assert_eq!(ICMPV6.find("echo"), Some((128, 0)));
        assert_eq!(ICMPV6.find("neig"), Some((135, 0)));
        assert_eq!(ICMP.find("pingx"), None);
        assert_eq!(ICMP.find("8/0"), None);
    }

    #[test]
    fn every_name_means_the_message_it_names() {
        for names in [&ICMP, &ICMPV6] {
            for (icmp_type, (code, name, _)) in names.messages() {
                assert_eq!(names.name(icmp_type, *code), Some(*name));
                assert_eq!(names.find(name), Some((icmp_type, *code)), "{name}");
            }
        }
        assert_eq!(ICMP.name(3, 8), None);
        assert_eq!(ICMPV6.name(1, 2), None);
    }
}
