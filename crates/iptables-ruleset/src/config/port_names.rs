//! Names for ports.
//!
//! The table is here and not `/etc/services`, so that a file opens the same ports on every host,
//! also on one whose table somebody edited, or that has none when the firewall comes up.

/// The port of this name.
pub(super) fn port(name: &str) -> Option<u16> {
    let (_, port) = NAMES.iter().find(|(known, _)| *known == name)?;
    Some(*port)
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// As IANA has them; the same number whatever the protocol.
const NAMES: &[(&str, u16)] = &[
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("whois", 43),
    ("tacacs", 49),
    ("domain", 53),
    ("dns", 53),
    ("bootps", 67),
    ("dhcp", 67),
    ("bootpc", 68),
    ("tftp", 69),
    ("http", 80),
    ("kerberos", 88),
    ("pop3", 110),
    ("sunrpc", 111),
    ("auth", 113),
    ("nntp", 119),
    ("ntp", 123),
    ("netbios-ns", 137),
    ("netbios-dgm", 138),
    ("netbios-ssn", 139),
    ("imap", 143),
    ("imap2", 143),
    ("snmp", 161),
    ("snmptrap", 162),
    ("bgp", 179),
    ("ldap", 389),
    ("https", 443),
    ("microsoft-ds", 445),
    ("kpasswd", 464),
    ("submissions", 465),
    ("smtps", 465),
    ("isakmp", 500),
    ("syslog", 514),
    ("printer", 515),
    ("dhcpv6-client", 546),
    ("dhcpv6-server", 547),
    ("rtsp", 554),
    ("nntps", 563),
    ("submission", 587),
    ("ipp", 631),
    ("ldaps", 636),
    ("kerberos-adm", 749),
    ("rsync", 873),
    ("ftps-data", 989),
    ("ftps", 990),
    ("telnets", 992),
    ("imaps", 993),
    ("pop3s", 995),
    ("socks", 1080),
    ("openvpn", 1194),
    ("ms-sql-s", 1433),
    ("l2tp", 1701),
    ("pptp", 1723),
    ("radius", 1812),
    ("radius-acct", 1813),
    ("mqtt", 1883),
    ("ssdp", 1900),
    ("nfs", 2049),
    ("docker", 2375),
    ("docker-s", 2376),
    ("iscsi-target", 3260),
    ("mysql", 3306),
    ("ms-wbt-server", 3389),
    ("rdp", 3389),
    ("stun", 3478),
    ("svn", 3690),
    ("ipsec-nat-t", 4500),
    ("sip", 5060),
    ("sips", 5061),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
    ("stuns", 5349),
    ("mdns", 5353),
    ("llmnr", 5355),
    ("postgresql", 5432),
    ("amqps", 5671),
    ("amqp", 5672),
    ("vnc", 5900),
    ("x11", 6000),
    ("redis", 6379),
    ("ircd", 6667),
    ("ircs-u", 6697),
    ("http-alt", 8080),
    ("https-alt", 8443),
    ("mqtts", 8883),
    ("git", 9418),
    ("zabbix-agent", 10050),
    ("zabbix-trapper", 10051),
    ("mongodb", 27017),
    ("wireguard", 51820),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_one_of_the_host() {
        let Ok(services) = std::fs::read_to_string("/etc/services") else {
            return;
        };
        for (name, port) in NAMES {
            let mut ports = services.lines().filter_map(|line| {
                let mut words = line.split('#').next()?.split_whitespace();
                let (first, place) = (words.next()?, words.next()?);
                let named = first == *name || words.any(|alias| alias == *name);
                named.then(|| place.split('/').next()?.parse::<u16>().ok())?
            });
            if let Some(theirs) = ports.next() {
                assert_eq!(theirs, *port, "{name}");
            }
        }
    }
}
