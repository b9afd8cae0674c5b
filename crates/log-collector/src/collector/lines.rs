//! Messages of the kernel become lines.

use std::fmt;

use jiff::Timestamp;
use netfilter_host::nflog::{Decoder, Group, Item};

/// Lines not yet written, and what it takes to make them.
#[derive(Debug)]
pub(crate) struct Lines {
    text: Vec<u8>,
    host: Vec<u8>,
    decoder: Decoder,
    /// The kernel dropped something, and no packet has come since whose number would tell how much.
    /// Those that come first were kept from before.
    untold: bool,
    /// Packets known to be lost and not yet asked for.
    lost: u64,
}

impl Lines {
    pub(crate) fn new() -> Self {
        let mut lines = Self {
            text: Vec::new(),
            host: Vec::new(),
            decoder: Decoder::default(),
            untold: false,
            lost: 0,
        };
        lines.ask_host();
        lines
    }

    /// Asks for the host's name again; as in rsyslog's lines it is without its domain.
    pub(crate) fn ask_host(&mut self) {
        let name = nix::unistd::gethostname().unwrap_or_default();
        self.host = legible(name.as_encoded_bytes()).to_vec();
    }

    /// Adds a line for each packet that the group received last; gives the number of the request
    /// that is answered among them.
    pub(crate) fn add(&mut self, group: &Group) -> Option<u32> {
        let mut answered = None;
        let mut foreign = 0_u64;
        let Self {
            text,
            host,
            decoder,
            untold,
            lost,
        } = self;
        decoder.decode(group, host, &mut |item| match item {
            Item::Event(event) => {
                event.render(text);
                text.push(b'\n');
            }
            Item::Lost(packets) => {
                *lost += u64::from(packets);
                text.extend(note(host, &format_args!("{packets} packets lost")));
                *untold = false;
            }
            Item::Answer { sequence } => answered = Some(sequence),
            _ => foreign += 1,
        });
        if foreign > 0 {
            self.add_note(&format_args!("{foreign} packets that are not IP"));
        }
        answered
    }

    /// The kernel dropped packets for us; the number of the next one will tell how many.
    pub(crate) fn overrun(&mut self) {
        self.untold = true;
    }

    pub(crate) fn has_untold_loss(&self) -> bool {
        self.untold
    }

    /// Says that packets were lost, if no packet has told since how many.
    pub(crate) fn tell_loss(&mut self) {
        if std::mem::take(&mut self.untold) {
            self.add_note(&"packets lost, how many is not known");
        }
    }

    /// Packets that were lost since this was asked last.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn add_note(&mut self, text: &dyn fmt::Display) {
        let note = self.note(text);
        self.text.extend_from_slice(&note);
    }

    /// A line of our own: under our name and without `IN=`, so that nobody counts it as a packet.
    pub(crate) fn note(&self, text: &dyn fmt::Display) -> Vec<u8> {
        note(&self.host, text)
    }

    /// All lines added since [`clear`](Self::clear), each with its end.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
    }
}

fn note(host: &[u8], text: &dyn fmt::Display) -> Vec<u8> {
    let stamp = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00");
    let host = String::from_utf8_lossy(host);
    format!("{stamp} {host} log-collector: {text}\n").into_bytes()
}

/// A host's name as it can be read again in a line: what ends in a colon would be the tag of a
/// program there, and what has no letters no word.
fn legible(name: &[u8]) -> &[u8] {
    let name = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    let end = name.iter().rposition(|byte| *byte != b':');
    let name = name.get(..end.map_or(0, |end| end + 1)).unwrap_or_default();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return b"localhost";
    }
    name
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use firewall_log::packet::Network;
    use firewall_log::{Event, LogTime, Packet};

    use super::*;

    #[test]
    fn a_line_can_be_read_again_whatever_the_hosts_name_is() {
        for (name, host) in [
            ("fw", "fw"),
            ("fw.example.org", "fw"),
            ("fw:", "fw"),
            ("kernel:", "kernel"),
            ("fw::", "fw"),
            ("fw[1]:", "fw[1]"),
            ("f:w", "f:w"),
            (":", "localhost"),
            ("", "localhost"),
            ("a b", "localhost"),
            ("kern.warn", "kern"),
            ("\u{e9}", "localhost"),
        ] {
            assert_eq!(legible(name.as_bytes()), host.as_bytes(), "{name}");
            let time = LogTime::Rfc3339(SystemTime::UNIX_EPOCH);
            let packet = Packet::new(Network::Truncated);
            let mut line = Vec::new();
            Event::new(
                time,
                legible(name.as_bytes()),
                b"IPTABLES-BLOCKED: ",
                packet,
            )
            .render(&mut line);
            let read = Event::parse(&line).expect(name);
            assert_eq!(read.host, host.as_bytes(), "{name}");
        }
    }
}
