//! The sets whose members are left alone.

use std::net::IpAddr;

use ipset_netlink::{Entry, Family, IpSet, Key, Network, SetHeader, SetName, SetType};

use super::Sets;
use crate::error::chain;
use crate::exempt::overlap;
use crate::source::Source;

/// The firewall accepts what comes from members of these before it looks at anything else.
pub(crate) const WHITELIST: &str = "whitelist";

/// A whitelist that is there.
pub(super) struct Whitelist {
    name: SetName,
    family: Family,
    /// Its members as networks, once one has to be looked for in a network; about an address the kernel is asked.
    members: Option<Vec<Network>>,
}

impl Whitelist {
    /// `None` where there is none; otherwise why it cannot be asked.
    pub(super) fn open(
        kernel: &mut IpSet,
        suffix: &str,
        family: Family,
    ) -> Result<Option<Self>, String> {
        let Ok(name) = format!("{WHITELIST}{suffix}").parse::<SetName>() else {
            return Ok(None);
        };
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

    fn exempts(&mut self, kernel: &mut IpSet, address: IpAddr) -> Result<bool, String> {
        kernel
            .contains(&self.name, &Key::from(address))
            .map_err(|error| chain(&error))
    }

    fn members(&mut self, kernel: &mut IpSet) -> Result<&[Network], String> {
        if self.members.is_none() {
            let set = kernel.list(&self.name).map_err(|error| chain(&error))?;
            let members = set.entries.iter().map(|entry| {
                member(&set.header, entry).ok_or_else(|| {
                    unable(
                        &self.name,
                        &format!("not clear what its member {} is", entry.key),
                    )
                })
            });
            self.members = Some(members.collect::<Result<_, _>>()?);
        }
        Ok(self.members.as_deref().unwrap_or_default())
    }
}

fn unable(name: &SetName, why: &str) -> String {
    format!("cannot tell who is exempt by set \"{name}\": it is {why}")
}

/// All addresses that a member of a whitelist may stand for. What it excepts (nomatch) is not taken out: better
/// one network too few is banned than one address too many.
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

/// Whether an address alone can be asked for; the kernel says no to every one where it takes a port as well.
fn takes_addresses(set_type: &SetType) -> bool {
    matches!(set_type.name(), "hash:ip" | "hash:net" | "bitmap:ip")
}

impl Sets {
    /// Why a whitelist leaves `source` alone, as in "203.0.113.7 is …", if one does.
    pub(crate) fn whitelisting(&mut self, source: Source) -> Result<Option<String>, String> {
        for form in source.forms() {
            let family = Family::of(form.address());
            let whitelists = self.whitelists.iter_mut();
            for whitelist in whitelists.filter(|whitelist| whitelist.family == family) {
                let why = format!("a member of {}", whitelist.name);
                let exempt = if source.is_single_address() {
                    whitelist
                        .exempts(&mut self.kernel, form.address())?
                        .then_some(why)
                } else {
                    let mut members = whitelist.members(&mut self.kernel)?.iter();
                    members.find_map(|member| overlap(form, *member, &why))
                };
                if exempt.is_some() {
                    return Ok(exempt);
                }
            }
        }
        Ok(None)
    }
}
