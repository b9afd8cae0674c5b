//! Records as `journalctl -o json` writes them: an object a line.

use std::io::{self, BufRead, Read as _};

use serde_json::{Map, Value};

use super::FIELD_MAX;
use super::entry::Entry;

/// The longest record that is looked at.
const RECORD_MAX: usize = 16 * FIELD_MAX;

/// The next record; `None` at the end. A line that is no object is a record of which only the
/// message is known: the line.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Entry>> {
    let mut line = Vec::new();
    let limit = u64::try_from(RECORD_MAX).unwrap_or(u64::MAX);
    from.by_ref().take(limit).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if !line.ends_with(b"\n") && line.len() >= RECORD_MAX {
        super::export::skip_line(from)?;
    }
    let mut entry = Entry::default();
    if let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(&line) {
        for (name, value) in fields {
            if let Some(field) = entry.field(name.as_bytes()) {
                *field = text(value);
            }
        }
    } else if let Some(message) = entry.field(b"MESSAGE") {
        line.truncate(FIELD_MAX);
        *message = line.trim_ascii_end().to_vec();
    }
    Ok(Some(entry))
}

/// Text is a string, or where it is not UTF-8 or has bytes of control an array of its bytes. A
/// field that a record has twice, an array of those, is none.
fn text(value: Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.into_bytes(),
        Value::Array(bytes) => {
            let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
            bytes
                .iter()
                .map(byte)
                .collect::<Option<_>>()
                .unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
