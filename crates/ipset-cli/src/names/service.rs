//! Ports by the names of services, of `/etc/services`.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::text;

/// The port of a service of a protocol, by `/etc/services`: the protocol as that file writes it.
pub(crate) fn port_of(service: &str, protocol: &str) -> Option<u16> {
    static SYSTEM: OnceLock<Services> = OnceLock::new();
    SYSTEM
        .get_or_init(|| {
            // A machine without the file knows no names.
            let file = std::fs::read("/etc/services").unwrap_or_default();
            Services::parse(&String::from_utf8_lossy(&file))
        })
        .port_of(&text::utf_8(service)?, protocol)
}

/// Ports by the name of the service and, in a list as there are few of each name, of the protocol.
struct Services(HashMap<Box<str>, Vec<(Box<str>, u16)>>);

impl Services {
    fn parse(text: &str) -> Self {
        let mut services: HashMap<Box<str>, Vec<(Box<str>, u16)>> = HashMap::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("");
            let mut fields = line.split_ascii_whitespace();
            let Some(name) = fields.next() else { continue };
            let Some((port, protocol)) = fields.next().and_then(|both| both.split_once('/')) else {
                continue;
            };
            let Ok(port) = port.parse() else { continue };
            for name in std::iter::once(name).chain(fields) {
                services
                    .entry(name.into())
                    .or_default()
                    .push((protocol.into(), port));
            }
        }
        Self(services)
    }

    fn port_of(&self, service: &str, protocol: &str) -> Option<u16> {
        self.0
            .get(service)?
            .iter()
            .find(|(of, _)| **of == *protocol)
            .map(|(_, port)| *port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_go_by_protocol_and_have_aliases() {
        let services = Services::parse(
            "domain 53/tcp\ndomain 53/udp # name server\nhttp\t80/tcp www\nrsh 514/tcp\nsyslog 514/udp\n\
             huge 65536/tcp\nbad\n",
        );
        assert_eq!(services.port_of("domain", "udp"), Some(53));
        assert_eq!(services.port_of("www", "tcp"), Some(80));
        assert_eq!(services.port_of("www", "udp"), None);
        assert_eq!(services.port_of("syslog", "tcp"), None);
        assert_eq!(services.port_of("huge", "tcp"), None);
        assert_eq!(services.port_of("www", "TCP"), None);
    }
}
