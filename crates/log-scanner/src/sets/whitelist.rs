//! The sets whose members are left alone.

use std::net::IpAddr;

use ipset_netlink::{Entry, Family, IpSet, Key, Network, SetHeader, SetName, SetType};

use super::Sets;
use crate::error::chain;
use crate::exempt::{Exemption, Part};
use crate::networks::Networks;
use crate::source::{Source, holds};

/// The firewall accepts what comes from members of these before it looks at anything else.
pub(crate) const WHITELIST: &str = "whitelist";

/// A whitelist that is there.
pub(super) struct Whitelist {
    name: SetName,
    family: Family,
    /// Its members as networks, once one has to be looked for in a network; about an address the
    /// kernel is asked.
    members: Option<Listed>,
}

struct Listed {
    /// Whether each is an exception (nomatch).
    all: Networks<bool>,
    /// In order, without exceptions.
    exempt: Vec<Network>,
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

    fn exempts(&self, kernel: &mut IpSet, address: IpAddr) -> Result<Exemption, String> {
        let exempt = kernel
            .contains(&self.name, &Key::from(address))
            .map_err(|error| chain(&error))?;
        Ok(if exempt {
            Exemption::Whole(self.why())
        } else {
            Exemption::Parts(Vec::new())
        })
    }

    fn why(&self) -> String {
        format!("a member of {}", self.name)
    }

    fn read(&self, kernel: &mut IpSet) -> Result<Listed, String> {
        let set = kernel.list(&self.name).map_err(|error| chain(&error))?;
        let mut members = Listed {
            all: Networks::default(),
            exempt: Vec::new(),
        };
        for entry in &set.entries {
            let Some(network) = member(&set.header, entry) else {
                let why = format!("not clear what its member {} is", entry.key);
                return Err(unable(&self.name, &why));
            };
            members.all.entry(network).insert_entry(entry.nomatch);
            if !entry.nomatch {
                members.exempt.push(network);
            }
        }
        members.exempt.sort_unstable();
        Ok(members)
    }

    /// How much of `form`, a network that `source` stands for, is exempt.
    fn exempts_of(
        &mut self,
        kernel: &mut IpSet,
        source: Source,
        form: Network,
    ) -> Result<Exemption, String> {
        let members = match self.members.take() {
            Some(members) => members,
            None => self.read(kernel)?,
        };
        let why = self.why();
        let members = self.members.insert(members);
        if members.all.covering(form).next() == Some(&false) {
            return Ok(Exemption::Whole(why));
        }
        let first = members.exempt.partition_point(|member| *member < form);
        let behind = members.exempt.get(first..).unwrap_or_default();
        let parts = behind.iter().take_while(|member| holds(form, **member));
        let parts = parts.map(|member| Part::of(source, *member, &why));
        Ok(Exemption::Parts(parts.collect()))
    }
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

impl Sets {
    /// All that the whitelists have in them now.
    pub(crate) fn whitelisted(&mut self) -> Result<Vec<Network>, String> {
        let mut all = Vec::new();
        for whitelist in &self.whitelists {
            all.extend(whitelist.read(&mut self.kernel)?.exempt);
        }
        Ok(all)
    }

    /// How much of `source` the whitelists leave alone.
    pub(crate) fn whitelisting(&mut self, source: Source) -> Result<Exemption, String> {
        let mut parts = Vec::new();
        for form in source.forms() {
            let family = Family::of(form.address());
            let whitelists = self.whitelists.iter_mut();
            for whitelist in whitelists.filter(|whitelist| whitelist.family == family) {
                let exemption = if source.is_single_address() {
                    whitelist.exempts(&mut self.kernel, form.address())?
                } else {
                    whitelist.exempts_of(&mut self.kernel, source, form)?
                };
                match exemption {
                    Exemption::Whole(why) => return Ok(Exemption::Whole(why)),
                    Exemption::Parts(more) => parts.extend(more),
                }
            }
        }
        Ok(Exemption::Parts(parts))
    }
}
