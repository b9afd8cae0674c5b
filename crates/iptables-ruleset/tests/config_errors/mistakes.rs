//! Mistakes: a row a file.

/// Each file, and what is said about it.
pub(crate) const WRONG: &[(&str, &str)] = &[
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
        "line 1, column 1: unknown key \"colour\"; known are policy, forward, output, log, sets, set, blocklist, instant, throttle, service",
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
        "line 2, column 10: output in [policy] is \"drop\", and no [[output.service]] of this file or of those before it accepts anything: \
         this host could ask for nothing, not even a name. Let out what it needs, as with use = \"dns\" and use = \"ntp\", or say \
         service = [] under [output] if nothing is meant",
    ),
    (
        "[forward]\nprotect = \"yes\"\n",
        "line 2, column 11: protect in [forward] must be true or false; it is string",
    ),
    (
        "[forward]\nprotcet = true\n",
        "line 2, column 1: unknown key \"protcet\" in [forward]; did you mean \"protect\"?",
    ),
    (
        "[[output.service]]\nname = \"mail\"\nprotocol = \"tcp\"\nports = [25]\naction = \"drop\"\n[policy]\noutput = \"drop\"\n",
        "line 7, column 10: output in [policy] is \"drop\", and no [[output.service]] of this file or of those before it accepts anything: \
         this host could ask for nothing, not even a name. Let out what it needs, as with use = \"dns\" and use = \"ntp\", or say \
         service = [] under [output] if nothing is meant",
    ),
    (
        "[[output.service]]\nuse = \"dns\"\n[[output.service]]\nuse = \"dns\"\n",
        "line 4, column 7: two are named \"dns\"",
    ),
    (
        "[[output.service]]\nuse = \"dns\"\nsources = [\"192.0.2.1\"]\n",
        "line 3, column 1: unknown key \"sources\" in [[output.service]]; known are name, use, protocol, ports, types, action, log, \
         destinations, interfaces, when, open-until",
    ),
    (
        "[[output.service]]\nuse = \"dns\"\ndestinations = [\"!192.0.2.1\", \"!192.0.2.2\"]\n",
        "line 3, column 16: of networks behind \"!\" a rule takes one, and none beside a network without it; put the others into a set: \
         \"!set:NAME\"",
    ),
    (
        "[[forward.allow]]\nto = \"eth0\"\n",
        "line 1, column 1: [[forward.allow]] says neither from which interface nor which sources: anybody could pass; give it from or \
         sources",
    ),
    (
        "[[forward.allow]]\nfrom = \"eth0\"\nports = [80]\n",
        "line 3, column 9: ports and types are of a protocol, and none is named",
    ),
    (
        "[[forward.allow]]\nfrom = \"eth0:1\"\n",
        "line 2, column 8: from in [[forward.allow]] \"eth0:1\": this is the label of an address, not an interface: packets to it come in \
         by \"eth0\"",
    ),
    (
        "[[forward.port]]\non = \"wan0\"\nprotocol = \"tcp\"\nport = 8443\nto = \"inside:443\"\n",
        "line 5, column 6: expected an address, ADDRESS:PORT or [ADDRESS]:PORT, as in \"192.168.1.10:443\" or \"[2001:db8::10]:443\"",
    ),
    (
        "[[forward.port]]\non = \"wan0\"\nprotocol = [\"tcp\", \"icmp\"]\nport = 8443\nto = \"192.0.2.1\"\n",
        "line 3, column 12: icmp has no ports",
    ),
    (
        "[[forward.port]]\non = \"wan0\"\nprotocol = \"tcp\"\nport = \"1-9\"\nto = \"192.0.2.1:9\"\n",
        "line 5, column 6: a range of ports goes to the same ports: leave the port out",
    ),
    (
        "[[forward.port]]\nprotocol = \"tcp\"\nport = 1\nto = \"192.0.2.1:9\"\n",
        "line 1, column 1: [[forward.port]] has no on",
    ),
    (
        "[forward]\nmasquerade = \"wan0\"\n",
        "line 2, column 14: masquerade in [forward] must be a list; it is string",
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
        "[[set]]\ntype = \"hash:net\"\n",
        "line 1, column 1: [[set]] has no name",
    ),
    (
        "[[set]]\nname = \"blacklist\"\n",
        "line 2, column 8: name in [[set]] \"blacklist\": this list is always there: its members stand under [sets.members], how it \
         is made under [sets]",
    ),
    (
        "[[set]]\nname = \"office_v6\"\n",
        "line 2, column 8: name in [[set]] \"office_v6\": one name stands for the sets of both families: \"set:office\" is office in \
         the IPv4 rules and office_v6 in the IPv6 rules",
    ),
    (
        "[[set]]\nname = \"a-name-of-29-bytes-is-too-long\"\n",
        "line 2, column 8: name in [[set]] \"a-name-of-29-bytes-is-too-long\": the name of the set must not be longer than 28 bytes: \
         that for IPv6 has _v6 at its end",
    ),
    (
        "[[set]]\nname = \"a b\"\n",
        "line 2, column 8: name in [[set]] \"a b\": must not contain ' '",
    ),
    (
        "[[set]]\nname = \"rampart.new.a\"\n",
        "line 2, column 8: name in [[set]] \"rampart.new.a\": names that begin with \"rampart.\" are those of sets that are being \
         filled",
    ),
    (
        "[[set]]\nname = \"a\"\ntype = \"bitmap:ip\"\n",
        "line 3, column 8: type in [[set]] must be \"hash:net\" or \"hash:ip\" or \"hash:ip,port\" or \"hash:ip,port,ip\" or \
         \"hash:ip,port,net\" or \"hash:ip,mark\" or \"hash:ip,mac\" or \"hash:net,net\" or \"hash:net,port\" or \
         \"hash:net,port,net\" or \"hash:net,iface\"; it is \"bitmap:ip\"",
    ),
    (
        "[[set]]\nname = \"a\"\nfamily = \"ipv4\"\n",
        "line 3, column 10: family in [[set]] must be \"both\" or \"inet\" or \"inet6\"; it is \"ipv4\"",
    ),
    (
        "[[set]]\nname = \"a\"\ntimeout = \"1 hour\"\n",
        "line 3, column 11: timeout in [[set]] \"1 hour\": expected whole numbers with s, m, h, d or w, like 90s, 30m or 1h30m",
    ),
    (
        "[[set]]\nname = \"a\"\nfile = []\n",
        "line 3, column 8: an empty list: there is no file",
    ),
    (
        "[[set]]\nname = \"a\"\nfile = [\"x\", \"\"]\n",
        "line 3, column 14: \"\" is no path of a file",
    ),
    (
        "[[set]]\nname = \"a\"\ntype = \"hash:ip,port\"\nfile = \"x\"\n",
        "line 4, column 8: a file holds addresses, networks and ranges, and set \"a\" is of type hash:ip,port: hash:net or hash:ip",
    ),
    (
        "[[set]]\nname = \"a\"\ntimeout = \"1h\"\nfile = \"x\"\n",
        "line 3, column 11: timeout is about members that somebody adds, and those of set \"a\" are what stands in its file",
    ),
    (
        "[[set]]\nname = \"a\"\n[[blocklist]]\nname = \"a\"\nfile = \"x\"\n",
        "line 4, column 8: two sets are named \"a\"",
    ),
    (
        "[[blocklist]]\nname = \"a\"\n",
        "line 1, column 1: [[blocklist]] has no file",
    ),
    (
        "[[blocklist]]\nname = \"a\"\nfile = \"x\"\nmax-shrink = \"101%\"\n",
        "line 4, column 14: max-shrink in [[blocklist]] \"101%\": expected \"0%\" to \"100%\", like \"50%\"",
    ),
    (
        "[[blocklist]]\nname = \"a\"\nfiles = \"x\"\n",
        "line 3, column 1: unknown key \"files\" in [[blocklist]]; did you mean \"file\"?",
    ),
    (
        "[[service]]\nname = \"a\"\nprotocol = \"tcp\"\nports = [22]\nsources = [\"!set:b\"]\n[[set]]\nname = \"b\"\ntype = \"hash:ip,mac\"\n",
        "line 5, column 11: set \"b\" is of type hash:ip,mac, and service \"a\" asks it for addresses alone, which takes hash:net or \
         hash:ip",
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
        "line 1, column 1: service \"x\" has no ports",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = [\"tcp\", \"tpc\"]\nports = [1]\n",
        "line 3, column 20: protocol in [[service]] \"tpc\": known are icmp, igmp, tcp, udp, dccp, gre, esp, ah, ospf, pim, vrrp, l2tp, sctp, udplite; any other goes by its number, which /etc/protocols has",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmpv6\"\n",
        "line 3, column 12: protocol in [[service]] \"icmpv6\": ICMP is \"icmp\": ICMP in the IPv4 rules, ICMPv6 in the IPv6 rules",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = 58\n",
        "line 3, column 12: protocol in [[service]] \"58\": ICMP is \"icmp\": ICMP in the IPv4 rules, ICMPv6 in the IPv6 rules",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = [\"gre\", 256]\n",
        "line 3, column 20: protocol in [[service]] must be a whole number, 1 to 255; it is 256",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = []\n",
        "line 3, column 12: an empty list: the service is for no protocol",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = [\"gre\", \"esp\"]\nports = [1]\n",
        "line 4, column 9: gre, esp has no ports",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = [\"htps\"]\n",
        "line 4, column 10: no port is known as \"htps\"; did you mean \"https\"?",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = [\"9-8\"]\n",
        "line 4, column 10: ports in [[service]] \"9-8\": ends before it begins",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"tcp\"\nports = [1]\ntypes = [\"echo-request\"]\n",
        "line 5, column 9: types are of ICMP, and the service is for other protocols",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ntypes = [\"echo-request\", \"time-exceeded\"]\n",
        "line 4, column 26: types in [[service]] \"time-exceeded\": is let in where it belongs to a connection, and nowhere else, whatever the services say",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ntypes = [\"ping\"]\n",
        "line 4, column 10: types in [[service]] \"ping\": known are echo-request, timestamp-request, information-request, address-mask-request, node-information-query",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\naction = \"deny\"\n",
        "line 4, column 10: action in [[service]] must be \"accept\" or \"drop\" or \"reject\"; it is \"deny\"",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\naction = \"drop\"\nrate = \"1/second\"\n",
        "line 5, column 8: rate is about what is let in, and service \"x\" lets nothing in",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nconnections = 0\n",
        "line 4, column 15: connections in [[service]] must be a whole number, 1 to 1000000; it is 0",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nconnections = 5\nburst = 5\n",
        "line 5, column 9: burst is about a rate, and service \"x\" has none",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nlog = \"no\"\n",
        "line 4, column 7: log in [[service]] must be true or false; it is string",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nsources = [\"set:office_v6\"]\n",
        "line 4, column 12: sources in [[service]] \"set:office_v6\": one name stands for the sets of both families: \"set:office\" is office in the IPv4 rules and office_v6 in the IPv6 rules",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nsources = [\"set:a-name-of-29-characters-is-ok\"]\n",
        "line 4, column 12: sources in [[service]] \"set:a-name-of-29-characters-is-ok\": the name of the set must not be longer than 28 bytes: that for IPv6 has _v6 at its end",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nsources = [\"!0.0.0.0/0\"]\n",
        "line 4, column 12: sources in [[service]] \"!0.0.0.0/0\": this leaves nobody",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\nsources = [\"office\"]\n",
        "line 4, column 12: sources in [[service]] \"office\": expected an address, ADDRESS/PREFIX or set:NAME, or one of these behind \"!\"",
    ),
    (
        "[[service]]\nname = \"x\"\nprotocol = \"icmp\"\ndestinations = []\n",
        "line 4, column 16: an empty list: nobody could use the service; leave the key out for every address of this host",
    ),
    (
        "[[service]]\nuse = \"mnds\"\n",
        "line 2, column 7: there is no ready-made service \"mnds\"; did you mean \"mdns\"?",
    ),
    (
        "[[service]]\nuse = \"ssh\"\nports = [2222]\n",
        "line 3, column 9: ports is what use = \"ssh\" stands for; leave one of them out",
    ),
    (
        "[[service]]\nuse = \"ssh\"\n[[service]]\nuse = \"ssh\"\nsources = [\"::1\"]\n",
        "line 4, column 7: two services are named \"ssh\"",
    ),
    (
        "[policy]\ntrusted-interfaces = [\"wg0\", \"eth0:1\"]\n",
        "line 2, column 30: trusted-interfaces in [policy] \"eth0:1\": this is the label of an address, not an interface: packets to it come in by \"eth0\"",
    ),
    (
        "[log]\nquiet = [\"noise\"]\n",
        "line 2, column 10: quiet in [log] must be \"broadcast\" or \"multicast\"; it is \"noise\"",
    ),
    (
        "[log]\nblocked-rate = \"10001/second\"\n",
        "line 2, column 16: blocked-rate in [log] \"10001/second\": at most 10000/second is possible",
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
        "line 4, column 9: an empty list: nobody could use the service",
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
        "line 4, column 12: sources in [[service]] \"::ffff:192.0.2.1\": ::ffff:192.0.2.1 never appears in a packet: write it as an IPv4 address",
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
        "line 4, column 10: per-v6 is about a rate or connections, and service \"x\" has none",
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
