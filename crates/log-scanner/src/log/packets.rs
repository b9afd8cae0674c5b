//! An NFLOG group as a log: packets as the kernel logs them, without a file and without a text.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use firewall_log::Event;
use netfilter_host::nflog::{Decoder, Error, Gathering, Group, Item, Received};

/// Datagrams taken before bans have their turn; where there are as many at once, packets come
/// faster than one by one can be handed over.
const AT_ONCE: usize = 512;
/// How long there must have been few before each is handed over by itself again.
const CALM: Duration = Duration::from_secs(1);

/// How long the last packets may take.
const LAST: Duration = Duration::from_secs(2);

/// The packets of a group.
#[derive(Debug)]
pub(crate) struct Packets {
    group: Group,
    decoder: Decoder,
    /// Since when packets are handed over several at a time, or when there were last as many that
    /// this was right.
    flood: Option<Instant>,
    lost: u64,
}

impl Packets {
    /// Reads the group from now on.
    ///
    /// # Errors
    ///
    /// Another program reads it, or the privilege is missing.
    pub(crate) fn bind(group: u16) -> Result<Self, Error> {
        Ok(Self {
            group: Group::bind(group, Gathering::NONE)?,
            decoder: Decoder::default(),
            flood: None,
            lost: 0,
        })
    }

    /// Gives on packets that have come; whether there may be more at once.
    ///
    /// # Errors
    ///
    /// The group cannot be read any longer.
    pub(crate) fn read(&mut self, each: &mut dyn FnMut(&Event<'_>)) -> Result<bool, Error> {
        let mut packets = 0_usize;
        for _ in 0..AT_ONCE {
            match self.group.receive()? {
                Received::Nothing => {
                    self.look_for_calm(packets)?;
                    return Ok(false);
                }
                // The number of the next packet tells how many.
                Received::Overrun => {}
                Received::Datagram => {
                    let lost = &mut self.lost;
                    self.decoder
                        .decode(&self.group, b"", &mut |item| match item {
                            Item::Event(event) => {
                                packets += 1;
                                each(&event);
                            }
                            Item::Lost(number) => *lost += u64::from(number),
                            _ => {}
                        });
                }
            }
        }
        if self.flood.replace(Instant::now()).is_none() {
            self.group.gather(Gathering::SHORT)?;
        }
        Ok(true)
    }

    /// Asks for no more packets, and gives on those that the kernel still has.
    ///
    /// # Errors
    ///
    /// The group cannot be read any longer.
    pub(crate) fn end(&mut self, each: &mut dyn FnMut(&Event<'_>)) -> Result<(), Error> {
        let request = self.group.unbind()?;
        let end = Instant::now() + LAST;
        let mut is_answered = false;
        while !is_answered && Instant::now() < end {
            match self.group.receive()? {
                // The answer is the last, and is there as soon as it was asked.
                Received::Nothing => break,
                Received::Overrun => {}
                Received::Datagram => {
                    let lost = &mut self.lost;
                    self.decoder
                        .decode(&self.group, b"", &mut |item| match item {
                            Item::Event(event) => each(&event),
                            Item::Lost(number) => *lost += u64::from(number),
                            Item::Answer { sequence } => is_answered |= sequence == request,
                            _ => {}
                        });
                }
            }
        }
        Ok(())
    }

    /// Has each packet handed over by itself again once there are few.
    fn look_for_calm(&mut self, packets: usize) -> Result<(), Error> {
        let Some(last) = self.flood else {
            return Ok(());
        };
        if packets >= AT_ONCE {
            self.flood = Some(Instant::now());
        } else if last.elapsed() >= CALM {
            self.flood = None;
            self.group.gather(Gathering::NONE)?;
        }
        Ok(())
    }

    /// How many packets were lost since this was asked last.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Readable when there are packets.
    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.group.as_fd()
    }
}
