//! What is wrong with a file is said with its place and a reason.

use iptables_ruleset::Config;

/// Each file, and what is said about it.
const WRONG: &[(&str, &str)] = &[
    ("[log\n", "line 1, column 5: unclosed table, expected `]`"),
    (
        "[policy]\ninput = drop\n",
        "line 2, column 9: string values must be quoted, expected literal string",
    ),
    (
        "polcy = 1\n",
        "line 1, column 1: unknown key \"polcy\"; did you mean \"policy\"?",
    ),
    (
        "colour = 1\n",
        "line 1, column 1: unknown key \"colour\"; known are policy, log, sets, throttle, service",
    ),
    (
        "policy = 1\n",
        "line 1, column 10: policy must be a table: [policy]",
    ),
    (
        "[policy]\ninput = \"reject\"\n",
        "line 2, column 9: input in [policy] must be \"drop\" or \"accept\"; it is \"reject\"",
    ),
    (
        "[policy]\ninput = \"untouched\"\n",
        "line 2, column 9: input in [policy] must be \"drop\" or \"accept\"; it is \"untouched\"",
    ),
    (
        "[policy]\ninput = true\n",
        "line 2, column 9: input in [policy] must be a string; it is boolean",
    ),
    (
        "[policy]\noutput = \"drop\"\n",
        "line 2, column 10: output in [policy] cannot be \"drop\": no rule is written for OUTPUT, so this host could send nothing at all",
    ),
    (
        "[log]\nallowed-level = 8\n",
        "line 2, column 17: allowed-level in [log] must be a whole number, 0 to 7; it is 8",
    ),
    (
        "[log]\nallowed-level = \"6\"\n",
        "line 2, column 17: allowed-level in [log] must be a whole number, 0 to 7; it is string",
    ),
    (
        "[log]\nnflog-group = 65536\n",
        "line 2, column 15: nflog-group in [log] must be a whole number, 0 to 65535; it is 65536",
    ),
    (
        "[log]\nrate = \"fast\"\n",
        "line 2, column 8: rate in [log] \"fast\": expected COUNT/UNIT with the unit second, minute, hour or day, as in 10/minute",
    ),
    (
        "[log]\nrate = \"10001/second\"\n",
        "line 2, column 8: rate in [log] \"10001/second\": at most 10000/second is possible",
    ),
    (
        "[log]\ntarget = \"log\"\n",
        "line 2, column 10: target in [log] must be \"LOG\" or \"NFLOG\"; it is \"log\"",
    ),
    (
        "[log]\ntarget = \"LOG\"\ntarget = \"LOG\"\n",
        "line 3, column 1: duplicate key",
    ),
    (
        "[sets]\nmaxelem = 0\n",
        "line 2, column 11: maxelem in [sets] must be a whole number, 1 to 4294967295; it is 0",
    ),
    (
        "[sets]\nmaxelem = 99999999999999999999\n",
        "line 2, column 11: maxelem in [sets] must be a whole number, 1 to 4294967295; it is 99999999999999999999",
    ),
    (
        "[sets]\ntype = \"hash:mac\"\n",
        "line 2, column 8: type in [sets] must be \"hash:net\" or \"hash:ip\"; it is \"hash:mac\"",
    ),
    (
        "[throttle.soft]\nudp = \"1/hour\"\n",
        "line 2, column 1: unknown key \"udp\" in [throttle.soft]; known are tcp, icmp",
    ),
    (
        "[throttle.hard]\ntcp = \"0/hour\"\n",
        "line 2, column 7: tcp in [throttle.hard] \"0/hour\": the count before \"/\" must be a whole number, 1 to 4294967295",
    ),
    (
        "[throttle.hard]\ntcp = \"1/day\"\n",
        "line 2, column 7: tcp in [throttle.hard] \"1/day\": too slow for the kernel to count with a burst of 5: at least 5/day is possible",
    ),
    (
        "[throttle.hard]\ntcp = \"1/week\"\n",
        "line 2, column 7: tcp in [throttle.hard] \"1/week\": the unit after \"/\" must be second, minute, hour or day",
    ),
    (
        "[throttle]\nwithin-limit = \"drop\"\n",
        "line 2, column 16: within-limit in [throttle] must be \"continue\" or \"accept\"; it is \"drop\"",
    ),
    (
        "[service]\nname = \"x\"\n",
        "line 1, column 1: service must be tables: [[service]]",
    ),
    (
        "[[service]]\nprotocol = \"tcp\"\n",
        "line 1, column 1: [[service]] has no name",
    ),
    (
        "[[service]]\nname = \"a b\"\n",
        "line 2, column 8: name in [[service]] \"a b\": must be 1 to 20 letters, digits, \"_\" and \"-\"",
    ),
    (
        "[[service]]\nname = \"throttle-x\"\n",
        "line 2, column 8: name in [[service]] \"throttle-x\": names that begin with \"throttle-\" are the throttle sets' own",
    ),
    (
        "[[service]]\nname = \"x\"\n",
        "line 1, column 1: [[service]] has no protocol",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"sctp\"\n",
        "line 3, column 12: protocol in [[service]] must be \"tcp\" or \"udp\" or \"icmp\"; it is \"sctp\"",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\n",
        "line 1, column 1: service \"x\" has no ports",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nports = [1]\n",
        "line 4, column 9: ICMP has no ports",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = 22\n",
        "line 4, column 9: ports in [[service]] must be a list; it is integer",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = []\n",
        "line 4, column 9: port list \"\": 1 to 15 ports are possible, a range counts as two; these are 0",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = [0]\n",
        "line 4, column 10: ports in [[service]] must be a whole number, 1 to 65535; it is 0",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = [22, 65536]\n",
        "line 4, column 14: ports in [[service]] must be a whole number, 1 to 65535; it is 65536",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = [\"9:8\"]\n",
        "line 4, column 10: ports in [[service]] \"9:8\": ends before it begins",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = [\"1:65535\"]\nrate = \"1/second\"\nsources = []\n",
        "line 6, column 11: an empty list: nobody could use the service; leave the key out for everybody",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nsources = [\"192.0.2.0/33\"]\n",
        "line 4, column 12: sources in [[service]] \"192.0.2.0/33\": an IPv4 prefix has at most 32 bits",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nsources = [\"::ffff:192.0.2.1\"]\n",
        "line 4, column 12: ::ffff:192.0.2.1 never appears in a packet: write it as an IPv4 address",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\"a-name-that-is-long\"]\n",
        "line 4, column 15: interfaces in [[service]] \"a-name-that-is-long\": is 19 bytes long, at most 15 are possible",
    ),
    (
        "[log]\ninvalid = \"no\"\n",
        "line 2, column 11: invalid in [log] must be true or false; it is string",
    ),
    (
        "[log]\nlimited-level = 8\n",
        "line 2, column 17: limited-level in [log] must be a whole number, 0 to 7; it is 8",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nper-v6 = 64\n",
        "line 4, column 10: per-v6 is about a rate, and service \"x\" has none",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nrate = \"1/hour\"\nburst = 0\n",
        "line 5, column 9: burst in [[service]] must be a whole number, 1 to 1000000; it is 0",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nburst = 25\nrate = \"1/hour\"\n",
        "line 5, column 8: rate in [[service]] \"1/hour\": too slow for the kernel to count with a burst of 25: at least 25/day is possible",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nrate = \"1/hour\"\nper-v4 = 33\n",
        "line 5, column 10: per-v4 in [[service]] must be a whole number, 1 to 32; it is 33",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nrate = \"1/hour\"\nper-v6 = 0\n",
        "line 5, column 10: per-v6 in [[service]] must be a whole number, 1 to 128; it is 0",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\"eth0\", \"eth0:1\"]\n",
        "line 4, column 23: interfaces in [[service]] \"eth0:1\": this is the label of an address, not an interface: packets to it come in by \"eth0\"",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\"eth0@if3\"]\n",
        "line 4, column 15: interfaces in [[service]] \"eth0@if3\": what `ip link` shows behind \"@\" is the interface's peer; did you mean \"eth0\"?",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\"eth*\"]\n",
        "line 4, column 15: interfaces in [[service]] \"eth*\": \"*\" stands for itself; did you mean \"eth+\"?",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\"*\"]\n",
        "line 4, column 15: interfaces in [[service]] \"*\": matches every interface; leave the interface out instead",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\"a/b\"]\n",
        "line 4, column 15: interfaces in [[service]] \"a/b\": must not contain '/'",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\"eth0 \"]\n",
        "line 4, column 15: interfaces in [[service]] \"eth0 \": must not contain ' '",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\"..\"]\n",
        "line 4, column 15: interfaces in [[service]] \"..\": no interface can have this name",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ninterfaces = [\":1\"]\n",
        "line 4, column 15: interfaces in [[service]] \":1\": must not contain ':'",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\n[[service]]\nname = \"x\"\nprotocol = \"icmp\"\n",
        "line 5, column 8: two services are named \"x\"",
    ),
    // The column counts characters, not bytes.
    (
        "[log]\ntarget = \"\u{fc}\" # \u{fc}\nrate = \"\u{fc}/\u{fc}\"",
        "line 2, column 10: target in [log] must be \"LOG\" or \"NFLOG\"; it is \"\u{fc}\"",
    ),
];

#[test]
fn every_mistake_has_a_place_and_a_reason() {
    let mut differences = String::new();
    for (file, expected) in WRONG {
        let said = match Config::parse(file) {
            Ok(_) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        };
        if said != *expected {
            differences =
                format!("{differences}\n{file}\n  expected {expected}\n  said     {said}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn no_text_makes_the_parser_panic() {
    let file = include_str!("cases/30-everything/firewall.toml");
    for end in (0..file.len()).filter(|end| file.is_char_boundary(*end)) {
        let _ = Config::parse(&file[..end]);
        let _ = Config::parse(&file[end..]);
    }
}
