//! TCP: ports, window, flags.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::sequence::{preceded, terminated};

use super::octets::Octets;
use crate::input::{
    Parsed, decimal, flag, free, gap, literal, port, prefixed_hexadecimal, read, traced,
};
use crate::render::put;
use crate::trace::{Kind, Trace};

/// `SPT= DPT= [SEQ= ACK=] WINDOW= RES= flags URGP= [OPT (…)]`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tcp<'a> {
    /// `SPT=`
    pub source_port: u16,
    /// `DPT=`
    pub destination_port: u16,
    /// `SEQ= ACK=`, under `--log-tcp-sequence`.
    pub sequence: Option<Sequence>,
    /// `WINDOW=`, as it stands in the header: not scaled.
    pub window: u16,
    /// `RES=`: the reserved bits, and on older kernels CWR and ECE among them.
    pub reserved: u8,
    /// The flags that are set.
    pub flags: TcpFlags,
    /// `URGP=`
    pub urgent_pointer: u16,
    /// `OPT (…)`, under `--log-tcp-options`.
    pub options: TcpOptions<'a>,
}

/// `SEQ= ACK=`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// `SEQ=`
    pub number: u32,
    /// `ACK=`; the bare word `ACK` is a flag.
    pub acknowledged: u32,
}

/// The options of a TCP header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TcpOptions<'a> {
    /// None, or the rule does not log them.
    #[default]
    Absent,
    /// `OPT (020405B4)`: the octets of the options.
    Logged(Octets<'a>),
    /// `OPT (TRUNCATED)`: the packet ends inside them, and so does the line.
    Truncated,
}

/// The flags of a TCP header, in the order in which the kernel prints them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(u16);

/// The kernel's order; the index is the bit in [`TcpFlags`].
const NAMES: [&str; 9] = ["AE", "CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"];

#[expect(missing_docs, reason = "each is the flag of its name")]
impl TcpFlags {
    pub const AE: Self = Self(1);
    pub const CWR: Self = Self(1 << 1);
    pub const ECE: Self = Self(1 << 2);
    pub const URG: Self = Self(1 << 3);
    pub const ACK: Self = Self(1 << 4);
    pub const PSH: Self = Self(1 << 5);
    pub const RST: Self = Self(1 << 6);
    pub const SYN: Self = Self(1 << 7);
    pub const FIN: Self = Self(1 << 8);
}

impl TcpFlags {
    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of the flags that are set, in the kernel's order: AE CWR ECE URG ACK PSH RST SYN
    /// FIN.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES
            .iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & 1 << bit != 0)
            .map(|(_, name)| *name)
    }

    #[inline]
    fn parse(input: &[u8]) -> (&[u8], Self) {
        // SYN alone is what a scan looks like.
        if let Some(rest) = input.strip_prefix(b"SYN URGP=") {
            let length = input.len() - rest.len() - b"URGP=".len();
            return (input.get(length..).unwrap_or_default(), Self::SYN);
        }
        // One after the other and not in a loop, so that each name is compared as the number it is.
        let (ae, rest) = flag(input, "AE");
        let (cwr, rest) = flag(rest, "CWR");
        let (ece, rest) = flag(rest, "ECE");
        let (urg, rest) = flag(rest, "URG");
        let (ack, rest) = flag(rest, "ACK");
        let (psh, rest) = flag(rest, "PSH");
        let (abort, rest) = flag(rest, "RST");
        let (syn, rest) = flag(rest, "SYN");
        let (fin, rest) = flag(rest, "FIN");
        let set = [ae, cwr, ece, urg, ack, psh, abort, syn, fin];
        let bits = set
            .into_iter()
            .rfold(0, |bits, set| bits << 1 | u16::from(set));
        (rest, Self(bits))
    }
}

impl Sequence {
    fn parse<'a>(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Self> {
        let (rest, number) = free(input, "SEQ=", trace)?;
        let (rest, acknowledged) = free(rest, "ACK=", trace)?;
        let sequence = Self {
            number,
            acknowledged,
        };
        Ok((rest, sequence))
    }
}

