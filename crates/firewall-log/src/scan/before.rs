//! What the line before a line says of it: whether it is the same line once more, and since when
//! packets came of which the line says only how many.
//!
//! rsyslog writes the first of equal messages at once, counts those that follow, and when another
//! message of the same input comes, it writes their number in place of them, with the time of the
//! last. So they came after the first, and that is the event before: of the same host, with the
//! same text.

use crate::event::{Event, strip_end, strip_hole};
use crate::time::LogTime;

/// How far before a line the event is looked for. Lines of other programs may stand between.
pub(super) const LOOK_BACK: usize = 4096;

/// The time of the event before a line that says of how many it is the sum, if it is the first of
/// them. `before` is the text before it, of which as much as [`LOOK_BACK`] counts; lines of more
/// than `max_line` bytes are not looked at, nor beyond.
pub(super) fn since(line: &[u8], before: &[u8], max_line: usize) -> Option<LogTime> {
    let repeated = Event::parse(line).ok()?;
    let (start, text) = match before.len().checked_sub(LOOK_BACK) {
        Some(start) => (start, before.get(start..)?),
        None => (0, before),
    };
    let text = text.strip_suffix(b"\n")?;
    // Where it was cut, the first line may be a part of one.
    let is_whole = start == 0 && before.len() < LOOK_BACK;
    let mut lines = text.rsplit(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let is_cut = lines.peek().is_none() && !is_whole;
        if is_cut || strip_end(strip_hole(line)).len() > max_line {
            return None;
        }
        if let Ok(first) = Event::parse(strip_hole(line)) {
            let is_same = first.host == repeated.host
                && first.prefix == repeated.prefix
                && first.packet == repeated.packet;
            return is_same.then_some(first.time);
        }
    }
    None
}

/// Whether a line of the kernel is the same as the one before it, which is at the end of `before`,
/// its time since boot included.
pub(super) fn is_doubled(line: &[u8], before: &[u8]) -> bool {
    let Some(start) = before.len().checked_sub(line.len()) else {
        return false;
    };
    let is_line = start == 0 || before.get(start - 1) == Some(&b'\n');
    let is_same = is_line && line.ends_with(b"\n") && before.get(start..) == Some(line);
    is_same && Event::parse(line).is_ok_and(|event| event.uptime.is_some())
}
