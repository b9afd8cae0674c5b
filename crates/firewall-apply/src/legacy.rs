//! Rules that iptables-legacy keeps beside those of `nf_tables`.

use std::fs;

use iptables_ruleset::Family;

/// The tool that shows the rules of a family, and the tables that it has in this network namespace;
/// nothing of a family without.
///
/// Without iptables-legacy there is no such file; who may not read it cannot change rules either.
pub(crate) fn tables() -> Vec<(Family, &'static str, Vec<String>)> {
    let of = |(family, path, tool)| {
        let tables = fs::read_to_string(path).unwrap_or_default();
        let tables: Vec<String> = tables.split_whitespace().map(str::to_owned).collect();
        (!tables.is_empty()).then_some((family, tool, tables))
    };
    LEGACY.into_iter().filter_map(of).collect()
}

const LEGACY: [(Family, &str, &str); 2] = [
    (Family::Ipv4, "/proc/net/ip_tables_names", "iptables-legacy"),
    (
        Family::Ipv6,
        "/proc/net/ip6_tables_names",
        "ip6tables-legacy",
    ),
];
