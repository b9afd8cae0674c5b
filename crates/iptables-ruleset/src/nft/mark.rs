//! The mark by which our rules are known: user data, which the kernel keeps and no tool shows.
//!
//! User data is a list of type, length and value, a byte each for the first two. iptables and nft
//! use the types from 0 on, for a comment for instance, and pass over those they do not know.

/// Whether the user data of a rule has our mark in it.
pub(super) fn is_marked(mut userdata: &[u8]) -> bool {
    while let [_, length, rest @ ..] = userdata {
        let size = 2 + usize::from(*length);
        if userdata.get(..size) == Some(MARK) {
            return true;
        }
        userdata = rest.get(usize::from(*length)..).unwrap_or_default();
    }
    false
}

/// The mark. `nft --debug` shows the user data of a rule, so it says what it is.
pub(super) const MARK: &[u8] = b"R\x07rampart";

/// `linux/netfilter/nf_tables.h`.
pub(super) const NFTA_RULE_USERDATA: u16 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_found_beside_what_others_put_there() {
        assert_eq!(usize::from(MARK[1]), MARK.len() - 2);
        assert!(is_marked(MARK));
        let comment = b"\0\x02x\0";
        assert!(is_marked(&[comment, MARK].concat()));
        for other in [
            &b""[..],
            b"\0",
            comment,
            b"R\x07rampar",
            b"R\x06rampar",
            b"\0\xffx",
        ] {
            assert!(!is_marked(other), "{other:?}");
        }
    }
}
