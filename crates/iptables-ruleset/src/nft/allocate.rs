//! Expressions in libnftnl's memory: the only place where libnftnl is called by hand.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;

use nftnl::nftnl_sys as sys;

/// Text for C. Names are checked to have no NUL when they are made.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// What an attribute holds. Numbers are in host order; libnftnl turns them round.
pub(super) enum Value<'a> {
    U16(u16),
    U32(u32),
    U64(u64),
    /// At most 16 bytes, what a register holds.
    Bytes(&'a [u8]),
    Text(CString),
    /// A structure that libnftnl keeps and frees.
    Kept(&'a [u8]),
}

/// libnftnl's number of each attribute, and its value.
pub(super) type Attributes<'a> = Vec<(u32, Value<'a>)>;

/// A new expression, which belongs to the caller until a rule takes it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "attribute numbers are small; the binding has them as u32"
)]
pub(super) fn allocate(name: &CStr, attributes: &[(u32, Value<'_>)]) -> NonNull<sys::nftnl_expr> {
    // SAFETY: `name` ends with a NUL and is only read during the call.
    let allocated = unsafe { sys::nftnl_expr_alloc(name.as_ptr()) };
    let Some(expression) = NonNull::new(allocated) else {
        out_of_memory()
    };
    let raw = expression.as_ptr();
    for (attribute, value) in attributes {
        let attribute = *attribute as u16;
        match value {
            // SAFETY: `raw` is a live expression that nothing else refers to; the number is copied,
            // and its width is the one that libnftnl reads for this attribute (see `expression`).
            Value::U16(number) => unsafe { sys::nftnl_expr_set_u16(raw, attribute, *number) },
            // SAFETY: as for `U16`.
            Value::U32(number) => unsafe { sys::nftnl_expr_set_u32(raw, attribute, *number) },
            // SAFETY: as for `U16`.
            Value::U64(number) => unsafe { sys::nftnl_expr_set_u64(raw, attribute, *number) },
            Value::Text(text) => {
                // SAFETY: as for `U16`; `text` ends with a NUL and is copied.
                check(unsafe { sys::nftnl_expr_set_str(raw, attribute, text.as_ptr()) });
            }
            Value::Bytes(bytes) => {
                let length = u32::try_from(bytes.len()).unwrap_or(0);
                // SAFETY: as for `U16`; `length` bytes are readable and copied, and they fit into
                // libnftnl's register.
                check(unsafe {
                    sys::nftnl_expr_set(raw, attribute, bytes.as_ptr().cast(), length)
                });
            }
            Value::Kept(bytes) => {
                let length = u32::try_from(bytes.len()).unwrap_or(0);
                let copy = c_copy(bytes);
                // SAFETY: as for `U16`; libnftnl takes the buffer and frees it with the expression
                // (src/expr/match.c and target.c), which is why it comes from calloc and is never
                // touched by us again.
                check(unsafe { sys::nftnl_expr_set(raw, attribute, copy.as_ptr().cast(), length) });
            }
        }
    }
    expression
}

/// A copy that C may free.
fn c_copy(bytes: &[u8]) -> NonNull<u8> {
    // SAFETY: calloc takes any two numbers; what it returns is checked.
    let allocated = unsafe { libc::calloc(1, bytes.len().max(1)) };
    let Some(copy) = NonNull::new(allocated.cast::<u8>()) else {
        out_of_memory()
    };
    // SAFETY: both are valid for `bytes.len()` bytes, and a new allocation overlaps with nothing.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy.as_ptr(), bytes.len()) };
    copy
}

/// The setters fail only for want of memory.
fn check(result: libc::c_int) {
    if result < 0 {
        out_of_memory();
    }
}

/// As the nftnl crate does: the allocations are small, so there is no going on without them.
fn out_of_memory() -> ! {
    std::process::abort()
}
