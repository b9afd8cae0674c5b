//! Whether the firewall and its sets come back after a boot.

use super::context::Context;
use super::found::{Found, Item};

pub(super) const ITEM: Item = Item { name: "boot", look };

fn look(context: &mut Context<'_>) -> Vec<Found> {
    let host = &context.host;
    if host.is_enabled(UNIT) {
        return vec![Found::ok(format!("{UNIT} puts the firewall in at boot"))];
    }
    if host.exists("/run/systemd/system") {
        return vec![Found::warning(
            "nothing puts the firewall in at boot, or saves who is in the sets",
            format!("`systemctl enable {UNIT}`"),
        )];
    }
    vec![Found::warning(
        "without systemd it has to be seen to that something puts the firewall in at boot",
        "`firewall-apply apply --boot` before the network is up, `firewall-apply save` at shutdown",
    )]
}

const UNIT: &str = "rampart-firewall.service";

#[cfg(test)]
mod tests {
    use super::super::found::Outcome;
    use super::*;
    use crate::host::testing::Made;

    #[test]
    fn a_unit_that_is_not_enabled_is_told() {
        let made = Made::new(&[("/run/systemd/system/x", "")]);
        let look = || look(&mut Context::of_files(made.host(), None));
        let found = look();
        assert_eq!(found[0].outcome(), Outcome::Warning);
        assert_eq!(
            found[0].cure(),
            Some("`systemctl enable rampart-firewall.service`")
        );
        made.write(
            "/etc/systemd/system/sysinit.target.wants/rampart-firewall.service",
            "",
        );
        assert_eq!(look()[0].outcome(), Outcome::Ok);
    }
}
