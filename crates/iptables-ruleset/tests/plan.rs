//! Plans against the kernel in memory: what embedders can test without privileges.

#![expect(
    clippy::unwrap_used,
    clippy::unnecessary_wraps,
    reason = "a test says what went wrong by panicking, and a resolver may fail"
)]

use std::io;
use std::time::Duration;

use iptables_ruleset::match_::{Conntrack, CtState, Direction, InInterface, Protocol, Set, Tcp};
use iptables_ruleset::target::Log;
use iptables_ruleset::{
    ApplyError, Batch, Config, FakeKernel, Family, Hook, Kernel, KernelSet, Plan, Policy, Rule,
    Ruleset, Snapshot, Target,
};

fn any_set(name: &str) -> io::Result<KernelSet> {
    let family = if name.ends_with("_v6") {
        Family::Ipv6
    } else {
        Family::Ipv4
    };
    Ok(KernelSet::new(3, Some(family)))
}

fn rulesets() -> [Ruleset; 2] {
    Family::BOTH.map(|family| Config::default().ruleset(family).unwrap())
}

fn install() -> Plan {
    Plan::install(&rulesets(), &mut any_set).unwrap()
}

/// The same firewall with another level of a line.
fn install_another() -> Plan {
    let config = Config::parse("[log]\nblocked-level = 6\n").unwrap();
    let rulesets = Family::BOTH.map(|family| config.ruleset(family).unwrap());
    Plan::install(&rulesets, &mut any_set).unwrap()
}

#[test]
fn installing_twice_and_removing_leaves_an_empty_table() {
    let mut kernel = FakeKernel::new();
    for _ in 0..2 {
        let applied = install().apply(&mut kernel).unwrap();
        assert!(applied.bypassed.is_empty());
        for ruleset in &rulesets() {
            assert_eq!(
                kernel.iptables_save(ruleset.family()),
                ruleset.to_iptables_save().to_string()
            );
        }
    }
    let remove = Plan::remove(&rulesets()).unwrap();
    for _ in 0..2 {
        remove.apply(&mut kernel).unwrap();
        assert_eq!(
            kernel.iptables_save(Family::Ipv6),
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
        );
    }
}

#[test]
fn removing_from_a_kernel_without_tables_does_nothing() {
    let mut kernel = FakeKernel::new();
    Plan::remove(&rulesets())
        .unwrap()
        .apply(&mut kernel)
        .unwrap();
    assert_eq!(kernel.iptables_save(Family::Ipv4), "");
    assert_eq!(kernel.snapshot().unwrap().generation(), 0);
}

#[test]
fn a_refused_change_leaves_everything_as_it_was() {
    let mut kernel = FakeKernel::new();
    install().apply(&mut kernel).unwrap();
    let before = kernel.snapshot().unwrap();
    kernel.refuse("ip6 filter/LOG_AND_DROP rule 1");
    let error = install_another().apply(&mut kernel).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel refused ip6 filter/LOG_AND_DROP rule 1: -j LOG --log-prefix \"IP6TABLES-BLOCKED: \" --log-level 6, and nothing \
         was changed"
    );
    assert!(!error.is_permission_denied() && !error.is_stale());
    assert_eq!(kernel.snapshot().unwrap(), before);
}

#[test]
fn changes_by_others_are_waited_out_a_few_times() {
    let mut kernel = FakeKernel::new();
    kernel.change_meanwhile(4);
    assert_eq!(install().apply(&mut kernel).unwrap().attempts, 5);
    kernel.change_meanwhile(u32::MAX);
    let error = install_another()
        .apply_within(&mut kernel, Duration::from_millis(100))
        .unwrap_err();
    assert!(error.is_stale());
    assert!(error.to_string().contains("attempts"), "{error}");
}

/// Carries nothing out, and says nothing.
struct Deaf(FakeKernel);

