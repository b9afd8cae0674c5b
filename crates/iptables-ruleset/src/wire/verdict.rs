//! The kernel's numbers of the verdicts.

use crate::encoding::Verdict;

/// The number of a verdict.
#[cfg_attr(not(feature = "nft"), expect(dead_code, reason = "nothing is sent"))]
pub(crate) fn code(verdict: &Verdict) -> u32 {
    match verdict {
        Verdict::Accept => NF_ACCEPT,
        Verdict::Drop => NF_DROP,
        Verdict::Return => NFT_RETURN,
        Verdict::Jump(_) => NFT_JUMP,
    }
}

/// The verdict behind a number, if iptables has a target for it.
pub(super) fn verdict(code: u32, chain: Option<String>) -> Option<Verdict> {
    match code {
        NF_ACCEPT => Some(Verdict::Accept),
        NF_DROP => Some(Verdict::Drop),
        NFT_RETURN => Some(Verdict::Return),
        NFT_JUMP => chain.map(Verdict::Jump),
        _ => None,
    }
}

/// The kernel's number for less than zero, as it is on the wire.
const fn minus(number: u32) -> u32 {
    0u32.wrapping_sub(number)
}

/// `linux/netfilter.h`.
const NF_DROP: u32 = 0;
const NF_ACCEPT: u32 = 1;
/// `enum nft_verdicts`, `linux/netfilter/nf_tables.h`.
pub(super) const NFT_CONTINUE: u32 = minus(1);
const NFT_JUMP: u32 = minus(3);
pub(super) const NFT_GOTO: u32 = minus(4);
const NFT_RETURN: u32 = minus(5);
