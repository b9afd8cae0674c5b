//! `bitmap:…`.

use ipset_netlink::SetType;

use super::argument::Argument::{From, FromPort, Netmask, Network, PortRange, Range, To, ToPort};
use super::revision::{COMMENT, COUNTERS, INITIAL, SKBINFO};
use super::row::Row;

pub(super) static ROWS: [Row; 3] = [
    Row {
        set_type: SetType::BitmapPort,
        alias: "portmap",
        revisions: (0, &[INITIAL, COUNTERS, COMMENT, SKBINFO]),
        before: &[PortRange],
        after: &[FromPort, ToPort],
        entry: "[PROTO:]PORT|FROM-TO",
        tests_ranges: false,
        usage: &[
            "where PORT, FROM and TO are port numbers or port names from /etc/services.",
            "      PROTO is only needed if a service name is used and it does not exist",
            "      as a TCP service; just the resolved service numer is stored in the set.",
        ],
    },
    Row {
        set_type: SetType::BitmapIpMac,
        alias: "macipmap",
        revisions: (0, &[INITIAL, COUNTERS, COMMENT, SKBINFO]),
        before: &[Range],
        after: &[From, To, Network],
        entry: "IP[,MAC]",
        tests_ranges: false,
        usage: &[
            "where IP, FROM and TO are IPv4 addresses (or hostnames),",
            "      CIDR is a valid IPv4 CIDR prefix.",
            "      MAC is a valid MAC address.",
        ],
    },
    Row {
        set_type: SetType::BitmapIp,
        alias: "ipmap",
        revisions: (0, &[INITIAL, COUNTERS, COMMENT, SKBINFO]),
        before: &[Range, Netmask],
        after: &[From, To, Network],
        entry: "IP|IP/CIDR|FROM-TO",
        tests_ranges: false,
        usage: &[
            "where IP, FROM and TO are IPv4 addresses (or hostnames),",
            "      CIDR is a valid IPv4 CIDR prefix.",
        ],
    },
];
