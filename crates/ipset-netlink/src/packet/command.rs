//! The commands of the protocol and their numbers.

/// What a message asks the kernel to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Command {
    /// Say which protocol versions you speak.
    Protocol,
    /// Create a set.
    Create,
    /// Destroy a set; without a name, all of them.
    Destroy,
    /// Delete all entries of a set; without a name, of all of them.
    Flush,
    /// Give a set another name.
    Rename,
    /// Exchange the names of two sets.
    Swap,
    /// List sets with their headers and entries.
    List,
    /// As `List`, in the form that makes a set again.
    Save,
    /// Add entries.
    Add,
    /// Delete entries.
    Delete,
    /// Say whether an entry is in the set.
    Test,
    /// Say the type of a set.
    Header,
    /// Say the revisions of a set type.
    Type,
    /// Say the index of a set.
    GetByName,
    /// Say the name of a set.
    GetByIndex,
    /// One this crate does not know.
    Other(u8),
}

impl From<u8> for Command {
    fn from(number: u8) -> Self {
        match number {
            IPSET_CMD_PROTOCOL => Self::Protocol,
            IPSET_CMD_CREATE => Self::Create,
            IPSET_CMD_DESTROY => Self::Destroy,
            IPSET_CMD_FLUSH => Self::Flush,
            IPSET_CMD_RENAME => Self::Rename,
            IPSET_CMD_SWAP => Self::Swap,
            IPSET_CMD_LIST => Self::List,
            IPSET_CMD_SAVE => Self::Save,
            IPSET_CMD_ADD => Self::Add,
            IPSET_CMD_DEL => Self::Delete,
            IPSET_CMD_TEST => Self::Test,
            IPSET_CMD_HEADER => Self::Header,
            IPSET_CMD_TYPE => Self::Type,
            IPSET_CMD_GET_BYNAME => Self::GetByName,
            IPSET_CMD_GET_BYINDEX => Self::GetByIndex,
            other => Self::Other(other),
        }
    }
}

impl From<Command> for u8 {
    fn from(command: Command) -> Self {
        match command {
            Command::Protocol => IPSET_CMD_PROTOCOL,
            Command::Create => IPSET_CMD_CREATE,
            Command::Destroy => IPSET_CMD_DESTROY,
            Command::Flush => IPSET_CMD_FLUSH,
            Command::Rename => IPSET_CMD_RENAME,
            Command::Swap => IPSET_CMD_SWAP,
            Command::List => IPSET_CMD_LIST,
            Command::Save => IPSET_CMD_SAVE,
            Command::Add => IPSET_CMD_ADD,
            Command::Delete => IPSET_CMD_DEL,
            Command::Test => IPSET_CMD_TEST,
            Command::Header => IPSET_CMD_HEADER,
            Command::Type => IPSET_CMD_TYPE,
            Command::GetByName => IPSET_CMD_GET_BYNAME,
            Command::GetByIndex => IPSET_CMD_GET_BYINDEX,
            Command::Other(number) => number,
        }
    }
}

// linux/netfilter/ipset/ip_set.h, enum ipset_cmd
const IPSET_CMD_PROTOCOL: u8 = 1;
const IPSET_CMD_CREATE: u8 = 2;
const IPSET_CMD_DESTROY: u8 = 3;
const IPSET_CMD_FLUSH: u8 = 4;
const IPSET_CMD_RENAME: u8 = 5;
const IPSET_CMD_SWAP: u8 = 6;
const IPSET_CMD_LIST: u8 = 7;
const IPSET_CMD_SAVE: u8 = 8;
const IPSET_CMD_ADD: u8 = 9;
const IPSET_CMD_DEL: u8 = 10;
const IPSET_CMD_TEST: u8 = 11;
const IPSET_CMD_HEADER: u8 = 12;
const IPSET_CMD_TYPE: u8 = 13;
const IPSET_CMD_GET_BYNAME: u8 = 14;
const IPSET_CMD_GET_BYINDEX: u8 = 15;
