//! What becomes of a packet, asked of rules that are not in a kernel.

use std::io;
use std::net::IpAddr;

use iptables_ruleset::explain::{
    self, Answer, Budget, Direction, Explanation, Facts, Holds, Packet, Route, Tracking, Verdict,
};
use iptables_ruleset::match_::{
    Comment, Conntrack, CtState, Destination, HashLimit, Icmp, InInterface, Limit, Mark, Multiport,
    OutInterface, Protocol, Set, Source, Tcp, Udp,
};
use iptables_ruleset::target::{Log, Reject, RejectWith};
use iptables_ruleset::{
    BuildError, ChainName, Config, FakeKernel, Family, Hook, Kernel as _, KernelSet, Match,
    Network, Plan, Policy, PortRange, Rule, Ruleset, SetName, Target,
};

/// A host whose sets have these members, and whose budgets have so much left.
struct Host {
    members: &'static [(&'static str, &'static str)],
    left: Option<bool>,
}

const SETS: [&str; 8] = [
    "whitelist",
    "blacklist",
    "throttle-soft",
    "throttle-hard",
    "whitelist_v6",
    "blacklist_v6",
    "throttle-soft_v6",
    "throttle-hard_v6",
];

impl Facts for Host {
    fn set_name(&mut self, index: u16) -> Option<String> {
        SETS.get(usize::from(index)).map(ToString::to_string)
    }

    fn member(&mut self, set: &SetName, directions: &[Direction], packet: &Packet) -> Answer {
        assert_eq!(directions, [Direction::Source]);
        let source = packet.source().to_string();
        let mut members = self.members.iter();
        let inside = members.any(|(of, member)| *of == set.as_str() && *member == source);
        Answer::known(inside, "")
    }

    fn within(&mut self, budget: &Budget<'_>) -> Answer {
        // Everybody's budgets are large.
        match (self.left, budget.of) {
            (Some(left), Some(_)) => Answer::known(left, ""),
            (_, None) => Answer::yes(""),
            (None, _) => Answer::perhaps("the limit"),
        }
    }
}

fn address(family: Family, n: u8) -> IpAddr {
    match family {
        Family::Ipv4 => [198, 51, 100, n].into(),
        Family::Ipv6 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()].into(),
    }
}

const MEMBERS: [(&str, &str); 4] = [
    ("blacklist", "198.51.100.2"),
    ("blacklist_v6", "2001:db8::2"),
    ("whitelist", "198.51.100.1"),
    ("whitelist_v6", "2001:db8::1"),
];

/// The default firewall, wanted and as it is read back: both say the same.
#[test]
fn the_firewall_wanted_and_found_says_the_same() {
    let config = Config::default();
    let rulesets = Family::BOTH.map(|family| config.ruleset(family).unwrap());
    let mut index = |name: &str| {
        let at = SETS.iter().position(|set| *set == name).unwrap();
        let index = u16::try_from(at).unwrap();
        io::Result::Ok(KernelSet::new(index, None))
    };
    let mut kernel = FakeKernel::new();
    let plan = Plan::install(&rulesets, &mut index).unwrap();
    plan.apply(&mut kernel).unwrap();
    let snapshot = kernel.snapshot().unwrap();
    for (family, ruleset) in Family::BOTH.into_iter().zip(&rulesets) {
        let prefix = |word: &str| match family {
            Family::Ipv4 => format!("IPTABLES-{word}: "),
            Family::Ipv6 => format!("IP6TABLES-{word}: "),
        };
        let from = |n| Packet::new(address(family, n)).over("eth0");
        for (packet, left, verdict, word) in [
            (from(1).tcp(23), false, Verdict::Accept, "ALLOWED"),
            (from(2).tcp(22), true, Verdict::Drop, "BLOCKED"),
            (from(3).tcp(22), true, Verdict::Accept, "ALLOWED"),
            (from(3).tcp(22), false, Verdict::Drop, "LIMITED"),
            (from(3).tcp(23), true, Verdict::Drop, "BLOCKED"),
            (from(3).udp(53), true, Verdict::Drop, "BLOCKED"),
            (
                from(3).tcp(23).tcp_flags(0x10),
                true,
                Verdict::Drop,
                "INVALID",
            ),
            (
                from(3).tcp(22).tracking(Tracking::Invalid),
                true,
                Verdict::Drop,
                "INVALID",
            ),
        ] {
            let mut host = Host {
                members: &MEMBERS,
                left: Some(left),
            };
            let wanted = explain::ruleset(ruleset, Hook::Input, &packet, &mut host);
            let table = snapshot.table(family).unwrap();
            let found = explain::table(table, "INPUT", &packet, &mut host);
            assert_eq!(wanted, found, "{packet}");
            assert_eq!(wanted.verdict(), Some(verdict), "{packet}: {wanted:#?}");
            let [ending] = wanted.endings.as_slice() else {
                panic!("{packet}: {wanted:#?}");
            };
            let lines: Vec<&str> = ending.logged.iter().map(|line| &*line.prefix).collect();
            assert_eq!(lines, [prefix(word)], "{packet}");
            let step = wanted.deciding(ending).unwrap();
            assert_eq!(step.chain, "FIREWALL_INPUT", "{packet}: {step:#?}");
        }
        let established = from(3).tcp(23).tracking(Tracking::Established);
        let mut host = Host {
            members: &[],
            left: None,
        };
        let said = explain::ruleset(ruleset, Hook::Input, &established, &mut host);
        assert_eq!(said.verdict(), Some(Verdict::Accept));
        assert!(said.endings[0].logged.is_empty(), "{said:#?}");
    }
}

