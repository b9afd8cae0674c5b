//! Lines that nearly all of a large file are: `add SET ADDRESS [timeout SECONDS]`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipset_netlink::{Entry, Family, Key, SetType, Timeout};

use crate::command_line::Command;

/// The words of a line that adds or deletes an address or network.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) command: Command,
    pub(super) set: &'a str,
    address: &'a str,
    timeout: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// `None` for every line that could mean anything else.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let mut words = line.split(' ');
        let command = match words.next()? {
            "add" | "-A" => Command::Add,
            "del" | "-D" => Command::Del,
            _ => return None,
        };
        let (set, address) = (words.next()?, words.next()?);
        let timeout = match words.next() {
            None => None,
            Some("timeout") if command == Command::Add => Some(words.next()?),
            Some(_) => return None,
        };
        words.next().is_none().then_some(Self {
            command,
            set,
            address,
            timeout,
        })
    }

    /// The entry of a set of this type and family, if the line says one without more ado.
    pub(super) fn entry(&self, set_type: &SetType, family: Family) -> Option<Entry> {
        let key = match (set_type, self.address.split_once('/')) {
            (SetType::HashIp | SetType::HashNet | SetType::BitmapIp, None) => {
                Key::ip(address(self.address, family)?)
            }
            (SetType::HashNet, Some((network, bits))) => {
                let bits = number(bits).filter(|bits| *bits > 0)?;
                Key::net(address(network, family)?, u8::try_from(bits).ok()?).ok()?
            }
            _ => return None,
        };
        let entry = Entry::new(key);
        match self.timeout {
            None => Some(entry),
            Some(seconds) => Some(entry.timeout(Timeout::from_secs(number(seconds)?).ok()?)),
        }
    }
}

fn address(text: &str, family: Family) -> Option<IpAddr> {
    match family {
        Family::Inet => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        Family::Inet6 => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    }
}

/// A number that has one meaning: a leading zero would make it octal.
fn number(text: &str) -> Option<u32> {
    let plain = text == "0" || text.starts_with(|first| matches!(first, '1'..='9'));
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str, set_type: &SetType, family: Family) -> Option<String> {
        let entry = Line::read(line.as_bytes())?.entry(set_type, family)?;
        let timeout = entry
            .timeout
            .map_or(String::new(), |timeout| format!(" {}", timeout.as_secs()));
        Some(format!("{}{timeout}", entry.key))
    }

    #[test]
    fn plain_lines_are_read() {
        for (line, set_type, family, expected) in [
            (
                "add s 192.0.2.1\n",
                SetType::HashIp,
                Family::Inet,
                "192.0.2.1",
            ),
            (
                "-A s 192.0.2.1\n",
                SetType::BitmapIp,
                Family::Inet,
                "192.0.2.1",
            ),
            (
                "del s 192.0.2.0/24\n",
                SetType::HashNet,
                Family::Inet,
                "192.0.2.0/24",
            ),
            (
                "add s 192.0.2.9/24 timeout 10\n",
                SetType::HashNet,
                Family::Inet,
                "192.0.2.0/24 10",
            ),
            (
                "add s 2001:db8::1 timeout 0\n",
                SetType::HashIp,
                Family::Inet6,
                "2001:db8::1 0",
            ),
        ] {
            assert_eq!(
                entry(line, &set_type, family).as_deref(),
                Some(expected),
                "{line}"
            );
        }
    }

    #[test]
    fn what_takes_thought_is_left_to_others() {
        for line in [
            "",
            "\n",
            "add s 192.0.2.1",
            "add s 192.0.2.1\r\n",
            "add  s 192.0.2.1\n",
            "add s\t192.0.2.1\n",
            "ad s 192.0.2.1\n",
            "add s \"192.0.2.1\"\n",
            "add s 192.0.2.1 -exist\n",
            "add s 192.0.2.1 timeout\n",
            "add s 192.0.2.1 timeout 010\n",
            "add s 192.0.2.1 timeout +1\n",
            "add s 192.0.2.1 timeout 2147484\n",
            "add s 192.0.2.1 timeout 1 timeout 1\n",
            "del s 192.0.2.1 timeout 1\n",
            "add s 192.0.2.01\n",
            "add s 192.0.2.0/0\n",
            "add s 192.0.2.0/33\n",
            "add s 192.0.2.0/024\n",
            "add s 192.0.2.1-192.0.2.9\n",
            "add s 2001:db8::1\n",
            "add s localhost\n",
        ] {
            assert_eq!(entry(line, &SetType::HashNet, Family::Inet), None, "{line}");
        }
        // Each of its addresses would be added.
        let network = "add s 192.0.2.0/24\n";
        assert_eq!(entry(network, &SetType::HashIp, Family::Inet), None);
        assert_eq!(
            entry("add s 192.0.2.1\n", &SetType::HashIpPort, Family::Inet),
            None
        );
    }
}
