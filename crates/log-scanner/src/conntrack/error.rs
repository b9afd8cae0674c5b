//! What can go wrong with connection tracking.

use std::fmt::Display;
use std::io;

/// Why connections cannot be told or deleted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot reach the kernel's connection tracking")]
    Transport(#[source] io::Error),
    #[error("{}", refusal(*.0))]
    Refused(i32),
    #[error("the kernel's answer about connections makes no sense: {0}")]
    Decode(String),
    #[error("the table of connections changed whenever it was read")]
    Restless,
}

impl Error {
    pub(super) fn decode(why: impl Display) -> Self {
        Self::Decode(why.to_string())
    }
}

fn refusal(code: i32) -> String {
    match code {
        EPERM => "CAP_NET_ADMIN is missing".to_owned(),
        // nfnetlink's answer where no module takes the subsystem.
        EINVAL | EOPNOTSUPP => {
            "the kernel has no connection tracking over netlink (modprobe nf_conntrack_netlink)"
                .to_owned()
        }
        code => format!("the kernel refuses: {}", io::Error::from_raw_os_error(code)),
    }
}

// asm-generic/errno-base.h, errno.h
const EPERM: i32 = 1;
pub(super) const ENOENT: i32 = 2;
const EINVAL: i32 = 22;
const EOPNOTSUPP: i32 = 95;
