use std::io;

use crate::{Family, SetHeader, SetName, error::Operation};

/// Why the kernel refused, told by the command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KernelError {
    #[error("CAP_NET_ADMIN is needed in this network namespace")]
    Permission,
    #[error("the kernel has no ipset support (is the module ip_set missing?)")]
    NoIpsets,
    #[error(
        "the kernel speaks ipset protocol {minimum} to {current}, this program {}",
        crate::ipset::IPSET_PROTOCOL
    )]
    Protocol { current: u8, minimum: u8 },
    #[error("there is no set {}", .0.quoted())]
    NoSuchSet(SetName),
    #[error("it exists already{}", as_it_is(.header.as_deref()))]
    SetExists { header: Option<Box<SetHeader>> },
    #[error("there is a set of that name already")]
    NameTaken,
    #[error("the kernel has as many sets as it can")]
    TooManySets,
    #[error("the kernel does not know the type, or not in this family or revision")]
    UnknownType,
    #[error("the two are not of the same type and family")]
    TypeMismatch,
    #[error("another program is listing it")]
    Busy,
    #[error("it is in use by {}", rules_or_sets(*.references))]
    InUse { references: u32 },
    #[error("it is in the set already")]
    EntryExists,
    #[error("it is not in the set")]
    EntryMissing,
    #[error("the set is full{}", maxelem(*.max_elements))]
    SetFull { max_elements: Option<u32> },
    #[error("the set holds {0} addresses")]
    FamilyMismatch(Family),
    #[error("the type does not support this address family")]
    Family,
    #[error(
        "the set does not take this prefix length; for 0, add its two halves, such as 0.0.0.0/1 and 128.0.0.0/1"
    )]
    PrefixLength,
    #[error("the netmask is not one of the set's address family")]
    Netmask,
    #[error("the set was created without timeouts")]
    NoTimeouts,
    #[error("the set was created without counters")]
    NoCounters,
    #[error("the set was created without comments")]
    NoComments,
    #[error("the set was created without skbinfo")]
    NoSkbinfo,
    #[error("the type cannot hold the address of zeros only")]
    NullElement,
    #[error("the range is too large, or the set does not take ranges")]
    Range,
    #[error("the kernel finds the request malformed")]
    Malformed,
    #[error("{}", io::Error::from_raw_os_error(*.0))]
    Os(i32),
    #[error("the kernel gives error {0}, which has no name here")]
    Unknown(u32),
}

impl KernelError {
    /// What `code` means where it does not need a look at the set. The numbers from 4352 mean
    /// something else in each kind of type: see [`KernelError::of_hash`].
    pub(crate) fn new(code: u32, operation: &Operation) -> Self {
        match (code, operation) {
            (EPERM | EACCES, _) => Self::Permission,
            (EINVAL | EOPNOTSUPP, Operation::Protocol) => Self::NoIpsets,
            (ENOENT, operation) => match operation.set() {
                Some(set) => Self::NoSuchSet(set.clone()),
                None => Self::os(code),
            },
            (EEXIST, Operation::Create(_)) => Self::SetExists { header: None },
            (ERANGE, Operation::Add { .. } | Operation::Delete { .. }) => Self::Range,
            (IPSET_ERR_PROTOCOL, _) => Self::Malformed,
            (IPSET_ERR_FIND_TYPE, _) => Self::UnknownType,
            (IPSET_ERR_MAX_SETS, _) => Self::TooManySets,
            (EBUSY | IPSET_ERR_BUSY | IPSET_ERR_REFERENCED, _) => Self::Busy,
            (IPSET_ERR_EXIST_SETNAME2, Operation::Swap(_, second)) => {
                Self::NoSuchSet(second.clone())
            }
            (IPSET_ERR_EXIST_SETNAME2, _) => Self::NameTaken,
            (IPSET_ERR_TYPE_MISMATCH, _) => Self::TypeMismatch,
            (IPSET_ERR_EXIST, Operation::Add { .. }) => Self::EntryExists,
            (IPSET_ERR_EXIST, Operation::Delete { .. } | Operation::Test { .. }) => {
                Self::EntryMissing
            }
            (IPSET_ERR_INVALID_CIDR, _) => Self::PrefixLength,
            (IPSET_ERR_INVALID_NETMASK, _) => Self::Netmask,
            (IPSET_ERR_INVALID_FAMILY, _) => Self::Family,
            (IPSET_ERR_TIMEOUT, _) => Self::NoTimeouts,
            (IPSET_ERR_COUNTER, _) => Self::NoCounters,
            (IPSET_ERR_COMMENT, _) => Self::NoComments,
            (IPSET_ERR_SKBINFO, _) => Self::NoSkbinfo,
            (code @ 1..=IPSET_ERR_PRIVATE, _) => Self::os(code),
            (code, _) => Self::Unknown(code),
        }
    }

