//! Under which keys what lies.

use ban_fleet::Host;

/// The keys of a fleet: `rampart:FLEET:o:HOST:NAME`.
#[derive(Clone, Debug)]
pub struct Keys {
    begin: String,
}

impl Keys {
    /// Those of this fleet.
    pub fn new(fleet: &Host) -> Self {
        Self {
            begin: format!("rampart:{fleet}:o:"),
        }
    }

    /// One key of a host.
    pub fn of(&self, host: &Host, name: &str) -> String {
        format!("{}{host}:{name}", self.begin)
    }

    /// The pattern of one key of all hosts.
    pub(crate) fn of_all(&self, name: &str) -> String {
        format!("{}*:{name}", self.begin)
    }

    /// The pattern of all keys.
    pub(crate) fn pattern(&self) -> String {
        format!("{}*", self.begin)
    }

    /// Whose key this is, if it is one of this name.
    pub(crate) fn host(&self, key: &[u8], name: &str) -> Option<Host> {
        let key = std::str::from_utf8(key).ok()?;
        let host = key.strip_prefix(&self.begin)?.strip_suffix(name)?;
        host.strip_suffix(':')?.parse().ok()
    }
}
