//! `acl`: what the server has to let a host do.

use std::io::Write;

use crate::DONE;
use crate::args::AclArgs;
use crate::error::Stop;
use crate::valkey::{COMMANDS, Keys};

/// Writes the line for the server's file of users; the password is still to be put in.
pub(crate) fn run(args: &AclArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let keys = Keys::new(&args.fleet);
    let own = keys.of(&args.host, "*");
    let all = keys.pattern();
    write!(
        out,
        "user {} on >PASSWORD resetkeys resetchannels %RW~{own} %R~{all} -@all",
        args.host
    )?;
    for command in COMMANDS {
        write!(out, " +{command}")?;
    }
    writeln!(out)?;
    Ok(DONE)
}
