//! From messages of the kernel to events.

use std::time::{Instant, SystemTime};

use firewall_log::packet::{Link, Octets};
use firewall_log::{Event, LogTime};

use super::decode::{Headers, decode};
use super::interfaces::Interfaces;
use super::message::{Logged, Message};
use super::socket::{COPY_RANGE, Group};

/// What a datagram tells.
#[derive(Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a packet is not to cost an allocation"
)]
pub enum Item<'a> {
    /// A packet that was logged. Its time is when it came in, or where the kernel does not say
    /// that, as of packets of this host's own, now.
    Event(Event<'a>),
    /// So many packets before the next were logged and never came.
    Lost(u32),
    /// A packet that is not one of IP.
    NotIp,
    /// The answer to the request of this number.
    Answer {
        /// The number.
        sequence: u32,
    },
}

/// Makes events of what a group's messages hold.
#[derive(Debug, Default)]
pub struct Decoder {
    interfaces: Interfaces,
    headers: Headers,
    /// The number that the next packet should have.
    next: u32,
}

impl Decoder {
    /// Tells what is in the datagram that the group received last, in order; `host` is the name of
    /// this host in the events.
    pub fn decode(&mut self, group: &Group, host: &[u8], each: &mut dyn FnMut(Item<'_>)) {
        let (now, instant) = (SystemTime::now(), Instant::now());
        for message in group.messages() {
            match message {
                Message::Answer { sequence } => each(Item::Answer { sequence }),
                Message::Packet(logged) => {
                    let lost = self.lost(logged.sequence);
                    if lost > 0 {
                        each(Item::Lost(lost));
                    }
                    each(self.event(&logged, host, now, instant));
                }
            }
        }
    }

    /// The kernel numbers a group's packets when it logs them, so a gap is what was lost on the
    /// way.
    fn lost(&mut self, sequence: Option<u32>) -> u32 {
        let Some(sequence) = sequence else { return 0 };
        let gap = sequence.wrapping_sub(self.next);
        self.next = sequence.wrapping_add(1);
        if gap <= u32::MAX / 2 { gap } else { 0 }
    }

    fn event<'a>(
        &'a mut self,
        logged: &Logged<'a>,
        host: &'a [u8],
        now: SystemTime,
        instant: Instant,
    ) -> Item<'a> {
        let Self {
            interfaces,
            headers,
            ..
        } = self;
        let decoded = decode(
            logged.protocol,
            logged.payload,
            COPY_RANGE,
            logged.mark,
            headers,
        );
        let Some(mut packet) = decoded else {
            return Item::NotIp;
        };
        // The kernel names a bridge's port only where it is not the interface itself.
        let port = |port: u32, interface: u32| if port == interface { 0 } else { port };
        let physical_in = port(logged.physical_in, logged.in_interface);
        let physical_out = port(logged.physical_out, logged.out_interface);
        interfaces.look_up(
            [
                logged.in_interface,
                logged.out_interface,
                physical_in,
                physical_out,
            ],
            instant,
        );
        packet.in_interface = interfaces.name(logged.in_interface);
        packet.out_interface = interfaces.name(logged.out_interface);
        packet.physical_in = interfaces.name(physical_in);
        packet.physical_out = interfaces.name(physical_out);
        packet.link = (logged.in_interface != 0).then(|| Link::Raw {
            header: Octets::from_bytes(logged.link),
            tunnel: None,
        });
        let time = LogTime::Rfc3339(logged.time.unwrap_or(now));
        Item::Event(Event::new(time, host, logged.prefix, packet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_the_numbers_is_what_was_lost() {
        let mut decoder = Decoder::default();
        let numbers = [0, 1, 5, 6, 6, u32::MAX, 0, 3];
        let lost = numbers.map(|number| decoder.lost(Some(number)));
        assert_eq!(lost, [0, 0, 3, 0, 0, 0, 0, 2]);
        assert_eq!(decoder.lost(None), 0);
    }
}
