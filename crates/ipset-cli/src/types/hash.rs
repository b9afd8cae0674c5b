//! `hash:…`. Of two types that could fit an alias, the first is meant.

use ipset_netlink::SetType;

use super::argument::Argument::{
    self, Bitmask, Family, Gc, HashSize, IgnoredFrom, IgnoredNetwork, IgnoredTo, Inet, Inet6,
    MarkMask, MaxElem, Netmask, Probes, Resize,
};
use super::revision::{
    BITMASK, BUCKETSIZE, COMMENT, COUNTERS, FORCEADD, INITIAL, INITIAL_SMALL, NETMASK, NETWORK_0,
    NOMATCH, RANGE, SCTP, SKBINFO, WILDCARD,
};
use super::row::Row;

const HASH: &[Argument] = &[Family, Inet, Inet6, HashSize, MaxElem];
const NONE: &[Argument] = &[];
/// Words of ipset 4, which are read and mean nothing.
const IGNORED: &[Argument] = &[Probes, Resize, IgnoredFrom, IgnoredTo, IgnoredNetwork];

pub(super) static ROWS: [Row; 12] = [
    Row {
        set_type: SetType::HashMac,
        alias: "machash",
        revisions: (0, &[INITIAL, BUCKETSIZE]),
        before: &[HashSize, MaxElem],
        after: NONE,
        entry: "MAC",
        tests_ranges: false,
        usage: &[""],
    },
    Row {
        set_type: SetType::HashIpMac,
        alias: "ipmachash",
        revisions: (0, &[INITIAL, BUCKETSIZE]),
        before: HASH,
        after: NONE,
        entry: "IP,MAC",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP is a valid IPv4 or IPv6 address (or hostname),",
            "      MAC is a MAC address.",
        ],
    },
    Row {
        set_type: SetType::HashNetIface,
        alias: "netifacehash",
        revisions: (
            0,
            &[
                INITIAL, NOMATCH, NETWORK_0, COUNTERS, COMMENT, FORCEADD, SKBINFO, WILDCARD,
                BUCKETSIZE,
            ],
        ),
        before: HASH,
        after: NONE,
        entry: "IP[/CIDR]|FROM-TO,[physdev:]IFACE",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP is a valid IPv4 or IPv6 address (or hostname),",
            "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
            "      Adding/deleting multiple elements with IPv4 is supported.",
        ],
    },
    Row {
        set_type: SetType::HashNetPort,
        alias: "netporthash",
        revisions: (
            1,
            &[
                SCTP, RANGE, NOMATCH, COUNTERS, COMMENT, FORCEADD, SKBINFO, BUCKETSIZE,
            ],
        ),
        before: HASH,
        after: NONE,
        entry: "IP[/CIDR]|FROM-TO,[PROTO:]PORT",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP is a valid IPv4 or IPv6 address (or hostname),",
            "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
            "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
            "      port range is supported both for IPv4 and IPv6.",
        ],
    },
    Row {
        set_type: SetType::HashNetPortNet,
        alias: "netportnethash",
        revisions: (0, &[INITIAL_SMALL, FORCEADD, SKBINFO, BUCKETSIZE]),
        before: HASH,
        after: NONE,
        entry: "IP[/CIDR],[PROTO:]PORT,IP[/CIDR]",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP are valid IPv4 or IPv6 addresses (or hostnames),",
            "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
            "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
            "      in both IP components are supported for IPv4.",
            "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
            "      port range is supported both for IPv4 and IPv6.",
        ],
    },
    Row {
        set_type: SetType::HashNetNet,
        alias: "netnethash",
        revisions: (0, &[INITIAL_SMALL, FORCEADD, SKBINFO, BUCKETSIZE, NETMASK]),
        before: HASH,
        after: &[Bitmask, Netmask],
        entry: "IP[/CIDR]|FROM-TO,IP[/CIDR]|FROM-TO",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP is an IPv4 or IPv6 address (or hostname),",
            "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
            "      IP range is not supported with IPv6.",
        ],
    },
    Row {
        set_type: SetType::HashNet,
        alias: "nethash",
        revisions: (
            0,
            &[
                INITIAL, RANGE, NOMATCH, COUNTERS, COMMENT, FORCEADD, SKBINFO, BUCKETSIZE,
            ],
        ),
        before: HASH,
        after: &[Probes, Resize],
        entry: "IP[/CIDR]",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP is an IPv4 or IPv6 address (or hostname),",
            "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
        ],
    },
    Row {
        set_type: SetType::HashIpPortNet,
        alias: "ipportnethash",
        revisions: (
            1,
            &[
                SCTP, RANGE, NOMATCH, COUNTERS, COMMENT, FORCEADD, SKBINFO, BUCKETSIZE,
            ],
        ),
        before: HASH,
        after: IGNORED,
        entry: "IP,[PROTO:]PORT,IP[/CIDR]",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP are valid IPv4 or IPv6 addresses (or hostnames),",
            "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
            "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
            "      in the first IP component is supported for IPv4.",
            "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
            "      port range is supported both for IPv4 and IPv6.",
        ],
    },
    Row {
        set_type: SetType::HashIpPortIp,
        alias: "ipportiphash",
        revisions: (1, &[SCTP, COUNTERS, COMMENT, FORCEADD, SKBINFO, BUCKETSIZE]),
        before: HASH,
        after: IGNORED,
        entry: "IP,[PROTO:]PORT,IP",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP is a valid IPv4 or IPv6 address (or hostname).",
            "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
            "      in the first IP component is supported for IPv4.",
            "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
            "      port range is supported both for IPv4 and IPv6.",
        ],
    },
    Row {
        set_type: SetType::HashIpMark,
        alias: "ipmarkhash",
        revisions: (0, &[INITIAL_SMALL, FORCEADD, SKBINFO, BUCKETSIZE]),
        before: &[Family, Inet, Inet6, MarkMask, HashSize, MaxElem],
        after: IGNORED,
        entry: "IP,MARK",
        tests_ranges: true,
        usage: &[
            "where depending on the INET family",
            "      IP is a valid IPv4 or IPv6 address (or hostname).",
            "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
            "      is supported for IPv4.",
            "      Adding/deleting single mark element",
            "      is supported both for IPv4 and IPv6.",
        ],
    },
    Row {
        set_type: SetType::HashIpPort,
        alias: "ipporthash",
        revisions: (
            1,
            &[
                SCTP, COUNTERS, COMMENT, FORCEADD, SKBINFO, BUCKETSIZE, NETMASK,
            ],
        ),
        before: HASH,
        after: &[
            Netmask,
            Bitmask,
            Probes,
            Resize,
            IgnoredFrom,
            IgnoredTo,
            IgnoredNetwork,
        ],
        entry: "IP,[PROTO:]PORT",
        tests_ranges: false,
        usage: &[
            "where depending on the INET family",
            "      IP is a valid IPv4 or IPv6 address (or hostname).",
            "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
            "      is supported for IPv4.",
            "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
            "      port range is supported both for IPv4 and IPv6.",
        ],
    },
    Row {
        set_type: SetType::HashIp,
        alias: "iphash",
        revisions: (
            0,
            &[
                INITIAL, COUNTERS, COMMENT, FORCEADD, SKBINFO, BUCKETSIZE, BITMASK,
            ],
        ),
        before: &[Family, Inet, Inet6, HashSize, MaxElem, Netmask, Bitmask],
        after: &[Probes, Resize, Gc],
        entry: "IP",
        tests_ranges: true,
        usage: &[
            "where depending on the INET family",
            "      IP is a valid IPv4 or IPv6 address (or hostname),",
            "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
            "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
            "      is supported for IPv4.",
        ],
    },
];
