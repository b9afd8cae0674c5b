//! The configuration, `/etc/rampart/share.toml`.

mod take;

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ban_fleet::Host;
use serde::de::{Deserialize, Deserializer, Error};
pub use take::Take;
pub(crate) use take::seconds;

/// A configuration is written by hand, and so is a password.
const MOST: u64 = 1024 * 1024;

/// The whole file.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The name of the fleet: several can share a server.
    #[serde(default = "main", deserialize_with = "by_text")]
    pub fleet: Host,
    /// The name of this host in it.
    #[serde(deserialize_with = "by_text")]
    pub host: Host,
    /// Where `log-scanner --share` leaves what this host has to tell.
    #[serde(default = "outbox")]
    pub outbox: PathBuf,
    /// Where what is known of the fleet is kept between runs.
    #[serde(default = "state")]
    pub state: PathBuf,
    /// Where the fleet meets.
    pub engine: EngineConfig,
    /// What this host takes from others.
    #[serde(default)]
    pub take: Take,
}

/// Where the fleet meets.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct EngineConfig {
    /// The server: `192.0.2.9:6379`, `[2001:db8::9]:6379`, or the path of its Unix socket.
    #[serde(deserialize_with = "by_text")]
    pub address: Address,
    /// The user, if not the host's name.
    #[serde(default)]
    pub user: Option<String>,
    /// The file whose first line is the password; none where the server asks for none.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// At a port of a host.
    Tcp(String, u16),
    /// At a Unix socket.
    Unix(PathBuf),
}

/// Why there is no configuration to go by.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file, or the file of the password.
    #[error("cannot read it")]
    Read(#[source] io::Error),
    /// It is no configuration.
    #[error("it is larger than {MOST} bytes")]
    TooLarge,
    /// Something in it is wrong.
    #[error("line {line}, column {column}: {why}")]
    At {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What.
        why: String,
    },
}

impl Config {
    /// Reads and checks the whole file.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be read, or says something that cannot be; with line and column.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let bytes = read(path)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| at(&bytes, error.valid_up_to(), "this is not UTF-8"))?;
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            at(&bytes, start, error.message().trim_end())
        })
    }
}

impl EngineConfig {
    /// The password; `None` where there is no file of it.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be read.
    pub fn password(&self) -> Result<Option<String>, ConfigError> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let bytes = read(path)?;
        let first = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        Ok(Some(String::from_utf8_lossy(first).trim_end().to_owned()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
        .map_err(ConfigError::Read)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST) {
        return Err(ConfigError::TooLarge);
    }
    Ok(bytes)
}

/// An error at a place in the file.
fn at(file: &[u8], place: usize, why: &str) -> ConfigError {
    let before = String::from_utf8_lossy(file.get(..place).unwrap_or_default());
    let line_so_far = before.rsplit('\n').next().unwrap_or_default();
    ConfigError::At {
        line: before.matches('\n').count() + 1,
        column: line_so_far.chars().count() + 1,
        why: why.replace('\n', " "),
    }
}

fn outbox() -> PathBuf {
    "/var/lib/rampart/outbox".into()
}

fn state() -> PathBuf {
    "/var/lib/rampart/share.state".into()
}

fn main() -> Host {
    // A name, as its test knows.
    "main".parse().unwrap_or_else(|_| unreachable!())
}

fn by_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    text(&String::deserialize(deserializer)?)
}

fn text<T: FromStr<Err: Display>, E: Error>(text: &str) -> Result<T, E> {
    text.parse().map_err(E::custom)
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        let parts = text.rsplit_once(':').and_then(|(host, port)| {
            let bare = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'));
            let host = bare.unwrap_or(host);
            let is_whole = bare.is_some() || !host.contains(':');
            (is_whole && !host.is_empty()).then_some((host, port.parse().ok()?))
        });
        let (host, port) = parts.ok_or_else(|| {
            format!("\"{text}\" is no address of a server: 192.0.2.9:6379, [2001:db8::9]:6379, or the path of a socket from /")
        })?;
        Ok(Self::Tcp(host.to_owned(), port))
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}
