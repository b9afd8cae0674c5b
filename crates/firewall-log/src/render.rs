//! Writing into a byte buffer, which cannot fail.

/// `write!` into a `Vec<u8>`; the result is dropped because a vector takes everything.
macro_rules! put {
    ($out:expr, $($format:tt)+) => {{
        use std::io::Write as _;
        let _ = write!($out, $($format)+);
    }};
}
pub(crate) use put;
