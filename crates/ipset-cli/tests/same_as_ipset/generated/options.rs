//! Options of `create` and of `add`, `del` and `test`.

use super::elements::Taste;
use super::random::Random;
use super::set_type::{Part, SetType};

fn words(options: &mut Vec<String>, text: &str) {
    options.extend(text.split(' ').map(str::to_owned));
}

/// In how many of a hundred sets the option is there.
const OFTEN: u64 = 35;
const SOMETIMES: u64 = 12;

pub(crate) fn create(random: &mut Random, set_type: &SetType, taste: Taste) -> Vec<String> {
    let mut options = Vec::new();
    let wrong = |random: &mut Random| random.percent(taste.wrong);
    if set_type.has_family() {
        match (taste.inet6, random.below(4)) {
            (true, 0) => words(&mut options, "-6"),
            (true, _) => words(&mut options, "family inet6"),
            (false, 0) => words(&mut options, "family inet"),
            (false, 1) => words(&mut options, "-4"),
            (false, _) => {}
        }
    }
    if set_type.has_own("range") && !wrong(random) {
        let range: &[&str] = if set_type.parts[0] == Part::BitmapPort {
            &[
                "1000-1100",
                "0-65535",
                "1000-1000",
                "http-1080",
                "tcp:1000-1100",
                "65535-0",
                "1000",
            ]
        } else {
            &[
                "10.1.0.0/24",
                "10.1.0.0/16",
                "10.1.0.0-10.1.1.255",
                "10.1.0.5-10.1.0.5",
                "10.1.0.0/15",
                "10.1.0.0",
                "10.1.0.9-10.1.0.1",
            ]
        };
        let last = if wrong(random) { range.len() } else { 3 };
        words(&mut options, "range");
        words(&mut options, random.pick(&range[..last]));
    }
    if set_type.is_hash() {
        hash(random, &mut options);
    }
    mask(random, set_type, taste, &mut options);
    if set_type.has_own("markmask") && random.percent(OFTEN) {
        words(
            &mut options,
            &format!(
                "markmask {}",
                random.pick(&["0xff", "0x0000ff00", "1", "0xffffffff", "0"])
            ),
        );
    }
    if set_type.has_own("size") && random.percent(OFTEN) {
        words(
            &mut options,
            &format!("size {}", random.pick(&[1, 2, 4, 8, 100])),
        );
    }
    if random.percent(OFTEN) {
        words(
            &mut options,
            &format!(
                "timeout {}",
                random.pick(&["0", "5000", "2147483", "100000"])
            ),
        );
    }
    for option in ["counters", "comment", "skbinfo"] {
        if random.percent(OFTEN) {
            words(&mut options, option);
        }
    }
    if wrong(random) {
        words(&mut options, random.pick(ODD_OF_CREATE));
    }
    options
}

pub(crate) fn entry(
    random: &mut Random,
    set_type: &SetType,
    taste: Taste,
    of_set: &[String],
) -> Vec<String> {
    let mut options = Vec::new();
    let has = |option: &str| of_set.iter().any(|word| word == option);
    for (needs, option, values) in EXTENSIONS {
        // An option that the set does not have is a mistake the kernel finds.
        let often = if has(needs) { 50 } else { taste.wrong / 3 };
        if random.percent(often) {
            options.push((*option).to_owned());
            options.push(random.pick(values).to_owned());
        }
    }
    let often = |option, often| {
        if set_type.has_own(option) {
            often
        } else {
            taste.wrong / 4
        }
    };
    for flag in ["nomatch", "wildcard"] {
        if random.percent(often(flag, 20)) {
            words(&mut options, flag);
        }
    }
    if random.percent(often("before", 35)) {
        words(&mut options, random.pick(&["before", "after"]));
        words(&mut options, random.pick(&["a", "b", "c", "d", "e"]));
    }
    if random.percent(taste.wrong) {
        words(&mut options, random.pick(ODD_OF_ENTRIES));
    }
    options
}

