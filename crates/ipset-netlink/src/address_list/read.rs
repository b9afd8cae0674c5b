//! Lists as text: an address, a network or a range a line.

use std::fmt;
use std::net::IpAddr;

use super::AddressList;
use super::number::Number;
use super::ranges::{Range, Ranges};
use crate::key::Fault;
use crate::{AddressRange, KeyError, Network};

/// Reads lists, line by line.
///
/// A line is an address, a network (`192.0.2.0/24`, host bits are cleared) or a range
/// (`192.0.2.1-192.0.2.9`), of either family. What follows a `#` or a `;` is a comment; blank lines,
/// blanks around all this, and a carriage return at the end are passed over. Several texts make one
/// list.
///
/// ```
/// use ipset_netlink::Family;
/// use ipset_netlink::address_list::ListReader;
///
/// let mut reader = ListReader::new();
/// reader.read(b"# an office\n192.0.2.0/25\n192.0.2.128 - 192.0.2.255\n2001:db8::1 ; a server\n")?;
/// let wrong = reader.read(b"192.0.2.1\n\n<html>\n").unwrap_err();
/// assert_eq!(wrong.lines()[0].number(), 3);
///
/// let list = reader.finish();
/// let networks = list.networks(Family::Inet).map(|network| network.to_string());
/// assert_eq!(networks.collect::<Vec<_>>(), ["192.0.2.0/24"]);
/// # Ok::<(), ipset_netlink::address_list::BadLines>(())
/// ```
#[derive(Debug, Default)]
pub struct ListReader {
    v4: Vec<Range<u32>>,
    v6: Vec<Range<u128>>,
    only_single: bool,
}

impl ListReader {
    /// A reader that takes addresses, networks and ranges.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that takes single addresses, as a `hash:ip` set does.
    pub fn of_single_addresses() -> Self {
        Self {
            only_single: true,
            ..Self::default()
        }
    }

    /// Reads a text; how many entries it has.
    ///
    /// # Errors
    ///
    /// The lines that cannot be read. The others are in the list all the same.
    pub fn read(&mut self, text: &[u8]) -> Result<u64, BadLines> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let mut entries = 0;
        let mut bad = BadLines::default();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            // Nearly every line of a long list is one of these.
            if self.plain_line(line) {
                entries += 1;
                continue;
            }
            let comment = line.iter().position(|byte| matches!(byte, b'#' | b';'));
            let line = comment.and_then(|at| line.get(..at)).unwrap_or(line);
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            match self.line(line) {
                Ok(()) => entries += 1,
                Err(reason) => bad.note(number, reason),
            }
        }
        if bad.count == 0 {
            Ok(entries)
        } else {
            Err(bad)
        }
    }

    /// The list of all that was read.
    pub fn finish(self) -> AddressList {
        AddressList {
            v4: Ranges::merged(self.v4),
            v6: Ranges::merged(self.v6),
        }
    }

    /// Reads a line that is an address or a network of IPv4 and nothing else; whether it is one.
    fn plain_line(&mut self, line: &[u8]) -> bool {
        let Some((address, host_bits)) = ipv4_network(line) else {
            return false;
        };
        if self.only_single && (host_bits > 0 || address == 0) {
            return false;
        }
        let first = address & !0_u32.network_end(host_bits);
        let last = first.network_end(host_bits);
        self.v4.push(Range { first, last });
        true
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Reason> {
        if self.plain_line(line) {
            return Ok(());
        }
        let range = range(line)?;
        if self.only_single {
            only_single(range)?;
        }
        match (range.first(), range.last()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => self.v4.push(Range {
                first: first.to_bits(),
                last: last.to_bits(),
            }),
            (IpAddr::V6(first), IpAddr::V6(last)) => self.v6.push(Range {
                first: first.to_bits(),
                last: last.to_bits(),
            }),
            // No range is of both families.
            _ => {}
        }
        Ok(())
    }
}

/// `192.0.2.0/24`, and how many bits are open; `None` for anything else, be it right or wrong.
fn ipv4_network(line: &[u8]) -> Option<(u32, u8)> {
    let mut address = 0_u32;
    let mut rest = line;
    for octet in 0..4 {
        if octet > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (number, after) = number(rest)?;
        address = address << 8 | u32::from(number);
        rest = after;
    }
    if rest.is_empty() {
        return Some((address, 0));
    }
    let (prefix, after) = number(rest.strip_prefix(b"/")?)?;
    (after.is_empty() && prefix <= <u32 as Number>::BITS)
        .then(|| (address, <u32 as Number>::BITS - prefix))
}

/// A number up to 255 without a zero before it, and what follows.
fn number(text: &[u8]) -> Option<(u8, &[u8])> {
    let digits = text.iter().take(4).take_while(|byte| byte.is_ascii_digit());
    let length = digits.count();
    let (digits, rest) = text.split_at_checked(length)?;
    if digits.is_empty() || length > 1 && digits.starts_with(b"0") {
        return None;
    }
    let value = |value: u16, digit: &u8| value * 10 + u16::from(digit & 0xf);
    let value = digits.iter().take(3).fold(0, value);
    (length <= 3).then(|| Some((u8::try_from(value).ok()?, rest)))?
}

fn range(line: &[u8]) -> Result<AddressRange, Reason> {
    let not_one = || {
        let text = String::from_utf8_lossy(line);
        let shown: String = text.chars().take(MOST_SHOWN).collect();
        Reason::from(Fault::Text(shown.into()))
    };
    let text = std::str::from_utf8(line).map_err(|_| not_one())?;
    let address = |text: &str| {
        let address: IpAddr = text.trim_ascii().parse().map_err(|_| not_one())?;
        match address {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Err(Reason::Mapped(address)),
            _ => Ok(address),
        }
    };
    if let Some((first, last)) = text.split_once('-') {
        return Ok(AddressRange::new(address(first)?, address(last)?)?);
    }
    let Some((network, prefix)) = text.split_once('/') else {
        return Ok(AddressRange::from(address(text)?));
    };
    let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = prefix.parse().ok().filter(|_| digits).ok_or_else(not_one)?;
    Ok(Network::new(address(network)?, prefix)?.into())
}

