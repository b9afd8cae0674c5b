//! What the configuration needs of the kernel.

use super::context::{Context, Kernel};
use super::found::{Found, Item, Outcome};
use crate::needs;

pub(super) const ITEM: Item = Item {
    name: "kernel",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let host = context.host.clone();
    let distribution = host.distribution();
    let mut found: Vec<Found> = context
        .kernel
        .trouble
        .iter()
        .map(|trouble| Found::of_sentence(Outcome::Failure, trouble))
        .collect();
    if let Some((expected, Kernel { sets, nftables, .. })) = context.expected_and_kernel() {
        let mut missing = Vec::new();
        if let Some(nftables) = nftables {
            missing.extend(needs::missing_parts(nftables, &expected.rulesets, &host));
        }
        if let Some(sets) = sets {
            missing.extend(needs::missing_set_types(
                sets,
                expected.sets.iter().map(|set| &set.create),
                &host,
            ));
        }
        let failures = missing.iter();
        found.extend(failures.map(|missing| Found::of_sentence(Outcome::Failure, missing)));
    }
    if distribution.is_red_hat_since(10) {
        let package = distribution.module_package(&host.release());
        let install = package.map(|package| format!("`{}`", package.install));
        found.push(Found::warning(
            format!(
                "{distribution} has ipset and iptables' matches only in kernel-modules-extra, and calls them deprecated: with every \
                 new kernel that package has to come along"
            ),
            install.unwrap_or_default(),
        ));
    }
    if found.is_empty() {
        let release = host.release();
        found.push(Found::ok(format!(
            "Linux {release} has every match, target and set type that is needed"
        )));
    }
    found
}
