//! The options of `import`.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

/// Options of `import`.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ImportArgs {
    /// Whose files they are
    #[arg(value_name = "FROM", value_enum)]
    pub(crate) origin: Origin,

    /// Where they are [default: where they are installed: /etc/csf]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,

    /// The directory to write into; it is made, or has to be empty
    #[arg(long, value_name = "DIR", default_value = "rampart-import")]
    pub(crate) to: PathBuf,
}

impl ImportArgs {
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
}

impl Origin {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csf => "csf",
        }
    }

    /// Where its files are installed.
    fn installed(self) -> &'static str {
        match self {
            Self::Csf => "/etc/csf",
        }
    }
}