/// What a set of single addresses takes.
fn only_single(range: AddressRange) -> Result<(), Reason> {
    if range.first() != range.last() {
        return Err(Reason::NotSingle(range));
    }
    if range.first().is_unspecified() {
        return Err(Reason::Nobody(range.first()));
    }
    Ok(())
}

/// Lines of a list that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadLines {
    lines: Vec<BadLine>,
    count: u64,
}

impl BadLines {
    /// The first of them, at most 100.
    pub fn lines(&self) -> &[BadLine] {
        &self.lines
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    fn note(&mut self, number: usize, reason: Reason) {
        self.count += 1;
        if self.lines.len() < MOST_LINES {
            self.lines.push(BadLine { number, reason });
        }
    }
}

impl fmt::Display for BadLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.lines.first() {
            write!(f, "line {}: {first}", first.number)?;
        }
        match self.count {
            0 | 1 => Ok(()),
            count => write!(f, ", and {} more lines", count - 1),
        }
    }
}

impl std::error::Error for BadLines {}

/// A line that cannot be read; as text it is the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    number: usize,
    reason: Reason,
}

impl BadLine {
    /// Its number, the first being 1.
    pub fn number(&self) -> usize {
        self.number
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{0} never appears in a packet: write it as an IPv4 address")]
    Mapped(IpAddr),
    #[error("{0} is more than one address, and a set of type hash:ip takes single addresses only")]
    NotSingle(AddressRange),
    #[error("{0} is no address of anybody")]
    Nobody(IpAddr),
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        Self::Key(KeyError(fault))
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bad lines that are told.
const MOST_LINES: usize = 100;
/// Characters of a line that are told.
const MOST_SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;

    fn networks(text: &str) -> String {
        let mut reader = ListReader::new();
        reader.read(text.as_bytes()).unwrap();
        let list = reader.finish();
        let both = [Family::Inet, Family::Inet6].map(|family| {
            let networks = list.networks(family).map(|network| network.to_string());
            networks.collect::<Vec<_>>().join(" ")
        });
        both.join(" | ")
    }

    fn wrong(reader: &mut ListReader, line: &str) -> String {
        let wrong = reader.read(line.as_bytes()).unwrap_err();
        assert_eq!((wrong.count(), wrong.lines().len()), (1, 1));
        wrong.lines()[0].to_string()
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1/32 | "),
            ("\u{feff}192.0.2.77/24\r\n", "192.0.2.0/24 | "),
            ("192.0.2.1-192.0.2.2", "192.0.2.1/32 192.0.2.2/32 | "),
            (" 192.0.2.0 - 192.0.2.255\t# all", "192.0.2.0/24 | "),
            ("1.10.16.0/20 ; SBL256894\n; x\n\n#", "1.10.16.0/20 | "),
            ("2001:DB8::/32\n192.0.2.1", "192.0.2.1/32 | 2001:db8::/32"),
            ("2001:db8::2-2001:db8::3", " | 2001:db8::2/127"),
            ("0.0.0.0/0", "0.0.0.0/1 128.0.0.0/1 | "),
            ("::/0", " | ::/1 8000::/1"),
            (
                "255.255.255.255\n255.255.255.254/32",
                "255.255.255.254/31 | ",
            ),
            ("", " | "),
        ] {
            assert_eq!(networks(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_line_is_told_with_its_reason() {
        let mut reader = ListReader::new();
        for line in [
            "host.example",
            "192.0.2.300",
            "192.0.2.010",
            "192.0.2",
            "192.0.2.1/",
            "192.0.2.1/+8",
            "192.0.2.1 192.0.2.2",
            "192.0.2.1-",
            "fe80::1%eth0",
        ] {
            let why = wrong(&mut reader, line);
            assert!(why.contains("is neither an address nor a network"), "{why}");
        }
        assert_eq!(
            wrong(&mut reader, "192.0.2.1/33"),
            "a prefix of 33 bits is longer than the address 192.0.2.1"
        );
        assert!(wrong(&mut reader, "192.0.2.9-192.0.2.1").contains("is not a range"));
        assert!(wrong(&mut reader, "192.0.2.1-2001:db8::").contains("is not a range"));
        assert!(wrong(&mut reader, "::ffff:192.0.2.1").contains("write it as an IPv4"));
        assert!(wrong(&mut reader, &"x".repeat(5000)).len() < 200);
        assert!(reader.finish().is_empty());

        let mut single = ListReader::of_single_addresses();
        assert!(wrong(&mut single, "192.0.2.0/24").contains("single addresses only"));
        assert!(wrong(&mut single, "2001:db8::1-2001:db8::2").contains("single addresses"));
        assert_eq!(
            wrong(&mut single, "0.0.0.0"),
            "0.0.0.0 is no address of anybody"
        );
        assert_eq!(single.read(b"192.0.2.1/32\n2001:db8::1-2001:db8::1"), Ok(2));
    }

    #[test]
    fn of_many_bad_lines_the_first_are_kept() {
        let text = "x\n".repeat(1000);
        let wrong = ListReader::new().read(text.as_bytes()).unwrap_err();
        assert_eq!((wrong.count(), wrong.lines().len()), (1000, 100));
        assert!(
            wrong.to_string().ends_with(", and 999 more lines"),
            "{wrong}"
        );
    }
}
