//! What a server answers, which may be anything.

use redis::Value;

/// An entry of a stream.
pub(super) struct Entry<'a> {
    pub(super) id: String,
    /// Names and values in turn.
    pub(super) fields: &'a [Value],
}

/// The bytes of a text.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.as_bytes()),
        _ => None,
    }
}

/// The texts of a list.
pub(super) fn bytes_of_each(value: &Value) -> impl Iterator<Item = &[u8]> {
    list(value).iter().filter_map(bytes)
}

/// The entries of a stream.
pub(super) fn entries(value: &Value) -> impl Iterator<Item = Entry<'_>> {
    list(value).iter().filter_map(|entry| match list(entry) {
        [id, fields] => Some(Entry {
            id: String::from_utf8(bytes(id)?.to_vec()).ok()?,
            fields: list(fields),
        }),
        _ => None,
    })
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        _ => &[],
    }
}
