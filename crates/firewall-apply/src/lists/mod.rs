//! Lists: sets whose members stand in files.

mod content;
mod exceptions;
mod in_kernel;
mod put;
mod report;

pub(crate) use content::{Content, Contents};
pub(crate) use exceptions::Exceptions;
pub(crate) use in_kernel::{InSet, Size};
pub(crate) use put::{Planned, SetPlan, put_in};
pub(crate) use report::ListReport;