impl Kernel for Deaf {
    fn snapshot(&mut self) -> Result<Snapshot, ApplyError> {
        self.0.snapshot()
    }
    fn transact(&mut self, batch: &Batch) -> Result<(), ApplyError> {
        let mut lost = self.0.clone();
        lost.lose_answers(1);
        lost.transact(batch)
    }
}

#[test]
fn a_lost_answer_is_asked_for_again() {
    let mut kernel = FakeKernel::new();
    kernel.lose_answers(1);
    let applied = install().apply(&mut kernel).unwrap();
    assert_eq!((applied.attempts, applied.changed), (2, true));
    assert_eq!(
        kernel.iptables_save(Family::Ipv4),
        rulesets()[0].to_iptables_save().to_string()
    );
    // It is never in, and never told.
    assert!(
        install_another()
            .apply_within(&mut Deaf(kernel), Duration::from_millis(100))
            .unwrap_err()
            .is_outcome_unknown()
    );
}

#[test]
fn rules_of_others_stay_and_void_ones_are_told() {
    let mut kernel = FakeKernel::new();
    let accept = || Rule::new(Target::Accept);
    let theirs = accept().matching(InInterface::new("eth1".parse().unwrap()));
    kernel.append(Family::Ipv4, Hook::Input, &theirs);
    kernel.append(
        Family::Ipv4,
        Hook::Input,
        &Rule::new(Log::new("all ").unwrap()),
    );
    kernel.append(
        Family::Ipv6,
        Hook::Input,
        &accept().comment("for now").unwrap(),
    );
    let applied = install().apply(&mut kernel).unwrap();
    let told: Vec<String> = applied.bypassed.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "rule 1 of the IPv6 chain INPUT does ACCEPT with every packet before the firewall sees it: the firewall is void until \
          that rule is gone (ip6tables -D INPUT 1)"
        ]
    );
    assert!(kernel.iptables_save(Family::Ipv4).contains(
        "-A INPUT -i eth1 -j ACCEPT\n-A INPUT -j LOG --log-prefix \"all \"\n-A INPUT -j FIREWALL_INPUT\n"
    ));
    let again = Plan::remove(&rulesets()).unwrap();
    again.apply(&mut kernel).unwrap();
    assert!(
        kernel
            .iptables_save(Family::Ipv4)
            .contains("-A INPUT -i eth1 -j ACCEPT\n")
    );
}

#[test]
fn a_chain_that_others_use_stays() {
    let mut kernel = FakeKernel::new();
    install().apply(&mut kernel).unwrap();
    let theirs = "THEIRS".parse().unwrap();
    kernel.append_to_chain(
        Family::Ipv4,
        &theirs,
        &Rule::new(Target::Jump("LOG_AND_ACCEPT".parse().unwrap())),
    );
    let error = Plan::remove(&rulesets())
        .unwrap()
        .apply(&mut kernel)
        .unwrap_err();
    assert!(error.is_still_referenced());
    assert_eq!(
        error.to_string(),
        "chain LOG_AND_ACCEPT of table ip filter is still used: rule 1 of chain THEIRS jumps to it"
    );
}

