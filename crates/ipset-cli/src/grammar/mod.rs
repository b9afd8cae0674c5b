//! The text of entries and arguments, and what it says.
//!
//! What a line says is collected field by field in [`Values`], so that what is missing or must not
//! be said can be told by name, and is made into a set or an entry at the end.

mod address;
mod argument;
mod build;
mod entry;
mod number;
mod port;
mod separator;
mod values;

pub(crate) use argument::read_argument;
pub(crate) use entry::read_entry;
use ipset_netlink::SetName;
pub(crate) use values::Values;

use crate::report::{Refused, Report};
use crate::text;

/// Reads the name of a set.
pub(crate) fn read_set_name(report: &mut Report, text: &str) -> Result<SetName, Refused> {
    if text::len(text) > SetName::MAX_LEN {
        return Err(report.syntax_error(format_args!(
            "setname '{text}' is longer than {} characters",
            SetName::MAX_LEN
        )));
    }
    SetName::verbatim(text::bytes(text)).map_err(|error| report.error(text::of_display(error)))
}
