//! Names of interfaces; the kernel logs their numbers.

use std::collections::HashMap;
use std::ffi::CString;
use std::time::{Duration, Instant};

use nix::net::if_::if_indextoname;

/// How long a name is believed. Interfaces can be renamed, and asking takes three system calls.
const FRESH: Duration = Duration::from_secs(1);
/// How many names are remembered; containers come and go, and with them their interfaces.
const REMEMBERED: usize = 1024;

/// The names of the interfaces of our network namespace.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    known: HashMap<u32, Known>,
}

#[derive(Debug)]
struct Known {
    name: Vec<u8>,
    asked: Instant,
}

impl Interfaces {
    /// Makes sure that [`name`](Self::name) knows each of `indexes`; 0 is none.
    ///
    /// An interface that is gone by now keeps the name it last had; if we never knew one, it is
    /// `if7` after its number, so that its packets can still be told from others'.
    pub(super) fn look_up(&mut self, indexes: [u32; 4], now: Instant) {
        for index in indexes {
            let fresh = |known: &Known| now.duration_since(known.asked) < FRESH;
            if index == 0 || self.known.get(&index).is_some_and(fresh) {
                continue;
            }
            let name = if_indextoname(index)
                .map(CString::into_bytes)
                .ok()
                // nix 0.31 gives this where libc gives an error.
                .filter(|name| !name.is_empty());
            if self.known.len() >= REMEMBERED && !self.known.contains_key(&index) {
                self.known.clear();
            }
            let known = self.known.entry(index).or_insert_with(|| Known {
                name: format!("if{index}").into_bytes(),
                asked: now,
            });
            known.asked = now;
            if let Some(name) = name {
                known.name = name;
            }
        }
    }

    /// The name of an interface that was looked up; empty for 0.
    pub(super) fn name(&self, index: u32) -> &[u8] {
        self.known.get(&index).map_or(b"", |known| &known.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let mut interfaces = Interfaces::default();
        let now = Instant::now();
        interfaces.look_up([0, 0x7fff_fff0, 0, 0], now);
        assert_eq!(interfaces.name(0), b"");
        assert_eq!(interfaces.name(0x7fff_fff0), b"if2147483632");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut interfaces = Interfaces::default();
        let now = Instant::now();
        for index in 0..3000 {
            interfaces.look_up([0x7000_0000 + index, 0, 0, 0], now);
        }
        assert!(interfaces.known.len() <= REMEMBERED);
        assert_eq!(interfaces.name(0x7000_0000 + 2999), b"if1879051191");
    }
}
