//! A session with a server of Valkey or Redis, by commands that Redis 7.0 has.

mod answer;
mod engine;
mod keys;

use std::time::{Duration, SystemTime};

use answer::bytes;
use ban_fleet::{ClockOffset, Host, Time};
pub use keys::Keys;
use redis::{
    Connection, ConnectionAddr, ConnectionInfo, ConnectionLike as _, Pipeline, RedisConnectionInfo,
    RedisError, Value, cmd,
};

use crate::config::{Address, Config, ConfigError};

/// What a host is let do: `ban-share acl` writes it, and a test holds it against what is done here.
pub(crate) const COMMANDS: [&str; 17] = [
    "del",
    "exec",
    "expire",
    "get",
    "info",
    "multi",
    "ping",
    "scan",
    "set",
    "time",
    "xadd",
    "xrange",
    "xrevrange",
    "zadd",
    "zrangebyscore",
    "zrem",
    "zremrangebyscore",
];

/// How long an answer is waited for.
const WAIT: Duration = Duration::from_secs(2);
/// More hosts than these are no fleet that everybody reads from everybody in.
const MOST_HOSTS: usize = 2000;

/// A session with a server.
pub struct Valkey {
    connection: Connection,
    address: Address,
    keys: Keys,
    own: Host,
    offset: ClockOffset,
}

impl std::fmt::Debug for Valkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Valkey")
            .field("address", &self.address)
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

/// What was tried with a server, and why it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The password cannot be read.
    #[error("password of the engine")]
    Password(#[source] ConfigError),
    /// The server cannot be reached, or refuses it.
    #[error("engine {address}: cannot {what}")]
    Server {
        /// Where it is.
        address: Address,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: RedisError,
    },
    /// It answers what no such server does.
    #[error("engine {address}: cannot {what}: the answer makes no sense")]
    Answer {
        /// Where it is.
        address: Address,
        /// What was tried.
        what: &'static str,
    },
    /// There are more hosts than a fleet has.
    #[error("engine {0}: more than {MOST_HOSTS} hosts have told something")]
    Hosts(Address),
}

impl EngineError {
    /// The server refuses it to this user.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Server { source, .. } => {
                source.code() == Some("NOPERM") || source.to_string().contains("NOPERM")
            }
            _ => false,
        }
    }
}

/// What a host may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Write in its own name.
    pub(crate) own: bool,
    /// Write in the name of others.
    pub(crate) others: bool,
    /// Read the server's configuration.
    pub(crate) more: bool,
}

impl Valkey {
    /// Connects, and compares both clocks. Each answer is waited for two seconds at most.
    ///
    /// # Errors
    ///
    /// Fails where the server cannot be reached, does not let this user in, or the password cannot be
    /// read.
    pub fn connect(config: &Config) -> Result<Self, EngineError> {
        let engine = &config.engine;
        let address = engine.address.clone();
        let password = engine.password().map_err(EngineError::Password)?;
        let user = engine
            .user
            .clone()
            .unwrap_or_else(|| config.host.to_string());
        let info = ConnectionInfo {
            addr: match &address {
                Address::Tcp(host, port) => ConnectionAddr::Tcp(host.clone(), *port),
                Address::Unix(path) => ConnectionAddr::Unix(path.clone()),
            },
            redis: RedisConnectionInfo {
                username: password.is_some().then_some(user),
                password,
                ..RedisConnectionInfo::default()
            },
        };
        let failed = |what| {
            let address = address.clone();
            move |source| EngineError::Server {
                address,
                what,
                source,
            }
        };
        let client = redis::Client::open(info).map_err(failed("connect"))?;
        let mut connection = client
            .get_connection_with_timeout(WAIT)
            .map_err(failed("connect"))?;
        connection
            .set_read_timeout(Some(WAIT))
            .and_then(|()| connection.set_write_timeout(Some(WAIT)))
            .map_err(failed("connect"))?;
        let before = SystemTime::now();
        let (seconds, micros): (u64, u64) = cmd("TIME")
            .query(&mut connection)
            .map_err(failed("ask for the time"))?;
        // The answer is of an instant in between.
        let between = before + before.elapsed().unwrap_or_default() / 2;
        let there = Time::from_millis(seconds.saturating_mul(1000).saturating_add(micros / 1000));
        Ok(Self {
            connection,
            offset: ClockOffset::between(between.into(), there),
            address,
            keys: Keys::new(&config.fleet),
            own: config.host.clone(),
        })
    }

