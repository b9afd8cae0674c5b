//! Listings, in the forms `ipset` writes them.

use std::io::{self, Write};

use ipset_netlink::{Error, IpSet, SetName};

use crate::command_line::{Options, Output};

/// Why a listing broke off.
#[derive(Debug)]
pub enum ListError {
    Kernel(Error),
    Output(io::Error),
}

/// Writes a set, or all of them.
pub fn list(
    sets: &mut IpSet,
    set: Option<&SetName>,
    output: Output,
    options: &Options,
    out: &mut dyn Write,
) -> Result<(), ListError> {
    let _ = (sets, set, output, options, out);
    Ok(())
}
