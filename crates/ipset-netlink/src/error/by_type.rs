//! Error numbers that mean something else in each kind of type.

use super::{KernelError, Operation};
use crate::packet::errno::{
    IPSET_ERR_BEFORE, IPSET_ERR_BITMAP_RANGE, IPSET_ERR_BITMAP_RANGE_SIZE, IPSET_ERR_HASH_ELEM,
    IPSET_ERR_HASH_FULL, IPSET_ERR_HASH_RANGE, IPSET_ERR_HASH_RANGE_UNSUPPORTED,
    IPSET_ERR_INVALID_PROTO, IPSET_ERR_LIST_FULL, IPSET_ERR_LOOP, IPSET_ERR_MISSING_PROTO,
    IPSET_ERR_NAME, IPSET_ERR_NAMEREF, IPSET_ERR_REF_EXIST, IPSET_ERR_TYPE_SPECIFIC,
};
use crate::set_type::Method;
use crate::{Element, Key, SetOptions, SetType};

impl KernelError {
    pub(crate) fn is_type_specific(code: u32) -> bool {
        code >= IPSET_ERR_TYPE_SPECIFIC
    }

    /// What `code` means in a set of this type with these options.
    pub(crate) fn of_type(
        code: u32,
        set_type: &SetType,
        options: Option<&SetOptions>,
        operation: &Operation,
    ) -> Self {
        let limit = |name, limit: fn(&SetOptions) -> Option<u32>| {
            Some((name, options.and_then(limit)?)).filter(|(_, limit)| *limit > 0)
        };
        match (set_type.method(), code) {
            (Some(Method::Bitmap), IPSET_ERR_BITMAP_RANGE) => Self::OutOfRange {
                range: options.and_then(|options| options.range),
            },
            (Some(Method::Bitmap), IPSET_ERR_BITMAP_RANGE_SIZE) => Self::RangeSize,
            (Some(Method::Hash), IPSET_ERR_HASH_FULL) => Self::SetFull {
                limit: limit("maxelem", |options| options.max_elements),
            },
            (Some(Method::Hash), IPSET_ERR_HASH_ELEM) => Self::NullElement,
            (Some(Method::Hash), IPSET_ERR_INVALID_PROTO | IPSET_ERR_MISSING_PROTO) => {
                Self::PortProtocol
            }
            (Some(Method::Hash), IPSET_ERR_HASH_RANGE_UNSUPPORTED) => Self::RangeUnsupported,
            (Some(Method::Hash), IPSET_ERR_HASH_RANGE) => Self::RangeOfEverything,
            (Some(Method::List), IPSET_ERR_NAME) => match operation.key().map(Key::elements) {
                Some([Element::Set(set)]) => Self::NoSuchEntrySet(set.clone()),
                _ => Self::Unknown(code),
            },
            (Some(Method::List), IPSET_ERR_LOOP) => Self::ListInList,
            (Some(Method::List), IPSET_ERR_BEFORE | IPSET_ERR_NAMEREF) => Self::NoSuchNeighbour,
            (Some(Method::List), IPSET_ERR_LIST_FULL) => Self::SetFull {
                limit: limit("size", |options| options.size),
            },
            (Some(Method::List), IPSET_ERR_REF_EXIST) => Self::NotThere,
            _ => Self::Unknown(code),
        }
    }
}
