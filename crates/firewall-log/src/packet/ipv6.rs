//! The IPv6 header and its extension headers.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv6Addr;

use nom::Parser;
use nom::combinator::{cut, opt};
use nom::sequence::{preceded, terminated};

use super::ipsec::Spi;
use super::network::{Network, Quoting};
use super::transport::{Part, Place, Transport};
use crate::input::{
    Parsed, decimal, field, flag, free, gap, hexadecimal, incomplete, literal, mismatch,
};
use crate::render::put;
use crate::trace::Trace;

/// `SRC= DST= LEN= TC= HOPLIMIT= FLOWLBL=`, the extension headers and the protocol above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ipv6<'a> {
    /// `SRC=`; an IPv4-mapped address stays what it is.
    pub source: Ipv6Addr,
    /// `DST=`
    pub destination: Ipv6Addr,
    /// `LEN=`: bytes of the whole packet, its header of 40 included.
    pub length: u32,
    /// `TC=`
    pub traffic_class: u8,
    /// `HOPLIMIT=`
    pub hop_limit: u8,
    /// `FLOWLBL=`
    pub flow_label: u32,
    /// The extension headers the line tells of.
    pub extensions: Extensions<'a>,
    /// The protocol above.
    pub transport: Transport<'a>,
}

impl<'a> Ipv6<'a> {
    /// A packet without extension headers; every other field is 0 until it is set.
    pub fn new(source: Ipv6Addr, destination: Ipv6Addr, transport: Transport<'a>) -> Self {
        let extensions = Extensions::default();
        Self {
            source,
            destination,
            length: 0,
            traffic_class: 0,
            hop_limit: 0,
            flow_label: 0,
            extensions,
            transport,
        }
    }

    /// `quoted`: between the brackets of an ICMP error.
    pub(crate) fn parse(
        input: &'a [u8],
        quoted: bool,
        trace: &mut impl Trace,
    ) -> Parsed<'a, Quoting<'a, Self>> {
        let (rest, source) = free(input, "SRC=", trace)?;
        let (rest, destination) = free(rest, "DST=", trace)?;
        let (rest, length) = free(rest, "LEN=", trace)?;
        let (rest, traffic_class) = free(rest, "TC=", trace)?;
        let (rest, hop_limit) = free(rest, "HOPLIMIT=", trace)?;
        let (rest, flow_label) = free(rest, "FLOWLBL=", trace)?;
        let (rest, (extensions, end)) = Extensions::parse(rest)?;
        let (rest, (transport, inner)) = match end {
            End::Line => (rest, (Transport::None, None)),
            End::Transport { fragment } => {
                let place = Place {
                    ipv6: true,
                    fragment,
                    quoted,
                };
                Transport::parse(rest, place, trace)?
            }
        };
        let header = Self {
            source,
            destination,
            length,
            traffic_class,
            hop_limit,
            flow_label,
            extensions,
            transport,
        };
        Ok((rest, (header, inner)))
    }

    pub(crate) fn render(&self, inner: Option<&Network<'_>>, out: &mut Vec<u8>) {
        put!(
            out,
            "SRC={} DST={} LEN={} ",
            Full(self.source),
            Full(self.destination),
            self.length
        );
        put!(
            out,
            "TC={} HOPLIMIT={} FLOWLBL={} ",
            self.traffic_class,
            self.hop_limit,
            self.flow_label
        );
        self.extensions.render(out);
        self.transport.render(inner, out);
    }
}

/// The kernel's `%pI6`: all 39 characters.
struct Full(Ipv6Addr);

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.segments().iter().enumerate() {
            write!(f, "{}{segment:04x}", if index == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// The extension headers of an IPv6 packet, as far as the line tells of them.
///
/// Without `--log-ip-options` that is the fragment header alone; with it every header is an `OPT (
/// … )`.
#[derive(Clone, Copy, Default)]
pub struct Extensions<'a> {
    logged_as_options: bool,
    spelling: Spelling<'a>,
}

#[derive(Clone, Copy)]
enum Spelling<'a> {
    /// Text of a line that [`Extensions::parse`] has been through.
    Text(&'a [u8]),
    List(&'a [Extension]),
}

impl Default for Spelling<'_> {
    fn default() -> Self {
        Self::List(&[])
    }
}

/// One extension header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// Hop-by-hop options, destination options or routing: `OPT ( )`, which does not say which.
    Options,
    /// `FRAG: [INCOMPLETE] ID:`
    Fragment {
        /// `FRAG:`, in bytes; a multiple of eight.
        offset: u16,
        /// `INCOMPLETE`: more fragments follow.
        more: bool,
        /// `ID:`
        id: u32,
    },
    /// `FRAG:TRUNCATED`: the packet ends inside its fragment header.
    FragmentTruncated,
    /// `OPT ( AH SPI= )`; the line ends here unless the header is whole.
    Ah(Part<Spi>),
    /// `OPT ( ESP SPI= )`; the line ends here.
    Esp(Part<Spi>),
}

