//! Where addresses are, by databases (.mmdb) that lie on this host: nobody is asked.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use firewall_log::survey::Split;
use maxminddb::Reader;
use serde::{Deserialize, Serialize};

use super::{Countries, Named};
use crate::error::Fatal;
use crate::words::plain;

/// So many addresses are not looked up a second time, while there is room.
const REMEMBERED: usize = 20_000;

/// What databases say of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    /// ISO 3166-1: `DE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
    /// The number of the autonomous system, and whose it is: `AS64500 Example`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<String>,
}

/// The fields of a record that are read.
#[derive(Deserialize)]
struct Record {
    country: Option<Country>,
    registered_country: Option<Country>,
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<String>,
}

#[derive(Deserialize)]
struct Country {
    iso_code: Option<String>,
}

impl Place {
    /// `DE AS64500 Example`; empty where nothing is known.
    pub(super) fn spelled(&self) -> String {
        let known = [&self.country, &self.system].into_iter().flatten();
        known.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Databases, and what was found in them.
pub(super) struct Places {
    readers: Vec<Reader<Vec<u8>>>,
    remembered: HashMap<IpAddr, Place>,
    countries: HashMap<Option<String>, Split>,
    systems: HashMap<Option<String>, Split>,
}

impl Places {
    /// Opens all.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is of another format.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, Fatal> {
        let readers = paths.iter().map(|path| {
            Reader::open_readfile(path).map_err(|error| Fatal::Places {
                path: path.clone(),
                source: io::Error::other(error),
            })
        });
        Ok(Self {
            readers: readers.collect::<Result<_, _>>()?,
            remembered: HashMap::new(),
            countries: HashMap::new(),
            systems: HashMap::new(),
        })
    }

    /// Where an address is; nowhere, where no database knows it.
    pub(super) fn of(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        for reader in &self.readers {
            let record = reader.lookup(address);
            let record = record.and_then(|found| found.decode::<Record>());
            let Ok(Some(record)) = record else { continue };
            let country = record.country.and_then(|country| country.iso_code);
            let registered = record.registered_country;
            let country = country.or_else(|| registered?.iso_code);
            let country = country.map(|country| plain(country.as_bytes()));
            place.country = place.country.or(country);
            let whose = record.autonomous_system_organization.unwrap_or_default();
            let system = record.autonomous_system_number;
            let system = system.map(|number| format!("AS{number} {}", plain(whose.as_bytes())));
            place.system = place
                .system
                .or(system.map(|name| name.trim_end().to_owned()));
        }
        place
    }

    /// Counts packets of an address for its country and system.
    pub(super) fn count(&mut self, address: IpAddr, packets: Split) {
        if self.readers.is_empty() {
            return;
        }
        if !self.remembered.contains_key(&address) {
            if self.remembered.len() >= REMEMBERED {
                self.remembered.clear();
            }
            let place = self.of(address);
            self.remembered.insert(address, place);
        }
        let place = self.remembered.get(&address).cloned().unwrap_or_default();
        *self.countries.entry(place.country).or_default() += packets;
        *self.systems.entry(place.system).or_default() += packets;
    }

    /// What was counted; `None` without a database. Of systems at most so many.
    pub(super) fn into_countries(self, most: usize) -> Option<Countries> {
        if self.readers.is_empty() {
            return None;
        }
        let (countries, mut systems) = (sorted(self.countries), sorted(self.systems));
        systems.truncate(most);
        Some(Countries { countries, systems })
    }
}

fn sorted(all: HashMap<Option<String>, Split>) -> Vec<Named> {
    let named = all.into_iter().map(|(name, packets)| Named {
        name: name.unwrap_or_else(|| "unknown".to_owned()),
        packets: packets.into(),
    });
    let mut all: Vec<_> = named.collect();
    all.sort_unstable_by(|one, other| {
        let key = |named: &Named| (named.packets.blocked, named.packets.allowed);
        key(other)
            .cmp(&key(one))
            .then_with(|| one.name.cmp(&other.name))
    });
    all
}
