//! Keys, entries and sets of every type: what was sent is listed as it was, and what is written can
//! be read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipset_netlink::packet::{Command, EncodedEntries, IpSetAttribute, IpSetMessage};
use ipset_netlink::testing::{self, Answer};
use ipset_netlink::text::Line;
use ipset_netlink::{
    AddressRange, BitmapRange, Counters, CreateSet, Element, Entry, Family, IfExists, Interface,
    IpSet, Key, MacAddress, Network, Port, Set, SetName, SetType, SkbInfo, Timeout,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

proptest! {
    #[test]
    fn a_key_is_read_as_it_is_written((set_type, key) in any_type().prop_flat_map(|t| (Just(t.clone()), key(&t)))) {
        prop_assert!(set_type.accepts(&key));
        let plain = without_wildcard(&key);
        prop_assert_eq!(Key::parse(&key.to_string(), &set_type).unwrap(), plain);
    }

    #[test]
    fn a_key_is_of_its_own_type(
        (of, key) in any_type().prop_flat_map(|t| (Just(t.clone()), key(&t))),
        other in any_type(),
    ) {
        if parts(&of).len() != parts(&other).len() && other != SetType::BitmapIpMac {
            let mut script = testing::script([testing::type_of(&other, Family::Inet)]);
            let added = IpSet::with_transport(&mut script).unwrap().add(&name(), &key.into(), IfExists::Fail);
            prop_assert!(added.unwrap_err().is_key_mismatch());
            prop_assert_eq!(testing::requests(&script).len(), 1);
        }
    }

    #[test]
    fn any_text_is_a_key_or_an_error(text in "[0-9a-f:.,/ -]{0,30}|.{0,30}", set_type in any_type()) {
        if let Ok(key) = Key::parse(&text, &set_type) {
            prop_assert!(set_type.accepts(&key));
            prop_assert_eq!(Key::parse(&key.to_string(), &set_type).unwrap(), key);
        }
    }

    #[test]
    fn an_entry_is_read_from_the_line_that_it_is_written_as(
        (set_type, entry) in any_type().prop_flat_map(|t| (Just(t.clone()), placed(&t))),
    ) {
        let line = Line::Add(name(), entry.clone());
        let mut text = Vec::new();
        line.write(&mut text);
        prop_assert_eq!(Line::parse(&text, |_| Some(set_type.clone())), Ok(line));
        let (_, text) = text.split_at("add s ".len());
        prop_assert_eq!(Entry::parse(text, &set_type), Ok(entry));
    }

    #[test]
    fn a_set_is_read_from_the_line_that_it_is_written_as(create in any_type().prop_flat_map(create)) {
        let text = create.to_string();
        prop_assert_eq!(Line::parse(text.as_bytes(), |_| None), Ok(Line::Create(create)));
    }

    #[test]
    fn any_line_is_read_or_refused(
        line in "(add|create) [a-z] [0-9a-f:.,/ \"-]{0,30}|.{0,30}",
        bytes in vec(any::<u8>(), 0..40),
        set_type in any_type(),
    ) {
        let _ = Line::parse(&bytes, |_| Some(set_type.clone()));
        match Line::parse(line.as_bytes(), |_| Some(set_type.clone())) {
            Ok(read) => {
                let mut text = Vec::new();
                read.write(&mut text);
                prop_assert_eq!(Line::parse(&text, |_| Some(set_type)), Ok(read));
            }
            Err(error) => prop_assert!(error.offset() <= line.len()),
        }
    }

    #[test]
    fn entries_are_listed_as_they_were_sent(
        (set_type, entries) in any_type().prop_flat_map(|t| (Just(t.clone()), vec(entry(&t), 1..6))),
    ) {
        let sent = sent(&set_type, &entries);
        prop_assert_eq!(listed(&set_type, sent).unwrap().entries, entries.clone());

        // One by one they are the same.
        let answers = entries.iter().flat_map(|_| [testing::type_of(&set_type, Family::Inet), Answer::ok()]);
        let mut script = testing::script(answers);
        let mut sets = IpSet::with_transport(&mut script).unwrap();
        for entry in &entries {
            sets.add(&name(), entry, IfExists::Fail).unwrap();
        }
        let mut one_by_one = EncodedEntries::default();
        for request in testing::requests(&script) {
            if let [.., IpSetAttribute::Entry(attributes)] = request.attributes.as_slice() {
                prop_assert!(one_by_one.push(attributes));
            }
        }
        prop_assert_eq!(listed(&set_type, one_by_one).unwrap().entries, entries);
    }

    #[test]
    fn a_set_is_listed_as_it_was_created(create in any_type().prop_flat_map(create)) {
        let mut script = testing::script([testing::revisions(9), Answer::ok()]);
        IpSet::with_transport(&mut script).unwrap().create(&create, IfExists::Fail).unwrap();
        let mut created = testing::requests(&script).pop().unwrap();
        created.command = Command::List;
        let mut script = testing::script([Answer::listing([created])]);
        let header = IpSet::with_transport(&mut script).unwrap().header(&create.name).unwrap();
        prop_assert_eq!(header.revision, 9);
        prop_assert_eq!(CreateSet::from(&header), create);
    }
}

/// The entries in the requests that add them all.
fn sent(set_type: &SetType, entries: &[Entry]) -> EncodedEntries {
    let mut script = testing::script([testing::type_of(set_type, Family::Inet), Answer::ok()]);
    let mut sets = IpSet::with_transport(&mut script).unwrap();
    let outcome = sets.add_all(&name(), entries, IfExists::Fail).unwrap();
    assert!(outcome.is_complete(), "{:?}", outcome.failures);
    let request = testing::requests(&script).pop().unwrap();
    let entries = request
        .attributes
        .into_iter()
        .find_map(|attribute| match attribute {
            IpSetAttribute::Entries(entries) => Some(entries),
            _ => None,
        });
    entries.unwrap()
}

fn listed(set_type: &SetType, entries: EncodedEntries) -> Result<Set, ipset_netlink::Error> {
    let message = IpSetMessage::new(
        Command::List,
        vec![
            IpSetAttribute::SetName("s".into()),
            IpSetAttribute::TypeName(set_type.name().into()),
            IpSetAttribute::Family(2),
            IpSetAttribute::Revision(0),
            IpSetAttribute::Entries(entries),
        ],
    );
    IpSet::with_transport(testing::script([Answer::listing([message])]))?.list(&name())
}

fn name() -> SetName {
    "s".parse().unwrap()
}

fn any_type() -> impl Strategy<Value = SetType> {
    select(SetType::all().collect::<Vec<_>>())
}

/// What the name of the type says that an entry has.
fn parts(set_type: &SetType) -> Vec<String> {
    let (_, parts) = set_type.name().split_once(':').unwrap();
    parts.split(',').map(String::from).collect()
}

fn key(set_type: &SetType) -> impl Strategy<Value = Key> + use<> {
    let single_second = *set_type == SetType::HashIpPortIp;
    let single = matches!(set_type, SetType::BitmapIpMac | SetType::HashIpMac);
    let any_protocol = *set_type == SetType::BitmapPort;
    let elements: Vec<BoxedStrategy<Element>> = parts(set_type)
        .into_iter()
        .enumerate()
        .map(|(n, part)| match part.as_str() {
            "ip" if single || single_second && n == 2 => any::<IpAddr>().prop_map_into().boxed(),
            "ip" | "net" => addresses().boxed(),
            "port" => port(any_protocol).prop_map_into().boxed(),
            "mac" => any::<[u8; 6]>()
                .prop_map(|mac| MacAddress(mac).into())
                .boxed(),
            "mark" => any::<u32>().prop_map(Element::Mark).boxed(),
            "iface" => interface().prop_map_into().boxed(),
            "set" => set_name().prop_map_into().boxed(),
            other => panic!("{other:?} in the name of a type"),
        })
        .collect();
    elements.prop_map(|elements| match <[Element; 1]>::try_from(elements) {
        Ok([one]) => one.into(),
        Err(more) => match <[Element; 2]>::try_from(more) {
            Ok([one, two]) => Key::from((one, two)),
            Err(more) => {
                let [one, two, three] = <[Element; 3]>::try_from(more).unwrap();
                Key::from((one, two, three))
            }
        },
    })
}

fn addresses() -> impl Strategy<Value = Element> {
    let network = (any::<IpAddr>(), 0_u8..=128).prop_map(|(address, bits)| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        Network::new(address, bits.min(most)).unwrap().into()
    });
    let range4 = (any::<Ipv4Addr>(), any::<Ipv4Addr>()).prop_map(|(a, b)| range(a, b));
    let range6 = (any::<Ipv6Addr>(), any::<Ipv6Addr>()).prop_map(|(a, b)| range(a, b));
    prop_oneof![any::<IpAddr>().prop_map_into(), network, range4, range6]
}

