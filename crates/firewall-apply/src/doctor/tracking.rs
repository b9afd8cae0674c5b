//! Whether connection tracking has room.

use super::context::Context;
use super::found::{Found, Item};

pub(super) const ITEM: Item = Item {
    name: "connections",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let number = |name: &str| {
        let host = &context.host;
        host.number(&format!("/proc/sys/net/netfilter/nf_conntrack_{name}"))
    };
    let (Some(count), Some(most)) = (number("count"), number("max")) else {
        return Vec::new();
    };
    if count.saturating_mul(10) >= most.saturating_mul(9) {
        return vec![Found::warning(
            format!(
                "connection tracking has {count} of at most {most} connections: beyond them the kernel drops packets"
            ),
            format!(
                "`sysctl -w net.netfilter.nf_conntrack_max={}`",
                most.saturating_mul(2)
            ),
        )];
    }
    vec![Found::ok(format!("{count} of at most {most} are tracked"))]
}

#[cfg(test)]
mod tests {
    use super::super::found::Outcome;
    use super::*;
    use crate::host::testing::Made;

    #[test]
    fn a_table_that_is_nearly_full_is_told() {
        let made = Made::new(&[
            ("/proc/sys/net/netfilter/nf_conntrack_count", "899\n"),
            ("/proc/sys/net/netfilter/nf_conntrack_max", "1000\n"),
        ]);
        let outcome = || look(&mut Context::of_files(made.host(), None))[0].outcome();
        assert_eq!(outcome(), Outcome::Ok);
        made.write("/proc/sys/net/netfilter/nf_conntrack_count", "900\n");
        assert_eq!(outcome(), Outcome::Warning);
    }
}
