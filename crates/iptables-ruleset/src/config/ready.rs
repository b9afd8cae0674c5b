//! Services that have a name of their own: what `use` of a `[[service]]` stands for.
//!
//! Each is written as a file would have it. What goes to a group of hosts is not logged: it belongs
//! to no connection, so that each packet would be a line.

/// What stands in a `[[service]]` that uses this name.
pub(super) fn text(name: &str) -> Option<&'static str> {
    let (_, text) = READY.iter().find(|(known, _)| *known == name)?;
    Some(text)
}

/// All names.
pub(super) fn names() -> Vec<&'static str> {
    READY.iter().map(|(name, _)| *name).collect()
}

/// Groups are of RFC 6762, 4795, 5798 and the `UPnP` device architecture.
const READY: &[(&str, &str)] = &[
    ("ping", "protocol = \"icmp\"\ntypes = [\"echo-request\"]"),
    ("ssh", "protocol = \"tcp\"\nports = [22]"),
    ("http", "protocol = \"tcp\"\nports = [80]"),
    ("https", "protocol = \"tcp\"\nports = [443]"),
    ("http3", "protocol = \"udp\"\nports = [443]"),
    ("dns", "protocol = [\"tcp\", \"udp\"]\nports = [53]"),
    ("dns-over-tls", "protocol = \"tcp\"\nports = [853]"),
    ("ntp", "protocol = \"udp\"\nports = [123]"),
    ("dhcp", "protocol = \"udp\"\nports = [67]\nlog = false"),
    (
        "dhcpv6-client",
        "protocol = \"udp\"\nports = [546]\nsources = [\"fe80::/10\"]\nlog = false",
    ),
    (
        "dhcpv6",
        "protocol = \"udp\"\nports = [547]\nsources = [\"fe80::/10\"]\nlog = false",
    ),
    ("tftp", "protocol = \"udp\"\nports = [69]"),
    (
        "mdns",
        "protocol = \"udp\"\nports = [5353]\ndestinations = [\"224.0.0.251\", \"ff02::fb\"]\nlog = false",
    ),
    (
        "llmnr",
        "protocol = \"udp\"\nports = [5355]\ndestinations = [\"224.0.0.252\", \"ff02::1:3\"]\nlog = false",
    ),
    (
        "ssdp",
        "protocol = \"udp\"\nports = [1900]\ndestinations = [\"239.255.255.250\", \"ff02::c\"]\nlog = false",
    ),
    (
        "vrrp",
        "protocol = \"vrrp\"\ndestinations = [\"224.0.0.18\", \"ff02::12\"]\nlog = false",
    ),
    ("ospf", "protocol = \"ospf\"\nlog = false"),
    ("bgp", "protocol = \"tcp\"\nports = [179]"),
    ("smtp", "protocol = \"tcp\"\nports = [25]"),
    ("submission", "protocol = \"tcp\"\nports = [587]"),
    ("smtps", "protocol = \"tcp\"\nports = [465]"),
    ("imap", "protocol = \"tcp\"\nports = [143]"),
    ("imaps", "protocol = \"tcp\"\nports = [993]"),
    ("pop3s", "protocol = \"tcp\"\nports = [995]"),
    ("ldap", "protocol = \"tcp\"\nports = [389]"),
    ("ldaps", "protocol = \"tcp\"\nports = [636]"),
    ("kerberos", "protocol = [\"tcp\", \"udp\"]\nports = [88]"),
    ("nfs", "protocol = \"tcp\"\nports = [2049]"),
    ("samba", "protocol = [\"tcp\"]\nports = [139, 445]"),
    ("rsync", "protocol = \"tcp\"\nports = [873]"),
    ("git", "protocol = \"tcp\"\nports = [9418]"),
    ("syslog", "protocol = \"udp\"\nports = [514]"),
    ("snmp", "protocol = \"udp\"\nports = [161]"),
    ("mysql", "protocol = \"tcp\"\nports = [3306]"),
    ("postgresql", "protocol = \"tcp\"\nports = [5432]"),
    ("rdp", "protocol = [\"tcp\", \"udp\"]\nports = [3389]"),
    ("vnc", "protocol = \"tcp\"\nports = [\"5900:5903\"]"),
    ("sip", "protocol = [\"tcp\", \"udp\"]\nports = [5060, 5061]"),
    ("xmpp", "protocol = \"tcp\"\nports = [5222, 5269]"),
    ("mosh", "protocol = \"udp\"\nports = [\"60000:61000\"]"),
    ("wireguard", "protocol = \"udp\"\nports = [51820]"),
    ("openvpn", "protocol = \"udp\"\nports = [1194]"),
    (
        "ipsec",
        "protocol = [\"udp\", \"esp\", \"ah\"]\nports = [500, 4500]",
    ),
];