fn range<A: Into<IpAddr> + Ord>(a: A, b: A) -> Element {
    let (first, last) = if a <= b { (a, b) } else { (b, a) };
    AddressRange::new(first.into(), last.into()).unwrap().into()
}

fn port(any_protocol: bool) -> impl Strategy<Value = Port> {
    // Of the two that belong to a family, that of the sets here. No set takes protocol 0, which
    // has a name to write and none to read.
    let others = (1..=u8::MAX).prop_filter("ICMPv6", |protocol| *protocol != 58);
    let protocol = prop_oneof![select(&[1, 6, 17, 132, 136][..]), others];
    (protocol, any::<u16>(), any::<u16>()).prop_map(move |(protocol, a, b)| {
        if any_protocol {
            return Port::without_protocol(a.min(b)).through(a.max(b)).unwrap();
        }
        match protocol {
            1 => Port::new(protocol, a),
            6 | 17 | 132 | 136 => Port::new(protocol, a.min(b)).through(a.max(b)).unwrap(),
            _ => Port::new(protocol, 0),
        }
    })
}

fn interface() -> impl Strategy<Value = Interface> {
    ("[a-z0-9._@]{1,15}", any::<bool>(), any::<bool>()).prop_map(|(name, bridge_port, wildcard)| {
        let mut interface = Interface::new(&name).unwrap();
        interface.bridge_port = bridge_port;
        interface.wildcard = wildcard;
        interface
    })
}

