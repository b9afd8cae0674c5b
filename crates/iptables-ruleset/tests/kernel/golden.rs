//! Every match and target as iptables 1.8.9 makes it, whatever iptables is installed here:
//! `tests/golden` has the rules, what iptables-save printed and what the kernel then listed.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use iptables_ruleset::match_::{
    AddrType, AddrTypes, ConnLimit, Conntrack, Counter, CtState, Destination, Direction, HashLimit,
    Icmp, InInterface, IpRange, Limit, Mark, Match, Multiport, OutInterface, Protocol, Set, Socket,
    Source, Tcp, TcpFlags, Time, Udp,
};
use iptables_ruleset::target::{self, Log, LogLevel, Nflog, Reject, RejectWith};
use iptables_ruleset::{
    BuildError, ChainState, Family, KernelSet, Network, Nftables, Plan, PortRange, Rule, Ruleset,
    SetName, Target, Weekday,
};
use netns_testbed::{Failed, Tool, Trial, trial};

use crate::fixture::{saved, snapshot, tool};

pub(crate) fn trials() -> Vec<Trial> {
    let name = |family: Family| format!("golden_{}", family.nft_name());
    Family::BOTH
        .map(|family| trial(name(family), move || check(family)))
        .into()
}

fn check(family: Family) -> Result<(), Failed> {
    let (set, version) = match family {
        Family::Ipv4 => ("SET4", "v4"),
        Family::Ipv6 => ("SET6", "v6"),
    };
    Tool::require("ipset")?.run(&[
        "create",
        set,
        "hash:ip",
        "family",
        if family == Family::Ipv4 {
            "inet"
        } else {
            "inet6"
        },
    ])?;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let (text, list) = (
        folder.join(format!("{version}.save")),
        folder.join(format!("{version}.txt")),
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = tool(family, "")?.path().display().to_string();
        let arguments: [&str; 5] = match family {
            Family::Ipv4 => [&path, "SET4", "192.0.2.0/25", "192.0.0.0/8", "icmp"],
            Family::Ipv6 => [&path, "SET6", "2001:db8::/32", "fe80::/10", "ipv6-icmp"],
        };
        let script = folder.join("rules.sh").display().to_string();
        Tool::require("sh")?.run(&[&[script.as_str()], &arguments[..]].concat())?;
        fs::write(&text, golden_lines(&saved(family)?))?;
        fs::write(&list, listed(family)?)?;
        tool(family, "")?.run(&["-F"])?;
    }

    let mut ruleset = Ruleset::new(family);
    ruleset.chain("OTHER".parse()?);
    for rule in rules(family, set)? {
        ruleset.chain("GOLDEN".parse()?).append(rule);
    }
    assert_eq!(
        golden_lines(&ruleset.to_iptables_save().to_string()),
        fs::read_to_string(text)?,
        "our text"
    );
    let mut only = |name: &str| {
        if name == set {
            Ok(KernelSet::new(0, Some(family)))
        } else {
            Err(io::Error::other("?"))
        }
    };
    Plan::install([&ruleset], &mut only)?.apply(&mut Nftables::connect()?)?;
    let (ours, theirs) = (listed(family)?, fs::read_to_string(list)?);
    for (number, (our_rule, their_rule)) in
        (0..).zip(ours.split("RULE ").zip(theirs.split("RULE ")))
    {
        assert_eq!(
            our_rule, their_rule,
            "line {number} of the text: ours on the left, iptables' on the right"
        );
    }
    assert_eq!(ours.len(), theirs.len());
    Ok(())
}

fn golden_lines(text: &str) -> String {
    text.lines()
        .filter(|line| line.starts_with("-A GOLDEN"))
        .map(|line| line.to_owned() + "\n")
        .collect()
}

