//! What is known of the fleet, between two runs.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ban_fleet::{Host, Node, SavedError};
use netfilter_host::whole_file::{Readers, WriteError, write};
use nix::fcntl::OFlag;

use crate::config::Config;

/// Why it is not known; a snapshot helps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    #[error("cannot read it")]
    Read(#[from] io::Error),
    #[error("it is larger than {MOST} bytes, or no file")]
    Size,
    #[error("it is not UTF-8")]
    Text,
    #[error("it is of another fleet")]
    Fleet,
    #[error(transparent)]
    Node(#[from] SavedError),
}

/// What a million bans take, and as much again.
const MOST: u64 = 512 * 1024 * 1024;

/// The host as it was left; new where nothing was kept.
pub(crate) fn read(config: &Config) -> Result<Node, Lost> {
    let own: Host = config.host.clone();
    let file = OpenOptions::new()
        .read(true)
        // A pipe is not waited for, and nobody's link is followed.
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(&config.state);
    let file = match file {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Node::new(own)),
        file => file?,
    };
    let about = file.metadata()?;
    if !about.is_file() || about.len() > MOST {
        return Err(Lost::Size);
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|_| Lost::Text)?;
    let (fleet, node) = text.split_once('\n').ok_or(SavedError::Short)?;
    if fleet != of_fleet(config) {
        return Err(Lost::Fleet);
    }
    Ok(Node::restore(own, node)?)
}

/// Keeps it, whole or not at all, for root alone.
pub(crate) fn keep(config: &Config, node: &Node) -> Result<(), WriteError> {
    let text = format!("{}\n{}", of_fleet(config), node.save());
    let path: &Path = &config.state;
    write(path, text.as_bytes(), Readers::Owner)
}

fn of_fleet(config: &Config) -> String {
    format!("rampart-share 1 {}", config.fleet)
}
