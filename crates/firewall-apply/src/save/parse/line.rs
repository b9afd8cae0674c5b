//! What follows the name of the set in a `create` or `add` line.

use ipset_netlink::{
    BitmapRange, Counters, CreateSet, Element, Entry, Family, Key, Position, SetName, SetOptions,
    SetType, SkbInfo,
};

use super::text_of;
use super::words::Words;
use crate::save::format::misfit;

pub(super) fn create(words: &mut Words<'_>, name: SetName) -> Result<CreateSet, String> {
    let word = words.next()?.ok_or("the type of the set is missing")?;
    let Ok(set_type) = word.parse();
    let family = match set_type {
        SetType::Other(_) => return Err(format!("{word:?} is no type of set that is known")),
        SetType::BitmapPort | SetType::HashMac | SetType::ListSet => Family::Unspec,
        _ => Family::Inet,
    };
    let mut create = CreateSet::new(name, set_type, family);
    while let Some(word) = words.next()? {
        if !takes(&create.set_type, word) {
            return Err(format!("no set of type {} has {word:?}", create.set_type));
        }
        let options = &mut create.options;
        match word {
            "family" => {
                create.family = match words.value(word)? {
                    "inet" => Family::Inet,
                    "inet6" => Family::Inet6,
                    other => return Err(format!("family {other:?} is neither inet nor inet6")),
                }
            }
            "hashsize" => options.hash_size = Some(words.number(word)?),
            "maxelem" => options.max_elements = Some(words.number(word)?),
            "bucketsize" => options.bucket_size = Some(words.number(word)?),
            "initval" => options.initial_value = Some(words.number(word)?),
            "netmask" => options.netmask = Some(words.number(word)?),
            "bitmask" => options.bitmask = Some(words.read(word)?),
            "markmask" => options.mark_mask = Some(words.number(word)?),
            "size" => options.size = Some(words.number(word)?),
            "range" => {
                let text = words.value(word)?;
                let range = range(text, &create.set_type);
                options.range =
                    Some(range.ok_or_else(|| format!("range {text:?} is none of such a set"))?);
            }
            "timeout" => options.timeout = Some(words.timeout()?),
            "counters" => options.counters = true,
            "comment" => options.comments = true,
            "skbinfo" => options.skbinfo = true,
            "forceadd" => options.forceadd = true,
            other => return Err(format!("sets with {other:?} are not restored")),
        }
    }
    Ok(create)
}

/// Whether sets of this type can have the option: the kernel ignores some that it does not know.
fn takes(set_type: &SetType, word: &str) -> bool {
    let name = set_type.name();
    match word {
        "family" => name.starts_with("hash:") && *set_type != SetType::HashMac,
        "hashsize" | "maxelem" | "bucketsize" | "initval" | "forceadd" => name.starts_with("hash:"),
        "netmask" => matches!(
            name,
            "bitmap:ip" | "hash:ip" | "hash:ip,port" | "hash:net,net"
        ),
        "bitmask" => matches!(name, "hash:ip" | "hash:ip,port" | "hash:net,net"),
        "markmask" => *set_type == SetType::HashIpMark,
        "range" => name.starts_with("bitmap:"),
        "size" => *set_type == SetType::ListSet,
        _ => true,
    }
}

fn range(text: &str, set_type: &SetType) -> Option<BitmapRange> {
    let of = match set_type {
        SetType::BitmapPort => set_type,
        _ => &SetType::BitmapIp,
    };
    match Key::parse(text, of).ok()?.elements() {
        [Element::Port(ports)] => Some((ports.first()..=ports.last()).into()),
        [Element::Range(range)] => Some((*range).into()),
        [Element::Net(network)] => Some((*network).into()),
        _ => None,
    }
}

/// The entry of an `add` line. Without its type the set is one of those that hold addresses.
pub(super) fn entry(
    words: &mut Words<'_>,
    set: Option<&CreateSet>,
    set_type: Option<&SetType>,
) -> Result<Entry, String> {
    let text = words.next()?.ok_or("the member is missing")?;
    let key = match set_type {
        None | Some(SetType::HashIp | SetType::HashNet) => text.parse(),
        Some(set_type) => Key::parse(text, set_type),
    };
    let key = key.map_err(text_of)?;
    let mut entry = Entry::new(key);
    if let Some(why) = set.and_then(|set| misfit(&entry, set)) {
        return Err(why);
    }
    let mut counters = Counters::default();
    let mut skbinfo = SkbInfo::default();
    let with = |has: fn(&SetOptions) -> bool| set.is_none_or(|set| has(&set.options));
    while let Some(word) = words.next()? {
        let possible = match word {
            "timeout" => {
                entry.timeout = Some(words.timeout()?);
                with(|options| options.timeout.is_some())
            }
            "packets" | "bytes" => {
                let count = words.number(word)?;
                if word == "packets" {
                    counters.packets = count;
                } else {
                    counters.bytes = count;
                }
                entry.counters = Some(counters);
                with(|options| options.counters)
            }
            "comment" => {
                entry.comment = Some(words.comment(word)?);
                with(|options| options.comments)
            }
            "skbmark" | "skbprio" | "skbqueue" => {
                match word {
                    "skbmark" => skbinfo.mark = Some(words.mark(word)?),
                    "skbprio" => skbinfo.priority = Some(words.class(word)?),
                    _ => skbinfo.queue = Some(words.number(word)?),
                }
                entry.skbinfo = Some(skbinfo);
                with(|options| options.skbinfo)
            }
            "nomatch" => {
                entry.nomatch = true;
                set_type.is_none_or(SetType::holds_networks)
            }
            "wildcard" => {
                if let [net, Element::Interface(interface)] = entry.key.elements() {
                    let interface = Element::Interface(interface.clone().wildcard());
                    entry.key = Key::from((net.clone(), interface));
                }
                set_type == Some(&SetType::HashNetIface)
            }
            "before" => {
                entry.position = Some(Position::Before(words.read(word)?));
                set_type == Some(&SetType::ListSet)
            }
            "after" => {
                entry.position = Some(Position::After(words.read(word)?));
                set_type == Some(&SetType::ListSet)
            }
            other => return Err(format!("members with {other:?} are not restored")),
        };
        if !possible {
            return Err(format!("the set was not created for members with {word:?}"));
        }
    }
    Ok(entry)
}
