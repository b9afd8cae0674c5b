//! What `-i` and `-o` share.

use std::fmt;

use crate::InterfaceName;
use crate::encoding::{Encoder, Expression, MetaKey};

pub(super) fn save(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    name: &InterfaceName,
    inverted: bool,
) -> fmt::Result {
    write!(f, "{}{option} {name} ", if inverted { "! " } else { "" })
}

/// With the NUL the whole name is compared, without it the beginning.
pub(super) fn encode(
    encoder: &mut Encoder<'_>,
    key: MetaKey,
    name: &InterfaceName,
    inverted: bool,
) {
    let data = match name.as_str().strip_suffix('+') {
        Some(beginning) => beginning.as_bytes().to_vec(),
        None => [name.as_str().as_bytes(), b"\0"].concat(),
    };
    encoder.compare(Expression::Meta(key), inverted, data);
}
