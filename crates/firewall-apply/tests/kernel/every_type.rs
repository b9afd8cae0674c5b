//! Sets of every type, with everything that such a set and its entries can have: what `ipset` and
//! `ipset-cli` save, `restore` puts back.

use std::path::{Path, PathBuf};

use netns_testbed::{Failed, Tool, Trial, skip, trial};

use crate::host::{DEFAULTS, Scratch, firewall_apply, tool};
use crate::saved::take_away;

pub(crate) fn trials() -> Vec<Trial> {
    TYPES
        .iter()
        .map(|set_type| {
            trial(format!("saved and restored {}", set_type.name), || {
                comes_back(set_type)
            })
        })
        .collect()
}

struct Type {
    name: &'static str,
    /// The sets: what follows the type in their `create` lines, and their entries.
    sets: &'static [(&'static str, &'static [&'static str])],
    /// Entries can be exceptions.
    nomatch: bool,
}

const ALL: &str = "timeout 0 counters comment skbinfo";
const HASH: &str = "hashsize 64 maxelem 1000 timeout 9500 counters comment skbinfo forceadd bucketsize 4 initval 0x1234";
const V6: &str = "family inet6 timeout 0 counters comment skbinfo";

/// The types that the kernel has, and every form of their elements.
static TYPES: [Type; 16] = [
    Type {
        name: "bitmap:ip",
        sets: &[
            (
                "range 192.0.2.0/24 ALL",
                &["192.0.2.1", "192.0.2.10-192.0.2.14", "192.0.2.32/30"],
            ),
            ("range 10.0.0.0/8 netmask 16", &["10.1.0.0", "10.7.255.255"]),
        ],
        nomatch: false,
    },
    Type {
        name: "bitmap:ip,mac",
        sets: &[(
            "range 192.0.2.0-192.0.2.255 ALL",
            &[
                "192.0.2.1",
                "192.0.2.2,02:00:00:00:ab:ff",
                "192.0.2.3",
                "192.0.2.4,1:2:3:4:5:6",
                "192.0.2.5",
                "192.0.2.6",
                "192.0.2.7",
            ],
        )],
        nomatch: false,
    },
    Type {
        name: "bitmap:port",
        sets: &[(
            "range 0-65535 ALL",
            &["0", "80", "100-110", "udp:53", "443", "8080", "65535"],
        )],
        nomatch: false,
    },
    Type {
        name: "hash:ip",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.1",
                    "192.0.2.32/28",
                    "192.0.2.70-192.0.2.75",
                    "10.0.0.1",
                    "10.0.0.2",
                    "10.0.0.3",
                    "10.0.0.4",
                ],
            ),
            (
                "V6",
                &[
                    "2001:db8::1",
                    "::1",
                    "::192.0.2.1",
                    "::ffff:192.0.2.1",
                    "fe80::1:0:0:1",
                    "1:2:3:4:5:6:7:8",
                    "2001:db8:0:1::",
                ],
            ),
            ("netmask 24", &["192.0.2.9", "198.51.100.0/22"]),
            ("family inet6 netmask 64 timeout 9000", &["2001:db8::1"]),
            ("bitmask 255.0.255.0", &["192.0.2.9"]),
        ],
        nomatch: false,
    },
    Type {
        name: "hash:mac",
        sets: &[(
            "HASH",
            &[
                "02:00:00:00:00:01",
                "02:00:00:00:ab:cd",
                "1:2:3:4:5:6",
                "2:2:2:2:2:2",
                "3:3:3:3:3:3",
                "4:4:4:4:4:4",
                "5:5:5:5:5:5",
            ],
        )],
        nomatch: false,
    },
    Type {
        name: "hash:ip,mac",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.1,02:00:00:00:00:01",
                    "192.0.2.2,2:2:2:2:2:2",
                    "192.0.2.3,2:2:2:2:2:2",
                    "192.0.2.4,2:2:2:2:2:2",
                ],
            ),
            ("V6", &["2001:db8::1,02:00:00:00:00:01", "::1,2:2:2:2:2:2"]),
        ],
        nomatch: false,
    },
    Type {
        name: "hash:net",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.0/24",
                    "192.0.2.1",
                    "198.51.100.3-198.51.100.9",
                    "0.0.0.0/1",
                    "10.0.0.0/8",
                    "10.0.0.0/9",
                    "10.0.0.0/10",
                    "172.16.0.0/12",
                ],
            ),
            (
                "V6",
                &[
                    "2001:db8::/32",
                    "2001:db8::1",
                    "::/1",
                    "fe80::/10",
                    "fc00::/7",
                    "ff00::/8",
                    "2001:db8::/48",
                ],
            ),
        ],
        nomatch: true,
    },
    Type {
        name: "hash:net,net",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.0/24,198.51.100.0/25",
                    "192.0.2.1,198.51.100.1",
                    "10.0.0.0-10.0.0.2,10.1.0.0/16",
                    "10.0.0.0/8,10.0.0.0/9",
                ],
            ),
            ("V6", &["2001:db8::/32,::1", "::1,2001:db8::/33", "::2,::3"]),
            ("netmask 24", &["192.0.2.0/25,198.51.100.0/25"]),
            // Not with a bitmask: ipset 7.17 saves it as 255.255.0.0/139, which it cannot read either.
        ],
        nomatch: true,
    },
    Type {
        name: "hash:ip,port",
        sets: &[
            ("HASH", PORTS),
            (
                "V6",
                &[
                    "2001:db8::1,icmpv6:echo-request",
                    "2001:db8::1,ipv6-icmp:128/1",
                    "2001:db8::1,icmpv6:neighbour-solicitation",
                    "::1,tcp:80",
                    "::1,udp:53",
                    "::1,ospf:0",
                    "::1,ipv6-nonxt:0",
                ],
            ),
            ("netmask 24", &["192.0.2.9,tcp:80"]),
            ("bitmask 255.0.255.0", &["192.0.2.9,tcp:80"]),
        ],
        nomatch: false,
    },
    Type {
        name: "hash:net,port",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.0/24,tcp:80",
                    "192.0.2.1,icmp:echo-reply",
                    "10.0.0.1-10.0.0.6,esp:0",
                    "10.0.0.0/8,udp:1000-1004",
                    "10.0.0.0/9,igmp:0",
                ],
            ),
            (
                "V6",
                &["2001:db8::/32,icmpv6:redirect", "::1,gre:0", "::2,sctp:9"],
            ),
        ],
        nomatch: true,
    },
    Type {
        name: "hash:ip,port,ip",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.1,tcp:80,198.51.100.1",
                    "192.0.2.0/30,icmp:ping,198.51.100.1",
                    "192.0.2.9,igmp:0,10.0.0.1",
                    "192.0.2.9,udp:1-4,10.0.0.1",
                ],
            ),
            (
                "V6",
                &[
                    "2001:db8::1,icmpv6:port-unreachable,::1",
                    "::1,tcp:1,::2",
                    "::1,pim:0,::2",
                ],
            ),
        ],
        nomatch: false,
    },
    Type {
        name: "hash:ip,port,net",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.1,tcp:80,198.51.100.0/24",
                    "192.0.2.0/30,icmp:3/1,198.51.100.1",
                    "192.0.2.9,vrrp:0,10.0.0.1-10.0.0.2",
                    "192.0.2.9,udp:1-4,10.0.0.0/9",
                ],
            ),
            (
                "V6",
                &[
                    "2001:db8::1,icmpv6:packet-too-big,::/1",
                    "::1,tcp:1,::2",
                    "::1,udplite:7,2001:db8::/32",
                ],
            ),
        ],
        nomatch: true,
    },
    Type {
        name: "hash:ip,mark",
        sets: &[
            (
                "markmask 0xff00 HASH",
                &[
                    "192.0.2.1,0x1200",
                    "192.0.2.1,0x3400",
                    "10.0.0.0/30,768",
                    "10.0.0.9,0xff00",
                ],
            ),
            ("V6", &["2001:db8::1,1", "::1,0xffffffff", "::1,0"]),
        ],
        nomatch: false,
    },
    Type {
        name: "hash:net,port,net",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.0/24,tcp:80,198.51.100.0/24",
                    "192.0.2.1,icmp:host-redirect,198.51.100.1",
                    "10.0.0.0-10.0.0.2,ah:0,10.0.0.1",
                    "10.0.0.0/9,udp:1-4,10.0.0.0/9",
                ],
            ),
            (
                "V6",
                &[
                    "2001:db8::/32,icmpv6:no-route,::/1",
                    "::1,tcp:1,::2",
                    "::1,ipcomp:0,::2",
                ],
            ),
        ],
        nomatch: true,
    },
    Type {
        name: "hash:net,iface",
        sets: &[
            (
                "HASH",
                &[
                    "192.0.2.0/24,eth0",
                    "192.0.2.0/24,physdev:eth0",
                    "0.0.0.0/0,eth1",
                    "10.0.0.0/8,eth wildcard",
                    "10.0.0.0/9,physdev:br wildcard",
                    "10.1.0.0-10.1.0.2,a.b-c_d@e:1",
                ],
            ),
            (
                "V6",
                &["2001:db8::/32,lo", "::/0,eth0", "fe80::/10,x wildcard"],
            ),
        ],
        nomatch: true,
    },
    Type {
        name: "list:set",
        sets: &[(
            "size 16 ALL",
            &["m1", "m2 before m1", "m3 after m2", "m4", "m5", "m6", "m7"],
        )],
        nomatch: false,
    },
];

