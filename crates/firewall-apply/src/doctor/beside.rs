//! What else decides about packets: other tables, iptables-legacy, containers, other firewalls.

use super::context::{Context, Kernel};
use super::found::{Found, Item};
use crate::{flushers, surroundings};

pub(super) const ITEM: Item = Item {
    name: "others",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let services = flushers::found(&context.host);
    let Some((expected, kernel)) = context.expected_and_kernel() else {
        return Vec::new();
    };
    let Kernel {
        nftables, snapshot, ..
    } = kernel;
    let fine = "nothing else decides about packets to this host, or takes rules out";
    Found::of_findings(fine, |findings| {
        if let (Some(nftables), Some(tables)) = (nftables, &*snapshot) {
            surroundings::note(nftables, tables, &expected.config, findings);
        }
        for service in services {
            findings.warn(service);
        }
    })
}
