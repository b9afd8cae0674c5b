//! The bytes of a packet that the kernel handed over.

/// A packet from its network header on.
pub(super) struct Capture<'a> {
    bytes: &'a [u8],
    /// How long the packet is, also where we have only its beginning.
    length: usize,
}

impl<'a> Capture<'a> {
    /// `declared` is the length that the packet's own header gives. It is needed only where the
    /// kernel handed over its `limit` and no more; by then the kernel has checked it.
    pub(super) fn new(bytes: &'a [u8], limit: usize, declared: Option<usize>) -> Self {
        let cut = bytes.len() >= limit;
        let length = declared.filter(|length| cut && *length > bytes.len());
        Self {
            bytes,
            length: length.unwrap_or(bytes.len()),
        }
    }

    /// The `N` bytes at `at`, if the packet has them all.
    pub(super) fn header<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }

    /// The kernel's `skb->len - at`, without sign: where a header claims to end behind the packet
    /// this is close to 2³², and the kernel prints it like that.
    pub(super) fn left(&self, at: usize) -> u32 {
        let low = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        low(self.length).wrapping_sub(low(at))
    }
}
