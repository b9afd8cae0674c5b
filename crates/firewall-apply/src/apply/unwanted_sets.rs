//! Sets that packets filled by another configuration, and that nothing looks into any more.

use ipset_netlink::{CreateSet, IfMissing, IpSet, SetHeader, SetOptions, Transport};
use iptables_ruleset::Config;

use crate::configured;
use crate::findings::causes;
use crate::sets;

/// Destroys those that are as we would have made them and that nobody else refers to, and gives what
/// each was. Where the rules have just `changed` it is waited until the old ones let go.
pub(super) fn destroy<T: Transport>(
    kernel: &mut IpSet<T>,
    config: &Config,
    changed: bool,
) -> Result<Vec<SetHeader>, String> {
    let mut gone = Vec::new();
    for set in configured::unwanted_sets(config)? {
        let name = set.name();
        if sets::is_missing(kernel, name) {
            continue;
        }
        let header = kernel.header(name).map_err(|error| causes(&error))?;
        let is_used = header.references > 0 && !changed;
        if is_used || !is_ours(&header, &set.create) {
            continue;
        }
        match kernel.destroy(name, IfMissing::Ignore) {
            Ok(()) => gone.push(header),
            // A rule of somebody else looks into it, or another set has it as a member.
            Err(error) if error.is_busy() => {}
            Err(error) => return Err(causes(&error)),
        }
    }
    Ok(gone)
}

/// Whether the set is one that we make, however many members it takes.
fn is_ours(found: &SetHeader, made: &CreateSet) -> bool {
    let fixed = |options: &SetOptions| {
        let mut options = options.clone();
        // What a configuration chooses, or the kernel.
        options.max_elements = None;
        options.hash_size = None;
        options.bucket_size = None;
        options.initial_value = None;
        options
    };
    let (has, makes) = (&found.options, &made.options);
    (&found.set_type, found.family) == (&made.set_type, made.family) && fixed(has) == fixed(makes)
}
