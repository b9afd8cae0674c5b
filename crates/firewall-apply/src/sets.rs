//! The eight sets that the rules look into.

use ipset_netlink::{CreateSet, IfMissing, IpSet, SetHeader, SetName, SetType};

use crate::findings::{Findings, causes};

/// A wanted set and what the kernel has of that name.
#[derive(Debug)]
pub(crate) struct Standing {
    /// As it would be created.
    pub(crate) wanted: CreateSet,
    /// As it is; `None` when there is no set of that name, or it cannot be told.
    pub(crate) found: Option<SetHeader>,
    /// Whether the rules can look into it, once it is made where it is missing.
    pub(crate) usable: bool,
}

/// Opens the way to the kernel's sets; without one, an error says why.
pub(crate) fn connect(findings: &mut Findings) -> Option<IpSet> {
    IpSet::connect()
        .inspect_err(|error| findings.fail(causes(error)))
        .ok()
}

/// Looks for the sets in the kernel.
///
/// Each that exists and cannot be used, and each that cannot be looked for, becomes an error of
/// `findings`; those that can be used although they are not as wanted become a warning.
pub(crate) fn examine(
    kernel: &mut IpSet,
    wanted: &[CreateSet],
    findings: &mut Findings,
) -> Vec<Standing> {
    let mut standings = Vec::new();
    for wanted in wanted.iter().cloned() {
        let found = match kernel.header(&wanted.name) {
            Ok(header) => Some(header),
            Err(error) if error.is_set_not_found() => None,
            Err(error) => {
                let denied = error.is_permission_denied();
                findings.fail(causes(&error));
                standings.push(Standing {
                    wanted,
                    found: None,
                    usable: false,
                });
                if denied {
                    // The same would be said of each of the sets.
                    return standings;
                }
                continue;
            }
        };
        let usable = found
            .as_ref()
            .is_none_or(|found| judge(&wanted, found, findings));
        standings.push(Standing {
            wanted,
            found,
            usable,
        });
    }
    standings
}

/// Destroys sets that this run created.
pub(crate) fn destroy<'a>(
    kernel: &mut IpSet,
    created: impl IntoIterator<Item = &'a SetName>,
    findings: &mut Findings,
) {
    for name in created {
        if let Err(error) = kernel.destroy(name, IfMissing::Fail) {
            findings.fail(causes(&error));
        }
    }
}

/// Whether the set can be used.
fn judge(wanted: &CreateSet, found: &SetHeader, findings: &mut Findings) -> bool {
    let name = &wanted.name;
    let cure = || {
        let free = match found.references {
            0 => "",
            _ => "take out the rules that use it (those of Rampart: `firewall-apply reset`), ",
        };
        format!(
            "{free}keep its members if they matter (`ipset save {name}`), `ipset destroy {name}`, and apply again"
        )
    };
    if let Some(why) = unusable(wanted, found) {
        let cure = cure();
        findings.fail(format!(
            "cannot use set \"{name}\", which is there already: {why}; {cure}"
        ));
        return false;
    }
    if found.set_type != wanted.set_type {
        let (is, set) = (&found.set_type, &wanted.set_type);
        findings.warn(format!(
            "set \"{name}\" is there already with type {is}; the configuration says {set}: it is kept as it is"
        ));
    }
    if found.options.max_elements != wanted.options.max_elements {
        let number = |n: Option<u32>| n.map_or("none".to_owned(), |n| n.to_string());
        let (is, set) = (
            number(found.options.max_elements),
            number(wanted.options.max_elements),
        );
        findings.warn(format!(
            "set \"{name}\" is there already with maxelem {is}; the configuration says {set}: it is kept as it is"
        ));
    }
    match found.options.timeout {
        // The rules look into it all the same, and a host without a firewall would be worse off.
        None => findings.warn(format!(
            "set \"{name}\" is there already without timeouts: whoever is in it stays, and log-scanner adds nobody to it; {}",
            cure()
        )),
        Some(default) if !default.is_permanent() => findings.warn(format!(
            "set \"{name}\" is there already with a default timeout of {default}: a member that is added without one \
             ends after that time"
        )),
        Some(_) => {}
    }
    true
}

fn unusable(wanted: &CreateSet, found: &SetHeader) -> Option<String> {
    if !matches!(found.set_type, SetType::HashIp | SetType::HashNet) {
        return Some(format!(
            "its type is {}, and only hash:net and hash:ip can be used",
            found.set_type
        ));
    }
    if found.family != wanted.family {
        return Some(format!(
            "its family is {}, and {} is needed",
            found.family, wanted.family
        ));
    }
    None
}