/// Each match gives this answer to the packet.
fn answers(rows: Vec<(Match, Packet, Holds)>) -> Result<(), BuildError> {
    for (one, packet, holds) in rows {
        let chain: ChainName = "CHAIN".parse()?;
        let mut ruleset = Ruleset::new(packet.family());
        ruleset.jump(Hook::Input, chain.clone());
        let rule = Rule::new(Target::Drop).matching(one.clone());
        ruleset.chain(chain).append(rule);
        let mut nobody = |_: &SetName, _: &Packet| Answer::no("");
        let said = explain::ruleset(&ruleset, Hook::Input, &packet, &mut nobody);
        let step = said.steps.get(1).map(|step| step.holds);
        assert_eq!(step, Some(holds), "{one:?} of {packet}");
    }
    Ok(())
}

fn packet() -> Packet {
    Packet::new(address(Family::Ipv4, 7))
}

#[test]
fn addresses_interfaces_and_ports_are_compared() {
    use Holds::{No, Perhaps, Yes};
    let to = |text: &str| packet().to(text.parse().unwrap());
    let network = |text: &str| text.parse::<Network>().unwrap();
    let range = |text: &str| text.parse::<PortRange>().unwrap();
    let interface = |name: &str| name.parse().unwrap();
    let rows: Vec<(Match, Packet, Holds)> = vec![
        (
            Source::new(network("198.51.100.0/29")).into(),
            packet(),
            Yes,
        ),
        (Source::not(network("198.51.100.0/29")).into(), packet(), No),
        (Source::new(network("198.51.100.8/29")).into(), packet(), No),
        (
            Destination::new(network("203.0.113.1")).into(),
            packet(),
            Perhaps,
        ),
        (
            Destination::new(network("203.0.113.1")).into(),
            to("203.0.113.1"),
            Yes,
        ),
        (
            Destination::not(network("203.0.113.1")).into(),
            to("203.0.113.1"),
            No,
        ),
        (
            InInterface::new(interface("eth+")).into(),
            packet().over("eth0"),
            Yes,
        ),
        (
            InInterface::new(interface("eth0")).into(),
            packet().over("eth01"),
            No,
        ),
        (
            InInterface::not(interface("eth0")).into(),
            packet().over("eth01"),
            Yes,
        ),
        (
            InInterface::new(interface("eth0")).into(),
            packet(),
            Perhaps,
        ),
        (InInterface::new(interface("lo")).into(), packet(), No),
        (OutInterface::new(interface("eth0")).into(), packet(), No),
        (OutInterface::not(interface("eth0")).into(), packet(), Yes),
        (
            OutInterface::new(interface("eth0")).into(),
            packet().passed_on(),
            Perhaps,
        ),
        (Protocol::TCP.into(), packet(), Perhaps),
        (Protocol::TCP.into(), packet().udp(1), No),
        (Protocol::TCP.not().into(), packet().udp(1), Yes),
        (Tcp::new().destination(22).into(), packet().tcp(22), Yes),
        (
            Tcp::new().destination(range("23:25")).into(),
            packet().tcp(22),
            No,
        ),
        (
            Tcp::new().not_destination(range("23:25")).into(),
            packet().tcp(22),
            Yes,
        ),
        (Tcp::new().source(5).into(), packet().tcp(22), Perhaps),
        (
            Tcp::new().source(5).destination(23).into(),
            packet().tcp(22),
            No,
        ),
        (Tcp::new().opening().into(), packet().tcp(22), Yes),
        (Tcp::new().not_opening().into(), packet().tcp(22), No),
        (
            Tcp::new().opening().into(),
            packet().tcp(22).tcp_flags(0x12),
            No,
        ),
        (
            Udp::new().not_source(5).into(),
            packet().udp(1).from_port(5),
            No,
        ),
    ];
    answers(rows).unwrap();
}

