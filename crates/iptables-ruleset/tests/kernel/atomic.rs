//! All or nothing, and what the error says.

use std::io;

use iptables_ruleset::match_::{Direction, Multiport, Protocol, Set};
use iptables_ruleset::{
    Config, Family, Hook, Kernel, KernelSet, Nftables, Plan, PortRange, Rule, Ruleset, Target,
};
use netns_testbed::{Failed, Trial, trial};

use crate::fixture::{apply, make_sets, plan, rulesets, saved, sets, snapshot, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "applying_twice_changes_nothing",
            applying_twice_changes_nothing,
        ),
        trial(
            "one_bad_rule_leaves_the_old_rules_as_they_were",
            one_bad_rule,
        ),
        trial(
            "the_last_family_failing_undoes_the_first",
            second_family_fails,
        ),
        trial("a_change_meanwhile_is_noticed", stale),
        trial(
            "a_chain_of_others_that_appears_meanwhile_is_left_alone",
            foreign_meanwhile,
        ),
        trial("who_writes_without_a_pause_is_outlasted", outlasted),
        trial(
            "a_long_list_that_changes_while_it_is_read_is_read_again",
            restless,
        ),
        trial("a_large_ruleset_goes_in_at_once", large),
        trial("hundreds_of_errors_do_not_hide_the_first", many_errors),
    ]
}

fn applying_twice_changes_nothing() -> Result<(), Failed> {
    let config = Config::default();
    apply(&config)?;
    let before = [saved(Family::Ipv4)?, saved(Family::Ipv6)?];
    let applied = plan(&config)?.apply(&mut Nftables::connect()?)?;
    assert!(applied.bypassed.is_empty() && applied.attempts == 1);
    assert_eq!([saved(Family::Ipv4)?, saved(Family::Ipv6)?], before);
    Ok(())
}

fn one_bad_rule() -> Result<(), Failed> {
    let config = Config::default();
    apply(&config)?;
    let before = snapshot()?;
    // As if the set had been destroyed between the question and the answer: an index that nothing
    // has.
    let mut good = sets(&config);
    let mut stale = |name: &str| match name {
        "throttle-soft" => Ok(KernelSet::new(999, Some(Family::Ipv4))),
        _ => iptables_ruleset::ResolveSet::resolve(&mut good, name),
    };
    let error = Plan::install(&rulesets(&config)?, &mut stale)?
        .apply(&mut Nftables::connect()?)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        refused(&config, Family::Ipv4, "throttle-soft")?
    );
    let cause =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::NotFound));
    assert_eq!(snapshot()?, before, "rules, handles and generation");
    Ok(())
}

fn second_family_fails() -> Result<(), Failed> {
    let config = Config::default();
    make_sets(&config)?;
    let mut good = sets(&config);
    let mut stale = |name: &str| match name {
        "blacklist_v6" => Ok(KernelSet::new(999, Some(Family::Ipv6))),
        _ => iptables_ruleset::ResolveSet::resolve(&mut good, name),
    };
    let before = snapshot()?;
    let error = Plan::install(&rulesets(&config)?, &mut stale)?
        .apply(&mut Nftables::connect()?)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        refused(&config, Family::Ipv6, "blacklist_v6")?
    );
    assert_eq!(snapshot()?, before);
    assert!(before.table(Family::Ipv4).is_none());
    Ok(())
}

/// What is said when the kernel does not take the first rule that asks for `set`.
fn refused(config: &Config, family: Family, set: &str) -> Result<String, Failed> {
    let ruleset = config.ruleset(family)?;
    let input = ruleset
        .chains()
        .find(|chain| chain.name().as_str() == "FIREWALL_INPUT")
        .ok_or("there is no chain FIREWALL_INPUT")?;
    let text = |rule: &Rule| rule.to_iptables_save(family).to_string();
    let (number, rule) = (1..)
        .zip(input.rules().iter().map(text))
        .find(|(_, rule): &(u32, String)| rule.contains(&format!("--match-set {set} src")))
        .ok_or("no rule asks for the set")?;
    Ok(format!(
        "the kernel refused {} filter/FIREWALL_INPUT rule {number}: {rule}, and nothing was changed",
        family.nft_name()
    ))
}

