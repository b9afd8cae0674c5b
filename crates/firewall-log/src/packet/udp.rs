//! UDP and UDP-Lite: ports and length.

use crate::input::{Parsed, free, port, source_port};
use crate::render::put;
use crate::trace::Trace;

/// `SPT= DPT= LEN=`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Udp {
    /// `SPT=`
    pub source_port: u16,
    /// `DPT=`
    pub destination_port: u16,
    /// `LEN=`, the second of the line: bytes of header and data as the header says; of UDP-Lite the
    /// checksum coverage.
    pub length: u16,
}

impl Udp {
    pub(crate) fn parse<'a>(input: &'a [u8], trace: &mut impl Trace) -> Parsed<'a, Self> {
        let (rest, source_port) = source_port(input, trace)?;
        let (rest, destination_port) = port(rest, trace)?;
        let (rest, length) = free(rest, "LEN=", trace)?;
        Ok((
            rest,
            Self {
                source_port,
                destination_port,
                length,
            },
        ))
    }

    pub(crate) fn render(self, out: &mut Vec<u8>) {
        put!(
            out,
            "SPT={} DPT={} LEN={} ",
            self.source_port,
            self.destination_port,
            self.length
        );
    }
}
