//! A line with so many bytes behind it that reading never has to ask where it ends.

/// Longer lines are not recognized; the kernel's are always shorter.
pub(super) const REACH: usize = 1024;

/// The most bytes that are read at once.
const READ: usize = 40;

/// The bytes that a [`PaddedLine`] needs.
pub(crate) const PADDED: usize = REACH + READ;

/// The beginning of a line, as far as [`REACH`], and [`READ`] more bytes.
///
/// A place beyond the reach is taken modulo the reach, so what is read there is wrong: whoever has
/// gone through a line must ask at its end whether that is within the reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PaddedLine<'a>(&'a [u8; PADDED]);

impl<'a> PaddedLine<'a> {
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
