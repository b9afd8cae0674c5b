//! Where in a line the values stand that decide nothing about how the rest of it is read: for
//! [templates](crate::template) of lines.
//!
//! `TTL=64` could as well be `TTL=57`; everything after it would be read the same. `PROTO=TCP`
//! could not be `PROTO=UDP`.

/// What can stand in the place of a value without changing how the line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A decimal number up to this.
    Decimal(u32),
    /// A destination port: a decimal number up to 65535.
    Port,
    /// A source port of UDP: the same.
    SourcePort,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// `xx:xx:…`, perhaps empty.
    Colons,
    /// `XXXX…`, at least one octet.
    Joined,
    /// `1836.585591`
    Seconds,
}

/// Is told of such values while a line is parsed.
///
/// A parser may tell of a value only if it would read the same from there on, whatever of that kind
/// stood in its place, and only once it is sure not to go back and read that place as something
/// else.
pub(crate) trait Trace {
    /// `text` begins with a value of this kind, and goes on with `rest`.
    fn value(&mut self, kind: Kind, text: &[u8], rest: &[u8]);
}

/// Takes down nothing, where nobody asks.
impl Trace for () {
    #[inline]
    fn value(&mut self, _: Kind, _: &[u8], _: &[u8]) {}
}
