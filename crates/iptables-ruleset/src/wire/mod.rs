//! Rules as bytes: the one place that knows how the kernel lays an expression out.

pub(crate) mod attributes;
pub(crate) mod decode;
pub(crate) mod verdict;
