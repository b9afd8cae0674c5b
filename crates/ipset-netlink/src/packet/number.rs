//! Numbers and strings as attribute values.

use netlink_packet_core::{DecodeError, NLA_F_NET_BYTEORDER, NlaBuffer};

/// Kinds of numbers wider than a byte carry this flag, and are big endian.
pub(super) const NET: u16 = NLA_F_NET_BYTEORDER;

pub(super) fn parse_u8(nla: &NlaBuffer<&[u8]>) -> Result<u8, DecodeError> {
    parse_bytes(nla).map(u8::from_be_bytes)
}

pub(super) fn parse_u16(nla: &NlaBuffer<&[u8]>) -> Result<u16, DecodeError> {
    let value = parse_bytes(nla)?;
    Ok(if nla.network_byte_order_flag() {
        u16::from_be_bytes(value)
    } else {
        u16::from_ne_bytes(value)
    })
}

pub(super) fn parse_u32(nla: &NlaBuffer<&[u8]>) -> Result<u32, DecodeError> {
    let value = parse_bytes(nla)?;
    Ok(if nla.network_byte_order_flag() {
        u32::from_be_bytes(value)
    } else {
        u32::from_ne_bytes(value)
    })
}

pub(super) fn parse_u64(nla: &NlaBuffer<&[u8]>) -> Result<u64, DecodeError> {
    let value = parse_bytes(nla)?;
    Ok(if nla.network_byte_order_flag() {
        u64::from_be_bytes(value)
    } else {
        u64::from_ne_bytes(value)
    })
}

/// Text with the NUL that ends it, if it is UTF-8.
pub(super) fn parse_text(nla: &NlaBuffer<&[u8]>) -> Option<String> {
    let text = nla.value().strip_suffix(b"\0")?;
    String::from_utf8(text.to_vec()).ok()
}

pub(super) fn text_len(text: &str) -> usize {
    text.len() + 1
}

pub(super) fn emit_text(text: &str, buffer: &mut [u8]) {
    if let Some((end, body)) = buffer.split_last_mut() {
        body.copy_from_slice(text.as_bytes());
        *end = 0;
    }
}

pub(super) fn parse_bytes<const N: usize>(nla: &NlaBuffer<&[u8]>) -> Result<[u8; N], DecodeError> {
    nla.value().try_into().map_err(|_| {
        DecodeError::from(format!(
            "attribute {} has {} bytes instead of {N}",
            nla.kind(),
            nla.value_length()
        ))
    })
}
