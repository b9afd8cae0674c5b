//! What the kernel sends of a packet (`linux/netfilter/nfnetlink_log.h`), read in place.
//!
//! The typed attributes of netlink-packet-netfilter copy every value and keep the time and the
//! protocol to themselves; at a hundred thousand packets a second the copies alone cost more than
//! everything else we do.

use std::time::{Duration, SystemTime};

use netlink_packet_core::{NLMSG_ERROR, NlasIterator};

// linux/netfilter/nfnetlink.h: the subsystem is the upper half of the message's type.
const NFNL_SUBSYS_ULOG: u16 = 4;
const NFGENMSG: usize = 4;
// linux/netfilter/nfnetlink_log.h
const NFULNL_MSG_PACKET: u16 = 0;
const NFULA_PACKET_HDR: u16 = 1;
const NFULA_MARK: u16 = 2;
const NFULA_TIMESTAMP: u16 = 3;
const NFULA_IFINDEX_INDEV: u16 = 4;
const NFULA_IFINDEX_OUTDEV: u16 = 5;
const NFULA_IFINDEX_PHYSINDEV: u16 = 6;
const NFULA_IFINDEX_PHYSOUTDEV: u16 = 7;
const NFULA_PAYLOAD: u16 = 9;
const NFULA_PREFIX: u16 = 10;
const NFULA_SEQ: u16 = 12;
const NFULA_HWHEADER: u16 = 16;

/// One message of a datagram.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// A packet that a rule logged.
    Packet(Logged<'a>),
    /// The answer to the request of this number.
    Answer { sequence: u32 },
}

/// What the kernel tells of one packet.
#[derive(Debug, Default)]
pub(super) struct Logged<'a> {
    /// The ethertype of what is in `payload`.
    pub(super) protocol: u16,
    /// The rule's prefix.
    pub(super) prefix: &'a [u8],
    /// Indexes of interfaces, 0 for none.
    pub(super) in_interface: u32,
    pub(super) out_interface: u32,
    pub(super) physical_in: u32,
    pub(super) physical_out: u32,
    /// The header of the frame.
    pub(super) link: &'a [u8],
    /// 0 for none.
    pub(super) mark: u32,
    /// When it came in; a packet of our own has no such time.
    pub(super) time: Option<SystemTime>,
    /// Its number among those of the group.
    pub(super) sequence: Option<u32>,
    /// From its network header on, as much as was asked for.
    pub(super) payload: &'a [u8],
}

/// The messages of a datagram, without those that are of no interest. What cannot be read ends
/// them.
pub(super) fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    netlink_session::messages(datagram)
        .map_while(Result::ok)
        .filter_map(|message| {
            const PACKET: u16 = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET;
            let payload = message.payload();
            match message.message_type() {
                PACKET => Some(Message::Packet(Logged::read(payload.get(NFGENMSG..)?))),
                NLMSG_ERROR => Some(Message::Answer {
                    sequence: message.sequence_number(),
                }),
                _ => None,
            }
        })
}

impl<'a> Logged<'a> {
    /// An attribute that is shorter than its type asks for counts as absent.
    fn read(attributes: &'a [u8]) -> Self {
        let mut logged = Self::default();
        for attribute in NlasIterator::new(attributes) {
            let Ok(attribute) = attribute else { break };
            let (kind, length) = (attribute.kind(), usize::from(attribute.length()));
            let value = attribute.into_inner().get(4..length).unwrap_or_default();
            logged.set(kind, value);
        }
        logged
    }

    fn set(&mut self, kind: u16, value: &'a [u8]) {
        let number = || value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        match kind {
            NFULA_PACKET_HDR => {
                let protocol = value.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
                self.protocol = protocol.unwrap_or_default();
            }
            NFULA_MARK => self.mark = number().unwrap_or_default(),
            NFULA_TIMESTAMP => self.time = time(value),
            NFULA_IFINDEX_INDEV => self.in_interface = number().unwrap_or_default(),
            NFULA_IFINDEX_OUTDEV => self.out_interface = number().unwrap_or_default(),
            NFULA_IFINDEX_PHYSINDEV => self.physical_in = number().unwrap_or_default(),
            NFULA_IFINDEX_PHYSOUTDEV => self.physical_out = number().unwrap_or_default(),
            NFULA_PAYLOAD => self.payload = value,
            NFULA_PREFIX => self.prefix = value.strip_suffix(b"\0").unwrap_or(value),
            NFULA_SEQ => self.sequence = number(),
            NFULA_HWHEADER => self.link = value,
            _ => {}
        }
    }
}

