//! A firewall of your own, for IPv4 and IPv6 in one transaction.
//!
//! ```sh
//! cargo build -p rampart-examples --examples
//! unshare --user --map-root-user --net sh -c 'target/debug/examples/own_firewall && iptables -S'
//! ```
//!
//! You will see its rules; `iptables -S` and `ip6tables -S` list them as their own. Rules and
//! chains of other programs stay as they are. On the host: `own_firewall remove` undoes it.

use std::error::Error;
use std::num::NonZeroU32;

use iptables_ruleset::match_::{Conntrack, CtState, HashLimit, InInterface, Protocol, Tcp};
use iptables_ruleset::{
    Family, Hook, KernelSet, Nftables, Plan, Policy, Rate, RateUnit, Rule, Ruleset, Target,
};

const SIX: NonZeroU32 = NonZeroU32::new(6).unwrap();

fn main() -> Result<(), Box<dyn Error>> {
    let rulesets = [firewall(Family::Ipv4)?, firewall(Family::Ipv6)?];
    let plan = if std::env::args().nth(1).as_deref() == Some("remove") {
        Plan::remove(&rulesets)?
    } else {
        // No rule of this firewall refers to an ipset.
        let mut sets = |name: &str| Err::<KernelSet, _>(format!("no set {name} is needed"));
        Plan::install(&rulesets, &mut sets)?
    };
    plan.apply(&mut Nftables::connect()?)?;
    for ruleset in &rulesets {
        print!("{}", ruleset.to_iptables_save());
    }
    Ok(())
}

/// Web for everybody, ssh for everybody six times a minute, nothing else.
fn firewall(family: Family) -> Result<Ruleset, Box<dyn Error>> {
    let known = CtState::RELATED.or(CtState::ESTABLISHED);
    let six_a_minute = HashLimit::up_to("example-ssh-6-minute", Rate::new(SIX, RateUnit::Minute))?;
    let mut ruleset = Ruleset::new(family);
    ruleset
        .chain("EXAMPLE".parse()?)
        .append(Rule::new(Target::Accept).matching(InInterface::new("lo".parse()?)))
        .append(Rule::new(Target::Accept).matching(Conntrack::state(known)))
        .append(
            Rule::new(Target::Accept)
                .matching(Protocol::TCP)
                .matching(Tcp::new().destination(22))
                .matching(Conntrack::state(CtState::NEW))
                .matching(six_a_minute),
        )
        .append(
            Rule::new(Target::Accept)
                .matching(Protocol::TCP)
                .matching(Tcp::new().destination(443)),
        );
    ruleset
        .jump(Hook::Input, "EXAMPLE".parse()?)
        .policy(Hook::Input, Policy::Drop);
    Ok(ruleset)
}
