//! From a [`Config`] to the rules of one family.

use crate::config::RequiredSet;
use crate::{BuildError, Config, Family, Ruleset};
pub(crate) fn required_sets(_config: &Config) -> Result<Vec<RequiredSet>, BuildError> { todo!() }
pub(crate) fn ruleset(_config: &Config, _family: Family) -> Result<Ruleset, BuildError> { todo!() }
