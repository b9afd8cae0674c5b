//! The kernel's error numbers in the words of `ipset`.

use std::io;

use ipset_netlink::packet::errno::{
    IPSET_ERR_BEFORE, IPSET_ERR_BITMAP_RANGE, IPSET_ERR_BITMAP_RANGE_SIZE,
    IPSET_ERR_BITMASK_NETMASK_EXCL, IPSET_ERR_BUSY, IPSET_ERR_COMMENT, IPSET_ERR_COUNTER,
    IPSET_ERR_EXIST, IPSET_ERR_EXIST_SETNAME2, IPSET_ERR_FIND_TYPE, IPSET_ERR_HASH_ELEM,
    IPSET_ERR_HASH_FULL, IPSET_ERR_HASH_RANGE, IPSET_ERR_HASH_RANGE_UNSUPPORTED,
    IPSET_ERR_INVALID_CIDR, IPSET_ERR_INVALID_FAMILY, IPSET_ERR_INVALID_MARKMASK,
    IPSET_ERR_INVALID_NETMASK, IPSET_ERR_INVALID_PROTO, IPSET_ERR_IPADDR_IPV4,
    IPSET_ERR_IPADDR_IPV6, IPSET_ERR_LIST_FULL, IPSET_ERR_LOOP, IPSET_ERR_MAX_SETS,
    IPSET_ERR_MISSING_PROTO, IPSET_ERR_NAME, IPSET_ERR_NAMEREF, IPSET_ERR_PRIVATE,
    IPSET_ERR_PROTOCOL, IPSET_ERR_REF_EXIST, IPSET_ERR_REFERENCED, IPSET_ERR_SKBINFO,
    IPSET_ERR_TIMEOUT, IPSET_ERR_TYPE_MISMATCH, IPSET_ERR_TYPE_SPECIFIC,
};
use ipset_netlink::{Error, Method, SetType};

use crate::command_line::Command;

/// Why `command`, on a set of this type if it is known, came to nothing.
pub(crate) fn explain(error: &Error, command: Command, set_type: Option<&SetType>) -> String {
    match error.kernel_code() {
        Some(code) => text(code, command, set_type),
        None => crate::text::of_display(error),
    }
}

/// What an error number means. Those from `IPSET_ERR_TYPE_SPECIFIC` on mean something else for
/// each method.
pub(crate) fn text(code: u32, command: Command, set_type: Option<&SetType>) -> String {
    let of_method = set_type
        .and_then(SetType::method)
        .filter(|_| code >= IPSET_ERR_TYPE_SPECIFIC)
        .map_or(&[][..], |method| match method {
            Method::Bitmap => BITMAP,
            Method::Hash => HASH,
            Method::List => LIST,
            _ => &[],
        });
    let known = of_method
        .iter()
        .chain(of_command(command))
        .chain(ANY)
        .find(|(number, _)| *number == code);
    match known {
        Some((_, text)) => (*text).into(),
        None if code < IPSET_ERR_PRIVATE => format!("Kernel error received: {}", os_text(code)),
        None => format!("Undecoded error {code} received from kernel"),
    }
}

/// What the C library calls an error number.
fn os_text(code: u32) -> String {
    let error = io::Error::from_raw_os_error(i32::try_from(code).unwrap_or(i32::MAX));
    without_number(&error)
}

/// The text of an error of the system, without the number that Rust appends.
pub(crate) fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text.get(..end).unwrap_or(&text).into(),
        None => text,
    }
}

type Texts = &'static [(u32, &'static str)];

fn of_command(command: Command) -> Texts {
    match command {
        Command::Create => &[(
            EEXIST,
            "Set cannot be created: set with the same name already exists",
        )],
        Command::Destroy => &[(
            IPSET_ERR_BUSY,
            "Set cannot be destroyed: it is in use by a kernel component",
        )],
        Command::Rename => &[
            (
                IPSET_ERR_EXIST_SETNAME2,
                "Set cannot be renamed: a set with the new name already exists",
            ),
            (
                IPSET_ERR_REFERENCED,
                "Set cannot be renamed: it is in use by another system",
            ),
        ],
        Command::Swap => &[
            (
                IPSET_ERR_EXIST_SETNAME2,
                "Sets cannot be swapped: the second set does not exist",
            ),
            (
                IPSET_ERR_TYPE_MISMATCH,
                "The sets cannot be swapped: their type does not match",
            ),
        ],
        Command::Add => &[(
            IPSET_ERR_EXIST,
            "Element cannot be added to the set: it's already added",
        )],
        Command::Del => &[(
            IPSET_ERR_EXIST,
            "Element cannot be deleted from the set: it's not added",
        )],
        _ => &[],
    }
}

