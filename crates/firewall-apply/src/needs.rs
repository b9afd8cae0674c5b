//! What the configuration needs of the kernel and the kernel has not, by the name of its module and
//! the package that has it.

use std::collections::BTreeSet;

use ipset_netlink::{CreateSet, IpSet, Transport};
use iptables_ruleset::{Family, Lack, Lacking, Nftables, Requirement, Ruleset};

use crate::host::Host;

/// Matches, targets and expressions that the kernel has not, each as a sentence. Where it cannot be
/// asked, nothing: the transaction will say what is wrong.
pub(crate) fn missing_parts(
    nftables: &mut Nftables,
    rulesets: &[Ruleset],
    host: &Host,
) -> Vec<String> {
    let needs: BTreeSet<Requirement> = rulesets
        .iter()
        .filter_map(|ruleset| ruleset.requirements().ok())
        .flatten()
        .collect();
    told(&nftables.lacking(&needs).unwrap_or_default(), host)
}

/// Types of sets that the kernel has not, each as a sentence.
pub(crate) fn missing_set_types<'s, T: Transport>(
    kernel: &mut IpSet<T>,
    wanted: impl IntoIterator<Item = &'s CreateSet>,
    host: &Host,
) -> Vec<String> {
    let mut asked = Vec::new();
    let mut missing = Vec::new();
    for set in wanted {
        let one = (set.set_type.name(), set.family);
        if asked.contains(&one) {
            continue;
        }
        asked.push(one);
        let unknown = kernel.revisions(&set.set_type, set.family);
        if unknown.is_err_and(|error| error.is_type_unknown()) {
            let (name, family) = one;
            let module = format!("ip_set_{}", name.replace([':', ','], "_"));
            let what = format!("set type {name} for {family}");
            missing.push(format!("{}; {}", without(&what), cure(&module, host)));
        }
    }
    missing
}

/// What follows when the kernel has no ipsets at all.
pub(crate) fn without_sets(host: &Host) -> String {
    cure("ip_set", host)
}

fn told(lacking: &[Lacking], host: &Host) -> Vec<String> {
    if let Some(compat) = lacking.iter().find(|one| one.reason == Lack::Compat) {
        return vec![format!(
            "{}; {}",
            without("nft_compat, through which the rules get at iptables' matches"),
            cure(&compat.module(), host)
        )];
    }
    let mut told = Vec::new();
    let mut rest = lacking.to_vec();
    while let Some(one) = rest.first().cloned() {
        let what = one.requirement.to_string();
        let same = |other: &Lacking| other.requirement.to_string() == what;
        let families: Vec<String> = rest
            .iter()
            .filter(|other| same(other))
            .map(|other| other.requirement.family().to_string())
            .collect();
        rest.retain(|other| !same(other));
        let what = if families.len() == Family::BOTH.len() {
            what
        } else {
            format!("{what}, for {}", families.join(" and "))
        };
        told.push(match one.reason {
            Lack::Revision => format!(
                "{}, only other revisions: it needs another kernel",
                without(&what)
            ),
            _ => format!("{}; {}", without(&what), cure(&one.module(), host)),
        });
    }
    told
}

fn without(what: &str) -> String {
    format!("the kernel has no {what}")
}

/// How a module is to be had.
fn cure(module: &str, host: &Host) -> String {
    let release = host.release();
    let modules = format!("/lib/modules/{release}");
    if !release.is_empty() && host.exists("/lib/modules") && !host.exists(&modules) {
        return format!(
            "module {module} would have it, and there are no modules of the running kernel {release}: it was replaced by another, \
             `reboot`"
        );
    }
    if host.number("/proc/sys/kernel/modules_disabled") == Some(1) {
        return format!(
            "module {module} has it, and kernel.modules_disabled is 1: name it in /etc/modules-load.d/rampart.conf and `reboot`"
        );
    }
    let distribution = host.distribution();
    match distribution.module_package(&release) {
        Some(package) => format!(
            "module {module} has it, in package {} of {distribution}: `{}`",
            package.name, package.install
        ),
        None => format!("module {module} has it: `modprobe {module}`"),
    }
}

#[cfg(test)]
mod tests {
    use ipset_netlink::SetType;
    use ipset_netlink::testing::FakeKernel;

    use super::*;
    use crate::host::testing::Made;

    #[test]
    fn the_cure_is_that_of_the_distribution() {
        let red_hat = [
            (
                "/etc/os-release",
                "ID=rhel\nVERSION_ID=10.2\nPRETTY_NAME=\"RHEL 10.2\"\n",
            ),
            ("/proc/sys/kernel/osrelease", "6.12.0-55.el10\n"),
            ("/lib/modules/6.12.0-55.el10/modules.dep", ""),
        ];
        let made = Made::new(&red_hat);
        assert_eq!(
            cure("nft_compat", &made.host()),
            "module nft_compat has it, in package kernel-modules-extra-6.12.0-55.el10 of RHEL 10.2: \
             `dnf install kernel-modules-extra-6.12.0-55.el10`"
        );
        made.write("/proc/sys/kernel/modules_disabled", "1\n");
        assert!(cure("x", &made.host()).contains("modules_disabled is 1"));
        made.write("/proc/sys/kernel/osrelease", "6.12.0-60.el10\n");
        assert!(cure("x", &made.host()).ends_with("`reboot`"));
        let unknown = Made::new(&[]);
        assert_eq!(
            cure("xt_set", &unknown.host()),
            "module xt_set has it: `modprobe xt_set`"
        );
    }
    #[test]
    fn a_type_that_the_kernel_does_not_know_is_named_once() {
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        let set = |name: &str, set_type: &SetType| {
            let family = ipset_netlink::Family::Inet;
            CreateSet::new(name.parse().unwrap(), set_type.clone(), family)
        };
        let unknown = SetType::Other("hash:ram,part".to_owned());
        let wanted = [
            set("a", &SetType::HashNet),
            set("b", &unknown),
            set("c", &unknown),
        ];
        let missing = missing_set_types(&mut kernel, &wanted, &Made::new(&[]).host());
        assert_eq!(
            missing,
            [
                "the kernel has no set type hash:ram,part for inet; module ip_set_hash_ram_part has it: \
              `modprobe ip_set_hash_ram_part`"
            ]
        );
    }
}
