//! `explain`: what becomes of a new packet, and which rule or entry of a set says so.

mod host;
mod packet;
mod report;
mod text;

use iptables_ruleset::explain::Route;
use iptables_ruleset::{Hook, Nftables, Table};

use self::host::Host;
use self::report::Report;
use crate::args::ExplainArgs;
use crate::findings::{Findings, causes, refusal};
use crate::{legacy, sets};

/// Follows a packet through the rules in the kernel.
pub(crate) fn run(args: &ExplainArgs, findings: &mut Findings) -> Report {
    let asked = match packet::described(args) {
        Ok(packet) => packet,
        Err(why) => {
            findings.refuse(why);
            return Report::default();
        }
    };
    let tables = Nftables::connect().and_then(|mut kernel| kernel.tables());
    let tables = match tables {
        Ok(tables) => tables,
        Err(error) => {
            findings.refuse(refusal(&error));
            return Report::default();
        }
    };
    let Some(sets) = sets::connect(findings) else {
        return Report::default();
    };
    let mut host = Host::new(sets);
    let route = Route::follow(&tables, &asked, &mut host);
    for (_, tool, tables) in legacy::tables()
        .into_iter()
        .filter(|(family, _, _)| *family == asked.family())
    {
        findings.warn(format!(
            "{tool} has tables of its own ({}), which are not looked into: what their rules drop does not get in, whatever is \
             said here; `{tool} -S` shows them",
            tables.join(", ")
        ));
    }
    for problem in host.take_problems() {
        findings.warn(causes(&problem));
    }
    let hook = if asked.is_passed_on() {
        Hook::Forward
    } else {
        Hook::Input
    };
    if !asked.is_passed_on() && !stands(&route, hook) {
        findings.warn(
            "no rule of INPUT leads to FIREWALL_INPUT: the firewall does not stand, or is not asked about this packet",
        );
    }
    Report::new(&asked, &route, host)
}

/// Whether the packet comes to our chain.
fn stands(route: &Route, hook: Hook) -> bool {
    route
        .passages
        .iter()
        .filter(|passage| passage.place.is_built_in(Table::Filter, hook))
        .any(|passage| {
            let mut steps = passage.explanation.steps.iter();
            steps.any(|step| step.chain == OURS)
        })
}

/// The chain that INPUT jumps to.
const OURS: &str = "FIREWALL_INPUT";
