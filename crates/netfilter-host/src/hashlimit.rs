//! What is left of the budgets that `-m hashlimit` keeps, as `/proc` shows them.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::net::IpAddr;

/// A table of budgets at one moment, as far as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Table {
    /// The budget that was asked for; `None` where the kernel keeps none, so that the next packet
    /// finds a full one.
    pub budget: Option<Budget>,
    /// How many budgets there are.
    pub budgets: u64,
}

/// What one source, or all together, may still spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Packets that are within the limit at once; the fraction that is being earned is left out.
    pub packets: u64,
    /// Packets of a full budget.
    pub full: u64,
    /// In so many seconds it is forgotten unless a packet comes.
    pub forgotten_in: u64,
}

/// Which tables: the kernel keeps those of rules for IPv4 and for IPv6 apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "xtables has these two")]
pub enum Family {
    /// `/proc/net/ipt_hashlimit`.
    Ipv4,
    /// `/proc/net/ip6t_hashlimit`.
    Ipv6,
}

/// Looks into the table that the rules of `family` call `name`, in the network namespace of this
/// thread. `source` is the address whose budget is asked for, of a network its first one, of
/// everybody's the unspecified one.
///
/// # Errors
///
/// There is no such table ([`io::ErrorKind::NotFound`]: no rule uses the name), or it cannot be
/// read.
pub fn look(family: Family, name: &str, source: IpAddr) -> io::Result<Table> {
    if name.contains('/') || matches!(name, "" | "." | "..") {
        return Err(io::ErrorKind::NotFound.into());
    }
    let folder = match family {
        Family::Ipv4 => "ipt_hashlimit",
        Family::Ipv6 => "ip6t_hashlimit",
    };
    let file = File::open(format!("/proc/thread-self/net/{folder}/{name}"))?;
    let mut table = Table {
        budget: None,
        budgets: 0,
    };
    for line in BufReader::new(file).lines() {
        let line = line?;
        table.budgets += 1;
        if let Some((of, budget)) = parse(&line) {
            if of == source {
                table.budget = Some(budget);
            }
        }
    }
    Ok(table)
}

/// `29 198.51.100.7:0->0.0.0.0:0 160000 160000 32000`: seconds to live, source and destination,
/// credit, most credit, cost of a packet (`dl_seq_print()` of `xt_hashlimit.c`).
fn parse(line: &str) -> Option<(IpAddr, Budget)> {
    let mut words = line.split_whitespace();
    let seconds: i64 = words.next()?.parse().ok()?;
    let (from, _) = words.next()?.split_once("->")?;
    let (address, _) = from.rsplit_once(':')?;
    let mut number = || words.next()?.parse::<u64>().ok();
    let (credit, most, cost) = (number()?, number()?, number()?);
    let budget = Budget {
        packets: credit.checked_div(cost)?,
        full: most.checked_div(cost)?,
        forgotten_in: u64::try_from(seconds).unwrap_or(0),
    };
    Some((address.parse().ok()?, budget))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_families_are_read() {
        let budget = |packets| Budget {
            packets,
            full: 5,
            forgotten_in: 29,
        };
        assert_eq!(
            parse("29 198.51.100.7:0->0.0.0.0:0 159999 160000 32000"),
            Some(("198.51.100.7".parse().unwrap(), budget(4)))
        );
        let v6 = "29 2001:0db8:0066:0000:0000:0000:0000:0000:0->0000:0000:0000:0000:0000:0000:0000:0000:0 160000 160000 32000";
        assert_eq!(
            parse(v6),
            Some(("2001:db8:66::".parse().unwrap(), budget(5)))
        );
        for bad in [
            "",
            "29",
            "29 1.2.3.4:0 1 1 1",
            "x 1.2.3.4:0->0.0.0.0:0 1 1 1",
            "1 1.2.3.4:0->0.0.0.0:0 1 1 0",
            "1 1.2.3.4->0.0.0.0:0 1 1 1",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        let error = look(Family::Ipv4, "../route", "1.2.3.4".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
