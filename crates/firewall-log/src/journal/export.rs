//! Records as `journalctl -o export` writes them: a field a line, `NAME=value`; where the value is
//! no text, `NAME`, its length in eight bytes, the lowest first, and the value; an empty line after
//! each record.

use std::io::{self, BufRead, Read as _};

use super::FIELD_MAX;
use super::entry::Entry;

/// The next record; `None` at the end. Of one that ends in the middle of a field, what was read of
/// it is the record.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Entry>> {
    let mut entry = Entry::default();
    let mut is_empty = true;
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(FIELD_MAX).unwrap_or(u64::MAX);
        from.by_ref().take(limit).read_until(b'\n', &mut line)?;
        let is_whole = line.ends_with(b"\n");
        if !is_whole && line.len() >= FIELD_MAX {
            skip_line(from)?;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if text.is_empty() {
            if !is_empty {
                return Ok(Some(entry));
            }
            if line.is_empty() {
                return Ok(None);
            }
            continue;
        }
        is_empty = false;
        match text.iter().position(|byte| *byte == b'=') {
            Some(equals) => {
                let (name, value) = text.split_at(equals);
                if let Some(field) = entry.field(name) {
                    *field = value.get(1..).unwrap_or_default().to_vec();
                }
            }
            None => binary(from, entry.field(text))?,
        }
    }
}

/// Reads a value by its length, and the line end after it.
fn binary(from: &mut impl BufRead, field: Option<&mut Vec<u8>>) -> io::Result<()> {
    let mut length = Vec::new();
    from.by_ref().take(8).read_to_end(&mut length)?;
    let Some(length) = length.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else {
        return Ok(());
    };
    let wanted = length.min(u64::try_from(FIELD_MAX).unwrap_or(u64::MAX));
    let mut value = Vec::new();
    from.by_ref().take(wanted).read_to_end(&mut value)?;
    let rest = length.saturating_sub(wanted).saturating_add(1);
    io::copy(&mut from.by_ref().take(rest), &mut io::sink())?;
    if let Some(field) = field {
        *field = value;
    }
    Ok(())
}

/// Passes over what is left of a line.
pub(super) fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = from.fill_buf()?;
        let end = memchr::memchr(b'\n', buffer);
        let (length, is_end) = end.map_or((buffer.len(), buffer.is_empty()), |end| (end + 1, true));
        from.consume(length);
        if is_end {
            return Ok(());
        }
    }
}
