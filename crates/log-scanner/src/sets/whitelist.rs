//! The sets whose members are left alone: what of a network is in them.

use std::net::IpAddr;

use ipset_netlink::{Entry, Family, IpSet, Key, Network, SetHeader, SetName, SetType, Transport};

use super::Sets;
use crate::error::chain;
use crate::names::{V6, WHITELIST};
use crate::prefix_map::PrefixMap;
use crate::source::Source;

/// A whitelist that exists: `whitelist` or `whitelist_v6`.
pub(super) struct Whitelist {
    name: SetName,
    family: Family,
    /// For each member, whether it is an exception (nomatch). The set is read once it has to be
    /// known who is in a network; about an address the kernel is asked.
    members: Option<PrefixMap<bool>>,
}

/// How much of a network a whitelist holds.
pub(crate) enum Held {
    All,
    /// These networks in it; none where it holds nobody.
    Parts(Vec<Network>),
}

impl Whitelist {
    /// The whitelists that exist, or why one cannot be asked.
    pub(super) fn open<T: Transport>(
        kernel: &mut IpSet<T>,
    ) -> impl Iterator<Item = Result<Self, String>> {
        let families = [("", Family::Inet), (V6, Family::Inet6)];
        let named = families.into_iter().filter_map(|(suffix, family)| {
            let name = format!("{WHITELIST}{suffix}").parse::<SetName>();
            Some((name.ok()?, family))
        });
        named.filter_map(|(name, family)| Self::open_one(kernel, name, family).transpose())
    }

    fn open_one<T: Transport>(
        kernel: &mut IpSet<T>,
        name: SetName,
        family: Family,
    ) -> Result<Option<Self>, String> {
        let header = match kernel.header(&name) {
            Err(error) if error.is_set_not_found() => return Ok(None),
            Err(error) => return Err(chain(&error)),
            Ok(header) => header,
        };
        if header.family != family {
            let why = format!("of family {}, not {family}", header.family);
            return Err(unable(&name, &why));
        }
        if !takes_addresses(&header.set_type) {
            let why = format!(
                "of type {}, which takes more than an address",
                header.set_type
            );
            return Err(unable(&name, &why));
        }
        Ok(Some(Self {
            name,
            family,
            members: None,
        }))
    }

    fn read<T: Transport>(&self, kernel: &mut IpSet<T>) -> Result<PrefixMap<bool>, String> {
        let set = kernel.list(&self.name).map_err(|error| chain(&error))?;
        let members = set.entries.iter().map(|entry| {
            let network = member(&set.header, entry).ok_or_else(|| {
                let why = format!("not clear what its member {} is", entry.key);
                unable(&self.name, &why)
            });
            Ok((network?, entry.nomatch))
        });
        members.collect()
    }

    fn held<T: Transport>(
        &mut self,
        kernel: &mut IpSet<T>,
        network: Network,
    ) -> Result<Held, String> {
        if Source::from(network).is_single_address() {
            let is_member = kernel.contains(&self.name, &Key::from(network));
            let is_member = is_member.map_err(|error| chain(&error))?;
            return Ok(if is_member {
                Held::All
            } else {
                Held::Parts(Vec::new())
            });
        }
        let members = match self.members.take() {
            Some(members) => members,
            None => self.read(kernel)?,
        };
        let members = self.members.insert(members);
        if members.covering(network).next() == Some(&false) {
            return Ok(Held::All);
        }
        Ok(Held::Parts(exempt(members.within(network))))
    }
}

/// The members that are no exceptions.
fn exempt<'m>(members: impl Iterator<Item = (Network, &'m bool)>) -> Vec<Network> {
    let exempt = members.filter(|(_, nomatch)| !**nomatch);
    exempt.map(|(network, _)| network).collect()
}

fn unable(name: &SetName, why: &str) -> String {
    format!("cannot tell who is exempt by set \"{name}\": it is {why}")
}

/// All addresses that a member of a whitelist may stand for. What is excepted (nomatch) within it
/// is not taken out: better one address too few is banned than one too many.
fn member(header: &SetHeader, entry: &Entry) -> Option<Network> {
    let network = entry.key.as_network()?;
    let masked = match header.options.bitmask {
        Some(IpAddr::V4(mask)) => Some(mask.to_bits().leading_ones()),
        Some(IpAddr::V6(mask)) => Some(mask.to_bits().leading_ones()),
        None => header.options.netmask.map(u32::from),
    };
    let bits = masked.and_then(|bits| u8::try_from(bits).ok());
    let bits = bits.map_or(network.prefix_length(), |bits| {
        bits.min(network.prefix_length())
    });
    Network::new(network.address(), bits).ok()
}

/// Whether an address alone can be asked for; the kernel says no to every one where it takes a port
/// as well.
fn takes_addresses(set_type: &SetType) -> bool {
    matches!(set_type.name(), "hash:ip" | "hash:net" | "bitmap:ip")
}

impl<T: Transport> Sets<T> {
    /// All that the whitelists have in them now, each with the name of its set.
    pub(crate) fn whitelisted(&mut self) -> Result<Vec<(&SetName, Network)>, String> {
        let mut all = Vec::new();
        for whitelist in &self.whitelists {
            let members = whitelist.read(&mut self.kernel)?;
            let members = exempt(members.iter()).into_iter();
            all.extend(members.map(|member| (&whitelist.name, member)));
        }
        Ok(all)
    }

    /// How much of a network the whitelist of its family holds, and that set's name.
    pub(crate) fn whitelisted_of(
        &mut self,
        network: Network,
    ) -> Result<Option<(&SetName, Held)>, String> {
        let family = Family::of(network.address());
        let mut whitelists = self.whitelists.iter_mut();
        let Some(whitelist) = whitelists.find(|whitelist| whitelist.family == family) else {
            return Ok(None);
        };
        let held = whitelist.held(&mut self.kernel, network)?;
        Ok(Some((&whitelist.name, held)))
    }
}
