//! Scripts made up from fixed seeds: for every set type, sequences of commands that are valid or
//! slightly wrong.

mod elements;
mod options;
mod random;
mod set_type;
mod shortest;
mod write;

use std::env;

use netns_testbed::{Failed, Trial, trial};
use random::Random;
use set_type::{SET_TYPES, SetType};
use write::Generated;

use crate::pair::Pair;
use crate::script::written;

/// How many scripts a set type gets; three in a row are the same commands given in three ways.
const SEEDS: u64 = 9;
/// After so many scripts that differ, a trial has shown enough.
const ENOUGH: usize = 4;

pub(crate) fn trials() -> Vec<Trial> {
    SET_TYPES
        .iter()
        .map(|set_type| {
            trial(format!("generated {}", set_type.name), move || {
                same_for_all_seeds(set_type)
            })
        })
        .collect()
}

fn same_for_all_seeds(set_type: &'static SetType) -> Result<(), Failed> {
    let pair = Pair::new()?;
    let first = number("IPSET_CLI_FIRST_SEED").unwrap_or(0);
    let seeds = first..first + number("IPSET_CLI_SEEDS").unwrap_or(SEEDS);
    let mut different = Vec::new();
    for seed in seeds {
        let generated = Generated::new(&mut Random::new(seed, set_type.name), set_type, seed);
        if shortest::difference(&pair, &generated)?.is_some() {
            let (case, message) = shortest::shortest(&pair, generated)?;
            different.push(format!("{}-- {}", written(&case), message.trim_end()));
            if different.len() == ENOUGH {
                break;
            }
        }
    }
    if different.is_empty() {
        return Ok(());
    }
    Err(different.join("\n\n").into())
}

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={value} is not a number")),
    )
}
