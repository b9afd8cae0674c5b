//! Prefix lengths as bits of an address.

/// The bits of an IPv4 address behind its first so many; none behind 32 and more.
#[inline]
pub(crate) fn hosts_v4(length: u8) -> u32 {
    u32::MAX.checked_shr(length.into()).unwrap_or(0)
}

/// The bits of an IPv6 address behind its first so many; none behind 128 and more.
#[inline]
pub(crate) fn hosts_v6(length: u8) -> u128 {
    u128::MAX.checked_shr(length.into()).unwrap_or(0)
}