    /// How far this host's clock is from the server's.
    pub fn clock_offset(&self) -> ClockOffset {
        self.offset
    }

    /// The server's time by now.
    pub fn now(&self) -> Time {
        self.offset.correct(SystemTime::now().into())
    }

    /// The server's version: `7.0.15`. That of Valkey is the version of Redis that it is like.
    ///
    /// # Errors
    ///
    /// Fails where the server cannot be reached, or refuses it.
    pub fn version(&mut self) -> Result<String, EngineError> {
        let what = "ask for the version";
        let info = self.ask(what, cmd("INFO").arg("server"))?;
        let info = bytes(&info).map(String::from_utf8_lossy);
        let mut lines = info.iter().flat_map(|info| info.lines());
        let version = lines.find_map(|line| line.strip_prefix("redis_version:"));
        version
            .map(|version| version.trim().to_owned())
            .ok_or_else(|| self.senseless(what))
    }

    /// What this host may do; tried, since it may ask for nothing else.
    pub(crate) fn rights(&mut self) -> Result<Rights, EngineError> {
        let other = if self.own.as_str() == "nobody" {
            "none"
        } else {
            "nobody"
        };
        let other = other.parse().unwrap_or_else(|_| self.own.clone());
        let own = self.own.clone();
        Ok(Rights {
            own: self.may_write(&own)?,
            others: self.may_write(&other)?,
            more: self.may(cmd("CONFIG").arg("GET").arg("proto-max-bulk-len"))?,
        })
    }

    fn may_write(&mut self, host: &Host) -> Result<bool, EngineError> {
        let key = self.keys.of(host, "check");
        self.may(cmd("SET").arg(key).arg("1").arg("EX").arg(1))
    }

    fn may(&mut self, command: &redis::Cmd) -> Result<bool, EngineError> {
        match self.ask("ask for the rights", command) {
            Ok(_) => Ok(true),
            Err(error) if error.is_refused() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn ask(&mut self, what: &'static str, command: &redis::Cmd) -> Result<Value, EngineError> {
        let answer = command.query(&mut self.connection);
        answer.map_err(|source| self.failed(what, source))
    }

    fn ask_all(
        &mut self,
        what: &'static str,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, EngineError> {
        let answer = commands.query(&mut self.connection);
        answer.map_err(|source| self.failed(what, source))
    }

    /// Asks of each host by itself: what one has made of its keys is no trouble of the others. An
    /// answer that is an error is no list, and so empty.
    fn ask_each(
        &mut self,
        what: &'static str,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, EngineError> {
        let (packed, count) = (commands.get_packed_pipeline(), commands.len());
        let answers = self.connection.req_packed_commands(&packed, 0, count);
        let answers = answers.map_err(|source| self.failed(what, source))?;
        let mut refused = answers.iter().filter_map(|answer| match answer {
            Value::ServerError(error) if error.code() == "NOPERM" => Some(error.clone()),
            _ => None,
        });
        match refused.next() {
            Some(error) => Err(self.failed(what, error.into())),
            None => Ok(answers),
        }
    }

    fn failed(&self, what: &'static str, source: RedisError) -> EngineError {
        EngineError::Server {
            address: self.address.clone(),
            what,
            source,
        }
    }

    fn senseless(&self, what: &'static str) -> EngineError {
        EngineError::Answer {
            address: self.address.clone(),
            what,
        }
    }
}