/// Seconds and microseconds, eight bytes each.
fn time(value: &[u8]) -> Option<SystemTime> {
    let (seconds, rest) = value.split_first_chunk()?;
    let micros = u64::from_be_bytes(*rest.first_chunk()?).checked_mul(1000)?;
    let since = Duration::from_secs(u64::from_be_bytes(*seconds));
    SystemTime::UNIX_EPOCH.checked_add(since.checked_add(Duration::from_nanos(micros))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(kind: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + payload.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&0_u16.to_ne_bytes());
        bytes.extend_from_slice(&sequence.to_ne_bytes());
        bytes.extend_from_slice(&0_u32.to_ne_bytes());
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn all_messages_of_a_datagram() {
        let stamp = [1_800_000_000_u64.to_be_bytes(), 194_069_u64.to_be_bytes()].concat();
        let packet = [
            vec![2, 0, 0, 5],
            attribute(NFULA_PACKET_HDR, &[0x08, 0x00, 1, 0]),
            attribute(NFULA_PREFIX, b"IPTABLES-BLOCKED: \0"),
            attribute(NFULA_IFINDEX_INDEV, &7_u32.to_be_bytes()),
            attribute(NFULA_TIMESTAMP, &stamp),
            attribute(NFULA_SEQ, &41_u32.to_be_bytes()),
            attribute(99, b"of a later kernel"),
            attribute(NFULA_PAYLOAD, b"abc"),
        ]
        .concat();
        let short = [
            vec![2, 0, 0, 5],
            attribute(NFULA_TIMESTAMP, &[1, 2, 3]),
            attribute(NFULA_SEQ, &[0]),
        ]
        .concat();
        let datagram = [
            message(NFNL_SUBSYS_ULOG << 8, 0, &packet),
            message(NFNL_SUBSYS_ULOG << 8, 0, &short),
            message(NLMSG_ERROR, 9, &(-1_i32).to_ne_bytes()),
            message(3, 0, &[0; 4]), // NLMSG_DONE closes what was gathered
            b"rubbish".to_vec(),
        ]
        .concat();
        let read: Vec<_> = messages(&datagram).collect();
        let [
            Message::Packet(packet),
            Message::Packet(short),
            Message::Answer { sequence: 9 },
        ] = &read[..]
        else {
            panic!("{read:?}");
        };
        assert_eq!(packet.protocol, 0x0800);
        assert_eq!(packet.prefix, b"IPTABLES-BLOCKED: ");
        assert_eq!((packet.in_interface, packet.out_interface), (7, 0));
        let since = Duration::new(1_800_000_000, 194_069_000);
        assert_eq!(packet.time, Some(SystemTime::UNIX_EPOCH + since));
        assert_eq!(packet.sequence, Some(41));
        assert_eq!(packet.payload, b"abc");
        assert_eq!((short.time, short.sequence), (None, None));
    }

    #[test]
    fn any_cut_is_survived() {
        let packet = [
            vec![2, 0, 0, 5],
            attribute(NFULA_PAYLOAD, b"0123456789"),
            attribute(NFULA_MARK, &[0; 4]),
        ]
        .concat();
        let datagram = message(NFNL_SUBSYS_ULOG << 8, 0, &packet);
        for length in 0..datagram.len() {
            assert_eq!(messages(&datagram[..length]).count(), 0);
        }
        // A length that is a lie, at every place where one stands.
        for at in 0..datagram.len() {
            let mut lie = datagram.clone();
            lie[at] = 0xff;
            assert!(messages(&lie).count() <= 1);
        }
    }
}
