//! Transports that need no kernel, for tests.
//!
//! [`FakeKernel`] keeps sets in memory: what a program does to them can be looked at afterwards,
//! however it asked for it. A [`script`] gives one answer after the other, for answers that a kernel
//! gives seldom or never, and to see what was asked.

mod answers;
mod fake_kernel;

pub use answers::{error_at_line, protocol, requests, revisions, script, type_of};
pub use fake_kernel::FakeKernel;
pub use netlink_session::testing::{Answer, Script};
