//! `import ipset`: a file that `ipset save` wrote.

use std::collections::BTreeMap;
use std::path::Path;

use ipset_netlink::text::Line;
use ipset_netlink::{CreateSet, Entry, Family, SetType};

use super::place::Place;
use super::saved::SavedMembers;
use super::source::Source;
use super::translation::{FilledSet, Member, MemberFile, Translation, short, shortened};
use crate::args::SetAs;
use crate::findings::Problem;

/// A set of the file.
#[derive(Debug)]
struct Saved {
    create: CreateSet,
    place: Place,
    entries: Vec<(Place, Entry)>,
}

/// Reads a file; `renamed` says which sets are to become which of the lists.
pub(super) fn read(path: &Path, renamed: &[SetAs]) -> Result<Translation, Problem> {
    let source = Source::read(path)?;
    let mut made = Translation::of_a_part();
    made.read.push(path.to_owned());
    // It says what was left of each member when it was written.
    made.saved.at = source.written();
    let sets = sets(&source, &mut made);
    for one in renamed {
        if !sets.iter().any(|set| set.create.name.as_str() == one.set) {
            let why = format!(
                "--as {}: there is no such set in {}",
                one.set,
                path.display()
            );
            return Err(why.into());
        }
    }
    // `office` and `office_v6` are one.
    let mut pairs: BTreeMap<String, Vec<Saved>> = BTreeMap::new();
    let mut order = Vec::new();
    for set in sets {
        let name = set.create.name.to_string();
        let base = match (name.strip_suffix("_v6"), set.create.family) {
            (Some(base), Family::Inet6) => base.to_owned(),
            _ => name,
        };
        if !pairs.contains_key(&base) {
            order.push(base.clone());
        }
        pairs.entry(base).or_default().push(set);
    }
    for base in order {
        let Some(sets) = pairs.remove(&base) else {
            continue;
        };
        let list = renamed
            .iter()
            .find(|one| sets.iter().any(|set| set.create.name.as_str() == one.set));
        match list {
            Some(one) => members(&one.list, sets, &mut made),
            None => own(&base, sets, &mut made),
        }
    }
    Ok(made)
}

/// The sets of the file with their entries; a line that cannot be read is left.
fn sets(source: &Source, made: &mut Translation) -> Vec<Saved> {
    let mut sets: Vec<Saved> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, text) in source.lines() {
        if text.is_empty() || text.starts_with('#') || text == "COMMIT" {
            continue;
        }
        let type_of = |name: &ipset_netlink::SetName| -> Option<SetType> {
            let set = sets.get(*places.get(name.as_str())?)?;
            Some(set.create.set_type.clone())
        };
        match Line::parse(text.as_bytes(), type_of) {
            Ok(Line::Create(create)) => {
                places.insert(create.name.to_string(), sets.len());
                sets.push(Saved {
                    create,
                    place,
                    entries: Vec::new(),
                });
            }
            Ok(Line::Add(name, entry)) => {
                let set = places.get(name.as_str()).and_then(|at| sets.get_mut(*at));
                if let Some(set) = set {
                    set.entries.push((place, entry));
                }
            }
            Ok(_) => {}
            Err(error) => made.left(&place, text, &error.to_string()),
        }
    }
    sets
}

/// Whether the entry lasts, and is an address or network that a file can hold.
fn is_lasting(entry: &Entry) -> bool {
    entry.timeout.is_none_or(|timeout| timeout.as_secs() == 0)
        && !entry.nomatch
        && entry.key.as_network().is_some()
}

/// Entries become members of one of the lists.
fn members(list: &str, sets: Vec<Saved>, made: &mut Translation) {
    for set in sets {
        let ending = match set.create.family {
            Family::Inet6 => "_v6",
            _ => "",
        };
        for (place, entry) in set.entries {
            let Some(network) = entry.key.as_network() else {
                let why = format!("{list} holds addresses and networks");
                made.left(&place, &entry.key.to_string(), &why);
                continue;
            };
            if entry.nomatch {
                let why = format!(
                    "an exception (nomatch) of a file's members has no counterpart: ipset add {list}{ending} {} nomatch",
                    entry.key
                );
                made.left(&place, &entry.key.to_string(), &why);
                continue;
            }
            let comment = entry.comment.as_ref();
            let comment = comment.map(|comment| comment.as_str().to_owned());
            let lasting = is_lasting(&entry);
            let network =
                iptables_ruleset::Network::new(network.address(), network.prefix_length());
            match (lasting, network) {
                (true, Ok(network)) if network.prefix_length() > 0 => {
                    let member = Member {
                        network,
                        place,
                        comment: comment.unwrap_or_default(),
                    };
                    match list {
                        "whitelist" => made.firewall.whitelist.push(member),
                        "blacklist" => made.firewall.blacklist.push(member),
                        // Nobody is slowed down for good by a file.
                        _ => made.saved.add(list, set.create.family, entry),
                    }
                }
                (false, Ok(_)) => made.saved.add(list, set.create.family, entry),
                _ => made.left(&place, &entry.key.to_string(), "it is every address"),
            }
        }
    }
}

