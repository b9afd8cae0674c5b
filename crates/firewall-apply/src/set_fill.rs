//! How full a set is, and when its members end.

use std::ops::ControlFlow;

use ipset_netlink::{CreateSet, Error, IpSet, Listed, SetHeader, Transport};
use iptables_ruleset::config::SetOrigin;
use serde::Serialize;

/// A set as it is.
#[derive(Debug, Serialize)]
pub(crate) struct SetFill {
    /// Its name.
    pub(crate) name: String,
    /// `inet` or `inet6`.
    pub(crate) family: String,
    /// Its type; null for a set that is not there.
    #[serde(rename = "type")]
    pub(crate) set_type: Option<String>,
    /// How many members it has.
    pub(crate) entries: u64,
    /// How many of them stay for ever.
    pub(crate) permanent: u64,
    /// The most that it takes.
    pub(crate) maxelem: Option<u32>,
    /// The bytes that it takes in the kernel.
    pub(crate) memory: u32,
    /// In how many seconds the next member ends; null when none does.
    pub(crate) next_expiry: Option<u32>,
    /// In how many seconds the last one does of those that end.
    pub(crate) last_expiry: Option<u32>,
    /// Whether it is said that there is little room left in it.
    #[serde(skip)]
    pub(crate) is_tight: bool,
}

impl SetFill {
    /// Looks at a set and all its members.
    pub(crate) fn look<T: Transport>(
        kernel: &mut IpSet<T>,
        wanted: &CreateSet,
    ) -> Result<Self, Error> {
        let mut fill = Self {
            name: wanted.name.to_string(),
            family: wanted.family.to_string(),
            set_type: None,
            entries: 0,
            permanent: 0,
            maxelem: None,
            memory: 0,
            next_expiry: None,
            last_expiry: None,
            is_tight: false,
        };
        let done = kernel.for_each(Some(&wanted.name), |listed| {
            match listed {
                Listed::Header(header) => fill.note_header(&header),
                Listed::Entry(entry) => {
                    fill.entries += 1;
                    match entry.timeout.filter(|timeout| !timeout.is_permanent()) {
                        Some(timeout) => fill.note_end(timeout.as_secs()),
                        None => fill.permanent += 1,
                    }
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
        match done {
            Err(error) if !error.is_set_not_found() => Err(error),
            _ => Ok(fill),
        }
    }

    /// Whether it is there.
    pub(crate) fn is_there(&self) -> bool {
        self.set_type.is_some()
    }

    /// How full it is, in per cent.
    pub(crate) fn percent(&self) -> Option<u64> {
        let most = u64::from(self.maxelem.filter(|most| *most > 0)?);
        Some(self.entries.saturating_mul(100) / most)
    }

    /// That there is little room left in a set that is there for this, with the cure.
    pub(crate) fn is_near_full(&self, origin: SetOrigin) -> Option<String> {
        let percent = self.percent().filter(|percent| *percent >= NEAR_FULL)?;
        let most = self.maxelem.unwrap_or_default();
        let cure = match origin {
            // That is what the bound is for.
            SetOrigin::Instant => {
                "many attack, or somebody forges the sources of packets: at-most of the [[instant]] that fill it holds, and who \
                 comes beyond it is left to log-scanner"
            }
            _ => {
                "and a full set takes nobody more; a larger maxelem under [sets], and `firewall-apply`"
            }
        };
        Some(format!(
            "set \"{}\" is {percent} % full ({} of {most}), {cure}",
            self.name, self.entries
        ))
    }

    fn note_header(&mut self, header: &SetHeader) {
        self.set_type = Some(header.set_type.to_string());
        self.maxelem = header.options.max_elements;
        self.memory = header.memory;
    }

    fn note_end(&mut self, seconds: u32) {
        let next = self.next_expiry.map_or(seconds, |next| next.min(seconds));
        let last = self.last_expiry.map_or(seconds, |last| last.max(seconds));
        (self.next_expiry, self.last_expiry) = (Some(next), Some(last));
    }
}

/// Per cent of the members that a set takes; log-scanner warns at the same.
const NEAR_FULL: u64 = 80;

#[cfg(test)]
mod tests {
    use ipset_netlink::testing::FakeKernel;
    use ipset_netlink::{Entry, Family, IfExists, Key, SetType, Timeout};

    use super::*;

    #[test]
    fn members_are_counted_by_their_end() {
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        let name = "blacklist".parse().unwrap();
        let wanted = CreateSet::new(name, SetType::HashNet, Family::Inet)
            .timeout(Timeout::PERMANENT)
            .max_elements(5);
        let missing = SetFill::look(&mut kernel, &wanted).unwrap();
        assert!(!missing.is_there() && missing.is_near_full(SetOrigin::List).is_none());
        kernel.create(&wanted, IfExists::Fail).unwrap();
        for (last, seconds) in [(1, 0), (2, 60), (3, 3600), (4, 600)] {
            let key = Key::ip([192, 0, 2, last].into());
            let timeout = Timeout::from_secs(seconds).unwrap();
            let entry = Entry::new(key).timeout(timeout);
            kernel.add(&wanted.name, &entry, IfExists::Fail).unwrap();
        }
        let fill = SetFill::look(&mut kernel, &wanted).unwrap();
        assert_eq!(
            (fill.entries, fill.permanent, fill.percent()),
            (4, 1, Some(80))
        );
        assert_eq!((fill.next_expiry, fill.last_expiry), (Some(60), Some(3600)));
        let of_packets = fill.is_near_full(SetOrigin::Instant).unwrap();
        assert!(of_packets.contains("at-most") && !of_packets.contains("maxelem"));
        let told = fill.is_near_full(SetOrigin::List).unwrap();
        assert!(
            told.starts_with("set \"blacklist\" is 80 % full (4 of 5)"),
            "{told}"
        );
    }
}