    /// What `code` means for the types whose name begins with `hash:`.
    pub(crate) fn of_hash(code: u32, header: &SetHeader) -> Self {
        match code {
            IPSET_ERR_HASH_FULL => Self::SetFull {
                max_elements: header.options.max_elements,
            },
            IPSET_ERR_HASH_ELEM => Self::NullElement,
            IPSET_ERR_HASH_RANGE_UNSUPPORTED | IPSET_ERR_HASH_RANGE => Self::Range,
            code => Self::Unknown(code),
        }
    }

    pub(crate) fn is_type_specific(code: u32) -> bool {
        code >= IPSET_ERR_TYPE_SPECIFIC
    }

    fn os(code: u32) -> Self {
        i32::try_from(code).map_or(Self::Unknown(code), Self::Os)
    }
}

fn rules_or_sets(references: u32) -> String {
    if references == 1 {
        "a rule or set".into()
    } else {
        format!("{references} rules or sets")
    }
}

fn maxelem(max_elements: Option<u32>) -> String {
    max_elements.map_or_else(String::new, |n| format!(" (maxelem {n})"))
}

fn as_it_is(header: Option<&SetHeader>) -> String {
    header.map_or_else(String::new, |header| format!(", as {header}"))
}

// asm-generic/errno-base.h and errno.h
const EPERM: u32 = 1;
const ENOENT: u32 = 2;
const EACCES: u32 = 13;
const EBUSY: u32 = 16;
const EEXIST: u32 = 17;
const EINVAL: u32 = 22;
const ERANGE: u32 = 34;
const EOPNOTSUPP: u32 = 95;

// linux/netfilter/ipset/ip_set.h, enum ipset_errno
const IPSET_ERR_PRIVATE: u32 = 4096;
const IPSET_ERR_PROTOCOL: u32 = 4097;
const IPSET_ERR_FIND_TYPE: u32 = 4098;
const IPSET_ERR_MAX_SETS: u32 = 4099;
const IPSET_ERR_BUSY: u32 = 4100;
const IPSET_ERR_EXIST_SETNAME2: u32 = 4101;
const IPSET_ERR_TYPE_MISMATCH: u32 = 4102;
pub(crate) const IPSET_ERR_EXIST: u32 = 4103;
const IPSET_ERR_INVALID_CIDR: u32 = 4104;
const IPSET_ERR_INVALID_NETMASK: u32 = 4105;
const IPSET_ERR_INVALID_FAMILY: u32 = 4106;
const IPSET_ERR_TIMEOUT: u32 = 4107;
const IPSET_ERR_REFERENCED: u32 = 4108;
const IPSET_ERR_COUNTER: u32 = 4111;
const IPSET_ERR_COMMENT: u32 = 4112;
const IPSET_ERR_SKBINFO: u32 = 4114;
const IPSET_ERR_TYPE_SPECIFIC: u32 = 4352;

// linux/netfilter/ipset/ip_set_hash.h
const IPSET_ERR_HASH_FULL: u32 = IPSET_ERR_TYPE_SPECIFIC;
const IPSET_ERR_HASH_ELEM: u32 = IPSET_ERR_TYPE_SPECIFIC + 1;
const IPSET_ERR_HASH_RANGE_UNSUPPORTED: u32 = IPSET_ERR_TYPE_SPECIFIC + 4;
const IPSET_ERR_HASH_RANGE: u32 = IPSET_ERR_TYPE_SPECIFIC + 5;
