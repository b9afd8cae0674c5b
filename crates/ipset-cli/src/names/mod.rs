//! Names that stand for numbers: services, protocols, ICMP types, hosts.
