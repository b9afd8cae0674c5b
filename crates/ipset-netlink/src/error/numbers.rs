//! The kernel's error numbers.

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
pub(crate) const IPSET_ERR_PRIVATE: u32 = 4096;
pub(crate) const IPSET_ERR_PROTOCOL: u32 = 4097;
pub(crate) const IPSET_ERR_FIND_TYPE: u32 = 4098;
pub(crate) const IPSET_ERR_MAX_SETS: u32 = 4099;
pub(crate) const IPSET_ERR_BUSY: u32 = 4100;
pub(crate) const IPSET_ERR_EXIST_SETNAME2: u32 = 4101;
pub(crate) const IPSET_ERR_TYPE_MISMATCH: u32 = 4102;
pub(crate) const IPSET_ERR_EXIST: u32 = 4103;
pub(crate) const IPSET_ERR_INVALID_CIDR: u32 = 4104;
pub(crate) const IPSET_ERR_INVALID_NETMASK: u32 = 4105;
pub(crate) const IPSET_ERR_INVALID_FAMILY: u32 = 4106;
pub(crate) const IPSET_ERR_TIMEOUT: u32 = 4107;
pub(crate) const IPSET_ERR_REFERENCED: u32 = 4108;
pub(crate) const IPSET_ERR_IPADDR_IPV4: u32 = 4109;
pub(crate) const IPSET_ERR_IPADDR_IPV6: u32 = 4110;
pub(crate) const IPSET_ERR_COUNTER: u32 = 4111;
pub(crate) const IPSET_ERR_COMMENT: u32 = 4112;
pub(crate) const IPSET_ERR_INVALID_MARKMASK: u32 = 4113;
pub(crate) const IPSET_ERR_SKBINFO: u32 = 4114;
pub(crate) const IPSET_ERR_BITMASK_NETMASK_EXCL: u32 = 4115;
pub(crate) const IPSET_ERR_TYPE_SPECIFIC: u32 = 4352;

// linux/netfilter/ipset/ip_set_bitmap.h
pub(crate) const IPSET_ERR_BITMAP_RANGE: u32 = IPSET_ERR_TYPE_SPECIFIC;
pub(crate) const IPSET_ERR_BITMAP_RANGE_SIZE: u32 = IPSET_ERR_TYPE_SPECIFIC + 1;

// linux/netfilter/ipset/ip_set_hash.h
pub(crate) const IPSET_ERR_HASH_FULL: u32 = IPSET_ERR_TYPE_SPECIFIC;
pub(crate) const IPSET_ERR_HASH_ELEM: u32 = IPSET_ERR_TYPE_SPECIFIC + 1;
pub(crate) const IPSET_ERR_INVALID_PROTO: u32 = IPSET_ERR_TYPE_SPECIFIC + 2;
pub(crate) const IPSET_ERR_MISSING_PROTO: u32 = IPSET_ERR_TYPE_SPECIFIC + 3;
pub(crate) const IPSET_ERR_HASH_RANGE_UNSUPPORTED: u32 = IPSET_ERR_TYPE_SPECIFIC + 4;
pub(crate) const IPSET_ERR_HASH_RANGE: u32 = IPSET_ERR_TYPE_SPECIFIC + 5;

// linux/netfilter/ipset/ip_set_list.h
pub(crate) const IPSET_ERR_NAME: u32 = IPSET_ERR_TYPE_SPECIFIC;
pub(crate) const IPSET_ERR_LOOP: u32 = IPSET_ERR_TYPE_SPECIFIC + 1;
pub(crate) const IPSET_ERR_BEFORE: u32 = IPSET_ERR_TYPE_SPECIFIC + 2;
pub(crate) const IPSET_ERR_NAMEREF: u32 = IPSET_ERR_TYPE_SPECIFIC + 3;
pub(crate) const IPSET_ERR_LIST_FULL: u32 = IPSET_ERR_TYPE_SPECIFIC + 4;
pub(crate) const IPSET_ERR_REF_EXIST: u32 = IPSET_ERR_TYPE_SPECIFIC + 5;
