//! scan.toml.

use super::super::translation::{ScanRule, Translation, short};
use super::toml::{Table, comment, quoted};
use crate::words::Span;

/// The rules.
pub(super) fn text(head: &str, made: &Translation) -> String {
    let mut out = String::new();
    comment(&mut out, head);
    comment(
        &mut out,
        "See whom they would hit: log-scanner --rules scan.toml --dryrun. `log-scanner --help` has every key.",
    );
    for rule in &made.rules {
        write(&mut out, rule);
    }
    out
}

fn write(out: &mut String, rule: &ScanRule) {
    let mut table = Table::new(out, "[[rule]]", &rule.remarks);
    table.text("rule", rule.rule);
    table.text("type", &rule.protocol);
    table.value("howmany", rule.howmany);
    table.text("within", span(rule.within));
    if let Some(ports) = rule.distinct_ports {
        table.value("distinct-ports", ports);
    }
    table.text("ipset", "blacklist");
    table.text("removeafter", span(rule.removeafter));
    if let Some((within, factor, at_most)) = rule.repeat {
        let (within, at_most) = (quoted(span(within)), quoted(span(at_most)));
        table.value(
            "repeat",
            format_args!("{{ within = {within}, factor = {factor}, at-most = {at_most} }}"),
        );
    }
    if let Some(addresses) = rule.aggregate_at {
        table.value("aggregate-auto", true);
        table.value("aggregate-at", addresses);
    }
    let exempt: Vec<String> = rule.exempt.iter().map(|one| quoted(short(one))).collect();
    table.list("exempt", &exempt);
}

fn span(seconds: u64) -> Span {
    Span(u32::try_from(seconds).unwrap_or(u32::MAX))
}
