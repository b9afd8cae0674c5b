//! Our rules are the rules that iptables would have made: `iptables-save` prints our text, and
//! `iptables-restore` of that text makes the same bytes in the kernel.

use iptables_ruleset::{Config, Ruleset, Snapshot};
use netns_testbed::{Failed, Namespace, Trial, trial};

use crate::fixture::{
    EARLY_DROP, EVERYTHING, INSTANT, SERVICES, TIMES, apply, make_sets, rulesets, saved_all,
    snapshot, tool,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "the_default_firewall_is_what_iptables_would_have_made",
            || same(&Config::default()),
        ),
        trial(
            "a_firewall_with_everything_is_what_iptables_would_have_made",
            || same(&Config::parse(EVERYTHING)?),
        ),
        trial(
            "a_firewall_with_every_kind_of_service_is_what_iptables_would_have_made",
            || same(&Config::parse(SERVICES)?),
        ),
        trial(
            "services_of_some_hours_are_what_iptables_would_have_made",
            || same(&Config::parse(TIMES)?),
        ),
        trial("early_drop_is_what_iptables_would_have_made", || {
            same(&Config::parse(EARLY_DROP)?)
        }),
        trial("instant_rules_are_what_iptables_would_have_made", || {
            same(&Config::parse(INSTANT)?)
        }),
        trial("through_nflog_too", || {
            same(&Config::parse(
                "[log]\ntarget = \"NFLOG\"\nnflog-group = 0\n",
            )?)
        }),
    ]
}

fn same(config: &Config) -> Result<(), Failed> {
    let applied = apply(config)?;
    assert!(applied.bypassed.is_empty());
    let rulesets = rulesets(config)?;
    for ruleset in &rulesets {
        assert_eq!(
            saved_all(std::slice::from_ref(ruleset), ruleset.family())?,
            ruleset.to_iptables_save().to_string()
        );
    }
    let ours = snapshot()?;

    let theirs = Namespace::new()?.run(|| -> Result<Snapshot, Failed> {
        make_sets(config)?;
        for ruleset in &rulesets {
            let text = ruleset.to_iptables_save().to_string();
            tool(ruleset.family(), "-restore")?.input(text).run(&[])?;
        }
        Ok(snapshot()?)
    })?;
    let mut compared = 0;
    for ruleset in &rulesets {
        compared += compare(ruleset, &ours, &theirs)?;
    }
    assert!(compared > 20, "compared only {compared} rules");
    Ok(())
}

/// Sets are made in the same order in both namespaces, so that even their indices are the same.
fn compare(ruleset: &Ruleset, ours: &Snapshot, theirs: &Snapshot) -> Result<usize, Failed> {
    let family = ruleset.table().of(ruleset.family()).to_string();
    let missing = || Failed::from(format!("no {family} table"));
    let (ours, theirs) = (
        ours.table_of(ruleset).ok_or_else(missing)?,
        theirs.table_of(ruleset).ok_or_else(missing)?,
    );
    let names = |table: &iptables_ruleset::TableState| {
        table
            .chains()
            .map(|(name, _)| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(ours), names(theirs));
    let mut compared = 0;
    for ((name, our_chain), (_, their_chain)) in ours.chains().zip(theirs.chains()) {
        assert_eq!(our_chain.policy(), their_chain.policy(), "{family} {name}");
        assert_eq!(
            our_chain.rules().len(),
            their_chain.rules().len(),
            "{family} {name}"
        );
        for (number, (our_rule, their_rule)) in
            (1..).zip(our_chain.rules().iter().zip(their_chain.rules()))
        {
            assert_eq!(
                hex(our_rule.expressions()),
                hex(their_rule.expressions()),
                "{family} chain {name} rule {number}: ours on the left"
            );
            assert!(!our_rule.expressions().is_empty());
            compared += 1;
        }
    }
    Ok(compared)
}

/// Four bytes a word, so that a difference shows where it is.
fn hex(bytes: &[u8]) -> String {
    let word = |word: &[u8]| {
        word.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    bytes.chunks(4).map(word).collect::<Vec<_>>().join(" ")
}
