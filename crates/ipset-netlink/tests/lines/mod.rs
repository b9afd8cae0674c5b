//! The lines of `ipset save` and the command lines of `ipset` as values of this crate, for the
//! tests that go through a table of them.

use ipset_netlink::{
    AddressRange, Counters, CreateSet, Entry, Family, Key, SetName, SetType, SkbInfo, Timeout,
};

/// `create NAME TYPE …`.
pub(crate) fn create(line: &str) -> CreateSet {
    let mut words = words(line).into_iter().skip(1);
    let name = name(&words.next().unwrap());
    let set_type: SetType = words.next().unwrap().parse().unwrap();
    let family = match set_type {
        SetType::BitmapPort | SetType::HashMac | SetType::ListSet => Family::Unspec,
        _ => Family::Inet,
    };
    let mut create = CreateSet::new(name, set_type, family);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap();
        create = match word.as_str() {
            "family" => {
                create.family = match value().as_str() {
                    "inet6" => Family::Inet6,
                    _ => Family::Inet,
                };
                create
            }
            "range" => range(create, &value()),
            "timeout" => create.timeout(seconds(&value())),
            "hashsize" => create.hash_size(number(&value())),
            "maxelem" => create.max_elements(number(&value())),
            "bucketsize" => create.bucket_size(value().parse().unwrap()),
            "initval" => create.initial_value(number(&value())),
            "netmask" => create.netmask(value().parse().unwrap()),
            // 7.17 gives the bitmask of a pair of networks a prefix length that it has not.
            "bitmask" => create.bitmask(value().split('/').next().unwrap().parse().unwrap()),
            "markmask" => create.mark_mask(number(&value())),
            "size" => create.size(number(&value())),
            "counters" => create.counters(),
            "comment" => create.comments(),
            "forceadd" => create.forceadd(),
            "skbinfo" => create.skbinfo(),
            other => panic!("{other:?} in {line:?}"),
        };
    }
    create
}

/// `add SET KEY …`, also with `del` and `test`: the set and the entry.
pub(crate) fn entry(line: &str, set_type: &SetType) -> (SetName, Entry) {
    let mut words = words(line).into_iter().skip(1);
    let set = name(&words.next().unwrap());
    let key = words.next().unwrap();
    let mut entry = Entry::new(Key::parse(&key, set_type).unwrap());
    let mut counters = None::<Counters>;
    let mut skbinfo = None::<SkbInfo>;
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap();
        match word.as_str() {
            "timeout" => entry.timeout = Some(seconds(&value())),
            "packets" => counters.get_or_insert_default().packets = value().parse().unwrap(),
            "bytes" => counters.get_or_insert_default().bytes = value().parse().unwrap(),
            "comment" => entry.comment = Some(value().parse().unwrap()),
            "skbmark" => {
                let value = value();
                let (bits, mask) = value.split_once('/').unwrap_or((&value, "0xffffffff"));
                skbinfo = Some(skbinfo.unwrap_or_default().mark(number(bits), number(mask)));
            }
            "skbprio" => {
                let value = value();
                let (major, minor) = value.split_once(':').unwrap();
                let hex = |text| u16::from_str_radix(text, 16).unwrap();
                skbinfo = Some(skbinfo.unwrap_or_default().priority(hex(major), hex(minor)));
            }
            "skbqueue" => {
                skbinfo = Some(skbinfo.unwrap_or_default().queue(value().parse().unwrap()));
            }
            "nomatch" => entry.nomatch = true,
            "wildcard" => entry.key = wildcard(&entry.key),
            "before" => entry = entry.before(name(&value())),
            "after" => entry = entry.after(name(&value())),
            other => panic!("{other:?} in {line:?}"),
        }
    }
    entry.counters = counters;
    entry.skbinfo = skbinfo;
    (set, entry)
}

fn wildcard(key: &Key) -> Key {
    use ipset_netlink::Element;
    let [network, Element::Interface(interface)] = key.elements() else {
        panic!("{key} has no interface")
    };
    Key::from((network.clone(), interface.clone().wildcard()))
}

fn range(create: CreateSet, text: &str) -> CreateSet {
    let (first, last) = text.split_once('-').unwrap();
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => create.range(AddressRange::new(first, last).unwrap()),
        _ => create.range(first.parse().unwrap()..=last.parse().unwrap()),
    }
}

fn name(text: &str) -> SetName {
    text.parse().unwrap()
}

fn seconds(text: &str) -> Timeout {
    Timeout::from_secs(number(text)).unwrap()
}

fn number(text: &str) -> u32 {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

/// Words between spaces, or between quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut quoted = false;
    for part in line.split('"') {
        if quoted {
            words.push(part.into());
        } else {
            words.extend(part.split_ascii_whitespace().map(String::from));
        }
        quoted = !quoted;
    }
    words
}
