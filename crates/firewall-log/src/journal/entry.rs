//! The fields of a record that are wanted, and the line that they make.

use jiff::Timestamp;

use crate::render::put;

/// The fields of a record that are wanted, empty where it has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    /// `__REALTIME_TIMESTAMP`, microseconds since 1970.
    time: Vec<u8>,
    /// `_SOURCE_MONOTONIC_TIMESTAMP`, the kernel's own, microseconds since boot.
    uptime: Vec<u8>,
    transport: Vec<u8>,
    facility: Vec<u8>,
    host: Vec<u8>,
    identifier: Vec<u8>,
    pid: Vec<u8>,
    message: Vec<u8>,
}

impl Entry {
    /// Where a field goes by its name.
    pub(super) fn field(&mut self, name: &[u8]) -> Option<&mut Vec<u8>> {
        Some(match name {
            b"__REALTIME_TIMESTAMP" => &mut self.time,
            b"_SOURCE_MONOTONIC_TIMESTAMP" => &mut self.uptime,
            b"_TRANSPORT" => &mut self.transport,
            b"SYSLOG_FACILITY" => &mut self.facility,
            b"_HOSTNAME" => &mut self.host,
            b"SYSLOG_IDENTIFIER" => &mut self.identifier,
            b"_PID" => &mut self.pid,
            b"MESSAGE" => &mut self.message,
            _ => return None,
        })
    }

    /// Whether journald took it from the kernel and the kernel from itself: what a program writes
    /// to /dev/kmsg has another facility.
    fn is_of_the_kernel(&self) -> bool {
        self.transport == b"kernel" && matches!(&self.facility[..], b"" | b"0")
    }

    /// Appends the line and its end.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let at = number(&self.time).and_then(|micros| Timestamp::from_microsecond(micros).ok());
        if let Some(at) = at {
            put!(out, "{}+00:00 ", at.strftime("%Y-%m-%dT%H:%M:%S%.6f"));
        }
        let host = word(&self.host, b":");
        out.extend_from_slice(if host.is_empty() { b"localhost" } else { &host });
        if self.is_of_the_kernel() {
            out.extend_from_slice(b" kernel: ");
            if let Some(micros) = number(&self.uptime).and_then(|micros| u64::try_from(micros).ok())
            {
                put!(out, "[{:5}.{:06}] ", micros / 1_000_000, micros % 1_000_000);
            }
        } else {
            out.push(b' ');
            out.extend_from_slice(&word(&self.identifier, b":[]"));
            out.push(b'[');
            out.extend_from_slice(&word(&self.pid, b":[]"));
            out.extend_from_slice(b"]: ");
        }
        for byte in &self.message {
            match byte {
                b'\t' | b' '.. => out.push(*byte),
                control => put!(out, "\\x{control:02x}"),
            }
        }
        out.push(b'\n');
    }
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A text as a word, without the bytes that would end it or that it must not have.
fn word(text: &[u8], without: &[u8]) -> Vec<u8> {
    let allowed = |byte: &u8| byte.is_ascii_graphic() && !without.contains(byte);
    text.iter().copied().filter(allowed).take(255).collect()
}
