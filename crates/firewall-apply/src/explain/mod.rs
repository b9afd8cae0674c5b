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
    if !asked.is_passed_on() && !asked.is_sent() && !stands(&route) {
        findings.warn(
            "no rule of INPUT leads to FIREWALL_INPUT: the firewall does not stand, or is not asked about this packet",
        );
    }
    Report::new(&asked, &route, host)
}

/// Whether the packet comes to our chain, or ends in the one before connection tracking.
fn stands(route: &Route) -> bool {
    let ours = [
        (Table::Raw, Hook::Prerouting, "FIREWALL_EARLY"),
        (Table::Filter, Hook::Input, "FIREWALL_INPUT"),
    ];
    let last = route.passages.last();
    route.passages.iter().any(|passage| {
        let steps = &passage.explanation.steps;
        ours.iter().any(|(table, hook, chain)| {
            let is_there = passage.place.is_built_in(*table, *hook);
            let ends = *table == Table::Filter || last == Some(passage);
            is_there && ends && steps.iter().any(|step| step.chain == *chain)
        })
    })
}
