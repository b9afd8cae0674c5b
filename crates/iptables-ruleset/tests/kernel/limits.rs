//! What the kernel's hashlimit takes, and that a new rate is a new rate at once.

use std::time::{Duration, Instant};
use std::{io, thread};

use iptables_ruleset::match_::HashLimit;
use iptables_ruleset::{Config, Family, KernelSet, Nftables, Plan, Rate, Rule, Ruleset, Target};
use netns_testbed::{Failed, Trial, trial};

use crate::fixture::{apply, plan, saved};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("the_slowest_and_fastest_rates_are_taken", extremes),
        trial("a_changed_rate_has_a_new_name", changed_rate),
    ]
}

fn extremes() -> Result<(), Failed> {
    let mut ruleset = Ruleset::new(Family::Ipv4);
    let chain = ruleset.chain("RATES".parse()?);
    for (number, rate) in [
        "5/day",
        "6/day",
        "1/hour",
        "1000000/second",
        "60000000/minute",
        "4294967295/day",
    ]
    .into_iter()
    .enumerate()
    {
        let rate: Rate = rate.parse()?;
        chain.append(
            Rule::new(Target::Accept).matching(HashLimit::up_to(&format!("rate-{number}"), rate)?),
        );
    }
    chain.append(
        Rule::new(Target::Accept)
            .matching(HashLimit::up_to("burst", "1000/day".parse()?)?.burst(1000)?),
    );
    let mut none = |_: &str| Err::<KernelSet, _>(io::Error::other("no set is expected"));
    Plan::install([&ruleset], &mut none)?.apply(&mut Nftables::connect()?)?;
    assert_eq!(saved(Family::Ipv4)?, ruleset.to_iptables_save().to_string());
    Ok(())
}

/// Under its old name the kernel would keep to the old rate while `iptables -S` shows the new one.
fn changed_rate() -> Result<(), Failed> {
    let config = |rate: &str| {
        Config::parse(&format!(
            "[[service]]\nname = \"ssh\"\nprotocol = \"tcp\"\nports = [22]\nrate = \"{rate}\"\n"
        ))
    };
    apply(&config("10/minute")?)?;
    let tables = || {
        std::fs::read_dir("/proc/thread-self/net/ipt_hashlimit").map(|entries| {
            let mut names: Vec<String> = entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            names.retain(|name| name.starts_with("ssh-") && name.contains("-p32-"));
            names
        })
    };
    assert_eq!(tables()?, ["ssh-10-minute-b5-p32-s960-m65536"]);
    plan(&config("20/minute")?)?.apply(&mut Nftables::connect()?)?;
    let new = "ssh-20-minute-b5-p32-s960-m65536".to_owned();
    assert!(tables()?.contains(&new));
    // The kernel takes the old rules apart after the transaction, on a thread of its own.
    let deadline = Instant::now() + Duration::from_secs(30);
    while tables()?.len() > 1 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(tables()?, [new]);
    Ok(())
}
