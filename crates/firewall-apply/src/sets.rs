//! The sets that the rules look into, and the administrator's own: as they are, and as they shall be.

use ipset_netlink::{CreateSet, Error, IfMissing, IpSet, SetHeader, SetName, SetType, Transport};
use iptables_ruleset::config::SetOrigin;

use crate::configured::ConfiguredSet;
use crate::findings::{Findings, causes};
use crate::host::Host;
use crate::needs;

/// The sets in which `log-scanner` remembers pardons and offences. It makes them when it first needs
/// them, so no configuration has to name them; they are saved, and come back, with those that one names.
pub(crate) const REMEMBERED: [&str; 4] = ["pardoned", "pardoned_v6", "offenders", "offenders_v6"];

/// A wanted set and what the kernel has of that name.
#[derive(Debug)]
pub(crate) struct WantedSet {
    /// The set as it would be created.
    pub(crate) wanted: ConfiguredSet,
    /// The set that the kernel has; `None` when there is none of that name, or it cannot be asked.
    pub(crate) found: Option<SetHeader>,
    /// Whether the rules can look into the set, once it is made where it is missing.
    pub(crate) usable: bool,
}

/// Connects to the kernel's sets; where that fails, an error says why.
pub(crate) fn connect(findings: &mut Findings) -> Option<IpSet> {
    IpSet::connect()
        .inspect_err(|error| {
            let why = causes(error);
            findings.fail(if error.is_not_supported() {
                let cure = needs::without_sets(&Host::of_this_system());
                format!("{why}; {cure}")
            } else {
                why
            });
        })
        .ok()
}

/// What the kernel has under the name of each of these sets; `None` where it has none.
pub(crate) type Headers = Vec<Result<Option<SetHeader>, Error>>;

/// Asks the kernel for each of these sets. Each answer costs as much as the set is large.
pub(crate) fn headers<T: Transport>(kernel: &mut IpSet<T>, wanted: &[ConfiguredSet]) -> Headers {
    let header = |set: &ConfiguredSet| match kernel.header(set.name()) {
        Ok(header) => Ok(Some(header)),
        Err(error) if error.is_set_not_found() => Ok(None),
        Err(error) => Err(error),
    };
    wanted.iter().map(header).collect()
}

/// Whether the kernel says that there is no set of this name.
pub(crate) fn is_missing<T: Transport>(kernel: &mut IpSet<T>, name: &SetName) -> bool {
    let found = kernel.index(name);
    found.is_err_and(|error| error.is_set_not_found())
}

