//! Why the kernel refused.

use std::io;

use crate::error::Operation;
use crate::packet::errno::{
    EACCES, EBUSY, EEXIST, EINVAL, ENOENT, EOPNOTSUPP, EPERM, ERANGE,
    IPSET_ERR_BITMASK_NETMASK_EXCL, IPSET_ERR_BUSY, IPSET_ERR_COMMENT, IPSET_ERR_COUNTER,
    IPSET_ERR_EXIST, IPSET_ERR_EXIST_SETNAME2, IPSET_ERR_FIND_TYPE, IPSET_ERR_INVALID_CIDR,
    IPSET_ERR_INVALID_FAMILY, IPSET_ERR_INVALID_MARKMASK, IPSET_ERR_INVALID_NETMASK,
    IPSET_ERR_IPADDR_IPV4, IPSET_ERR_IPADDR_IPV6, IPSET_ERR_MAX_SETS, IPSET_ERR_PRIVATE,
    IPSET_ERR_PROTOCOL, IPSET_ERR_REFERENCED, IPSET_ERR_SKBINFO, IPSET_ERR_TIMEOUT,
    IPSET_ERR_TYPE_MISMATCH,
};
use crate::{BitmapRange, Family, SetHeader, SetName, SetType};

/// Why the kernel refused, told by the command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KernelError {
    #[error("CAP_NET_ADMIN is needed in this network namespace")]
    Permission,
    #[error("the kernel has no ipset support (is the module ip_set missing?)")]
    NoIpsets,
    #[error(
        "the kernel speaks ipset protocol {minimum} to {current}, this program {}",
        crate::packet::IPSET_PROTOCOL
    )]
    Protocol { current: u8, minimum: u8 },
    #[error("there is no set {}", .0.quoted())]
    NoSuchSet(SetName),
    #[error("no set has the index {0}")]
    NoSuchIndex(u16),
    #[error("it exists already{}", as_it_is(.header.as_deref()))]
    SetExists { header: Option<Box<SetHeader>> },
    #[error("there is a set of that name already")]
    NameTaken,
    #[error("the kernel has as many sets as it can")]
    TooManySets,
    #[error("the kernel does not have the set type {}", type_and_module(.0, *.1))]
    UnknownType(SetType, Family),
    #[error("the two are not of the same type and family")]
    TypeMismatch,
    #[error("another program is listing it")]
    Busy,
    #[error("{} is in use by {}", it_or_set(.set.as_ref()), rules_or_sets(*.references))]
    InUse {
        /// Where it is not the set that the operation is about.
        set: Option<SetName>,
        references: u32,
    },
    #[error("it is in the set already")]
    EntryExists,
    #[error("it is not in the set")]
    EntryMissing,
    #[error("the set is full{}", in_parentheses(*.limit))]
    SetFull { limit: Option<(&'static str, u32)> },
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
    #[error("a mark mask of 0 is not possible")]
    MarkMask,
    #[error("a set can have a netmask or a bitmask, not both")]
    NetmaskAndBitmask,
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
    #[error("the range is too large; add it in parts")]
    RangeTooLarge,
    #[error("the set does not take a range there")]
    RangeUnsupported,
    #[error("a range of all addresses is not possible")]
    RangeOfEverything,
    #[error("it is outside the range of the set{}", range_of(*.range))]
    OutOfRange { range: Option<BitmapRange> },
    #[error("a bitmap cannot hold a range as large as this")]
    RangeSize,
    #[error("the set does not take a port of this protocol")]
    PortProtocol,
    #[error("there is no set {}", .0.quoted())]
    NoSuchEntrySet(SetName),
    #[error("a list of sets cannot be in a list of sets")]
    ListInList,
    #[error("the set that it should stand before or after does not exist")]
    NoSuchNeighbour,
    #[error("the set that it should stand before or after is not there")]
    NotThere,
    #[error("the kernel finds the request malformed")]
    Malformed,
    #[error("{}", io::Error::from_raw_os_error(*.0))]
    Os(i32),
    #[error("the kernel gives error {0}, which has no name here")]
    Unknown(u32),
}

impl KernelError {
    /// What `code` means where it does not need a look at the set. The numbers from 4352 mean
    /// something else in each kind of type: see [`KernelError::of_type`].
    pub(crate) fn new(code: u32, operation: &Operation) -> Self {
        match (code, operation) {
            (EPERM | EACCES, _) => Self::Permission,
            (EINVAL | EOPNOTSUPP, Operation::Protocol) => Self::NoIpsets,
            (ENOENT, Operation::Name(index)) => Self::NoSuchIndex(*index),
            (ENOENT, operation) => match operation.set() {
                Some(set) => Self::NoSuchSet(set.clone()),
                None => Self::os(code),
            },
            (EEXIST, Operation::Create { .. }) => Self::SetExists { header: None },
            (ERANGE, Operation::Add { .. } | Operation::Delete { .. }) => Self::RangeTooLarge,
            (IPSET_ERR_PROTOCOL, _) => Self::Malformed,
            (
                IPSET_ERR_FIND_TYPE,
                Operation::Create {
                    set_type, family, ..
                }
                | Operation::Revisions { set_type, family },
            ) => Self::UnknownType(set_type.clone(), *family),
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
            (IPSET_ERR_INVALID_MARKMASK, _) => Self::MarkMask,
            (IPSET_ERR_BITMASK_NETMASK_EXCL, _) => Self::NetmaskAndBitmask,
            (IPSET_ERR_IPADDR_IPV4, _) => Self::FamilyMismatch(Family::Inet),
            (IPSET_ERR_IPADDR_IPV6, _) => Self::FamilyMismatch(Family::Inet6),
            (IPSET_ERR_TIMEOUT, _) => Self::NoTimeouts,
            (IPSET_ERR_COUNTER, _) => Self::NoCounters,
            (IPSET_ERR_COMMENT, _) => Self::NoComments,
            (IPSET_ERR_SKBINFO, _) => Self::NoSkbinfo,
            (code @ 1..=IPSET_ERR_PRIVATE, _) => Self::os(code),
            (code, _) => Self::Unknown(code),
        }
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

fn in_parentheses(limit: Option<(&str, u32)>) -> String {
    limit.map_or_else(String::new, |(name, n)| format!(" ({name} {n})"))
}

fn range_of(range: Option<BitmapRange>) -> String {
    range.map_or_else(String::new, |range| format!(" ({range})"))
}

fn it_or_set(set: Option<&SetName>) -> String {
    set.map_or_else(|| "it".into(), |set| format!("set {}", set.quoted()))
}

fn type_and_module(set_type: &SetType, family: Family) -> String {
    let family = match family {
        Family::Unspec => String::new(),
        family => format!(" for family {family}"),
    };
    let module = set_type.name().replace(':', "_").replace(',', "");
    format!("{set_type}{family} (is the module ip_set_{module} missing?)")
}

fn as_it_is(header: Option<&SetHeader>) -> String {
    header.map_or_else(String::new, |header| format!(", as {header}"))
}
