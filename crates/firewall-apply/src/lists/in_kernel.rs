//! What is in the sets of a list, to be compared with what shall be.

use std::ops::{AddAssign, ControlFlow};

use ipset_netlink::address_list::AddressList;
use ipset_netlink::{Entry, Error, Family, IpSet, Listed, Network, SetHeader, SetName, Transport};

use crate::configured::List;

/// A set of a list as it is.
#[derive(Debug)]
pub(crate) struct InSet {
    pub(crate) header: SetHeader,
    pub(crate) addresses: AddressList,
    pub(super) size: Size,
    /// Whether an entry is more than its addresses: an exception, or one that ends.
    is_more: bool,
}

impl InSet {
    /// Looks at a set; `None` where there is none.
    pub(crate) fn look<T: Transport>(
        kernel: &mut IpSet<T>,
        name: &SetName,
    ) -> Result<Option<Self>, Error> {
        let (mut header, mut is_more) = (None, false);
        let mut networks: Vec<Network> = Vec::new();
        let read = kernel.for_each(Some(name), |listed| {
            match listed {
                Listed::Header(found) => header = Some(found),
                Listed::Entry(entry) => {
                    is_more |= entry.nomatch || ends(&entry);
                    networks.extend(network(&entry));
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
        match read {
            Err(error) if error.is_set_not_found() => return Ok(None),
            read => read?,
        }
        let addresses = networks.into_iter().collect();
        Ok(header.map(|header| Self {
            header,
            size: Size::of(&addresses),
            addresses,
            is_more,
        }))
    }

    /// Whether these addresses are what is in it.
    pub(crate) fn is(&self, addresses: &AddressList) -> bool {
        !self.is_more && self.addresses == *addresses
    }
}

/// The addresses of a member, exceptions left out.
fn network(entry: &Entry) -> Option<Network> {
    entry.key.as_network().filter(|_| !entry.nomatch)
}

fn ends(entry: &Entry) -> bool {
    entry.timeout.is_some_and(|timeout| !timeout.is_permanent())
}

/// How much is on a list.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Size {
    /// Networks, as few as they can be.
    pub(crate) networks: u64,
    v4: u128,
    v6: u128,
}

impl Size {
    /// That of these addresses.
    pub(crate) fn of(addresses: &AddressList) -> Self {
        let networks = |family| addresses.network_count(family);
        Self {
            networks: networks(Family::Inet) + networks(Family::Inet6),
            v4: addresses.address_count(Family::Inet),
            v6: addresses.address_count(Family::Inet6),
        }
    }

    /// That of the members of a set.
    pub(crate) fn of_entries<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        Self::of(&entries.into_iter().filter_map(network).collect())
    }
}

impl AddAssign for Size {
    fn add_assign(&mut self, more: Self) {
        self.networks += more.networks;
        self.v4 = self.v4.saturating_add(more.v4);
        self.v6 = self.v6.saturating_add(more.v6);
    }
}

/// Why a list is too small to take the place of one of the size before, if so: fewer networks remain
/// than its `max-shrink` says.
///
/// Networks that were merged into larger ones are no loss, so that a list that has as many
/// addresses as before has not shrunk.
pub(crate) fn shrinks(list: &List, before: Size, now: Size) -> Option<String> {
    let most = list.max_shrink?;
    let kept = u64::from(100_u8.saturating_sub(most));
    let few = now.networks.saturating_mul(100) < before.networks.saturating_mul(kept);
    let fewer = now.v4 < before.v4 || now.v6 < before.v6;
    (few && fewer).then(|| {
        format!(
            "list \"{}\" has {} networks now and had {}: it shrinks by more than its max-shrink, {most}%, and is kept as it was, \
             because it may have been cut off; `firewall-apply refresh --allow-shrink {0}` takes it all the same",
            list.name, now.networks, before.networks
        )
    })
}

#[cfg(test)]
mod tests {
    use ipset_netlink::address_list::ListReader;

    use super::*;

    fn size(text: &str) -> Size {
        let mut reader = ListReader::new();
        reader.read(text.as_bytes()).unwrap();
        Size::of(&reader.finish())
    }

    #[test]
    fn a_list_shrinks_when_networks_are_lost_and_not_when_they_are_merged() {
        let list = |max_shrink| List {
            name: "a".to_owned(),
            sets: Vec::new(),
            files: Vec::new(),
            single: false,
            max_shrink,
        };
        let half = list(Some(50));
        let four = size("192.0.2.1\n192.0.2.3\n192.0.2.5\n2001:db8::1\n");
        let too_small = |list: &List, text: &str| shrinks(list, four, size(text)).is_some();
        assert!(!too_small(&half, "192.0.2.1\n192.0.2.3\n"), "half of it");
        assert!(too_small(&half, "192.0.2.1\n"));
        assert!(too_small(&half, ""));
        assert!(!too_small(&half, "192.0.2.0/24\n2001:db8::/32\n"), "merged");
        assert!(too_small(&half, "192.0.2.0/24\n"), "IPv6 is lost");
        assert!(!too_small(&list(Some(100)), ""));
        assert!(too_small(
            &list(Some(0)),
            "192.0.2.1\n192.0.2.3\n192.0.2.5\n"
        ));
        assert!(!too_small(&list(None), ""));
        let why = shrinks(&half, four, size("")).unwrap();
        assert!(
            why.contains("`firewall-apply refresh --allow-shrink a`"),
            "{why}"
        );
    }
}
