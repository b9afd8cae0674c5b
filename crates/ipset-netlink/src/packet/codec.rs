//! How values of attributes are written and read: a module for each form.

use std::net::IpAddr;

use netlink_packet_core::{
    DecodeError, Emitable, ErrorContext, NLA_ALIGNTO, NLA_F_NESTED, NLA_F_NET_BYTEORDER,
    NLA_HEADER_SIZE, Nla, NlaBuffer, NlasIterator, Parseable,
};

use super::address::Address;

/// Kinds of numbers wider than a byte carry this flag, and are big endian.
pub(super) const NET: u16 = NLA_F_NET_BYTEORDER;

/// What was read; `None` for what is not of this form and is kept as it came. The name of the
/// attribute is for errors.
type Read<T> = Result<Option<T>, DecodeError>;

/// A number, in the byte order that its attribute says.
macro_rules! number {
    ($module:ident, $number:ty, $flags:expr) => {
        pub(super) mod $module {
            use super::{NET, NlaBuffer, Read, bytes};

            pub(in super::super) const FLAGS: u16 = $flags & NET;

            #[inline]
            pub(in super::super) fn len(_: &$number) -> usize {
                size_of::<$number>()
            }

            #[inline]
            pub(in super::super) fn emit(number: &$number, buffer: &mut [u8]) {
                buffer.copy_from_slice(&number.to_be_bytes());
            }

            #[inline]
            pub(in super::super) fn read(nla: &NlaBuffer<&[u8]>, name: &str) -> Read<$number> {
                let value = bytes(nla, name)?;
                Ok(Some(if nla.network_byte_order_flag() {
                    <$number>::from_be_bytes(value)
                } else {
                    <$number>::from_ne_bytes(value)
                }))
            }
        }
    };
}

number!(byte, u8, 0);
number!(short, u16, NET);
number!(word, u32, NET);
number!(long, u64, NET);

/// The address of a network card.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "as every form takes its value"
)]
pub(super) mod mac {
    use super::{NlaBuffer, Read, bytes};

    pub(in super::super) const FLAGS: u16 = 0;

    #[inline]
    pub(in super::super) fn len(address: &[u8; 6]) -> usize {
        address.len()
    }

    #[inline]
    pub(in super::super) fn emit(address: &[u8; 6], buffer: &mut [u8]) {
        buffer.copy_from_slice(address);
    }

    #[inline]
    pub(in super::super) fn read(nla: &NlaBuffer<&[u8]>, name: &str) -> Read<[u8; 6]> {
        bytes(nla, name).map(Some)
    }
}

/// Text, of which the kernel knows no encoding, without the NUL that ends it. One that has none is
/// not of this form.
#[expect(clippy::unnecessary_wraps, reason = "as every form is read")]
pub(super) mod text {
    use super::{NlaBuffer, Read, value};

    pub(in super::super) const FLAGS: u16 = 0;

    #[inline]
    pub(in super::super) fn len(text: &impl AsRef<[u8]>) -> usize {
        text.as_ref().len() + 1
    }

    #[inline]
    pub(in super::super) fn emit(text: &impl AsRef<[u8]>, buffer: &mut [u8]) {
        if let Some((end, body)) = buffer.split_last_mut() {
            body.copy_from_slice(text.as_ref());
            *end = 0;
        }
    }

    #[inline]
    pub(in super::super) fn read<'a, T: From<&'a [u8]>>(
        nla: &NlaBuffer<&'a [u8]>,
        _name: &str,
    ) -> Read<T> {
        Ok(value(nla).strip_suffix(b"\0").map(T::from))
    }
}

/// Text that is UTF-8.
pub(super) mod utf_8 {
    pub(in super::super) use super::text::{FLAGS, emit, len};
    use super::{NlaBuffer, Read, text};

    pub(in super::super) fn read(nla: &NlaBuffer<&[u8]>, name: &str) -> Read<String> {
        Ok(text::read::<Vec<u8>>(nla, name)?.and_then(|text| String::from_utf8(text).ok()))
    }
}

/// An address, which is nested.
pub(super) mod address {
    use super::{Address, ErrorContext, IpAddr, NLA_F_NESTED, NlaBuffer, Read};

    pub(in super::super) const FLAGS: u16 = NLA_F_NESTED;