const PORTS: &[&str] = &[
    "192.0.2.1,icmp:echo-request",
    "192.0.2.1,icmp:40/2",
    "192.0.2.1,icmp:TOS-host-redirect",
    "192.0.2.1,igmp:0",
    "192.0.2.1,gre:0",
    "192.0.2.1,255:0",
    "192.0.2.1,99:0",
    "192.0.2.1,tcp:0",
    "192.0.2.1,tcp:80-85",
    "192.0.2.1,udp:53",
    "192.0.2.1,sctp:9",
    "192.0.2.1,udplite:65535",
    "192.0.2.0/30,tcp:22",
    "10.0.0.1-10.0.0.3,esp:0",
    "192.0.2.1,ax.25:0",
];

/// What an entry of a set with all extensions can carry.
const CARRIED: [&str; 7] = [
    "",
    "timeout 9000",
    "packets 3 bytes 18446744073709551614",
    "comment \"a b, 'c' \u{e9}\"",
    "skbmark 0x1/0xff skbprio 1:a skbqueue 7",
    "skbmark 0x10",
    "timeout 9000 packets 1 bytes 0 comment \"-x\" skbmark 0x0/0x0 skbprio ffff:0 skbqueue 65535",
];

/// The lines that make the sets and fill them.
fn script(set_type: &Type) -> String {
    let mut lines = String::new();
    let mut line = |text: String| lines += &(text + "\n");
    if set_type.name == "list:set" {
        for member in ["m1", "m2", "m3", "m4", "m5", "m6", "m7"] {
            line(format!("create {member} hash:ip"));
        }
    }
    for (n, (options, entries)) in set_type.sets.iter().enumerate() {
        let extended = ["ALL", "HASH", "V6"]
            .iter()
            .any(|word| options.contains(word));
        let options = options
            .replace("ALL", ALL)
            .replace("HASH", HASH)
            .replace("V6", V6);
        line(format!("create s{n} {} {options}", set_type.name));
        // Every entry, and then everything that one can carry on the entries from the first on.
        let carried = if extended { &CARRIED[..] } else { &[""] };
        for at in 0..entries.len().max(carried.len()) {
            let (entry, carried) = (entries[at % entries.len()], carried[at % carried.len()]);
            line(format!("-exist add s{n} {entry} {carried}"));
        }
        if set_type.nomatch {
            let entry = entries[entries.len() - 1];
            line(format!("-exist add s{n} {entry} nomatch"));
        }
    }
    lines
}

