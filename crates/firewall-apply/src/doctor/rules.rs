//! Whether the rules stand, and what makes them void or weak.

use super::context::{Context, Kernel};
use super::found::{Found, Item};
use crate::standing;

pub(super) const ITEM: Item = Item {
    name: "rules",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let host = context.host.clone();
    let Context {
        last,
        kernel: Kernel { sets, snapshot, .. },
        wanted,
        ..
    } = context;
    let (Some(snapshot), Some(sets)) = (snapshot, sets) else {
        return Vec::new();
    };
    let Some(expected) = standing::expected(*wanted, last) else {
        return Vec::new();
    };
    let set_name = standing::set_names(sets, expected);
    Found::of_findings("the firewall stands as it went in", |findings| {
        standing::note(snapshot, expected, last, &host, set_name, findings);
    })
}
