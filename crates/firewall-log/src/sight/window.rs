//! The beginning of a text, and so much behind it that reading never has to ask where it ends.

/// Lines that are recognized are shorter; the kernel's always are.
pub(super) const REACH: usize = 1024;

/// The most bytes that are read at once.
const READ: usize = 40;

/// Bytes that a [`Window`] needs.
pub(crate) const WINDOW: usize = REACH + READ;

/// Text as far as [`REACH`], and then some.
///
/// What is read beyond the reach is wrong; whoever has gone through a text finds out at the end
/// that it went too far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a>(&'a [u8; WINDOW]);

impl<'a> Window<'a> {
    /// `None` if there is not enough of the text.
    #[inline]
    pub(crate) fn new(text: &'a [u8]) -> Option<Self> {
        text.first_chunk().map(Self)
    }

    /// The bytes at a place.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one instruction")]
    pub(super) fn at<const N: usize>(self, place: usize) -> &'a [u8; N] {
        // The mask is what tells the compiler that there always are as many.
        self.from(place).first_chunk().unwrap_or(&[0; N])
    }

    /// The text from a place on, and what is behind it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one instruction")]
    pub(super) fn from(self, place: usize) -> &'a [u8] {
        self.0.get(place & (REACH - 1)..).unwrap_or_default()
    }
}