fn rules(family: Family, set: &str) -> Result<Vec<Rule>, Failed> {
    let (network, wide): (Network, Network) = match family {
        Family::Ipv4 => ("192.0.2.0/25".parse()?, "192.0.0.0/8".parse()?),
        Family::Ipv6 => ("2001:db8::/32".parse()?, "fe80::/10".parse()?),
    };
    let (icmp, echo, unreachable) = match family {
        Family::Ipv4 => (Protocol::ICMP, 8, 3),
        Family::Ipv6 => (Protocol::ICMPV6, 128, 1),
    };
    let accept = || Rule::new(Target::Accept);
    let one = |one: Match| accept().matching(one);
    let range = |text: &str| text.parse::<PortRange>();
    let ranges = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| range(text))
            .collect::<Result<Vec<_>, _>>()
    };
    let syn = TcpFlags::SYN;
    let set = || Ok::<_, BuildError>(Set::new(set.parse()?, Direction::Source));
    let [counters_untouched, many_packets, few_packets] = by_counters(&set()?);
    let mut rules = vec![
        one(InInterface::new("lo".parse()?).into()),
        one(InInterface::new("eth+".parse()?).into()).matching(OutInterface::new("wg0".parse()?)),
        one(InInterface::not("eth0".parse()?).into())
            .matching(OutInterface::not("eth+".parse()?))
            .matching(Protocol::UDP),
        one(Source::new(network).into()),
        one(Source::not(network).into())
            .matching(Destination::new(wide))
            .matching(InInterface::new("eth0".parse()?)),
        Rule::new(Target::Return)
            .matching(Destination::new(wide))
            .matching(icmp),
        Rule::new(Target::Drop).matching(Protocol::TCP.not()),
        Rule::new(Target::Jump("OTHER".parse()?))
            .matching(Protocol::TCP)
            .matching(Tcp::new().destination(22))
            .matching(Conntrack::state(CtState::NEW))
            .comment("ssh in")?,
        one(Protocol::TCP.into()).matching(Tcp::new().source(1000).destination(22)),
        one(Protocol::TCP.into()).matching(Tcp::new().destination(range("1000:2000")?).flags(
            syn.and(TcpFlags::FIN).and(TcpFlags::RST).and(TcpFlags::ACK),
            syn,
        )),
        one(Protocol::TCP.into())
            .matching(Tcp::new().not_source(range("1:1023")?).not_destination(80)),
        one(Protocol::UDP.into()).matching(Udp::new().source(53)),
        one(Protocol::UDP.into())
            .matching(Udp::new().not_source(53).destination(range("1024:65535")?)),
        one(Protocol::TCP.into()).matching(Multiport::destinations(ranges(&[
            "80",
            "443",
            "8000:8100",
        ])?)?),
        one(Protocol::UDP.into()).matching(Multiport::sources(ranges(&["67", "68"])?)?),
        one(Protocol::SCTP.into()).matching(Multiport::either(ranges(&[
            "1:2", "3:4", "5:6", "7:8", "9:10", "11:12", "13:14", "15",
        ])?)?),
        one(icmp.into())
            .matching(Icmp::of_type(echo))
            .matching(Limit::new("1/second".parse()?)?),
        one(icmp.into()).matching(Icmp::of_type(unreachable).code(4)),
        one(Conntrack::state(CtState::RELATED.or(CtState::ESTABLISHED)).into()),
        one(Conntrack::not_state(CtState::INVALID.or(CtState::UNTRACKED)).into()),
        Rule::new(Target::Drop).matching(set()?),
        Rule::new(Target::Return).matching(set()?.and(Direction::Destination).inverted()),
        Rule::new(Target::Drop).matching(counters_untouched),
        Rule::new(Target::Drop).matching(many_packets),
        Rule::new(Target::Drop).matching(few_packets),
        one(Mark::new(1).into()),
        one(Mark::new(0x10).mask(0xf0).into()),
    ];
    rules.extend(limits()?);
    rules.extend([
        one(Protocol::TCP.into())
            .matching(Tcp::new().destination(22).not_opening())
            .matching(Conntrack::state(CtState::NEW.or(CtState::UNTRACKED))),
        one(Protocol::TCP.into())
            .matching(Multiport::destinations(ranges(&["22", "23"])?)?)
            .matching(Tcp::new().opening()),
    ]);
    rules.extend(kinds_of_sources(family)?);
    rules.extend(times()?);
    rules.extend([
        Rule::new(Log::new("")?),
        Rule::new(
            Log::new("IPTABLES-BLOCKED: ")?
                .level(LogLevel::INFO)
                .tcp_options()
                .ip_options()
                .uid()
                .tcp_sequence(),
        ),
        Rule::new(Nflog::new(0)),
        Rule::new(Nflog::new(5).prefix("BLK")?.threshold(10)),
        Rule::new(Nflog::new(65535).prefix("a b: ")?.size(128)),
    ]);
    rules.extend(rejects());
    rules.extend(set_targets(set()?.name())?);
    Ok(rules)
}

fn set_targets(name: &SetName) -> Result<[Rule; 4], BuildError> {
    let add = || target::Set::add(name.clone(), Direction::Source);
    Ok([
        Rule::new(add()),
        Rule::new(
            add()
                .and(Direction::Destination)
                .exist()
                .timeout(Duration::from_secs(600))?,
        ),
        Rule::new(add().timeout(Duration::ZERO)?),
        Rule::new(target::Set::delete(name.clone(), Direction::Destination)),
    ])
}

fn rejects() -> [Rule; 4] {
    [
        Rule::new(Reject::new(RejectWith::TcpReset)).matching(Protocol::TCP),
        Rule::new(Reject::new(RejectWith::PortUnreachable)),
        Rule::new(Reject::new(RejectWith::HostUnreachable)),
        Rule::new(Reject::new(RejectWith::Prohibited)),
    ]
}

