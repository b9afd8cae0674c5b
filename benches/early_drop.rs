//! What a packet costs whose sender is banned: `early-drop`, a bare rule of table `raw` that looks
//! into the same set, and the same firewall without `early-drop`, in private network namespaces.
//!
//! ```text
//! cargo bench -p rampart-benches --bench early_drop           # as root or as an ordinary user
//! RAMPART_BENCH_PACKETS=500000 RAMPART_BENCH_TURNS=9 cargo bench -p rampart-benches --bench early_drop
//! ```
//!
//! A packet socket sends the same datagram over a veth pair again and again, on one processor, which
//! takes it in at the other end before it sends the next one: the time of a packet is that of its
//! whole way. The three take turns, and what counts are the ratios of their medians. Lines of the
//! log are limited to one a second, because a line costs far more than a packet.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, io, thread};

use iptables_ruleset::{Config, Family, KernelSet, Nftables, Plan, Ruleset};
use netns_testbed::{Failed, Packet, Tool, World};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrLike as _, bind, send, socket,
};

fn main() -> ExitCode {
    // Nothing is measured, and no rule is made, in the network of the host.
    if let Err(reason) = netns_testbed::enter() {
        eprintln!("early_drop: no private network namespace: {reason}");
        return ExitCode::FAILURE;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("early_drop: {}", failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failed> {
    let number = |name, default| match env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name} is not a number")),
        Err(_) => Ok(default),
    };
    let packets: u64 = number("RAMPART_BENCH_PACKETS", 200_000)?;
    let turns = number("RAMPART_BENCH_TURNS", 7)?;
    let world = World::new()?;
    world.gateway.run(make_sets)?;
    for family in netns_testbed::Family::BOTH {
        let mut times: [Vec<Duration>; 3] = Default::default();
        for _ in 0..turns {
            for (way, times) in WAYS.iter().zip(&mut times) {
                times.push(time(&world, family, *way, packets)?);
            }
        }
        let [early, bare, input] = times.map(|times| each(times, packets));
        println!(
            "{family:?}: a packet takes {early:.0} ns with early-drop, {:.2} times the {bare:.0} ns of a bare rule in raw and {:.2} \
             times the {input:.0} ns in INPUT",
            early / bare,
            early / input
        );
    }
    Ok(())
}

/// Who drops the packets.
#[derive(Clone, Copy)]
enum Way {
    Early,
    Bare,
    Input,
}

const WAYS: [Way; 3] = [Way::Early, Way::Bare, Way::Input];

/// The median, in nanoseconds of a packet.
fn each(mut times: Vec<Duration>, packets: u64) -> f64 {
    times.sort_unstable();
    let median = times
        .get(times.len() / 2)
        .map_or(0.0, Duration::as_secs_f64);
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let packets = packets.max(1) as f64;
    median * 1e9 / packets
}

/// How long it takes until so many packets are dropped.
fn time(
    world: &World,
    family: netns_testbed::Family,
    way: Way,
    packets: u64,
) -> Result<Duration, Failed> {
    world.gateway.run(|| put_in(way, family))?;
    let table = match way {
        Way::Input => "filter",
        _ => "raw",
    };
    let dropped = || world.gateway.run(|| dropped(family, table));
    let sender = world.attacker.run(Sender::open)?;
    let frame = frame(world, family);
    let start = Instant::now();
    for _ in 0..packets {
        sender.send(&frame)?;
    }
    let took = start.elapsed();
    // The last of them may be on the way.
    for _ in 0..200 {
        if dropped()? >= packets {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let dropped = dropped()?;
    world.gateway.run(|| take_out(way, family))?;
    if dropped == packets {
        return Ok(took);
    }
    Err(format!("{dropped} of {packets} packets were dropped in table {table}").into())
}

fn put_in(way: Way, family: netns_testbed::Family) -> Result<(), Failed> {
    if let Way::Bare = way {
        return bare(family, "-A");
    }
    let plan = Plan::install(&rulesets(way)?, &mut set)?;
    plan.apply(&mut Nftables::connect()?)?;
    Ok(())
}

fn take_out(way: Way, family: netns_testbed::Family) -> Result<(), Failed> {
    if let Way::Bare = way {
        return bare(family, "-D");
    }
    Plan::remove(&rulesets(way)?)?.apply(&mut Nftables::connect()?)?;
    Ok(())
}

fn bare(family: netns_testbed::Family, command: &str) -> Result<(), Failed> {
    let set = family.pick("blacklist", "blacklist_v6");
    let rule = ["-m", "set", "--match-set", set, "src", "-j", "DROP"];
    let iptables = Tool::require(family.pick("iptables", "ip6tables"))?;
    iptables.run(&[&["-t", "raw", command, "PREROUTING"][..], &rule].concat())?;
    Ok(())
}

fn rulesets(way: Way) -> Result<Vec<Ruleset>, Failed> {
    let early = matches!(way, Way::Early);
    let config = format!("[policy]\nearly-drop = {early}\n[log]\nrate = \"1/second\"\n");
    let config = Config::parse(&config)?;
    let mut rulesets = config.rulesets(Family::Ipv4)?;
    rulesets.extend(config.rulesets(Family::Ipv6)?);
    Ok(rulesets)
}

/// How many packets the rules of a table have dropped.
fn dropped(family: netns_testbed::Family, table: &str) -> Result<u64, Failed> {
    let save = Tool::require(family.pick("iptables-save", "ip6tables-save"))?;
    let listing = save.run(&["-c", "-t", table])?;
    let count = |line: &str| {
        line.strip_prefix('[')?
            .split(':')
            .next()?
            .parse::<u64>()
            .ok()
    };
    let drops = listing.lines().filter(|line| line.ends_with("-j DROP"));
    Ok(drops.filter_map(count).sum())
}

/// A datagram of somebody who is banned, to a port of the gateway, as it goes over the wire.
fn frame(world: &World, family: netns_testbed::Family) -> Vec<u8> {
    let wire = world.attacker.eth0();
    let to = SocketAddr::new(world.gateway.address(family), 53);
    let from = SocketAddr::new(family.stranger(BANNED), 40_000);
    let packet = Packet::udp(from, to, &[0; 32]);
    let kind: [u8; 2] = family.pick([0x08, 0x00], [0x86, 0xdd]);
    [&wire.peer_mac[..], &wire.mac, &kind, packet.bytes()].concat()
}

/// A packet socket that hears nothing.
struct Sender(OwnedFd);

impl Sender {
    fn open() -> Result<Self, Failed> {
        let address = link_address()?;
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            None,
        )?;
        bind(socket.as_raw_fd(), &address)?;
        Ok(Self(socket))
    }

    fn send(&self, frame: &[u8]) -> Result<(), Failed> {
        send(self.0.as_raw_fd(), frame, MsgFlags::empty())?;
        Ok(())
    }
}

fn link_address() -> Result<LinkAddr, Failed> {
    let mut all = getifaddrs()?;
    let found = all.find_map(|interface| {
        let address = interface
            .address
            .filter(|_| interface.interface_name == "eth0")?;
        (address.family() == Some(AddressFamily::Packet))
            .then(|| address.as_link_addr().copied())?
    });
    found.ok_or_else(|| "there is no interface eth0".into())
}

/// The sets that the rules name, made in this order in a new namespace: the kernel counts them from
/// 0.
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
/// The stranger who sends.
const BANNED: u8 = 7;
/// Others who are in the blacklist.
const MEMBERS: u32 = 20_000;

fn make_sets() -> Result<(), Failed> {
    let mut text = String::new();
    for name in SETS {
        let family = if name.ends_with("_v6") {
            "inet6"
        } else {
            "inet"
        };
        let _ = writeln!(text, "create {name} hash:net family {family} timeout 0");
    }
    for family in netns_testbed::Family::BOTH {
        let set = family.pick("blacklist", "blacklist_v6");
        let banned: IpAddr = family.stranger(BANNED);
        let _ = writeln!(text, "add {set} {banned}");
        for number in 0..MEMBERS {
            let (high, low) = (number >> 8, number & 0xff);
            // Networks of several lengths, as bans are.
            let member = match (family.pick(4, 6), number % 4) {
                (4, 0) => format!("10.{high}.{low}.0/24"),
                (4, _) => format!("10.{high}.{low}.9"),
                (_, 0) => format!("2001:db8:{high:x}:{low:x}::/64"),
                _ => format!("2001:db8:{high:x}:{low:x}::9"),
            };
            let _ = writeln!(text, "add {set} {member}");
        }
    }
    Tool::require("ipset")?
        .input(text)
        .run(&["restore", "-exist"])?;
    Ok(())
}

fn set(name: &str) -> io::Result<KernelSet> {
    let index = SETS.iter().position(|known| *known == name);
    let index = index.ok_or(io::ErrorKind::NotFound)?;
    let family = if name.ends_with("_v6") {
        Family::Ipv6
    } else {
        Family::Ipv4
    };
    Ok(KernelSet::new(
        u16::try_from(index).map_err(io::Error::other)?,
        Some(family),
    ))
}
