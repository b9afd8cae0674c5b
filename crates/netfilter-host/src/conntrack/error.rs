//! What can go wrong with connection tracking.

use std::io;

use netlink_session::DecodeError;

/// Why connections cannot be told, deleted or entered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The way to the kernel and back.
    #[error("cannot reach the kernel's connection tracking")]
    Transport(#[source] io::Error),
    /// The kernel refuses, with a number of `errno.h`.
    #[error("{}", refusal(*.0))]
    Refused(u32),
    /// The kernel's answer makes no sense.
    #[error("the kernel's answer about connections makes no sense: {}", .0.reason())]
    Decode(DecodeError),
    /// The kernel does not say when there is a new connection.
    #[error(
        "the kernel does not tell of new connections (net.netfilter.nf_conntrack_events is 0 or not there)"
    )]
    Silent,
    /// The table changed whenever it was read.
    #[error("the table of connections changed whenever it was read")]
    Restless,
}

impl From<netlink_session::Error> for Error {
    fn from(error: netlink_session::Error) -> Self {
        match error {
            netlink_session::Error::Refused { code, .. } => Self::Refused(code),
            netlink_session::Error::Decode(error) => Self::Decode(error),
            netlink_session::Error::Interrupted => Self::Restless,
            error => Self::Transport(error.into()),
        }
    }
}

fn refusal(code: u32) -> String {
    match code {
        EPERM => "CAP_NET_ADMIN is missing".to_owned(),
        // nfnetlink's answer where no module takes the subsystem.
        EINVAL | EOPNOTSUPP => {
            "the kernel has no connection tracking over netlink (modprobe nf_conntrack_netlink)"
                .to_owned()
        }
        code => {
            let code = i32::try_from(code).unwrap_or(i32::MAX);
            format!("the kernel refuses: {}", io::Error::from_raw_os_error(code))
        }
    }
}

// asm-generic/errno-base.h, errno.h
const EPERM: u32 = 1;
const EINVAL: u32 = 22;
const EOPNOTSUPP: u32 = 95;
