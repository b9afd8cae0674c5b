//! The options of `import`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args as ClapArgs, ValueEnum};

/// Options of `import`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ImportArgs {
    /// Whose files they are
    #[arg(value_name = "FROM", value_enum)]
    pub(crate) origin: Origin,

    /// Where they are [default: where they are installed, /etc/csf, /etc/ufw or /etc/fail2ban; of
    /// ipset a file has to be given]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,

    /// The directory to write into; it is made, or has to be empty
    #[arg(long, value_name = "DIR", default_value = "rampart-import")]
    pub(crate) to: PathBuf,

    /// Of ipset: the members of this set become members of whitelist, blacklist, throttle-soft or
    /// throttle-hard; can be repeated
    #[arg(long = "as", value_name = "SET=LIST")]
    pub(crate) renamed: Vec<SetAs>,

    /// Of fail2ban: who is banned, as `fail2ban-client get JAIL banip --with-time` or
    /// `fail2ban-client banned` told it
    #[arg(long, value_name = "FILE")]
    pub(crate) bans: Option<PathBuf>,
}

/// A set whose members are those of one of the lists from now on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SetAs {
    /// The set, as it was called.
    pub(crate) set: String,
    /// The list.
    pub(crate) list: String,
}

impl FromStr for SetAs {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lists = ["whitelist", "blacklist", "throttle-soft", "throttle-hard"];
        let (set, list) = text.split_once('=').ok_or(EXPECTED)?;
        let list = lists.into_iter().find(|known| *known == list);
        Ok(Self {
            set: set.to_owned(),
            list: list.ok_or(EXPECTED)?.to_owned(),
        })
    }
}

const EXPECTED: &str =
    "expected SET=LIST, where LIST is whitelist, blacklist, throttle-soft or throttle-hard";

impl ImportArgs {
    /// What the definition of the options cannot say.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        match self.origin {
            Origin::Ipset if self.path.is_none() => {
                Some("import ipset needs a file, as `ipset save > FILE` writes it")
            }
            _ if self.bans.is_some() && self.origin != Origin::Fail2ban => {
                Some("--bans is about import fail2ban")
            }
            Origin::Ipset => None,
            _ if !self.renamed.is_empty() => Some("--as is about sets of import ipset"),
            _ => None,
        }
    }

    /// Where the files are.
    pub(crate) fn path(&self) -> &Path {
        match &self.path {
            Some(path) => path,
            None => Path::new(self.origin.installed()),
        }
    }
}

/// Another firewall.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Origin {
    /// The directory of CSF, with csf.conf
    Csf,
    /// The directory of ufw, with user.rules; its policies are in ../default/ufw
    Ufw,
    /// The directory of fail2ban, with jail.conf: jails that look at lines of a firewall
    Fail2ban,
    /// A file that `ipset save` wrote
    Ipset,
}

impl Origin {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csf => "csf",
            Self::Ufw => "ufw",
            Self::Fail2ban => "fail2ban",
            Self::Ipset => "ipset",
        }
    }

    /// Where its files are installed.
    fn installed(self) -> &'static str {
        match self {
            Self::Csf => "/etc/csf",
            Self::Ufw => "/etc/ufw",
            Self::Fail2ban => "/etc/fail2ban",
            Self::Ipset => "",
        }
    }
}