#[test]
fn a_chain_of_others_is_left_alone_whenever_it_appears() {
    let chain = "LOG_AND_DROP".parse().unwrap();
    let theirs = Rule::new(Target::Return);
    for (family, text) in [(Family::Ipv4, "IPv4"), (Family::Ipv6, "IPv6")] {
        let meanwhile = |kernel: &mut FakeKernel| kernel.append_meanwhile(family, &chain, &theirs);
        let before = |kernel: &mut FakeKernel| kernel.append_to_chain(family, &chain, &theirs);
        for appears in [&meanwhile as &dyn Fn(&mut FakeKernel), &before] {
            let mut kernel = FakeKernel::new();
            appears(&mut kernel);
            let error = install().apply(&mut kernel).unwrap_err();
            assert!(error.is_foreign());
            assert_eq!(
                error.to_string(),
                format!(
                    "somebody else made the {text} chain LOG_AND_DROP with the rule \"-j RETURN\""
                )
            );
            let save = kernel.iptables_save(family);
            assert!(save.contains("-A LOG_AND_DROP -j RETURN\n"), "{save}");
            assert!(!save.contains("FIREWALL_INPUT"), "{save}");
            let removed = Plan::remove(&rulesets()).unwrap().apply(&mut kernel);
            assert!(removed.unwrap_err().is_foreign());
            install().adopting().apply(&mut kernel).unwrap();
            // Ours, although somebody puts a rule into it.
            kernel.append_meanwhile(family, &chain, &theirs);
            let other = Config::parse("service = []").unwrap();
            let other = Family::BOTH.map(|family| other.ruleset(family).unwrap());
            let other = Plan::install(&other, &mut any_set).unwrap();
            assert_eq!(other.apply(&mut kernel).unwrap().attempts, 2);
        }
    }
}

/// Also where the same table has something that is wanted.
#[test]
fn what_is_withdrawn_goes_unless_others_made_it() {
    let ruleset = |chain: &str| {
        let mut ruleset = Ruleset::new(Family::Ipv4);
        ruleset.jump(Hook::Input, chain.parse().unwrap());
        ruleset
            .chain(chain.parse().unwrap())
            .append(Rule::new(Target::Accept).matching(InInterface::new("lo".parse().unwrap())));
        ruleset
    };
    let (old, new) = (ruleset("OLD"), ruleset("NEW"));
    let install = |ruleset: &Ruleset| Plan::install([ruleset], &mut any_set).unwrap();
    let anew = || install(&new).without([&old]).unwrap();
    let mut kernel = FakeKernel::new();
    install(&old).apply(&mut kernel).unwrap();
    kernel.change_meanwhile(1);
    anew().apply(&mut kernel).unwrap();
    let save = kernel.iptables_save(Family::Ipv4);
    assert_eq!(save, new.to_iptables_save().to_string());
    assert!(!anew().apply(&mut kernel).unwrap().changed);

    let mut kernel = FakeKernel::new();
    let theirs = Rule::new(Target::Return);
    kernel.append_to_chain(Family::Ipv4, &"OLD".parse().unwrap(), &theirs);
    anew().apply(&mut kernel).unwrap();
    Plan::remove([&new])
        .unwrap()
        .without([&old])
        .unwrap()
        .apply(&mut kernel)
        .unwrap();
    let save = kernel.iptables_save(Family::Ipv4);
    assert!(save.contains("-A OLD -j RETURN\n"), "{save}");
    assert!(!save.contains("NEW"), "{save}");
}

#[test]
fn sets_are_checked_before_the_kernel_is_asked() {
    let missing = |name: &str| {
        Err::<KernelSet, _>(io::Error::new(io::ErrorKind::NotFound, format!("{name}?")))
    };
    let error = Plan::install(&rulesets(), &mut { missing }).unwrap_err();
    assert!(error.is_set_unusable());
    assert_eq!(error.to_string(), "cannot find set \"whitelist\"");
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "whitelist?"
    );

    let other = |_: &str| Ok::<_, io::Error>(KernelSet::new(0, Some(Family::Ipv6)));
    let error = Plan::install(&rulesets(), &mut { other }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "set \"whitelist\" holds IPv6 addresses, the IPv4 ruleset cannot match with it"
    );

    let invalid = |_: &str| Ok::<_, io::Error>(KernelSet::new(65535, None));
    let error = Plan::install(&rulesets(), &mut { invalid }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "set \"whitelist\": the kernel's index 65535 means that there is no such set"
    );
}

