//! Packets in parts.

use etherparse::{
    IpFragOffset, Ipv4Header, Ipv4HeaderSlice, Ipv6FragmentHeader, Ipv6Header, Ipv6HeaderSlice,
    ip_number,
};

use crate::packet::Packet;

/// Fragment offsets count these.
const UNIT: usize = 8;

impl Packet {
    /// The packet in two fragments, the first with `units` times 8 bytes of what follows the IP
    /// header.
    ///
    /// # Panics
    ///
    /// When it is no IP packet, has IPv6 extension headers, or is not longer than that.
    pub fn in_two_fragments(&self, units: u16, identification: u16) -> [Self; 2] {
        #[expect(clippy::expect_used, reason = "a test says which packet it means")]
        let fragments = self
            .split(units, identification)
            .expect("the packet can be split there");
        fragments
    }

    fn split(&self, units: u16, identification: u16) -> Option<[Self; 2]> {
        let first = usize::from(units) * UNIT;
        if let Ok(header) = Ipv4HeaderSlice::from_slice(self.bytes()) {
            let payload = self.bytes().get(header.slice().len()..)?;
            let (head, tail) = payload.split_at_checked(first)?;
            let header = Ipv4Header {
                identification,
                ..header.to_header()
            };
            return Some([
                v4(&header, 0, true, head)?,
                v4(&header, units, false, tail)?,
            ]);
        }
        let header = Ipv6HeaderSlice::from_slice(self.bytes()).ok()?;
        let payload = self.bytes().get(header.slice().len()..)?;
        let (head, tail) = payload.split_at_checked(first)?;
        let header = header.to_header();
        Some([
            v6(&header, 0, true, identification, head)?,
            v6(&header, units, false, identification, tail)?,
        ])
    }
}

fn v4(header: &Ipv4Header, offset: u16, more: bool, payload: &[u8]) -> Option<Packet> {
    let mut header = Ipv4Header {
        fragment_offset: offset_of(offset)?,
        more_fragments: more,
        ..header.clone()
    };
    header.set_payload_len(payload.len()).ok()?;
    header.header_checksum = header.calc_header_checksum();
    let mut bytes = Vec::new();
    header.write_raw(&mut bytes).ok()?;
    bytes.extend_from_slice(payload);
    Some(Packet::new(bytes))
}

fn v6(
    header: &Ipv6Header,
    offset: u16,
    more: bool,
    identification: u16,
    payload: &[u8],
) -> Option<Packet> {
    let fragment = Ipv6FragmentHeader {
        next_header: header.next_header,
        fragment_offset: offset_of(offset)?,
        more_fragments: more,
        identification: identification.into(),
    };
    let mut header = Ipv6Header {
        next_header: ip_number::IPV6_FRAG,
        ..header.clone()
    };
    header
        .set_payload_length(Ipv6FragmentHeader::LEN + payload.len())
        .ok()?;
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend_from_slice(&fragment.to_bytes());
    bytes.extend_from_slice(payload);
    Some(Packet::new(bytes))
}

fn offset_of(units: u16) -> Option<IpFragOffset> {
    IpFragOffset::try_new(units).ok()
}