/// Somebody else changes the tables after they were read: the batch is refused whole, read again
/// and made anew.
fn stale() -> Result<(), Failed> {
    let config = Config::default();
    make_sets(&config)?;
    let mut kernel = Meddled {
        real: Nftables::connect()?,
        times: 3,
    };
    let applied = plan(&config)?.apply(&mut kernel)?;
    assert_eq!(applied.attempts, 4);
    let text = saved(Family::Ipv4)?;
    assert_eq!(text.matches("-A INPUT -s 192.0.2.").count(), 3, "{text}");
    assert!(text.contains("-A INPUT -j FIREWALL_INPUT\n"), "{text}");

    kernel.times = u32::MAX;
    // What is there already is there, whoever changes what is his.
    assert!(!plan(&config)?.apply(&mut kernel)?.changed);
    let other = Config::parse("service = []")?;
    let error = plan(&other)?
        .apply_within(&mut kernel, std::time::Duration::from_millis(200))
        .unwrap_err();
    assert!(error.is_stale());
    assert!(
        error
            .to_string()
            .starts_with("the tables changed while the ruleset was being put in; "),
        "{error}"
    );
    Ok(())
}

/// Somebody makes a chain of one of our names, or makes ours anew as theirs, while ours are being
/// put in.
fn foreign_meanwhile() -> Result<(), Failed> {
    /// The kernel, and somebody who does something right before the first batch.
    struct Interrupted<'a>(Nftables, Option<&'a dyn Fn() -> Result<(), Failed>>);
    impl Kernel for Interrupted<'_> {
        fn snapshot(&mut self) -> Result<iptables_ruleset::Snapshot, iptables_ruleset::ApplyError> {
            self.0.snapshot()
        }
        fn outline(
            &mut self,
            with: &std::collections::BTreeSet<String>,
        ) -> Result<iptables_ruleset::Snapshot, iptables_ruleset::ApplyError> {
            self.0.outline(with)
        }
        fn transact(
            &mut self,
            batch: &iptables_ruleset::Batch,
        ) -> Result<(), iptables_ruleset::ApplyError> {
            if let Some(first) = self.1.take() {
                let done = first();
                assert!(done.is_ok(), "{done:?}");
            }
            self.0.transact(batch)
        }
    }
    let config = Config::default();
    make_sets(&config)?;
    for family in Family::BOTH {
        let theirs = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
             :LOG_AND_DROP - [0:0]\n-A LOG_AND_DROP -p udp -j DROP\nCOMMIT\n";
        // As another firewall does it, whatever stood there.
        let restore = || {
            let restored = tool(family, "-restore")?.input(theirs).run(&[]);
            restored.map(drop)
        };
        for other in [None, Some("service = []")] {
            if let Some(other) = other {
                let other = Config::parse(other)?;
                plan(&other)?.adopting().apply(&mut Nftables::connect()?)?;
            }
            let mut kernel = Interrupted(Nftables::connect()?, Some(&restore));
            let error = plan(&config)?.apply(&mut kernel).unwrap_err();
            assert!(error.is_foreign(), "{error}");
            assert_eq!(saved(family)?, theirs);
        }
        let emptied = "*filter\nCOMMIT\n";
        tool(family, "-restore")?.input(emptied).run(&[])?;
    }
    Ok(())
}

/// The kernel, and somebody who adds a rule whenever the tables have been read.
struct Meddled {
    real: Nftables,
    times: u32,
}

impl Kernel for Meddled {
    fn snapshot(&mut self) -> Result<iptables_ruleset::Snapshot, iptables_ruleset::ApplyError> {
        let snapshot = self.real.snapshot();
        if self.times > 0 {
            self.times -= 1;
            let source = format!("192.0.2.{}", self.times % 250);
            let add = tool(Family::Ipv4, "")
                .and_then(|tool| tool.run(&["-A", "INPUT", "-s", &source, "-j", "ACCEPT"]));
            assert!(add.is_ok(), "{add:?}");
        }
        snapshot
    }

    fn transact(
        &mut self,
        batch: &iptables_ruleset::Batch,
    ) -> Result<(), iptables_ruleset::ApplyError> {
        self.real.transact(batch)
    }
}

