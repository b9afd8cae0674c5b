//! Transports that need no kernel, for tests.
//!
//! [`FakeKernel`] keeps sets in memory: what a program does to them can be looked at afterwards,
//! however it asked for it. [`Script`] gives one answer after the other, for answers that a kernel
//! gives seldom or never, and to see what was asked.

mod fake_kernel;
mod script;

pub use fake_kernel::FakeKernel;
pub use script::{Answer, Script};
