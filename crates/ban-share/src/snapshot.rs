//! `snapshot`: what holds by now, by who told it.

use std::collections::BTreeMap;
use std::io::Write;

use ban_fleet::{Engine as _, Record};

use crate::args::SnapshotArgs;
use crate::config::Config;
use crate::error::Stop;
use crate::valkey::Valkey;
use crate::{DONE, FINDING};

/// Of more records of one host nobody wants to read.
const MOST: usize = 1_000_000;

/// Writes a line for each record, behind the name of who told it; 1 where somebody told what is none.
pub(crate) fn run(args: &SnapshotArgs, out: &mut impl Write) -> Result<u8, Stop> {
    let config = Config::read(&args.config).map_err(|source| Stop::Config {
        path: args.config.clone(),
        source,
    })?;
    let mut engine = Valkey::connect(&config)?;
    let snapshot = engine.snapshot(args.of.as_ref(), MOST)?;
    let mut malformed = BTreeMap::new();
    for told in &snapshot.told {
        // What is no record may hold anything, and is not for a terminal.
        match Record::parse(&told.line) {
            Ok(record) => writeln!(out, "{} {record}", told.origin)?,
            Err(error) => {
                let (count, _) = malformed.entry(&told.origin).or_insert((0_usize, error));
                *count += 1;
            }
        }
    }
    for (origin, (count, why)) in &malformed {
        writeln!(
            out,
            "[WARNING] {origin} told {count} lines that are no records, the first because {why}"
        )?;
    }
    Ok(if malformed.is_empty() { DONE } else { FINDING })
}
