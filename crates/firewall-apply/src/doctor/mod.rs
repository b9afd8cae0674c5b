//! `doctor`: all that the firewall depends on, one item after the other, each with its cure.
//!
//! An item is a file with a row; [`ITEMS`] has them in the order in which they are told. An item
//! reads files, `/proc` and netlink, and starts nothing.

mod beside;
mod boot;
mod configuration;
mod context;
mod found;
mod kernel;
mod log_lines;
mod log_writer;
mod pending;
mod ram_disk;
mod report;
mod rotation;
mod rules;
mod scans;
mod sets;
mod tracking;

use context::Context;
use found::Item;
use report::Report;

use crate::args::DoctorArgs;
use crate::config::{Source, Wanted};
use crate::findings::Findings;

/// What is looked at.
const ITEMS: [Item; 13] = [
    configuration::ITEM,
    kernel::ITEM,
    rules::ITEM,
    pending::ITEM,
    sets::ITEM,
    beside::ITEM,
    boot::ITEM,
    ram_disk::ITEM,
    log_writer::ITEM,
    log_lines::ITEM,
    rotation::ITEM,
    scans::ITEM,
    tracking::ITEM,
];

/// Looks at everything.
pub(crate) fn run(
    config: Source,
    wanted: Option<&Wanted>,
    args: &DoctorArgs,
    findings: &mut Findings,
) -> Report {
    // What is wrong with the configuration is an item like the others.
    let problems = findings.take();
    let mut context = Context::new(config.clone(), wanted, args, problems);
    let report = Report::new(
        config,
        ITEMS.iter().flat_map(|item| item.look(&mut context)),
    );
    if report.failed() {
        findings.differs();
    }
    report
}
