//! The text of entries and arguments, and what it says.
//!
//! What a line says is collected field by field in [`Values`], so that what is missing or must not be
//! said can be told by name, and is made into a set or an entry at the end.

mod values;

pub use values::Values;

use ipset_netlink::SetName;

use crate::{
    report::{Refused, Report},
    types::{Argument, TypeSpec},
};

/// Reads the value of an argument (or its own name, where it has none).
pub fn read_argument(
    values: &mut Values,
    report: &mut Report,
    argument: Argument,
    text: &str,
) -> Result<(), Refused> {
    let _ = (values, argument, text);
    Err(report.error("not yet"))
}

/// Reads an entry of a set of this type; `values.family` is that of the set.
pub fn read_entry(
    values: &mut Values,
    report: &mut Report,
    spec: &TypeSpec,
    text: &str,
) -> Result<(), Refused> {
    let _ = (values, spec, text);
    Err(report.error("not yet"))
}

/// Reads the name of a set.
pub fn read_set_name(report: &mut Report, text: &str) -> Result<SetName, Refused> {
    text.parse().map_err(|error| report.error(error))
}
