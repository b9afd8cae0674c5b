//! Whether a change waits to be confirmed, and whether going back has failed.

use super::context::Context;
use super::found::{Found, Item};
use crate::args::DEFAULT_PENDING;
use crate::pending::Place;

pub(super) const ITEM: Item = Item {
    name: "pending",
    look,
};

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let Some(place) = Place::of(&context.host.path(DEFAULT_PENDING)) else {
        return Vec::new();
    };
    Found::of_findings("no change waits to be confirmed", |findings| {
        if let Err(why) = place.note(findings) {
            findings.fail(why);
        }
    })
}

#[cfg(test)]
mod tests {
    use iptables_ruleset::{Checkpoint, FakeKernel, Kernel as _};

    use super::super::found::Outcome;
    use super::*;
    use crate::host::testing::Made;

    #[test]
    fn a_change_that_waits_is_told() {
        let made = Made::new(&[("/var/lib/rampart/x", "")]);
        let look = || look(&mut Context::of_files(made.host(), None)).remove(0);
        assert_eq!(look().outcome(), Outcome::Ok);
        made.write(DEFAULT_PENDING, "{}");
        assert_eq!(look().outcome(), Outcome::Failure);
        let tables = FakeKernel::new().snapshot().unwrap();
        let rules = serde_json::to_string(&Checkpoint::of(&tables, [], |_| None)).unwrap();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let boot = boot.trim();
        let pending = |until: &str, more: &str| {
            let text = format!(
                r#"{{"version":1,"id":"1","boot":"{boot}","at":"2026-11-29T09:00:00Z","until":"{until}","config":"",
                "last":null,"new_sets":[],"members":[],"rules":{rules}{more}}}"#
            );
            made.write(DEFAULT_PENDING, &text);
        };
        pending("9000-01-01T00:00:00Z", "");
        let found = look();
        assert_eq!(found.outcome(), Outcome::Warning, "{found:?}");
        assert!(found.cure().unwrap().contains("`firewall-apply confirm`"));
        pending("2026-11-29T09:01:00Z", "");
        let found = look();
        assert_eq!(found.outcome(), Outcome::Failure, "{found:?}");
        let more = r#","failed":{"at":"2026-11-29T09:01:00Z","why":"it is so"}"#;
        pending("2026-11-29T09:01:00Z", more);
        let found = look();
        assert_eq!(found.outcome(), Outcome::Failure, "{found:?}");
        assert!(found.about().ends_with("it is so"), "{found:?}");
        let cure = found.cure().unwrap();
        assert!(cure.starts_with("`firewall-apply rollback`"), "{found:?}");
    }
}