/// What follows the extension headers.
enum End {
    Line,
    Transport { fragment: bool },
}

impl<'a> Extensions<'a> {
    /// As a rule without `--log-ip-options` logs them: only fragment headers show.
    pub const fn new(headers: &'a [Extension]) -> Self {
        Self {
            logged_as_options: false,
            spelling: Spelling::List(headers),
        }
    }

    /// As a rule with `--log-ip-options` logs them: each as an `OPT ( … )`.
    pub const fn logged_as_options(headers: &'a [Extension]) -> Self {
        Self {
            logged_as_options: true,
            spelling: Spelling::List(headers),
        }
    }

    /// The headers in order.
    pub fn iter(&self) -> impl Iterator<Item = Extension> + 'a {
        let logged_as_options = self.logged_as_options;
        let (mut text, list) = match self.spelling {
            Spelling::Text(text) => (text, &[][..]),
            Spelling::List(list) => (&[][..], list),
        };
        let mut fragment = false;
        let read = std::iter::from_fn(move || {
            let (rest, header) = Extension::parse(text, logged_as_options, fragment).ok()?;
            text = rest;
            fragment |= header?.is_later_fragment();
            header
        });
        read.chain(list.iter().copied())
    }

    #[inline]
    fn parse(input: &'a [u8]) -> Parsed<'a, (Self, End)> {
        if input.starts_with(b"PROTO=") {
            return Ok((input, (Self::default(), End::Transport { fragment: false })));
        }
        Self::parse_some(input)
    }

    fn parse_some(input: &'a [u8]) -> Parsed<'a, (Self, End)> {
        let logged_as_options = input.starts_with(b"OPT ( ");
        let mut rest = input;
        let mut fragment = false;
        loop {
            let (after, header) = Extension::parse(rest, logged_as_options, fragment)?;
            let text = input.get(..input.len() - after.len()).unwrap_or_default();
            let extensions = Self {
                logged_as_options,
                spelling: Spelling::Text(text),
            };
            rest = after;
            match header {
                None => return Ok((rest, (extensions, End::Transport { fragment }))),
                Some(header) if header.ends_line(fragment) => {
                    return Ok((rest, (extensions, End::Line)));
                }
                Some(header) => fragment |= header.is_later_fragment(),
            }
        }
    }

    fn render(&self, out: &mut Vec<u8>) {
        let mut fragment = false;
        for header in self.iter() {
            match (self.logged_as_options, header) {
                (true, _) => put!(out, "OPT ( "),
                (false, Extension::Fragment { .. } | Extension::FragmentTruncated) => {}
                (false, _) => continue,
            }
            match header {
                Extension::Options => {}
                Extension::Fragment { offset, more, id } => {
                    put!(
                        out,
                        "FRAG:{offset} {}ID:{id:08x} ",
                        if more { "INCOMPLETE " } else { "" }
                    );
                }
                Extension::FragmentTruncated => put!(out, "FRAG:TRUNCATED "),
                Extension::Ah(part) => {
                    put!(out, "AH ");
                    part.render(out, |spi, out| spi.render(out));
                }
                Extension::Esp(part) => {
                    put!(out, "ESP ");
                    part.render(out, |spi, out| spi.render(out));
                }
            }
            if self.logged_as_options && header != Extension::FragmentTruncated {
                put!(
                    out,
                    "{}",
                    if header.ends_line(fragment) {
                        ")"
                    } else {
                        ") "
                    }
                );
            }
            fragment |= header.is_later_fragment();
        }
    }
}

impl Extension {
    fn is_later_fragment(self) -> bool {
        matches!(self, Self::Fragment { offset, .. } if offset != 0)
    }

    /// Whether the kernel stops after this header; `fragment` tells whether an earlier one was a
    /// later fragment's.
    fn ends_line(self, fragment: bool) -> bool {
        match self {
            Self::Options => fragment,
            Self::Fragment { .. } => false,
            Self::FragmentTruncated | Self::Esp(_) => true,
            Self::Ah(part) => part.whole().is_none(),
        }
    }

    fn parse(input: &[u8], as_option: bool, fragment: bool) -> Parsed<'_, Option<Self>> {
        if !as_option {
            return opt(Self::parse_fragment).parse(input);
        }
        let (rest, open) = opt(literal("OPT ( ")).parse(input)?;
        if open.is_none() {
            return Ok((input, None));
        }
        let (rest, header) = cut(|at| Self::parse_option(at, fragment)).parse(rest)?;
        if header == Self::FragmentTruncated {
            return Ok((rest, Some(header)));
        }
        cut(terminated(literal(")"), gap))
            .map(|()| Some(header))
            .parse(rest)
    }

    fn parse_option(input: &[u8], fragment: bool) -> Parsed<'_, Self> {
        match input {
            [b')', ..] => Ok((input, Self::Options)),
            [b'F', ..] => Self::parse_fragment(input),
            [b'A', ..] => preceded(literal("AH "), |at| Part::parse_spi(at, fragment))
                .map(Self::Ah)
                .parse(input),
            [b'E', ..] => preceded(literal("ESP "), |at| Part::parse_spi(at, fragment))
                .map(Self::Esp)
                .parse(input),
            _ => mismatch(input, "FRAG:, AH, ESP or )"),
        }
    }

    fn parse_fragment(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, ()) = literal("FRAG:").parse(input)?;
        let (rest, truncated) = opt(terminated(literal("TRUNCATED"), gap)).parse(rest)?;
        if truncated.is_some() {
            return Ok((rest, Self::FragmentTruncated));
        }
        let (rest, offset) = cut(terminated(decimal, gap)).parse(rest)?;
        let (more, rest) = flag(rest, "INCOMPLETE");
        let (rest, id) = cut(field("ID:", hexadecimal)).parse(rest)?;
        Ok((rest, Self::Fragment { offset, more, id }))
    }
}

