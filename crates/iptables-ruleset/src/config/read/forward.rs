//! The keys of `[forward]`.

use super::set;
use crate::config::Forward;
use crate::config::document::Key;

pub(super) const FORWARD: &[Key<Forward>] =
    &[("protect", |to, value| set(&mut to.protect, value.boolean()))];