#[test]
fn rulesets_that_cannot_work_are_refused_with_the_rule() {
    let refused = |build: &dyn Fn(&mut Ruleset)| {
        let mut ruleset = Ruleset::new(Family::Ipv4);
        build(&mut ruleset);
        Plan::install([&ruleset], &mut any_set)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(&|ruleset| {
            let rule = Rule::new(Target::Drop).matching(Tcp::new().destination(22));
            ruleset
                .chain("A".parse().unwrap())
                .append(Rule::new(Target::Return))
                .append(rule);
        }),
        "IPv4 chain A, rule 2, \"-m tcp --dport 22 -j DROP\": -m tcp needs -p tcp"
    );
    assert_eq!(
        refused(&|ruleset| {
            ruleset
                .chain("A".parse().unwrap())
                .append(Rule::new(Target::Jump("B".parse().unwrap())));
        }),
        "IPv4 chain A, rule 1, \"-j B\": jumps to chain B, which is not in the ruleset"
    );
    assert_eq!(
        refused(&|ruleset| {
            ruleset.jump(Hook::Forward, "B".parse().unwrap());
        }),
        "IPv4 ruleset: FORWARD jumps to chain B, which is not in it"
    );
    assert_eq!(
        refused(&|ruleset| {
            for (from, to) in [("A", "B"), ("B", "C"), ("C", "B"), ("D", "A")] {
                ruleset
                    .chain(from.parse().unwrap())
                    .append(Rule::new(Target::Jump(to.parse().unwrap())));
            }
        }),
        "IPv4 ruleset: chain A leads to a circle of jumps"
    );
    let both = [Ruleset::new(Family::Ipv6), Ruleset::new(Family::Ipv6)];
    assert_eq!(
        Plan::remove(&both).unwrap_err().to_string(),
        "IPv6 ruleset: there are two for this table in one plan"
    );
}

#[test]
fn a_batch_says_what_it_does() {
    struct Recorder(FakeKernel, Vec<String>);
    impl Kernel for Recorder {
        fn snapshot(&mut self) -> Result<Snapshot, ApplyError> {
            self.0.snapshot()
        }
        fn transact(&mut self, batch: &Batch) -> Result<(), ApplyError> {
            self.1.extend(batch.items());
            self.0.transact(batch)
        }
    }
    let mut ruleset = Ruleset::new(Family::Ipv6);
    ruleset
        .policy(Hook::Input, Policy::Drop)
        .jump(Hook::Input, "IN".parse().unwrap());
    ruleset
        .chain("IN".parse().unwrap())
        .append(Rule::new(Target::Accept).matching(Conntrack::state(CtState::ESTABLISHED)))
        .append(
            Rule::new(Target::Accept)
                .matching(Protocol::ICMPV6)
                .matching(Set::new("ok_v6".parse().unwrap(), Direction::Source)),
        );
    let mut kernel = Recorder(FakeKernel::new(), Vec::new());
    Plan::install([&ruleset], &mut any_set)
        .unwrap()
        .apply(&mut kernel)
        .unwrap();
    assert_eq!(
        kernel.1,
        [
            "table ip6 filter",
            "ip6 filter/INPUT policy DROP",
            "ip6 filter/FORWARD policy ACCEPT",
            "ip6 filter/OUTPUT policy ACCEPT",
            "ip6 filter/IN",
            "ip6 filter/IN rule 1: -m conntrack --ctstate ESTABLISHED -j ACCEPT",
            "ip6 filter/IN rule 2: -p ipv6-icmp -m set --match-set ok_v6 src -j ACCEPT",
            "ip6 filter/INPUT rule 1: -j IN",
        ]
    );
    kernel.1.clear();
    Plan::remove([&ruleset])
        .unwrap()
        .apply(&mut kernel)
        .unwrap();
    assert_eq!(
        kernel.1,
        [
            "ip6 filter/INPUT policy ACCEPT",
            "ip6 filter/INPUT removal of the rule with handle 3",
            "ip6 filter/IN flush",
            "ip6 filter/IN removal",
        ]
    );
}