    #[inline]
    pub(in super::super) fn len(address: &IpAddr) -> usize {
        Address(*address).nest_len()
    }

    #[inline]
    pub(in super::super) fn emit(address: &IpAddr, buffer: &mut [u8]) {
        Address(*address).emit_nest(buffer);
    }

    #[inline]
    pub(in super::super) fn read(nla: &NlaBuffer<&[u8]>, name: &str) -> Read<IpAddr> {
        Address::parse(nla)
            .with_context(|| format!("in {name}"))
            .map(Some)
    }
}

/// Attributes, which are nested.
pub(super) mod nest {
    use super::{
        Emitable, ErrorContext, NLA_F_NESTED, Nla, NlaBuffer, NlasIterator, Parseable, Read,
    };

    pub(in super::super) const FLAGS: u16 = NLA_F_NESTED;

    pub(in super::super) fn len<T: Nla>(attributes: &Vec<T>) -> usize {
        attributes.as_slice().buffer_len()
    }

    pub(in super::super) fn emit<T: Nla>(attributes: &Vec<T>, buffer: &mut [u8]) {
        attributes.as_slice().emit(buffer);
    }

    pub(in super::super) fn read<T>(nla: &NlaBuffer<&[u8]>, name: &str) -> Read<Vec<T>>
    where
        T: for<'a> Parseable<NlaBuffer<&'a [u8]>>,
    {
        let attributes = NlasIterator::new(nla.value()).map(|nla| T::parse(&nla?));
        let attributes: Result<_, _> = attributes.collect();
        attributes.with_context(|| format!("in {name}")).map(Some)
    }
}

/// Many entries, as the bytes they are.
#[expect(clippy::unnecessary_wraps, reason = "as every form is read")]
pub(super) mod entries {
    use super::super::EncodedEntries;
    use super::{NLA_F_NESTED, NlaBuffer, Read};

    pub(in super::super) const FLAGS: u16 = NLA_F_NESTED;

    pub(in super::super) fn len(entries: &EncodedEntries) -> usize {
        entries.as_bytes().len()
    }

    pub(in super::super) fn emit(entries: &EncodedEntries, buffer: &mut [u8]) {
        buffer.copy_from_slice(entries.as_bytes());
    }

    pub(in super::super) fn read(nla: &NlaBuffer<&[u8]>, _name: &str) -> Read<EncodedEntries> {
        Ok(Some(EncodedEntries::from_bytes(nla.value().to_vec())))
    }
}

/// The value, for as long as the bytes live that it is in, which `NlaBuffer::value` does not give.
#[inline]
pub(super) fn value<'a>(nla: &NlaBuffer<&'a [u8]>) -> &'a [u8] {
    nla.into_inner()
        .get(NLA_HEADER_SIZE..usize::from(nla.length()))
        .unwrap_or_default()
}

#[inline]
fn bytes<const N: usize>(nla: &NlaBuffer<&[u8]>, name: &str) -> Result<[u8; N], DecodeError> {
    nla.value()
        .try_into()
        .map_err(|_| wrong_length(nla, name, N))
}

#[cold]
fn wrong_length(nla: &NlaBuffer<&[u8]>, name: &str, expected: usize) -> DecodeError {
    DecodeError::from(format!(
        "{name} has {} bytes instead of {expected}",
        nla.value_length()
    ))
}

/// The attributes in these bytes, up to the first that is not one: as `NlasIterator`, for a million
/// of them.
#[inline]
pub(super) fn attributes_of(bytes: &[u8]) -> Attributes<'_> {
    Attributes { rest: bytes }
}

pub(super) struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<NlaBuffer<&'a [u8]>, DecodeError>;

    #[expect(clippy::inline_always, reason = "a million entries are read with it")]
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self
            .rest
            .first_chunk()
            .copied()
            .map_or(0, u16::from_ne_bytes);
        let length = usize::from(length);
        let attribute = match self.rest.split_at_checked(length) {
            Some((attribute, _)) if length >= NLA_HEADER_SIZE => Ok(NlaBuffer::new(attribute)),
            _ => NlaBuffer::new_checked(self.rest),
        };
        let end = length.next_multiple_of(NLA_ALIGNTO);
        self.rest = match attribute {
            Ok(_) => self.rest.get(end..).unwrap_or_default(),
            Err(_) => &[],
        };
        Some(attribute)
    }
}
