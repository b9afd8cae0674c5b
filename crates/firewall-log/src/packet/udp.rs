//! UDP and UDP-Lite: ports and length.

use crate::input::{Parsed, decimal, read};
use crate::render::put;

/// `SPT= DPT= LEN=`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Udp {
    /// `SPT=`
    pub source_port: u16,
    /// `DPT=`
    pub destination_port: u16,
    /// `LEN=`, the second of the line: bytes of header and data as the header says; of UDP-Lite the checksum coverage.
    pub length: u16,
}

impl Udp {
    #[inline]
    pub(crate) fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, source_port) = read(input, "SPT=", decimal)?;
        let (rest, destination_port) = read(rest, "DPT=", decimal)?;
        let (rest, length) = read(rest, "LEN=", decimal)?;
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