impl<'a> Tcp<'a> {
    pub(crate) fn parse(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Self> {
        let (rest, source_port) = free(input, "SPT=", trace)?;
        let (rest, destination_port) = port(rest, trace)?;
        let (rest, sequence) = match rest {
            [b'S', b'E', ..] => {
                Sequence::parse(rest, trace).map(|(rest, sequence)| (rest, Some(sequence)))?
            }
            _ => (rest, None),
        };
        let (rest, window) = free(rest, "WINDOW=", trace)?;
        let (rest, reserved) = read(rest, "RES=", prefixed_hexadecimal)?;
        let (rest, flags) = TcpFlags::parse(rest);
        let (rest, urgent_pointer) = read(rest, "URGP=", decimal)?;
        let (rest, options) = TcpOptions::parse(rest, trace)?;
        let header = Self {
            source_port,
            destination_port,
            sequence,
            window,
            reserved,
            flags,
            urgent_pointer,
            options,
        };
        Ok((rest, header))
    }

    pub(crate) fn render(&self, out: &mut Vec<u8>) {
        put!(
            out,
            "SPT={} DPT={} ",
            self.source_port,
            self.destination_port
        );
        if let Some(Sequence {
            number,
            acknowledged,
        }) = self.sequence
        {
            put!(out, "SEQ={number} ACK={acknowledged} ");
        }
        put!(out, "WINDOW={} RES=0x{:02x} ", self.window, self.reserved);
        self.flags.names().for_each(|name| put!(out, "{name} "));
        put!(out, "URGP={} ", self.urgent_pointer);
        match self.options {
            TcpOptions::Absent => {}
            TcpOptions::Logged(octets) => super::render_options(octets, out),
            TcpOptions::Truncated => put!(out, "OPT (TRUNCATED)"),
        }
    }
}

impl<'a> TcpOptions<'a> {
    fn parse(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Self> {
        if !input.starts_with(b"OPT (") {
            return Ok((input, Self::Absent));
        }
        let octets = |at| traced(at, Kind::Joined, Octets::parse_joined, trace);
        let truncated = terminated(literal("TRUNCATED)"), gap).map(|()| Self::Truncated);
        let logged = terminated(octets, (literal(")"), gap)).map(Self::Logged);
        let options = opt(preceded(literal("OPT ("), cut(alt((truncated, logged)))));
        options.map(Option::unwrap_or_default).parse(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_and_written(text: &str) -> Tcp<'_> {
        let (rest, value) = Tcp::parse(text.as_bytes(), &mut ()).unwrap();
        assert!(rest.is_empty(), "{text}");
        let mut written = Vec::new();
        value.render(&mut written);
        assert_eq!(String::from_utf8_lossy(&written), text);
        value
    }

    #[test]
    fn the_word_ack_is_a_flag_and_the_key_a_number() {
        let tcp = read_and_written(
            "SPT=1 DPT=2 SEQ=3 ACK=4 WINDOW=5 RES=0x38 ACK SYN URGP=6 OPT (0204) ",
        );
        assert_eq!(
            tcp.sequence,
            Some(Sequence {
                number: 3,
                acknowledged: 4
            })
        );
        assert_eq!(tcp.flags, TcpFlags::ACK.with(TcpFlags::SYN));
        assert!(tcp.flags.contains(TcpFlags::SYN) && !tcp.flags.contains(TcpFlags::FIN));
        assert_eq!(tcp.reserved, 0x38);
        let tcp = read_and_written(
            "SPT=1 DPT=2 WINDOW=5 RES=0x00 AE CWR ECE URG ACK PSH RST SYN FIN URGP=0 ",
        );
        assert_eq!(tcp.flags.names().collect::<Vec<_>>(), NAMES);
        assert_eq!(
            read_and_written("SPT=1 DPT=2 WINDOW=5 RES=0x00 URGP=0 OPT (TRUNCATED)").options,
            TcpOptions::Truncated
        );
    }

    #[test]
    fn flags_out_of_order_and_values_out_of_range_are_refused() {
        for text in [
            "SPT=1 DPT=2 WINDOW=5 RES=0x00 SYN ACK URGP=0 ",
            "SPT=65536 DPT=2 WINDOW=5 RES=0x00 URGP=0 ",
            "SPT=1 DPT=2 SEQ=1 WINDOW=5 RES=0x00 URGP=0 ",
            "SPT=1 DPT=2 WINDOW=5 RES=0x00 SYN ",
            "SPT=1 DPT=2 WINDOW=5 RES=00 URGP=0 ",
            "SPT=1 DPT=2 WINDOW=5 RES=0x00 URGP=0 OPT () ",
        ] {
            assert!(Tcp::parse(text.as_bytes(), &mut ()).is_err(), "{text}");
        }
    }
}
