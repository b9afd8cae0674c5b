//! Prints the firewall that a configuration stands for, as `iptables-save` and `ip6tables-save`
//! would show it.
//!
//! ```sh
//! cargo run -p rampart-examples --example print_firewall
//! ```
//!
//! You will see two tables, `*filter` for IPv4 and for IPv6, each with a rule for port 8443 that
//! 192.0.2.0/24 and `2001:db8::/32` alone may reach. Needs no privilege and changes nothing.

use std::error::Error;

use iptables_ruleset::{Config, Family};

const CONFIG: &str = r#"
[policy]
forward = "untouched"

[[service]]
name = "dashboard"
protocol = "tcp"
ports = [8443]
rate = "30/minute"
sources = ["192.0.2.0/24", "2001:db8::/32"]
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::parse(CONFIG)?;
    for family in [Family::Ipv4, Family::Ipv6] {
        print!("{}", config.ruleset(family)?.to_iptables_save());
    }
    Ok(())
}