#[test]
fn what_is_not_in_the_header_is_known_or_perhaps() {
    use Holds::{No, Perhaps, Yes};
    let ports = |texts: &[&str]| -> Vec<PortRange> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let set = || Set::new("s".parse().unwrap(), Direction::Source);
    let rows: Vec<(Match, Packet, Holds)> = vec![
        (
            Multiport::destinations(ports(&["1", "5:9"]))
                .unwrap()
                .into(),
            packet().tcp(7),
            Yes,
        ),
        (
            Multiport::destinations(ports(&["1", "5:9"]))
                .unwrap()
                .into(),
            packet().tcp(10),
            No,
        ),
        (
            Multiport::sources(ports(&["1"])).unwrap().into(),
            packet().tcp(1),
            Perhaps,
        ),
        (
            Multiport::either(ports(&["1"])).unwrap().into(),
            packet().tcp(1),
            Yes,
        ),
        (
            Multiport::either(ports(&["1"])).unwrap().into(),
            packet().tcp(2),
            Perhaps,
        ),
        (Icmp::of_type(8).into(), packet().icmp(8, 0), Yes),
        (Icmp::of_type(8).code(1).into(), packet().icmp(8, 0), No),
        (Icmp::of_type(8).into(), packet().protocol(1), Perhaps),
        (
            Conntrack::state(CtState::NEW.or(CtState::INVALID)).into(),
            packet(),
            Yes,
        ),
        (Conntrack::not_state(CtState::NEW).into(), packet(), No),
        (
            Conntrack::state(CtState::UNTRACKED).into(),
            packet().tracking(Tracking::Untracked),
            Yes,
        ),
        (set().into(), packet(), No),
        (set().inverted().into(), packet(), Yes),
        (set().return_nomatch().into(), packet(), Perhaps),
        (Mark::new(1).into(), packet(), Perhaps),
        (
            Limit::new("1/second".parse().unwrap()).unwrap().into(),
            packet(),
            Perhaps,
        ),
        (
            HashLimit::up_to("x", "1/second".parse().unwrap())
                .unwrap()
                .into(),
            packet(),
            Perhaps,
        ),
        (Comment::new("x").unwrap().into(), packet(), Yes),
    ];
    answers(rows).unwrap();
}

/// Both ways are followed where an answer is not known, and come together again.
#[test]
fn what_is_not_known_splits_the_way_and_returns_join_it() {
    let name = |text: &str| text.parse::<ChainName>().unwrap();
    let log = |prefix: &str| Rule::new(Log::new(prefix).unwrap());
    let limited = || Limit::new("1/second".parse().unwrap()).unwrap();
    let mut ruleset = Ruleset::new(Family::Ipv4);
    ruleset.jump(Hook::Input, name("OUTER"));
    ruleset
        .chain(name("OUTER"))
        .append(log("sure"))
        .append(log("limited").matching(limited()))
        .append(Rule::new(name("INNER")).matching(Mark::new(1)))
        .append(Rule::new(Reject::new(RejectWith::PortUnreachable)).matching(Mark::new(2)))
        .append(Rule::new(Target::Return))
        .append(Rule::new(Target::Drop));
    ruleset
        .chain(name("INNER"))
        .append(log("inner"))
        .append(Rule::new(Target::Return).matching(Mark::new(3)));
    let mut nobody = |_: &SetName, _: &Packet| Answer::no("");
    let packet = Packet::new(address(Family::Ipv4, 7)).tcp(1);
    let said = explain::ruleset(&ruleset, Hook::Input, &packet, &mut nobody);
    let lines = |at: usize| -> Vec<(&str, bool)> {
        let logged = said.endings[at].logged.iter();
        logged.map(|line| (&*line.prefix, line.certain)).collect()
    };
    let verdicts: Vec<Verdict> = said.endings.iter().map(|ending| ending.verdict).collect();
    assert_eq!(verdicts, [Verdict::Reject, Verdict::Accept], "{said:#?}");
    let expected = [("sure", true), ("limited", false), ("inner", false)];
    assert_eq!((lines(0), lines(1)), (expected.to_vec(), expected.to_vec()));
    assert_eq!(said.endings[1].step, None, "the policy");
    assert_eq!(said.endings[1].if_matched, [] as [usize; 0]);
    assert_eq!(said.verdict(), None);
    ruleset.policy(Hook::Input, Policy::Drop);
    let said = explain::ruleset(&ruleset, Hook::Forward, &packet, &mut nobody);
    assert_eq!(said.verdict(), Some(Verdict::Accept), "no jump, no policy");
}