/// What a set needs for an option of its entries, the option, and values.
const EXTENSIONS: &[(&str, &str, &[&str])] = &[
    ("timeout", "timeout", &["0", "9000", "200000", "2147483"]),
    (
        "counters",
        "packets",
        &["0", "1", "0x10", "18446744073709551615"],
    ),
    ("counters", "bytes", &["0", "1500", "18446744073709551615"]),
    (
        "comment",
        "comment",
        &[
            "word",
            "two words",
            "",
            "a'b",
            "back\\slash",
            "<&>",
            "#",
            "tab\tbed",
            "caf\u{e9}",
            "timeout 5",
        ],
    ),
    (
        "skbinfo",
        "skbmark",
        &["0x1", "0x1/0xff", "5/0xffffffff", "0", "0x0/0x0"],
    ),
    ("skbinfo", "skbprio", &["1:10", "0:0", "ffff:ffff", "a:b"]),
    ("skbinfo", "skbqueue", &["0", "1", "65535"]),
];

/// Wrong in most sets, or unusual.
const ODD_OF_CREATE: &[&str] = &[
    "timeout",
    "timeout x",
    "timeout 2147484",
    "timeout -1",
    "hashsize x",
    "hashsize 4294967296",
    "maxelem",
    "size 0x10",
    "netmask 0",
    "netmask 33",
    "netmask 255.255.255.0",
    "bitmask 24",
    "bitmask",
    "markmask x",
    "initval x",
    "bucketsize 256",
    "family inet5",
    "family",
    "range",
    "counters counters",
    "nosuchoption",
    "probes 8",
    "resize 50",
    "gc 10",
    "comment x",
    "range 1.2.3.4-1.2.3.9",
    "range 10-20",
    "from 10.1.0.0 to 10.1.0.9",
    "network 10.1.0.0/16",
    "before a",
    "wildcard",
    "family inet family inet6",
    "-6 -4",
    "netmask 24 bitmask 255.255.255.0",
    "timeout 0x10",
    "timeout 010",
    "hashsize 0",
    "--timeout 10000",
    "--counters",
    "-counters",
    "netmask 24",
    "markmask 0xf",
    "forceadd",
    "hashsize 64",
];

/// Wrong in most entries, or unusual.
const ODD_OF_ENTRIES: &[&str] = &[
    "timeout",
    "timeout x",
    "timeout 2147484",
    "packets x",
    "packets 18446744073709551616",
    "bytes -1",
    "skbmark",
    "skbmark 0x1/0x2/0x3",
    "skbmark x",
    "skbprio 1",
    "skbprio x:y",
    "skbqueue 65536",
    "comment",
    "nomatch nomatch",
    "nosuchoption",
    "before",
    "before a after b",
    "10.0.0.1",
    "--timeout 7000",
    "timeout 1000 timeout 2000",
    "counters",
    "skbinfo",
    "skbprio 1:",
    "skbprio 10000:1",
    "bytes 0x",
    "comment a comment b",
];

fn hash(random: &mut Random, options: &mut Vec<String>) {
    // The order of a hash is equal only where its seed is.
    let seed = random.pick(&["1", "0x1", "0xabcdef", "305419896", "0xffffffff"]);
    words(options, &format!("initval {seed}"));
    if random.percent(SOMETIMES) {
        words(
            options,
            &format!("hashsize {}", random.pick(&[1, 64, 100, 1024, 4096])),
        );
    }
    if random.percent(SOMETIMES) {
        words(
            options,
            &format!("maxelem {}", random.pick(&[2, 3, 5, 65536, 1_000_000])),
        );
    }
    if random.percent(SOMETIMES) {
        words(
            options,
            &format!("bucketsize {}", random.pick(&[0, 1, 2, 3, 12, 14, 20, 255])),
        );
    }
    if random.percent(SOMETIMES) {
        words(options, "forceadd");
    }
}

fn mask(random: &mut Random, set_type: &SetType, taste: Taste, options: &mut Vec<String>) {
    if set_type.has_own("netmask") && random.percent(OFTEN) {
        let netmask = if taste.inet6 {
            [128, 127, 64, 1, 120]
        } else {
            [32, 31, 28, 24, 30]
        };
        words(options, &format!("netmask {}", random.pick(&netmask)));
    } else if set_type.has_own("bitmask") && random.percent(OFTEN) {
        // Of a range it is the leading bits that keep the kernel from going through the whole
        // address space.
        let v4 = ["255.255.255.0", "255.255.0.3", "255.255.255.255", "0.0.0.0"];
        let v6 = ["ffff::ffff", "::3", "ffff:ffff::", "::", "255.255.255.0"];
        words(
            options,
            &format!(
                "bitmask {}",
                random.pick(if taste.inet6 { &v6 } else { &v4 })
            ),
        );
    }
}
