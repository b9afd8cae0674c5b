use super::{Config, ConfigError};
pub(super) fn config(_text: &str) -> Result<Config, ConfigError> { todo!() }