/// Who is put into a set is told; where a limit decides, not for sure.
#[test]
fn an_instant_rule_is_told_with_its_set() {
    let config = |howmany: &str| {
        Config::parse(&format!(
            "[[instant]]\nname = \"x\"\ntype = \"tcp\"\nremoveafter = \"10m\"\n{howmany}"
        ))
        .unwrap()
    };
    let mut nobody = |set: &SetName, _: &Packet| Answer::no(format!("not in {set}"));
    for family in Family::BOTH {
        let set = match family {
            Family::Ipv4 => "blacklist-instant",
            Family::Ipv6 => "blacklist-instant_v6",
        };
        let from = |n| Packet::new(address(family, n)).over("eth0");
        for (howmany, packet, added) in [
            ("howmany = 1", from(1).tcp(23), vec![set]),
            ("howmany = 20\nwithin = \"1m\"", from(1).tcp(23), vec![set]),
            ("howmany = 1\nports = [24]", from(1).tcp(23), vec![]),
            ("howmany = 1", from(1).udp(23), vec![]),
        ] {
            let ruleset = config(howmany).ruleset(family).unwrap();
            let said = explain::ruleset(&ruleset, Hook::Input, &packet, &mut nobody);
            assert_eq!(said.verdict(), Some(Verdict::Drop), "{said:#?}");
            let added_to = |ending: &explain::Ending| -> Vec<String> {
                ending.added.iter().map(|one| one.set.clone()).collect()
            };
            assert_eq!(said.endings.len(), 1, "{said:#?}");
            assert_eq!(added_to(&said.endings[0]), added, "{howmany}");
            // Whether the source is an address of this host is not known from here.
            assert!(said.endings[0].added.iter().all(|one| !one.certain));
            assert_eq!(said.endings[0].logged.len(), 1);
        }
        // Who is banned is not put there again.
        let ruleset = config("howmany = 1").ruleset(family).unwrap();
        let mut banned = |of: &SetName, _: &Packet| Answer::known(of.as_str() == set, "");
        let said = explain::ruleset(&ruleset, Hook::Input, &from(1).tcp(22), &mut banned);
        assert_eq!(said.verdict(), Some(Verdict::Drop));
        assert_eq!(said.endings[0].added, []);
    }
}

/// Chains that lead to one another in very many ways end nothing but the explanation.
#[test]
fn very_many_ways_are_cut_short() {
    let mut ruleset = Ruleset::new(Family::Ipv6);
    ruleset.jump(Hook::Input, "C0".parse().unwrap());
    for n in 0..14 {
        let chain = ruleset.chain(format!("C{n}").parse().unwrap());
        for _ in 0..4 {
            let next: ChainName = format!("C{}", n + 1).parse().unwrap();
            chain.append(Rule::new(next));
        }
    }
    ruleset.chain("C14".parse().unwrap());
    let mut nobody = |_: &SetName, _: &Packet| Answer::no("");
    let packet = Packet::new(address(Family::Ipv6, 7));
    let said: Explanation = explain::ruleset(&ruleset, Hook::Input, &packet, &mut nobody);
    assert!(said.cut_short && said.verdict().is_none());
}

#[test]
fn where_there_is_no_table_everything_passes() {
    let mut nobody = |_: &SetName, _: &Packet| Answer::no("");
    let packet = Packet::new(address(Family::Ipv6, 7)).tcp(22);
    let route = Route::follow(&[], &packet, &mut nobody);
    assert_eq!(
        (route.verdict(), route.endings.len()),
        (Some(Verdict::Accept), 0)
    );
}
