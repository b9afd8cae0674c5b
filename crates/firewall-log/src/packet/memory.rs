//! Parts of a packet that one line has in common with the next.

use crate::input::Parsed;

/// Remembers texts that were read, word for word.
pub(crate) trait Memory {
    /// The length of a text that `input` begins with and that was read as the same thing before.
    fn known(&mut self, ipv6: bool, input: &[u8]) -> Option<usize>;

    /// Remembers a text.
    fn learn(&mut self, ipv6: bool, text: &[u8]);
}

/// Remembers nothing.
impl Memory for () {
    #[inline]
    fn known(&mut self, _: bool, _: &[u8]) -> Option<usize> {
        None
    }

    #[inline]
    fn learn(&mut self, _: bool, _: &[u8]) {}
}

/// Reads what has not been read before. `read` must look at no byte after the text that it takes; of a text that is known the value is not
/// read again, so only who asks for none may remember.
#[inline]
pub(super) fn recall<'a, T: Default>(
    input: &'a [u8],
    ipv6: bool,
    memory: &mut impl Memory,
    read: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, T> {
    if let Some(length) = memory.known(ipv6, input) {
        return Ok((input.get(length..).unwrap_or_default(), T::default()));
    }
    let (rest, value) = read(input)?;
    let text = input.len().saturating_sub(rest.len());
    // With its space, without which it might go on.
    if let Some(text @ [.., b' ']) = input.get(..text) {
        memory.learn(ipv6, text);
    }
    Ok((rest, value))
}
