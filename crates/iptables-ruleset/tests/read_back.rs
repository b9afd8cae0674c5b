//! What was written is read back as it was written, for any rule.

mod generate;

use iptables_ruleset::{FakeKernel, Family, Hook, Kernel as _};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_rule_is_read_as_it_was_written(
        (family, rule) in prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)]
            .prop_flat_map(|family| (Just(family), generate::rule(family))),
    ) {
        let mut kernel = FakeKernel::new();
        kernel.append(family, Hook::Input, &rule);
        let snapshot = kernel.snapshot().unwrap();
        let input = snapshot.table(family).unwrap().chain("INPUT").unwrap();
        let read = input.rules()[0].rule(family, |_| Some(generate::SET.to_owned()));
        prop_assert_eq!(
            read.to_iptables_save(family).to_string(),
            rule.to_iptables_save(family).to_string()
        );
    }
}
