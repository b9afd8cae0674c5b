//! Text that must be there, compared without asking how long it is.

/// The bytes that are compared at once.
pub(super) const CHUNK: usize = 32;

const WORDS: usize = CHUNK / size_of::<u64>();

/// Up to 32 bytes of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    words: [u64; WORDS],
    /// Ones where the text is.
    mask: [u64; WORDS],
    length: usize,
}

impl Chunk {
    /// A text as chunks, all full but the last; one that is empty of an empty text.
    pub(super) fn split(text: &[u8]) -> Vec<Self> {
        let chunks = text.chunks(CHUNK).map(Self::new);
        let empty = text.is_empty().then(|| Self::new(b""));
        chunks.chain(empty).collect()
    }

    /// Of the first 32 bytes of a text.
    fn new(text: &[u8]) -> Self {
        let mut bytes = [0; CHUNK];
        let mut mask = [0; CHUNK];
        for ((to, mask), from) in bytes.iter_mut().zip(&mut mask).zip(text) {
            (*to, *mask) = (*from, u8::MAX);
        }
        Self {
            words: words(&bytes),
            mask: words(&mask),
            length: text.len().min(CHUNK),
        }
    }

    /// Its length, if `text` begins so.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a dozen instructions, of the innermost loop"
    )]
    pub(super) fn begins(&self, text: &[u8; CHUNK]) -> Option<usize> {
        let found = words(text);
        let mut other = 0;
        for ((found, wanted), mask) in found.into_iter().zip(self.words).zip(self.mask) {
            other |= (found ^ wanted) & mask;
        }
        (other == 0).then_some(self.length)
    }
}

#[inline]
fn words(bytes: &[u8; CHUNK]) -> [u64; WORDS] {
    std::array::from_fn(|index| {
        let word = bytes.get(index * size_of::<u64>()..);
        word.and_then(<[u8]>::first_chunk)
            .map_or(0, |word| u64::from_le_bytes(*word))
    })
}
