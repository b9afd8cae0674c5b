//! Any rule that can be written.

#![expect(
    clippy::expect_used,
    reason = "a test says what went wrong by panicking"
)]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use iptables_ruleset::match_::{
    AddrType, AddrTypes, Comment, ConnLimit, Conntrack, Counter, CtState, Destination, Direction,
    HashLimit, Icmp, InInterface, IpRange, Limit, Mark, Match, Multiport, OutInterface, Protocol,
    Set, Socket, Source, Tcp, TcpFlags, Time, Udp,
};
use iptables_ruleset::target::{self, Log, LogLevel, Nflog, Reject, RejectWith};
use iptables_ruleset::{
    Family, Network, PortRange, Rate, RateUnit, Rule, Target, UnixTime, Weekday,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// The one set that rules name.
pub(crate) const SET: &str = "banned";

/// A rule of that family. Jumps go to the chain `OTHER`.
pub(crate) fn rule(family: Family) -> impl Strategy<Value = Rule> {
    (
        option::of(source(family)),
        option::of(destination(family)),
        option::of(in_interface()),
        option::of(out_interface()),
        transport(family),
        vec(other(family), 0..3),
        target(),
    )
        .prop_map(
            |(source, destination, from, to, transport, others, target)| {
                let is_tcp = transport.first() == Some(&Protocol::TCP.into());
                let target = match target {
                    Target::Reject(reject)
                        if reject == Reject::new(RejectWith::TcpReset) && !is_tcp =>
                    {
                        Target::Drop
                    }
                    target => target,
                };
                let headers = [source, destination, from, to].into_iter().flatten();
                let matches = headers.chain(transport).chain(others);
                matches.fold(Rule::new(target), Rule::matching)
            },
        )
}

fn network(family: Family) -> impl Strategy<Value = Network> {
    (any::<u32>(), any::<u128>(), 1..=family.address_bits()).prop_map(move |(v4, v6, prefix)| {
        let address = match family {
            Family::Ipv4 => Ipv4Addr::from_bits(v4).into(),
            Family::Ipv6 => Ipv6Addr::from_bits(v6).into(),
        };
        Network::new(address, prefix).expect("a prefix of the family")
    })
}

fn source(family: Family) -> impl Strategy<Value = Match> {
    let not = |(network, not): (Network, bool)| {
        if not {
            Source::not(network).into()
        } else {
            Source::new(network).into()
        }
    };
    (network(family), any::<bool>()).prop_map(not)
}

fn destination(family: Family) -> impl Strategy<Value = Match> {
    let not = |(network, not): (Network, bool)| {
        if not {
            Destination::not(network).into()
        } else {
            Destination::new(network).into()
        }
    };
    (network(family), any::<bool>()).prop_map(not)
}

fn in_interface() -> impl Strategy<Value = Match> {
    ("[a-z][a-z0-9.-]{0,12}[+]?", any::<bool>()).prop_map(|(name, not)| {
        let name = name.parse().expect("a name of an interface");
        if not {
            InInterface::not(name).into()
        } else {
            InInterface::new(name).into()
        }
    })
}

fn out_interface() -> impl Strategy<Value = Match> {
    "[a-z][a-z0-9.-]{0,12}[+]?"
        .prop_map(|name| OutInterface::new(name.parse().expect("a name of an interface")).into())
}

fn ports() -> impl Strategy<Value = PortRange> {
    prop_oneof![
        (1..u16::MAX).prop_map(PortRange::from),
        (1..u16::MAX, 1..u16::MAX)
            .prop_map(|(a, b)| { PortRange::new(a.min(b), a.max(b)).expect("in order") }),
    ]
}

fn flags() -> impl Strategy<Value = TcpFlags> {
    use TcpFlags as F;
    vec(
        select(vec![F::FIN, F::SYN, F::RST, F::PSH, F::ACK, F::URG]),
        1..4,
    )
    .prop_map(|flags| flags.into_iter().fold(F::NONE, F::and))
}

fn tcp() -> impl Strategy<Value = Vec<Match>> {
    let ends = (
        option::of((ports(), any::<bool>())),
        option::of((ports(), any::<bool>())),
    );
    (ends, option::of((flags(), any::<bool>()))).prop_map(|((from, to), flags)| {
        let mut tcp = Tcp::new();
        tcp = match from {
            None => tcp,
            Some((ports, false)) => tcp.source(ports),
            Some((ports, true)) => tcp.not_source(ports),
        };
        tcp = match to {
            None => tcp,
            Some((ports, false)) => tcp.destination(ports),
            Some((ports, true)) => tcp.not_destination(ports),
        };
        tcp = match flags {
            None => tcp,
            Some((mask, true)) => tcp.flags(mask, mask),
            Some((mask, false)) => tcp.flags(mask, TcpFlags::NONE),
        };
        let mut matches = vec![Protocol::TCP.into()];
        matches.extend((tcp != Tcp::new()).then(|| tcp.into()));
        matches
    })
}

fn transport(family: Family) -> impl Strategy<Value = Vec<Match>> {
    let icmp = match family {
        Family::Ipv4 => Protocol::ICMP,
        Family::Ipv6 => Protocol::ICMPV6,
    };
    let icmp_type = (0..=250_u8, option::of(any::<u8>())).prop_map(|(kind, code)| {
        let of_type = Icmp::of_type(kind);
        code.map_or(of_type, |code| of_type.code(code))
    });
    let multiport =
        vec(ports(), 1..7).prop_map(|ports| Multiport::destinations(ports).expect("there is room"));
    // Of others iptables-save prints the names that /etc/protocols has.
    let numbers = (select(vec![2, 47, 50, 51, 112, 253]), any::<bool>());
    prop_oneof![
        Just(vec![]),
        numbers.prop_map(|(number, not)| {
            let protocol = Protocol::new(number);
            vec![if not { protocol.not() } else { protocol }.into()]
        }),
        tcp(),
        ports().prop_map(|to| vec![Protocol::UDP.into(), Udp::new().destination(to).into()]),
        ports().prop_map(|from| vec![Protocol::UDP.into(), Udp::new().not_source(from).into()]),
        multiport.prop_map(|list| vec![Protocol::TCP.into(), list.into()]),
        icmp_type.prop_map(move |one| vec![icmp.into(), one.into()]),
    ]
}

fn rate() -> impl Strategy<Value = Rate> {
    use RateUnit as U;
    let units = select(vec![U::Second, U::Minute, U::Hour, U::Day]);
    (24..=5000_u32, units)
        .prop_map(|(count, unit)| Rate::new(NonZeroU32::new(count).expect("not 0"), unit))
}

fn set() -> impl Strategy<Value = Match> {
    let counters = (
        select(vec![
            None,
            Some(Counter::Less(7)),
            Some(Counter::NotEqual(1 << 40)),
        ]),
        any::<[bool; 3]>(),
    );
    counters.prop_map(|(packets, [inverted, both, untouched])| {
        let mut set = Set::new(SET.parse().expect("a name of a set"), Direction::Source);
        if both {
            set = set.and(Direction::Destination);
        }
        if inverted {
            set = set.inverted();
        }
        if untouched {
            set = set.without_update().return_nomatch();
        }
        if let Some(packets) = packets {
            set = set.packets(packets);
        }
        set.into()
    })
}

fn hashlimit() -> impl Strategy<Value = Match> {
    let tables = option::of((1..=64_u32, 64..=4096_u32));
    let of = select(vec![None, Some(0), Some(24), Some(32)]);
    (rate(), 1..=10_u32, any::<[bool; 2]>(), of, tables).prop_map(
        |(rate, burst, [above, all], prefix, table)| {
            // The kernel keeps what a name stood for first.
            let name = format!("{rate}-{burst}-{above}-{all}-{prefix:?}-{table:?}")
                .replace(['/', ' ', '(', ')'], "_");
            let limit = match (all, above) {
                (true, _) => HashLimit::all_above(&name, rate),
                (false, true) => HashLimit::above(&name, rate),
                (false, false) => HashLimit::up_to(&name, rate),
            };
            let mut limit = limit
                .and_then(|limit| limit.burst(burst))
                .expect("in range");
            if let Some(bits) = prefix {
                limit = limit.prefix(bits);
            }
            match table {
                Some((size, max)) => limit.table(size, max).expect("in range").into(),
                None => limit.into(),
            }
        },
    )
}

fn connlimit() -> impl Strategy<Value = Match> {
    let ends = select(vec![Direction::Source, Direction::Destination]);
    let of = option::of(0..=32_u8);
    (any::<u32>(), any::<bool>(), ends, of).prop_map(|(count, above, end, prefix)| {
        let limit = if above {
            ConnLimit::above(count, end)
        } else {
            ConnLimit::up_to(count, end)
        };
        prefix.map_or(limit, |bits| limit.prefix(bits)).into()
    })
}

fn addrtype() -> impl Strategy<Value = Match> {
    use AddrTypes as T;
    let types = select(vec![T::UNICAST, T::LOCAL.or(T::MULTICAST), T::ANYCAST]);
    (types, any::<[bool; 3]>()).prop_map(|(types, [source, not, here])| {
        let mut kind = if source {
            AddrType::source(types)
        } else {
            AddrType::destination(types)
        };
        if not {
            kind = kind.inverted();
        }
        if here {
            kind = kind.on_incoming_interface();
        }
        kind.into()
    })
}

fn iprange(family: Family) -> impl Strategy<Value = Match> {
    (network(family), any::<bool>()).prop_map(|(network, not)| {
        let range = IpRange::of_network(network);
        if not { range.inverted() } else { range }.into()
    })
}

fn time() -> impl Strategy<Value = Match> {
    let day = 0..86_400_u32;
    let days = vec(select(Weekday::ALL.to_vec()), 0..7);
    let month_days = vec(1..=31_u8, 0..31);
    // iptables takes no date behind 2038.
    let dates = (0..=i32::MAX.unsigned_abs(), 1..=i32::MAX.unsigned_abs());
    let flags = any::<[bool; 2]>();
    (dates, day.clone(), day, days, month_days, flags).prop_map(
        |((since, up_to), first, last, days, month_days, [zone, contiguous])| {
            let mut time = Time::new()
                .since(UnixTime::new(since))
                .up_to(UnixTime::new(up_to))
                .daily(first, last)
                .expect("in range");
            if !days.is_empty() {
                time = time.weekdays(days).expect("some");
            }
            if !month_days.is_empty() {
                time = time.month_days(month_days).expect("some");
            }
            if zone {
                time = time.kernel_time_zone();
            }
            if contiguous && first >= last {
                time = time.contiguous();
            }
            time.into()
        },
    )
}

fn other(family: Family) -> impl Strategy<Value = Match> {
    use CtState as S;
    let states = select(vec![
        S::NEW,
        S::INVALID,
        S::RELATED.or(S::ESTABLISHED),
        S::NEW.or(S::UNTRACKED),
    ]);
    prop_oneof![
        (states, any::<bool>()).prop_map(|(state, not)| if not {
            Conntrack::not_state(state).into()
        } else {
            Conntrack::state(state).into()
        }),
        set(),
        (any::<u32>(), any::<u32>())
            .prop_map(|(value, mask)| Mark::new(value & mask).mask(mask).into()),
        (rate(), 1..=1000_u32).prop_map(|(rate, burst)| {
            Limit::new(rate)
                .and_then(|limit| limit.burst(burst))
                .expect("in range")
                .into()
        }),
        hashlimit(),
        connlimit(),
        addrtype(),
        time(),
        select(vec![Socket::bound(), Socket::any()]).prop_map(Match::from),
        iprange(family),
        "[ -~]{1,40}".prop_map(|text| Comment::new(&text).expect("is printable").into()),
    ]
}

fn set_target() -> impl Strategy<Value = Target> {
    let direction = || select(vec![Direction::Source, Direction::Destination]);
    let timeout = option::of(0..=2_147_483_u64);
    (vec(direction(), 1..4), any::<[bool; 2]>(), timeout).prop_map(
        |(directions, [adds, exist], timeout)| {
            let name = SET.parse().expect("a name of a set");
            let (first, more) = directions.split_first().expect("one at least");
            let set = if adds {
                target::Set::add(name, *first)
            } else {
                target::Set::delete(name, *first)
            };
            let mut set = more.iter().fold(set, |set, more| set.and(*more));
            if exist {
                set = set.exist();
            }
            if let Some(seconds) = timeout {
                set = set.timeout(Duration::from_secs(seconds)).expect("in range");
            }
            set.into()
        },
    )
}

fn target() -> impl Strategy<Value = Target> {
    let rejects = select(vec![
        RejectWith::PortUnreachable,
        RejectWith::HostUnreachable,
        RejectWith::Prohibited,
        RejectWith::TcpReset,
    ]);
    prop_oneof![
        select(vec![Target::Accept, Target::Drop, Target::Return]),
        Just(Target::Jump("OTHER".parse().expect("a name of a chain"))),
        ("[ -~]{0,29}", 0..=7_u8, any::<[bool; 2]>()).prop_map(
            |(prefix, level, [options, uid])| {
                let level = LogLevel::new(level).expect("in range");
                let mut log = Log::new(&prefix).expect("is printable").level(level);
                if options {
                    log = log.tcp_options().ip_options();
                }
                if uid {
                    log = log.uid();
                }
                log.into()
            }
        ),
        ("[ -~]{0,63}", any::<u16>(), option::of(1..=1000_u16)).prop_map(
            |(prefix, group, packets)| {
                let log = Nflog::new(group).prefix(&prefix).expect("is printable");
                packets
                    .map_or(log.clone(), |packets| log.threshold(packets))
                    .into()
            }
        ),
        rejects.prop_map(|with| Reject::new(with).into()),
        set_target(),
    ]
}