/// A large ruleset takes a while to work out, and others do not wait.
fn outlasted() -> Result<(), Failed> {
    let service = |number: u16| {
        format!("[[service]]\nname = \"s{number}\"\nprotocol = \"udp\"\nports = [{number}]\n")
    };
    let config = Config::parse(&(1..=3000).map(service).collect::<String>())?;
    make_sets(&config)?;
    let plan = plan(&config)?;
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let meddler = scope.spawn(|| {
            let mut times = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for change in ["-I", "-D"] {
                    let rule = ["INPUT", "-s", "192.0.2.1", "-j", "DROP"];
                    let changed = tool(Family::Ipv4, "")
                        .and_then(|tool| tool.run(&[&[change], &rule[..]].concat()));
                    assert!(changed.is_ok(), "{changed:?}");
                    times += 1;
                }
            }
            times
        });
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            let applied = Nftables::connect().and_then(|mut kernel| plan.apply(&mut kernel));
            outcomes.push(applied.map(|applied| applied.attempts));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        let times = meddler.join().map_err(|_| "the other one panicked")?;
        println!("{outcomes:?} beside {times} changes");
        for outcome in outcomes {
            match outcome {
                Ok(_) => {}
                Err(error) if error.to_string().contains("net.core.wmem_max") => {}
                Err(error) => return Err(error.into()),
            }
        }
        assert!(times > 3, "{times}");
        Ok(())
    })
}

/// A list of several parts, which the kernel must have sent to its end before it begins another
/// one.
fn restless() -> Result<(), Failed> {
    let restore = tool(Family::Ipv4, "-restore")?;
    tool(Family::Ipv4, "")?.run(&["-N", "MANY"])?;
    // In parts: all at once is more than iptables-restore can send without the host's privilege.
    for part in 0..10 {
        let rules: String = (0..200)
            .map(|number| {
                format!(
                    "-A MANY -s 192.0.2.1 -p tcp --dport {} -j ACCEPT\n",
                    part * 200 + number
                )
            })
            .collect();
        let rules = format!("*filter\n{rules}COMMIT\n");
        restore.input(rules).run(&["--noflush"])?;
    }

    let mut kernel = Nftables::connect()?;
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // A thread starts in the network namespace of the one that starts it.
        let meddler = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for change in ["-I", "-D"] {
                    let rule = tool(Family::Ipv6, "")
                        .and_then(|tool| tool.run(&[change, "INPUT", "-j", "ACCEPT"]));
                    assert!(rule.is_ok(), "{rule:?}");
                }
            }
        });
        let errors: Vec<_> = (0..2)
            .filter_map(|_| kernel.snapshot().err())
            .filter(|error| !error.is_stale())
            .collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(meddler.join().is_ok());
        assert!(errors.is_empty(), "{errors:?}");
        Ok(())
    })
}

/// More than one page of libnftnl and more acknowledgements than a socket holds; as much as an
/// unprivileged socket may send.
fn large() -> Result<(), Failed> {
    let mut ruleset = Ruleset::new(Family::Ipv4);
    let chain = ruleset.chain("MANY".parse()?);
    for number in 0..1000u16 {
        let ports = [PortRange::from(number + 1), PortRange::from(number + 2)];
        chain.append(
            Rule::new(Target::Return)
                .matching(Protocol::TCP)
                .matching(Multiport::destinations(ports)?),
        );
    }
    ruleset.jump(Hook::Input, "MANY".parse()?);
    let plan = Plan::install([&ruleset], &mut nothing)?;
    match plan.apply(&mut Nftables::connect()?) {
        Ok(_) => assert_eq!(saved(Family::Ipv4)?, ruleset.to_iptables_save().to_string()),
        // An unprivileged user namespace on a system with a small net.core.wmem_max.
        Err(error) => {
            assert!(
                error
                    .to_string()
                    .contains("raise the sysctl net.core.wmem_max"),
                "{error}"
            );
            assert!(snapshot()?.table(Family::Ipv4).is_none());
        }
    }
    Ok(())
}

fn many_errors() -> Result<(), Failed> {
    let mut ruleset = Ruleset::new(Family::Ipv6);
    let chain = ruleset.chain("MANY".parse()?);
    for _ in 0..700 {
        chain.append(
            Rule::new(Target::Return).matching(Set::new("gone".parse()?, Direction::Source)),
        );
    }
    let mut gone = |_: &str| Ok::<_, io::Error>(KernelSet::new(4000, None));
    let error = Plan::install([&ruleset], &mut gone)?
        .apply(&mut Nftables::connect()?)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("ip6 filter/MANY rule 1: -m set --match-set gone src -j RETURN"),
        "{error}"
    );
    Ok(())
}

fn nothing(name: &str) -> Result<KernelSet, io::Error> {
    Err(io::Error::other(format!(
        "no set is expected, {name} was asked for"
    )))
}
