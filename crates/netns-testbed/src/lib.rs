//! Private network namespaces for tests and demonstrations.
//!
//! Everything here happens in namespaces of its own: nothing is seen of the host's network and nothing is
//! changed in it. It works as root and as an ordinary user, if the host lets users make namespaces.
//!
//! A test target with `harness = false` hands its trials to [`run`], first thing in `main`:
//!
//! ```no_run
//! use netns_testbed::{Failed, Tool, run, trial};
//!
//! fn main() -> std::process::ExitCode {
//!     run(vec![trial("a_new_namespace_has_no_sets", no_sets)])
//! }
//!
//! fn no_sets() -> Result<(), Failed> {
//!     let ipset = Tool::require("ipset")?;
//!     assert_eq!(ipset.run(&["list", "-name"])?, "");
//!     Ok(())
//! }
//! ```
//!
//! | variable | set to `1` |
//! |---|---|
//! | `RAMPART_REQUIRE_NAMESPACES` | a host that forbids namespaces is a failure; otherwise every trial is skipped and the reason shown |
//! | `RAMPART_REQUIRE_TOOLS` | a stock tool that is missing is a failure; otherwise the trial that needs it is skipped |
#![forbid(unsafe_code)]

mod enter;
mod program;
mod tool;
mod trial;

pub use libtest_mimic::{Failed, Trial};
pub use program::program;
pub use tool::Tool;
pub use trial::{run, skip, trial};
