//! What the kernel has not is named before anything is put into it.

use iptables_ruleset::{Config, Family, Lack, Nftables, Requirement};
use netns_testbed::{Failed, Trial, trial};

use crate::fixture::{EVERYTHING, INSTANT, TIMES, rulesets, tool};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what_the_kernel_has_is_not_lacking",
            what_the_kernel_has_is_not_lacking,
        ),
        trial(
            "what_the_kernel_has_not_is_named",
            what_the_kernel_has_not_is_named,
        ),
    ]
}

fn what_the_kernel_has_is_not_lacking() -> Result<(), Failed> {
    for config in [
        Config::default(),
        Config::parse(EVERYTHING)?,
        Config::parse(TIMES)?,
        Config::parse(INSTANT)?,
        Config::parse("[log]\ntarget = \"NFLOG\"\nrate = \"10/second\"\n")?,
    ] {
        for ruleset in rulesets(&config)? {
            let needs = ruleset.requirements()?;
            assert!(needs.len() > 5, "{needs:?}");
            assert_eq!(Nftables::connect()?.lacking(&needs)?, []);
        }
    }
    for ruleset in rulesets(&Config::parse(TIMES)?)? {
        let of_time = Requirement::of_match(ruleset.family(), "time", 0);
        assert_eq!(of_time.module(), "xt_time");
        assert!(ruleset.requirements()?.contains(&of_time));
    }
    // Nothing was put in by asking.
    for family in Family::BOTH {
        let rules = tool(family, "-save")?.run(&[])?;
        assert!(!rules.contains("rampart-asks"), "{rules}");
    }
    Ok(())
}

fn what_the_kernel_has_not_is_named() -> Result<(), Failed> {
    let mut nftables = Nftables::connect()?;
    for family in Family::BOTH {
        let made_up = [
            (Requirement::of_match(family, "rampartless", 0), Lack::Part),
            (Requirement::of_target(family, "RAMPARTLESS", 0), Lack::Part),
            (
                Requirement::of_match(family, "hashlimit", 200),
                Lack::Revision,
            ),
            (Requirement::of_target(family, "LOG", 200), Lack::Revision),
            (
                Requirement::of_expression(family, "rampartless"),
                Lack::Part,
            ),
        ];
        let there = [
            Requirement::of_match(family, "hashlimit", 3),
            Requirement::of_target(family, "LOG", 0),
            Requirement::of_target(family, "SET", 3),
            Requirement::of_expression(family, "limit"),
            Requirement::of_expression(family, "counter"),
        ];
        let all = made_up
            .iter()
            .map(|(requirement, _)| requirement)
            .chain(&there);
        let lacking = nftables.lacking(all)?;
        let found: Vec<_> = lacking
            .iter()
            .map(|one| (one.requirement.clone(), one.reason))
            .collect();
        assert_eq!(found, made_up);
        assert_eq!(lacking[0].module(), "xt_rampartless");
        assert_eq!(lacking[4].module(), "nft_rampartless");
    }
    // Also when it is asked again on the same socket.
    let there = Requirement::of_expression(Family::Ipv6, "log");
    assert_eq!(nftables.lacking([&there])?, []);
    Ok(())
}