fn set_name() -> impl Strategy<Value = SetName> {
    "[a-zA-Z0-9_.:,/-]{1,31}".prop_map(|name| name.parse().unwrap())
}

/// The text of a key does not say it.
fn without_wildcard(key: &Key) -> Key {
    match key.elements() {
        [network, Element::Interface(interface)] => {
            let mut interface = interface.clone();
            interface.wildcard = false;
            Key::from((network.clone(), interface))
        }
        _ => key.clone(),
    }
}

fn entry(set_type: &SetType) -> impl Strategy<Value = Entry> + use<> {
    let nets = set_type.name().contains("net");
    let counters =
        (any::<u64>(), any::<u64>()).prop_map(|(packets, bytes)| Counters { packets, bytes });
    let skbinfo = prop_oneof![
        (any::<u32>(), any::<u32>()).prop_map(|(value, mask)| SkbInfo::default().mark(value, mask)),
        (any::<u16>(), any::<u16>()).prop_map(|(a, b)| SkbInfo::default().priority(a, b).queue(a)),
    ];
    (
        key(set_type),
        option::of(timeout()),
        option::of("[^\"\0\r\n]{0,60}".prop_map(|text| text.parse().unwrap())),
        option::of(counters),
        option::of(skbinfo),
        any::<bool>(),
    )
        .prop_map(move |(key, timeout, comment, counters, skbinfo, nomatch)| {
            let mut entry = Entry::new(key);
            entry.timeout = timeout;
            entry.comment = comment;
            entry.counters = counters;
            entry.skbinfo = skbinfo;
            entry.nomatch = nomatch && nets;
            entry
        })
}

/// An entry that may have a place in a list.
fn placed(set_type: &SetType) -> impl Strategy<Value = Entry> + use<> {
    let is_list = *set_type == SetType::ListSet;
    (entry(set_type), option::of((set_name(), any::<bool>()))).prop_map(move |(entry, place)| {
        match place.filter(|_| is_list) {
            Some((other, true)) => entry.before(other),
            Some((other, false)) => entry.after(other),
            None => entry,
        }
    })
}

fn timeout() -> impl Strategy<Value = Timeout> {
    (0..=Timeout::MAX.as_secs()).prop_map(|seconds| Timeout::from_secs(seconds).unwrap())
}

fn create(set_type: SetType) -> impl Strategy<Value = CreateSet> {
    let of_any_kind = (set_name(), any::<[bool; 5]>(), timeout());
    let of_hash = (any::<[bool; 8]>(), any::<[u32; 5]>(), any::<IpAddr>());
    let of_bitmap = (any::<[u16; 2]>(), any::<[Ipv4Addr; 2]>());
    (of_any_kind, of_hash, of_bitmap).prop_map(
        move |((name, any, timeout), (hash, numbers, mask), (mut ports, mut addresses))| {
            let given = |n: usize| hash[n];
            let has = |part: &str| parts(&set_type).iter().any(|p| p == part);
            let bitmap = set_type.name().starts_with("bitmap:");
            let hash = set_type.name().starts_with("hash:");
            let family = match (has("ip") || has("net"), bitmap || any[0]) {
                (false, _) => Family::Unspec,
                (true, true) => Family::Inet,
                (true, false) => Family::Inet6,
            };
            let mut create = CreateSet::new(name, set_type.clone(), family);
            let options = &mut create.options;
            options.timeout = any[1].then_some(timeout);
            options.counters = any[2];
            options.comments = any[3];
            options.skbinfo = any[4];
            if hash {
                options.forceadd = given(0);
                options.max_elements = given(1).then_some(numbers[0]);
                options.hash_size = given(2).then_some(numbers[1] >> 8);
                options.bucket_size = given(3).then_some(numbers[2].to_be_bytes()[0]);
                options.initial_value = given(4).then_some(numbers[3]);
            }
            ports.sort_unstable();
            addresses.sort_unstable();
            match &set_type {
                SetType::BitmapPort => options.range = Some((ports[0]..=ports[1]).into()),
                SetType::BitmapIp | SetType::BitmapIpMac => {
                    let [first, last] = addresses.map(IpAddr::from);
                    let range = AddressRange::new(first, last).unwrap();
                    options.range = Some(BitmapRange::from(range));
                }
                SetType::ListSet => options.size = given(5).then_some(numbers[4]),
                SetType::HashIpMark => options.mark_mask = given(6).then_some(numbers[4]),
                SetType::HashIp | SetType::HashIpPort | SetType::HashNetNet => {
                    options.bitmask = given(7).then_some(mask);
                }
                _ => {}
            }
            if matches!(set_type, SetType::BitmapIp | SetType::HashIp) && given(5) {
                options.netmask = Some(numbers[2].to_be_bytes()[1]);
            }
            create
        },
    )
}
