//! Mistakes in instant rules: a row a file.

/// Each file, and what is said about it.
pub(crate) const WRONG: &[(&str, &str)] = &[
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nremoveafter = \"1h\"\n",
        "line 1, column 1: [[instant]] has no howmany",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\n",
        "line 1, column 1: [[instant]] has no removeafter",
    ),
    (
        "[[instant]]\nname = \"x\"\n",
        "line 1, column 1: [[instant]] has no type",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 2\nremoveafter = \"1h\"\n",
        "line 1, column 1: [[instant]] has no within",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nwithin = \"1m\"\nremoveafter = \"1h\"\n",
        "line 5, column 10: within is about several packets, and howmany = 1 is one",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 2\nwithin = \"25h\"\nremoveafter = \"1h\"\n",
        "line 5, column 10: the kernel counts for a day at most (\"1d\"); a rule of scan.toml counts for as long as the log reaches back",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 2\nwithin = \"60\"\nremoveafter = \"1h\"\n",
        "line 5, column 10: within in [[instant]] \"60\": expected whole numbers with s, m, h, d or w, like 90s, 30m or 1h30m",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 0\nremoveafter = \"1h\"\n",
        "line 4, column 11: howmany in [[instant]] must be a whole number, 1 to 10000; it is 0",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"30d\"\n",
        "line 5, column 15: removeafter in [[instant]] \"30d\": ipset knows no time longer than 2147483 seconds (24 days)",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\nat-most = 99\n",
        "line 6, column 11: at-most in [[instant]] must be a whole number, 100 to 1048576; it is 99",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\nipset = \"whitelist\"\n",
        "line 6, column 9: who knocks at what is closed would be let in everywhere: it must be \"blacklist\", \"throttle-hard\", \"throttle-soft\" or a [[set]]",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\nipset = \"blacklst\"\n",
        "line 6, column 9: there is no set \"blacklst\" that packets can fill: it must be \"blacklist\", \"throttle-hard\", \"throttle-soft\" or a [[set]] of this file or of those before it",
    ),
    (
        "[[set]]\nname = \"nets\"\n[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\nipset = \"nets\"\n",
        "line 8, column 9: set \"nets\" is of type hash:net, and packets can fill type = \"hash:ip\" only: to a hash:net the kernel adds the network around an address, as wide as the narrowest that is in the set",
    ),
    (
        "[[set]]\nname = \"filed\"\ntype = \"hash:ip\"\nfile = \"x\"\n[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\nipset = \"filed\"\n",
        "line 10, column 9: set \"filed\" holds what stands in its file, and nothing that packets put there",
    ),
    (
        "[[set]]\nname = \"small\"\ntype = \"hash:ip\"\nmaxelem = 500\n[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\nipset = \"small\"\nat-most = 501\n",
        "line 11, column 11: set \"small\" has room for 500 (maxelem), and the [[instant]] that fill it put up to 501 there (at-most of each)",
    ),
    (
        "[[set]]\nname = \"blacklist-instant\"\n",
        "line 2, column 8: name in [[set]] \"blacklist-instant\": this set is made where an [[instant]] fills its list: how it is made follows from that",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\n[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\n",
        "line 7, column 8: two [[instant]] are named \"x\"",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nports = []\nhowmany = 1\nremoveafter = \"1h\"\n",
        "line 4, column 9: an empty list: nobody would be counted; leave the key out for every port that is closed",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"icmp\"\nports = [1]\nhowmany = 1\nremoveafter = \"1h\"\n",
        "line 4, column 9: ICMP has no ports",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"gre\"\nhowmany = 1\nremoveafter = \"1h\"\n",
        "line 3, column 8: what the kernel counts by itself is \"tcp\", \"udp\" or \"icmp\"; a rule of scan.toml knows every protocol",
    ),
    (
        "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nhowmany = 1\nremoveafter = \"1h\"\ndistinct-ports = 5\n",
        "line 6, column 1: unknown key \"distinct-ports\" in [[instant]]; known are name, type, ports, howmany, within, ipset, removeafter, at-most",
    ),
];
