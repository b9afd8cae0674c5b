//! One JSON document.

use std::io::{self, Write};

use serde::Serialize;

use super::Body;
use crate::findings::{Findings, Problem};

/// Of the document; a change that a reader of version 1 would misread makes it 2.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    command: &'static str,
    exit_status: u8,
    #[serde(flatten)]
    body: &'a Body,
    warnings: &'a [Problem],
    errors: &'a [Problem],
}

/// Writes the document and a line end.
///
/// # Errors
///
/// Those of `out`.
pub(crate) fn write(mut out: impl Write, body: &Body, findings: &Findings) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        command: body.command(),
        exit_status: findings.status() as u8,
        body,
        warnings: &findings.warnings,
        errors: &findings.errors,
    };
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)
}