impl Part<Spi> {
    fn parse_spi(input: &[u8], fragment: bool) -> Parsed<'_, Self> {
        if fragment && input.starts_with(b")") {
            return Ok((input, Self::Fragment));
        }
        match incomplete(input)? {
            (rest, Some(bytes)) => Ok((rest, Self::Incomplete(bytes))),
            (rest, None) => Spi::parse(rest).map(|(rest, spi)| (rest, Self::Whole(spi))),
        }
    }
}

impl PartialEq for Extensions<'_> {
    fn eq(&self, other: &Self) -> bool {
        let both_empty = self.iter().next().is_none() && other.iter().next().is_none();
        both_empty
            || (self.logged_as_options == other.logged_as_options && self.iter().eq(other.iter()))
    }
}

impl Eq for Extensions<'_> {}

impl Hash for Extensions<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for header in self.iter() {
            (self.logged_as_options, header).hash(state);
        }
    }
}

impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "SRC=2001:0db8:0001:0000:0000:0000:0000:0007 DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=80 TC=1 HOPLIMIT=2 FLOWLBL=3 ";

    fn read_and_written(rest_of_line: &str) -> (Vec<Extension>, Transport<'static>) {
        let text: &'static str = [HEADER, rest_of_line].concat().leak();
        let (rest, (ip, _)) = Ipv6::parse(text.as_bytes(), false, &mut ()).unwrap();
        assert!(rest.is_empty(), "{text}");
        let mut written = Vec::new();
        ip.render(None, &mut written);
        assert_eq!(String::from_utf8_lossy(&written), text);
        (ip.extensions.iter().collect(), ip.transport)
    }

    #[test]
    fn extension_headers_show_bare_or_as_options() {
        let fragment = |offset| Extension::Fragment {
            offset,
            more: offset == 0,
            id: 0xabcd,
        };
        for (text, headers) in [
            ("", vec![]),
            ("FRAG:0 INCOMPLETE ID:0000abcd PROTO=59 ", vec![fragment(0)]),
            ("FRAG:192 ID:0000abcd PROTO=UDP ", vec![fragment(192)]),
            (
                "OPT ( ) OPT ( FRAG:192 ID:0000abcd ) OPT ( )",
                vec![Extension::Options, fragment(192), Extension::Options],
            ),
            (
                "OPT ( AH SPI=0xabc ) PROTO=59 ",
                vec![Extension::Ah(Part::Whole(Spi(0xabc)))],
            ),
            (
                "OPT ( AH INCOMPLETE [2 bytes] )",
                vec![Extension::Ah(Part::Incomplete(2))],
            ),
            (
                "OPT ( ESP SPI=0xc0ffee )",
                vec![Extension::Esp(Part::Whole(Spi(0x00c0_ffee)))],
            ),
            ("FRAG:TRUNCATED ", vec![Extension::FragmentTruncated]),
        ] {
            assert_eq!(read_and_written(text).0, headers, "{text}");
        }
        assert_eq!(read_and_written("TRUNCATED").1, Transport::Truncated);
    }

    #[test]
    fn nothing_follows_where_the_kernel_stops() {
        for text in [
            "OPT ( ESP SPI=0x1 ) PROTO=59 ",
            "OPT ( FRAG:8 ID:00000001 ) OPT ( ) PROTO=59 ",
            "OPT ( AH )",
            "OPT ( ",
            "FRAG:8 ",
        ] {
            let text = [HEADER, text].concat();
            let whole =
                Ipv6::parse(text.as_bytes(), false, &mut ()).is_ok_and(|(rest, _)| rest.is_empty());
            assert!(!whole, "{text}");
        }
    }
}
