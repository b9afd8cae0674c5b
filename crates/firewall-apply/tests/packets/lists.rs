//! Block lists, and sets that files fill.

use netns_testbed::Failed;
use serde_json::Value;

use crate::config::{Config, Service};
use crate::fate::{ALLOWED, BLOCKED};
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    ("who_is_on_a_block_list", who_is_on_a_block_list),
    ("block_lists_count_apart", block_lists_count_apart),
    (
        "whitelist_wins_over_a_block_list",
        whitelist_wins_over_a_block_list,
    ),
    (
        "a_set_whose_file_is_empty_lets_nobody_in",
        a_set_whose_file_is_empty_lets_nobody_in,
    ),
];

/// `/dev/null` is an empty list; who is on it is put there by hand.
const LISTS: Config = Config {
    services: &[Service::Written(
        "name = \"ssh\"\nprotocol = \"tcp\"\nports = [22]\n\
         [[set]]\nname = \"office\"\nfile = \"/dev/null\"\n\
         [[blocklist]]\nname = \"one\"\nfile = \"/dev/null\"\n\
         [[blocklist]]\nname = \"two\"\nfile = \"/dev/null\"\n\
         [[service]]\nname = \"inside\"\nprotocol = \"tcp\"\nports = [443]\nsources = [\"set:office\"]\n",
    )],
    throttle: "",
    log: "",
    policy: "",
    more: "",
};

fn who_is_on_a_block_list(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, LISTS)?;
    let (source, other) = (ground.source(1), ground.source(2));
    ground.add("two", source, "")?;
    ground.expect(&ground.connections(source, 22, 1), BLOCKED)?;
    ground.expect(&ground.echo_requests(source, 1), BLOCKED)?;
    ground.expect(&ground.connections(other, 22, 1), ALLOWED)
}

fn block_lists_count_apart(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, LISTS)?;
    let (one, two) = (ground.source(1), ground.source(2));
    ground.add("one", one, "")?;
    ground.add("two", two, "")?;
    ground.expect(&ground.connections(one, 22, 1), BLOCKED)?;
    ground.expect(&ground.connections(two, 22, 2), BLOCKED)?;
    let status: Value = serde_json::from_str(&ground.firewall_apply(&[
        "status",
        "--json",
        "--last",
        "/dev/null",
    ])?)?;
    let family = case.family.pick("inet", "inet6");
    let families = status.pointer("/families").and_then(Value::as_array);
    let of = |value: &Value, key: &str, is: &str| value.get(key).is_some_and(|of| of == is);
    // What is dropped before connection tracking is counted there.
    let chain_of_bans = if case.early {
        "FIREWALL_EARLY"
    } else {
        "FIREWALL_INPUT"
    };
    let all = |value: &Value, key: &str| -> Vec<Value> {
        let values = value.get(key).and_then(Value::as_array);
        values.cloned().unwrap_or_default()
    };
    let rules: Vec<Value> = families
        .into_iter()
        .flatten()
        .filter(|one| of(one, "family", family))
        .flat_map(|one| all(one, "chains"))
        .filter(|chain| of(chain, "name", chain_of_bans))
        .flat_map(|chain| all(&chain, "rules"))
        .collect();
    let counted: Vec<(Option<&str>, Option<u64>)> = rules
        .iter()
        .filter(|rule| of(rule, "of", "one") || of(rule, "of", "two"))
        .map(|rule| {
            let purpose = rule.get("purpose").and_then(Value::as_str);
            (purpose, rule.get("packets").and_then(Value::as_u64))
        })
        .collect();
    assert_eq!(
        counted,
        [(Some("listed"), Some(1)), (Some("listed"), Some(2))]
    );
    Ok(())
}

fn whitelist_wins_over_a_block_list(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, LISTS)?;
    let source = ground.source(1);
    ground.add("one", source, "")?;
    ground.add("whitelist", source, "")?;
    ground.expect(&ground.connections(source, 23, 1), ALLOWED)
}

fn a_set_whose_file_is_empty_lets_nobody_in(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::with(case, LISTS)?;
    let source = ground.source(1);
    ground.expect(&ground.connections(source, 443, 1), BLOCKED)?;
    ground.add("office", source, "")?;
    ground.expect(&ground.connections(source, 443, 1), ALLOWED)
}