/// A set of its own: filled by a file, where a file can say all that is in it.
fn own(base: &str, sets: Vec<Saved>, made: &mut Translation) {
    let Some(first) = sets.first() else { return };
    let create = first.create.clone();
    let place = first.place.clone();
    let set_type = create.set_type.to_string();
    let families: Vec<Family> = sets.iter().map(|set| set.create.family).collect();
    if sets
        .iter()
        .any(|set| set.create.set_type != create.set_type)
    {
        let why = format!("{base} and {base}_v6 are of different types, and a [[set]] is of one");
        made.left(&place, base, &why);
        return;
    }
    if !TYPES.contains(&set_type.as_str()) {
        let why = format!(
            "a [[set]] is not of type {set_type}: keep it by `ipset restore`, and rules for it in FIREWALL_LOCAL"
        );
        made.left(&place, base, &why);
        return;
    }
    let name = made.set_name(base);
    differences(&name, &sets, made);
    let of_addresses = matches!(create.set_type, SetType::HashNet | SetType::HashIp);
    let lasting = of_addresses
        && create.options.timeout.is_none()
        && sets
            .iter()
            .flat_map(|set| &set.entries)
            .all(|(_, entry)| is_lasting(entry));
    let mut filled = FilledSet {
        name: name.clone(),
        remarks: sets
            .iter()
            .map(|set| format!("{}: {}", set.place, set.create.name))
            .collect(),
        file: None,
        more: Vec::new(),
    };
    if set_type != "hash:net" {
        filled.more.push(("type", format!("\"{set_type}\"")));
    }
    match families.as_slice() {
        [Family::Inet] => filled.more.push(("family", "\"inet\"".to_owned())),
        [Family::Inet6] => filled.more.push(("family", "\"inet6\"".to_owned())),
        _ => {}
    }
    if create.options.counters {
        filled.more.push(("counters", "true".to_owned()));
    }
    if lasting {
        let file = format!("{name}.txt");
        let text = lines(&sets, made);
        made.files.push(MemberFile {
            name: file.clone(),
            text,
        });
        filled
            .remarks
            .push("Edit the file, then: firewall-apply refresh".to_owned());
        filled.file = Some(file);
    } else {
        if let Some(most) = create.options.max_elements {
            filled.more.push(("maxelem", most.to_string()));
        }
        if let Some(timeout) = create
            .options
            .timeout
            .filter(|timeout| timeout.as_secs() > 0)
        {
            filled
                .more
                .push(("timeout", format!("\"{}s\"", timeout.as_secs())));
        }
        if create.options.comments {
            filled.more.push(("comment", "true".to_owned()));
        }
        filled.remarks.push(format!(
            "Its members are in {}: firewall-apply restore --file {}, behind apply.",
            SavedMembers::FILE,
            SavedMembers::FILE
        ));
        for set in sets {
            let becomes = match set.create.family {
                Family::Inet6 => format!("{name}_v6"),
                _ => name.clone(),
            };
            let Ok(becomes) = becomes.parse() else {
                continue;
            };
            let mut create = set.create;
            create.name = becomes;
            let entries = set.entries.into_iter().map(|(_, entry)| entry);
            made.saved.add_set(create, entries);
        }
    }
    made.firewall.sets.push(filled);
}

/// What a `[[set]]` has otherwise.
fn differences(name: &str, sets: &[Saved], made: &mut Translation) {
    for set in sets {
        let becomes = match set.create.family {
            Family::Inet6 => format!("{name}_v6"),
            _ => name.to_owned(),
        };
        if set.create.name.as_str() != becomes {
            let why = format!(
                "it is {becomes} from now on: rules and scripts that name it have to be changed"
            );
            made.note(&set.place, set.create.name.as_str(), &why);
        }
        let options = &set.create.options;
        let odd = [
            (
                options.netmask.is_some() || options.bitmask.is_some(),
                "netmask",
            ),
            (options.mark_mask.is_some(), "markmask"),
            (options.forceadd, "forceadd"),
            (options.skbinfo, "skbinfo"),
        ];
        for (_, option) in odd.iter().filter(|(has, _)| *has) {
            let what = format!("{}: {option}", set.create.name);
            made.left(&set.place, &what, "a [[set]] cannot be made so");
        }
    }
}

/// The members, a line each.
fn lines(sets: &[Saved], made: &mut Translation) -> String {
    let mut text = String::new();
    for (place, entry) in sets.iter().flat_map(|set| &set.entries) {
        let Some(network) = entry.key.as_network() else {
            continue;
        };
        let network = iptables_ruleset::Network::new(network.address(), network.prefix_length());
        match network {
            Ok(network) => text.push_str(&short(&network)),
            Err(error) => {
                made.left(place, &entry.key.to_string(), &error.to_string());
                continue;
            }
        }
        if let Some(comment) = &entry.comment {
            text.push_str(" # ");
            text.push_str(&shortened(comment.as_str()));
        }
        text.push('\n');
    }
    text
}

/// The types that a `[[set]]` can be of.
const TYPES: [&str; 11] = [
    "hash:net",
    "hash:ip",
    "hash:ip,port",
    "hash:ip,port,ip",
    "hash:ip,port,net",
    "hash:ip,mark",
    "hash:ip,mac",
    "hash:net,net",
    "hash:net,port",
    "hash:net,port,net",
    "hash:net,iface",
];
