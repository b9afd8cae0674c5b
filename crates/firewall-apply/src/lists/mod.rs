//! Lists: sets whose members stand in files.

mod content;
mod exceptions;
mod in_kernel;
mod put;
mod report;

use content::Content;
pub(crate) use content::Contents;
use exceptions::Exceptions;
pub(crate) use exceptions::private;
use in_kernel::InSet;
pub(crate) use in_kernel::{Size, shrinks};
pub(crate) use put::{Planned, SetPlan, put_in};
pub(crate) use report::ListReport;
