//! A text of a template, compared with a line 32 bytes at a time.

use super::padded::PaddedLine;

/// A text that must stand in a line.
// Aligned, so that the processor compares with what is in memory without loading it first.
#[repr(C, align(16))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Its first 32 bytes.
    words: [u64; WORDS],
    /// Ones in those bytes of `words` that belong to the text.
    mask: [u64; WORDS],
    length: usize,
    /// The bytes after those, 32 a piece. The last piece is the last 32 bytes of the text, so it
    /// overlaps the one before: a text of 70 bytes has the pieces 32..64 and 38..70.
    pieces: Box<[[u8; CHUNK]]>,
}

const WORDS: usize = 4;
const CHUNK: usize = WORDS * size_of::<u64>();

impl Text {
    pub(super) fn new(text: &[u8]) -> Self {
        let length = text.len();
        let mut bytes = [0; CHUNK];
        let mut mask = [0; CHUNK];
        for ((to, mask), from) in bytes.iter_mut().zip(&mut mask).zip(text) {
            (*to, *mask) = (*from, u8::MAX);
        }
        let pieces = (1..length.div_ceil(CHUNK))
            .filter_map(|piece| text.get(place(piece, length)..)?.first_chunk().copied());
        Self {
            words: words(&bytes),
            mask: words(&mask),
            length,
            pieces: pieces.collect(),
        }
    }

    /// Where the text ends, if it stands at this place of the line.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "of the innermost loop")]
    pub(super) fn end(&self, line: PaddedLine<'_>, at: usize) -> Option<usize> {
        let found = words(line.at(at)).into_iter();
        let other = found
            .zip(self.words)
            .zip(self.mask)
            .fold(0, |other, ((found, wanted), mask)| {
                other | (found ^ wanted) & mask
            });
        let is_here = other == 0 && (self.length <= CHUNK || self.goes_on(line, at));
        is_here.then_some(at + self.length)
    }

    #[inline]
    fn goes_on(&self, line: PaddedLine<'_>, at: usize) -> bool {
        let places = (1..).map(|piece| at + place(piece, self.length));
        let mut pieces = self.pieces.iter().zip(places);
        pieces.all(|(piece, place)| line.at(place) == piece)
    }
}

/// Where a piece begins in a text that is longer than a chunk.
#[inline]
fn place(piece: usize, length: usize) -> usize {
    (piece * CHUNK).min(length - CHUNK)
}

#[inline]
fn words(bytes: &[u8; CHUNK]) -> [u64; WORDS] {
    std::array::from_fn(|index| {
        let word = bytes.get(index * size_of::<u64>()..);
        word.and_then(<[u8]>::first_chunk)
            .map_or(0, |word| u64::from_le_bytes(*word))
    })
}
