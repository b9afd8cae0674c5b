//! The kernel's error numbers, in its own spelling: what [`Error::kernel_code`] gives.
//!
//! [`Error::kernel_code`]: crate::Error::kernel_code

// asm-generic/errno-base.h and errno.h
pub(crate) const EPERM: u32 = 1;
pub(crate) const ENOENT: u32 = 2;
pub(crate) const EACCES: u32 = 13;
pub(crate) const EBUSY: u32 = 16;
pub(crate) const EEXIST: u32 = 17;
pub(crate) const EINVAL: u32 = 22;
pub(crate) const ERANGE: u32 = 34;
pub(crate) const EOPNOTSUPP: u32 = 95;

// linux/netfilter/ipset/ip_set.h, enum ipset_errno
/// Numbers up to this one are those of `errno.h`.
pub const IPSET_ERR_PRIVATE: u32 = 4096;
/// The message is malformed.
pub const IPSET_ERR_PROTOCOL: u32 = 4097;
/// The kernel does not have the type of set.
pub const IPSET_ERR_FIND_TYPE: u32 = 4098;
/// There are as many sets as the kernel can have.
pub const IPSET_ERR_MAX_SETS: u32 = 4099;
/// The set is in use.
pub const IPSET_ERR_BUSY: u32 = 4100;
/// Renaming: the new name is taken. Swapping: there is no second set.
pub const IPSET_ERR_EXIST_SETNAME2: u32 = 4101;
/// The sets to be swapped are not alike.
pub const IPSET_ERR_TYPE_MISMATCH: u32 = 4102;
/// The entry is in the set already, or is not in it.
pub const IPSET_ERR_EXIST: u32 = 4103;
/// The prefix length is none that the set takes.
pub const IPSET_ERR_INVALID_CIDR: u32 = 4104;
/// The netmask is none of the family.
pub const IPSET_ERR_INVALID_NETMASK: u32 = 4105;
/// The type does not support the family.
pub const IPSET_ERR_INVALID_FAMILY: u32 = 4106;
/// The set was created without timeouts.
pub const IPSET_ERR_TIMEOUT: u32 = 4107;
/// A rule or set refers to the set that is to be renamed.
pub const IPSET_ERR_REFERENCED: u32 = 4108;
/// The set holds IPv4 addresses.
pub const IPSET_ERR_IPADDR_IPV4: u32 = 4109;
/// The set holds IPv6 addresses.
pub const IPSET_ERR_IPADDR_IPV6: u32 = 4110;
/// The set was created without counters.
pub const IPSET_ERR_COUNTER: u32 = 4111;
/// The set was created without comments.
pub const IPSET_ERR_COMMENT: u32 = 4112;
/// The mask of packet marks is 0.
pub const IPSET_ERR_INVALID_MARKMASK: u32 = 4113;
/// The set was created without skbinfo.
pub const IPSET_ERR_SKBINFO: u32 = 4114;
/// A set has a netmask or a bitmask, not both.
pub const IPSET_ERR_BITMASK_NETMASK_EXCL: u32 = 4115;
/// From here on numbers mean something else for each method of a type.
pub const IPSET_ERR_TYPE_SPECIFIC: u32 = 4352;

// linux/netfilter/ipset/ip_set_bitmap.h
/// The entry is outside the range of the bitmap.
pub const IPSET_ERR_BITMAP_RANGE: u32 = IPSET_ERR_TYPE_SPECIFIC;
/// The range is larger than a bitmap can be.
pub const IPSET_ERR_BITMAP_RANGE_SIZE: u32 = IPSET_ERR_TYPE_SPECIFIC + 1;

// linux/netfilter/ipset/ip_set_hash.h
/// The hash is full.
pub const IPSET_ERR_HASH_FULL: u32 = IPSET_ERR_TYPE_SPECIFIC;
/// The hash cannot hold the address of zeros only.
pub const IPSET_ERR_HASH_ELEM: u32 = IPSET_ERR_TYPE_SPECIFIC + 1;
/// The protocol is none that the hash takes.
pub const IPSET_ERR_INVALID_PROTO: u32 = IPSET_ERR_TYPE_SPECIFIC + 2;
/// The protocol is missing.
pub const IPSET_ERR_MISSING_PROTO: u32 = IPSET_ERR_TYPE_SPECIFIC + 3;
/// The hash does not take a range of networks there.
pub const IPSET_ERR_HASH_RANGE_UNSUPPORTED: u32 = IPSET_ERR_TYPE_SPECIFIC + 4;
/// A range of all addresses is not possible.
pub const IPSET_ERR_HASH_RANGE: u32 = IPSET_ERR_TYPE_SPECIFIC + 5;

// linux/netfilter/ipset/ip_set_list.h
/// There is no set with the name of the entry.
pub const IPSET_ERR_NAME: u32 = IPSET_ERR_TYPE_SPECIFIC;
/// A list of sets cannot be in a list of sets.
pub const IPSET_ERR_LOOP: u32 = IPSET_ERR_TYPE_SPECIFIC + 1;
/// The set that the entry should stand before or after is not named.
pub const IPSET_ERR_BEFORE: u32 = IPSET_ERR_TYPE_SPECIFIC + 2;
/// The set that the entry should stand before or after does not exist.
pub const IPSET_ERR_NAMEREF: u32 = IPSET_ERR_TYPE_SPECIFIC + 3;
/// The list is full.
pub const IPSET_ERR_LIST_FULL: u32 = IPSET_ERR_TYPE_SPECIFIC + 4;
/// The set that the entry should stand before or after is not in the list.
pub const IPSET_ERR_REF_EXIST: u32 = IPSET_ERR_TYPE_SPECIFIC + 5;