/// Destroys a set that may be there under a name that a run gives to what it has not finished.
///
/// It is asked for first: before they destroy a set many kernels wait for every processor, also where
/// there is none of that name.
pub(crate) fn destroy_unfinished<T: Transport>(
    kernel: &mut IpSet<T>,
    name: &SetName,
) -> Result<(), Error> {
    match kernel.index(name) {
        Ok(_) => kernel.destroy(name, IfMissing::Ignore),
        Err(error) if error.is_set_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Looks for the sets in the kernel, as [`judge_found`] does.
pub(crate) fn examine<T: Transport>(
    kernel: &mut IpSet<T>,
    wanted: &[ConfiguredSet],
    findings: &mut Findings,
) -> Vec<WantedSet> {
    let headers = headers(kernel, wanted);
    judge_found(kernel, wanted, headers, findings)
}

/// Judges the sets that the kernel has.
///
/// A set that exists and cannot be used, or that cannot be looked for, becomes an error of
/// `findings`. A set that can be used although it is not as wanted becomes a warning.
pub(crate) fn judge_found<T: Transport>(
    kernel: &mut IpSet<T>,
    wanted: &[ConfiguredSet],
    headers: Headers,
    findings: &mut Findings,
) -> Vec<WantedSet> {
    let mut examined = Vec::new();
    let host = Host::of_this_system();
    for (wanted, found) in wanted.iter().cloned().zip(headers) {
        let unknown = match &found {
            Ok(None) => needs::missing_set_types(kernel, [&wanted.create], &host),
            _ => Vec::new(),
        };
        let is_known = unknown.is_empty();
        for missing in unknown {
            findings.fail(missing);
        }
        // Of each of the sets the same would be said.
        let denied = matches!(&found, Err(error) if error.is_permission_denied());
        let usable = match &found {
            Ok(None) => is_known,
            Ok(Some(found)) => judge(&wanted, found, findings),
            Err(error) => {
                findings.fail(causes(error));
                false
            }
        };
        examined.push(WantedSet {
            wanted,
            found: found.ok().flatten(),
            usable,
        });
        if denied {
            break;
        }
    }
    examined
}

/// Destroys sets that this run created.
pub(crate) fn destroy<'a, T: Transport>(
    kernel: &mut IpSet<T>,
    created: impl IntoIterator<Item = &'a SetName>,
    findings: &mut Findings,
) {
    for name in created {
        if let Err(error) = kernel.destroy(name, IfMissing::Fail) {
            findings.fail(causes(&error));
        }
    }
}

/// The set that was found, with what the configuration says: type, family and size, and that
/// members can end. Other options stay as they were found unless the configuration asks for them,
/// and a set that only services name as a whole.
pub(crate) fn as_configured(wanted: &ConfiguredSet, found: &SetHeader) -> CreateSet {
    let mut set = CreateSet::from(found);
    let create = &wanted.create;
    if wanted.origin == SetOrigin::Service {
        return set;
    }
    if (&set.set_type, set.family) != (&create.set_type, create.family) {
        let before = set.options;
        set = create.clone();
        set.options.counters |= before.counters;
        set.options.comments |= before.comments;
        set.options.skbinfo = before.skbinfo;
        set.options.forceadd = before.forceadd;
        set.options.timeout = before.timeout.or(create.options.timeout);
    }
    set.options.counters |= create.options.counters;
    set.options.comments |= create.options.comments;
    // One that a file fills grows with it.
    set.options.max_elements = if wanted.is_filled_by_a_file() {
        set.options.max_elements.max(create.options.max_elements)
    } else {
        create.options.max_elements
    };
    set.options.timeout = match (wanted.origin, create.options.timeout) {
        // Where something is said of it.
        (SetOrigin::Own, Some(timeout)) if !timeout.is_permanent() => Some(timeout),
        (_, timeout) => set.options.timeout.or(timeout),
    };
    set
}

/// Whether the set that was found can stand for the wanted one.
fn judge(configured: &ConfiguredSet, found: &SetHeader, findings: &mut Findings) -> bool {
    let wanted = &configured.create;
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
    if let Some(why) = unusable(configured, found) {
        let cure = cure();
        findings.fail(format!(
            "cannot use set \"{name}\", which is there already: {why}; {cure}"
        ));
        return false;
    }
    if configured.origin == SetOrigin::Service {
        return true;
    }
    if found.set_type != wanted.set_type {
        let (is, set) = (&found.set_type, &wanted.set_type);
        findings.warn(format!(
            "set \"{name}\" is there already with type {is}; the configuration says {set}: it is kept as it is"
        ));
    }
    let room = as_configured(configured, found).options.max_elements;
    if found.options.max_elements != room {
        let number = |n: Option<u32>| n.map_or("none".to_owned(), |n| n.to_string());
        let (is, set) = (number(found.options.max_elements), number(room));
        findings.warn(format!(
            "set \"{name}\" is there already with maxelem {is}; the configuration says {set}: it is kept as it is"
        ));
    }
    match found.options.timeout {
        // The rules look into it all the same, and a host without a firewall would be worse off.
        None if wanted.options.timeout.is_some() => findings.warn(format!(
            "set \"{name}\" is there already without timeouts: whoever is in it stays, and log-scanner adds nobody to it; {}",
            cure()
        )),
        Some(default) if !default.is_permanent() && found.options.timeout != wanted.options.timeout => findings.warn(format!(
            "set \"{name}\" is there already with a default timeout of {default}: a member that is added without one \
             ends after that time"
        )),
        _ => {}
    }
    true
}

/// Why the rules cannot look into the set that was found, if so.
pub(crate) fn unusable(wanted: &ConfiguredSet, found: &SetHeader) -> Option<String> {
    let by_packets = wanted.filled_by_packets;
    let wanted = &wanted.create;
    let of_addresses = |set_type: &SetType| matches!(set_type, SetType::HashIp | SetType::HashNet);
    if !of_addresses(&wanted.set_type) {
        return (wanted.set_type != found.set_type).then(|| {
            format!(
                "its type is {}, and the configuration says {}",
                found.set_type, wanted.set_type
            )
        });
    }
    if !of_addresses(&found.set_type) {
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
    // What would ban others with an address, or ban it for good.
    let options = &found.options;
    let is_masked = options.netmask.is_some() || options.bitmask.is_some();
    if by_packets && (is_masked || found.set_type != wanted.set_type) {
        return Some(format!(
            "packets fill it, and to a set of type {}{} the kernel adds more than the address of one: {} without a netmask is needed",
            found.set_type,
            if is_masked { " with a netmask" } else { "" },
            wanted.set_type
        ));
    }
    if by_packets && options.timeout.is_none() {
        return Some("packets fill it, and it has no timeouts: nobody would come out".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use ipset_netlink::testing::FakeKernel;
    use ipset_netlink::{Family, IfExists, Timeout};

    use super::*;

    fn configured(create: CreateSet, origin: SetOrigin) -> ConfiguredSet {
        ConfiguredSet {
            create,
            origin,
            filled_by_packets: false,
        }
    }

    fn set(name: &str, set_type: SetType, family: Family) -> CreateSet {
        CreateSet::new(name.parse().unwrap(), set_type, family).timeout(Timeout::PERMANENT)
    }

    /// What is found about the one set that is wanted where `there` are.
    fn looked_for(there: &[CreateSet]) -> (WantedSet, Findings) {
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        for set in there {
            kernel.create(set, IfExists::Fail).unwrap();
        }
        let mut findings = Findings::default();
        let wanted = set("blacklist", SetType::HashNet, Family::Inet).max_elements(65536);
        let wanted = configured(wanted, SetOrigin::List);
        let mut examined = examine(&mut kernel, &[wanted], &mut findings);
        assert_eq!(examined.len(), 1);
        (examined.remove(0), findings)
    }

    #[test]
    fn a_set_that_is_missing_is_usable_once_it_is_made() {
        let (looked, findings) = looked_for(&[]);
        assert!(looked.usable && looked.found.is_none());
        assert!(!findings.failed() && findings.warnings.is_empty());
    }

    #[test]
    fn a_set_of_another_type_or_family_is_refused_with_a_cure() {
        for (set_type, family, why) in [
            (
                SetType::HashIpPort,
                Family::Inet,
                "its type is hash:ip,port",
            ),
            (SetType::HashNet, Family::Inet6, "its family is inet6"),
        ] {
            let (looked, findings) = looked_for(&[set("blacklist", set_type, family)]);
            assert!(!looked.usable);
            let error = findings.errors[0].to_string();
            assert!(error.contains(why), "{error}");
            assert!(error.contains("`ipset destroy blacklist`"), "{error}");
        }
    }

    #[test]
    fn a_set_of_the_administrator_is_as_he_says_and_one_of_a_file_may_have_grown() {
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        let found = set("office", SetType::HashNet, Family::Inet).max_elements(2000);
        kernel.create(&found, IfExists::Fail).unwrap();
        let header = kernel.header(&found.name).unwrap();
        let hour = Timeout::from_secs(3600).unwrap();
        let mut wanted = found.clone().max_elements(1000).timeout(hour);
        wanted.options.comments = true;
        let own = as_configured(&configured(wanted.clone(), SetOrigin::Own), &header);
        assert!(own.options.comments && !own.options.counters);
        assert_eq!(own.options.timeout, Some(hour));
        assert_eq!(own.options.max_elements, Some(1000));
        wanted.options.timeout = None;
        wanted.options.comments = false;
        let filled = as_configured(&configured(wanted, SetOrigin::File), &header);
        assert_eq!(filled, CreateSet::from(&header));

        let pairs = set("pairs", SetType::HashIpPort, Family::Inet);
        kernel.create(&pairs, IfExists::Fail).unwrap();
        let header = kernel.header(&pairs.name).unwrap();
        let own = |set_type| {
            let wanted = set("pairs", set_type, Family::Inet);
            unusable(&configured(wanted, SetOrigin::Own), &header)
        };
        assert_eq!(own(SetType::HashIpPort), None);
        assert!(own(SetType::HashNetPort).is_some() && own(SetType::HashNet).is_some());
    }

    #[test]
    fn a_set_that_only_services_name_is_as_it_pleases_the_administrator() {
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        let office = |set_type| CreateSet::new("office".parse().unwrap(), set_type, Family::Inet);
        kernel
            .create(&office(SetType::HashIp), IfExists::Fail)
            .unwrap();
        let mut findings = Findings::default();
        let wanted = office(SetType::HashNet).timeout(Timeout::PERMANENT);
        let wanted = [configured(wanted, SetOrigin::Service)];
        let examined = examine(&mut kernel, &wanted, &mut findings);
        assert!(
            examined[0].usable && findings.warnings.is_empty(),
            "{findings:?}"
        );
        let found = examined[0].found.clone().unwrap();
        assert_eq!(as_configured(&wanted[0], &found), CreateSet::from(&found));
    }

    #[test]
    fn nothing_else_will_do_where_packets_fill_a_set() {
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        let mut said = |found: &CreateSet| {
            kernel.create(found, IfExists::Fail).unwrap();
            let header = kernel.header(&found.name).unwrap();
            let wanted = ConfiguredSet {
                filled_by_packets: true,
                ..configured(set("x", SetType::HashIp, Family::Inet), SetOrigin::Instant)
            };
            unusable(&wanted, &header)
        };
        let with = |name: &str, change: fn(&mut CreateSet)| {
            let mut set = set(name, SetType::HashIp, Family::Inet);
            change(&mut set);
            set
        };
        assert_eq!(said(&with("a", |_| {})), None);
        for (found, why) in [
            (
                with("b", |set| set.set_type = SetType::HashNet),
                "hash:net the kernel adds more",
            ),
            (
                with("c", |set| set.options.netmask = Some(24)),
                "with a netmask the kernel adds more",
            ),
            (with("d", |set| set.options.timeout = None), "no timeouts"),
        ] {
            let told = said(&found).expect("it is refused");
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_set_that_differs_otherwise_is_kept_with_a_warning() {
        let there = set("blacklist", SetType::HashIp, Family::Inet).max_elements(1000);
        let (looked, findings) = looked_for(&[there]);
        assert!(looked.usable && looked.found.is_some());
        assert!(!findings.failed());
        let said: Vec<String> = findings.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:#?}");
        assert!(said[0].contains("with type hash:ip"), "{said:#?}");
        assert!(said[1].contains("with maxelem 1000"), "{said:#?}");
    }
}