fn comes_back(set_type: &Type) -> Result<(), Failed> {
    let stock = Tool::require("ipset")?;
    let made = stock.input(script(set_type)).run(&["restore"]);
    // Masks came with Linux 6.3, layouts of a hash with 5.12; not every kernel has every type.
    made.map_err(|why| {
        let text = format!("{why:?}");
        let is_missing = ["type not supported", "is supported in the kernel module"]
            .iter()
            .any(|missing| text.contains(missing));
        if is_missing { skip(text) } else { why }
    })?;
    let before = everything()?;
    assert!(before.len() > set_type.sets.len(), "{before:?}");
    let scratch = Scratch::new()?;
    for program in [stock.path().to_owned(), ipset_cli()?] {
        let saved = Tool::at(&program).run(&["save"])?;
        let path = scratch.file("saved", &saved)?;
        take_away()?;
        let run = firewall_apply(&["--config", DEFAULTS, "restore", "--file", &path])?;
        run.exits(0)?;
        assert_eq!(everything()?, before, "{}", program.display());
    }
    Ok(())
}

/// `ipset save`, sorted but for the members of lists; a timeout that runs is what it was.
fn everything() -> Result<Vec<String>, Failed> {
    let saved = tool("ipset save")?;
    let mut lines: Vec<String> = saved
        .lines()
        .map(|line| {
            let mut runs = false;
            let words = line.split(' ').map(|word| {
                let timeout = std::mem::replace(&mut runs, word == "timeout");
                let left = word.parse::<u32>().ok().filter(|_| timeout);
                left.filter(|left| *left > 8000)
                    .map_or(word.to_owned(), |left| {
                        left.next_multiple_of(500).to_string()
                    })
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    if !saved.contains("list:set") {
        lines.sort_unstable();
    }
    Ok(lines)
}

fn ipset_cli() -> Result<PathBuf, Failed> {
    let program = Path::new(env!("CARGO_BIN_EXE_firewall-apply")).with_file_name("ipset-cli");
    if program.exists() {
        Ok(program)
    } else {
        Err(skip("ipset-cli is not built"))
    }
}