fn limits() -> Result<[Rule; 7], BuildError> {
    let one = |one: Match| Rule::new(Target::Accept).matching(one);
    Ok([
        one(Limit::new("60/minute".parse()?)?.burst(10)?.into()),
        one(Limit::new("7/hour".parse()?)?.into()),
        one(HashLimit::up_to("upto", "10/minute".parse()?)?.into()),
        one(HashLimit::above("above", "60/minute".parse()?)?
            .burst(50)?
            .into()),
        one(HashLimit::above("slow", "1/hour".parse()?)?.into()),
        one(HashLimit::up_to("wide", "1/minute".parse()?)?
            .prefix(16)
            .table(1024, 65_536)?
            .into()),
        one(HashLimit::all_above("all", "1000/second".parse()?)?
            .burst(1000)?
            .table(1, 1)?
            .into()),
    ])
}

fn times() -> Result<[Rule; 4], BuildError> {
    let one = |time: Time| Rule::new(Target::Accept).matching(time);
    let (work, night) = (
        Time::new().daily(8 * 3600, 18 * 3600 - 1)?,
        Time::new().daily(22 * 3600, 6 * 3600 - 1)?,
    );
    Ok([
        one(work.weekdays([Weekday::Monday, Weekday::Friday])?),
        one(night.weekdays([Weekday::Sunday])?.contiguous()),
        one(Time::new()
            .since("2026-01-01T00:00:00Z".parse()?)
            .up_to("2026-12-01T17:00:00Z".parse()?)
            .month_days([1, 31])?
            .kernel_time_zone()),
        one(Time::new()),
    ])
}

fn kinds_of_sources(family: Family) -> Result<[Rule; 7], Failed> {
    let one = |one: Match| Rule::new(Target::Accept).matching(one);
    let [first, last, others, other] = match family {
        Family::Ipv4 => ["192.0.2.1", "192.0.2.9", "10.0.0.0", "10.255.255.255"],
        Family::Ipv6 => ["2001:db8::1", "2001:db8::9", "fe80::", "fe80::ffff"],
    };
    let range = |first: &str, last: &str| -> Result<IpRange, Failed> {
        Ok(IpRange::sources(first.parse()?, last.parse()?)?)
    };
    Ok([
        Rule::new(Target::Drop)
            .matching(Protocol::TCP)
            .matching(Tcp::new().destination(22).opening())
            .matching(ConnLimit::above(20, Direction::Source).prefix(24)),
        one(ConnLimit::up_to(3, Direction::Destination).into()),
        Rule::new(Target::Drop).matching(AddrType::destination(
            AddrTypes::UNICAST.or(AddrTypes::MULTICAST),
        )),
        one(AddrType::source(AddrTypes::LOCAL)
            .inverted()
            .on_incoming_interface()
            .into()),
        Rule::new(Target::Return).matching(Socket::bound()),
        Rule::new(Target::Return).matching(Socket::any()),
        one(range(first, last)?.into()).matching(range(others, other)?.inverted()),
    ])
}

fn by_counters(set: &Set) -> [Set; 3] {
    let set = || set.clone();
    [
        set()
            .return_nomatch()
            .without_update()
            .without_member_update(),
        set()
            .packets(Counter::Greater(10))
            .bytes(Counter::NotEqual(0)),
        set()
            .packets(Counter::Less(1 << 32))
            .bytes(Counter::Equal(60)),
    ]
}

/// The rules of GOLDEN as the kernel lists them.
fn listed(family: Family) -> Result<String, Failed> {
    let snapshot = snapshot()?;
    let chain = snapshot
        .table(family)
        .and_then(|table| table.chain("GOLDEN"))
        .ok_or("there is no chain GOLDEN")?;
    let mut text = String::new();
    for (number, rule) in (1..).zip(ChainState::rules(chain)) {
        text += &format!("RULE {number}\n");
        for (_, expression) in attributes(rule.expressions()) {
            let parts = attributes(expression);
            let part = |wanted: u16| {
                parts
                    .iter()
                    .find(|(kind, _)| *kind == wanted)
                    .map_or(&[][..], |(_, content)| content)
            };
            let name = String::from_utf8_lossy(part(1))
                .trim_end_matches('\0')
                .to_owned();
            text += &format!("    {name}");
            for (kind, content) in attributes(part(2)) {
                let hex: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
                text += &format!(" {kind}:{hex}");
            }
            text += "\n";
        }
    }
    Ok(text)
}

/// Netlink attributes: length, type, content, padding.
fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while let [a, b, c, d, rest @ ..] = bytes {
        let length = usize::from(u16::from_ne_bytes([*a, *b])) - 4;
        found.push((u16::from_ne_bytes([*c, *d]) & 0x3fff, &rest[..length]));
        bytes = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    found
}