const ANY: Texts = &[
    (ENOENT, "The set with the given name does not exist"),
    (
        EMSGSIZE,
        "Kernel error received: message could not be created",
    ),
    (
        ERANGE,
        "The specified range is too large, split it up into smaller ranges",
    ),
    (
        IPSET_ERR_PROTOCOL,
        "Kernel error received: ipset protocol error",
    ),
    (
        IPSET_ERR_FIND_TYPE,
        "Kernel error received: set type not supported",
    ),
    (
        IPSET_ERR_MAX_SETS,
        "Kernel error received: maximal number of sets reached, cannot create more.",
    ),
    (
        IPSET_ERR_INVALID_CIDR,
        "The value of the CIDR parameter of the IP address is invalid",
    ),
    (
        IPSET_ERR_INVALID_NETMASK,
        "The value of the netmask parameter is invalid",
    ),
    (
        IPSET_ERR_INVALID_FAMILY,
        "Protocol family not supported by the set type",
    ),
    (
        IPSET_ERR_TIMEOUT,
        "Timeout cannot be used: set was created without timeout support",
    ),
    (
        IPSET_ERR_IPADDR_IPV4,
        "An IPv4 address is expected, but not received",
    ),
    (
        IPSET_ERR_IPADDR_IPV6,
        "An IPv6 address is expected, but not received",
    ),
    (
        IPSET_ERR_COUNTER,
        "Packet/byte counters cannot be used: set was created without counter support",
    ),
    (
        IPSET_ERR_COMMENT,
        "Comment cannot be used: set was created without comment support",
    ),
    (
        IPSET_ERR_INVALID_MARKMASK,
        "The value of the markmask parameter is invalid",
    ),
    (
        IPSET_ERR_SKBINFO,
        "Skbinfo mapping cannot be used: set was created without skbinfo support",
    ),
    (
        IPSET_ERR_BITMASK_NETMASK_EXCL,
        "netmask and bitmask options are mutually exclusive, provide only one",
    ),
];

const BITMAP: Texts = &[
    (
        IPSET_ERR_BITMAP_RANGE,
        "Element is out of the range of the set",
    ),
    (
        IPSET_ERR_BITMAP_RANGE_SIZE,
        "The range you specified exceeds the size limit of the set type",
    ),
];

const HASH: Texts = &[
    (
        IPSET_ERR_HASH_FULL,
        "Hash is full, cannot add more elements",
    ),
    (
        IPSET_ERR_HASH_ELEM,
        "Null-valued element, cannot be stored in a hash type of set",
    ),
    (IPSET_ERR_INVALID_PROTO, "Invalid protocol specified"),
    (
        IPSET_ERR_MISSING_PROTO,
        "Protocol missing, but must be specified",
    ),
    (
        IPSET_ERR_HASH_RANGE_UNSUPPORTED,
        "Range is not supported in the \"net\" component of the element",
    ),
    (
        IPSET_ERR_HASH_RANGE,
        "Invalid range, covers the whole address space",
    ),
];

const LIST: Texts = &[
    (
        IPSET_ERR_NAME,
        "Set to be added/deleted/tested as element does not exist.",
    ),
    (
        IPSET_ERR_LOOP,
        "Sets with list:set type cannot be added to the set.",
    ),
    (IPSET_ERR_BEFORE, "No reference set specified."),
    (
        IPSET_ERR_NAMEREF,
        "The set to which you referred with 'before' or 'after' does not exist.",
    ),
    (
        IPSET_ERR_LIST_FULL,
        "The set is full, more elements cannot be added.",
    ),
    (
        IPSET_ERR_REF_EXIST,
        "The set to which you referred with 'before' or 'after' is not added to the set.",
    ),
];

// asm-generic/errno-base.h and errno.h
const ENOENT: u32 = 2;
const EEXIST: u32 = 17;
const ERANGE: u32 = 34;
const EMSGSIZE: u32 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_what_its_command_and_kind_of_set_say() {
        let hash = SetType::HashIp;
        for (code, command, set_type, expected) in [
            (
                4103,
                Command::Add,
                Some(&hash),
                "Element cannot be added to the set: it's already added",
            ),
            (
                4103,
                Command::Del,
                Some(&hash),
                "Element cannot be deleted from the set: it's not added",
            ),
            (
                4103,
                Command::List,
                None,
                "Undecoded error 4103 received from kernel",
            ),
            (
                4352,
                Command::Add,
                Some(&hash),
                "Hash is full, cannot add more elements",
            ),
            (
                4352,
                Command::Add,
                Some(&SetType::BitmapIp),
                "Element is out of the range of the set",
            ),
            (
                4353,
                Command::Add,
                Some(&SetType::ListSet),
                "Sets with list:set type cannot be added to the set.",
            ),
            (
                4352,
                Command::Add,
                None,
                "Undecoded error 4352 received from kernel",
            ),
            (
                17,
                Command::Create,
                Some(&hash),
                "Set cannot be created: set with the same name already exists",
            ),
            (
                17,
                Command::Rename,
                None,
                "Kernel error received: File exists",
            ),
            (
                1,
                Command::List,
                None,
                "Kernel error received: Operation not permitted",
            ),
            (
                4115,
                Command::Create,
                Some(&hash),
                "netmask and bitmask options are mutually exclusive, provide only one",
            ),
        ] {
            assert_eq!(text(code, command, set_type), expected);
        }
    }
}
