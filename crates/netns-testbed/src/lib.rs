//! Private network namespaces for tests and demonstrations.
//!
//! Everything here happens in namespaces of its own: nothing is seen of the host's network and
//! nothing is changed in it. It works as root and as an ordinary user, if the host lets users make
//! namespaces.
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

mod connect;
mod enter;
mod entered;
mod interface;
mod kernel_log;
mod log;
mod metrics;
mod namespace;
mod packet;
mod process;
mod program;
mod route;
mod tap;
mod tool;
mod trial;
mod world;

pub use connect::{accept, connect};
pub use enter::enter;
pub use etherparse::TcpHeader;
pub use interface::{Family, Interface};
pub use kernel_log::KernelLog;
pub use libtest_mimic::{Failed, Trial};
pub use log::{Logged, Nflog};
pub use metrics::{MetricsRead, MetricsText, read_metrics};
pub use namespace::Namespace;
pub use packet::Packet;
pub use process::Process;
pub use program::program;
pub use tap::Tap;
pub use tool::Tool;
pub use trial::{run, skip, trial};
pub use world::{Host, World};
