//! The proving ground: a world with the firewall up, and someone who sends packets at it.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Family, KernelLog, Logged, Nflog, Packet, Tap, Tool, World, accept};

use crate::Case;
use crate::cases::Sets;
use crate::config::{Config, GROUP, Service, Target};
use crate::fate::{ALLOWED, Fate, Log, Verdict, answers};

/// Far more than anything here takes; only a firewall that is wrong makes a row wait for it.
pub(crate) const ENOUGH: Duration = Duration::from_secs(30);
/// The kernel counts time in these, or smaller ones.
const TICK: Duration = Duration::from_millis(10);
/// How many packets a limit lets pass at once: the default of the hashlimit match.
const BURST: usize = 5;
/// TCP ports that somebody listens on. Everything else is closed.
pub(crate) const OPEN: [u16; 4] = [22, 443, 8443, 9999];
/// No file is there.
const NOWHERE: &str = "/nonexistent/sets.save";
/// The whitelisted stranger whose echo request follows the packets of a row: when it is answered
/// and logged, they have been decided.
const SENTINEL: u8 = 250;

pub(crate) struct Ground {
    pub(crate) world: World,
    pub(crate) case: Case,
    config: Config,
    tap: Tap,
    log: LogReader,
    sentinels: u16,
    listeners: Vec<TcpListener>,
}

impl Ground {
    /// The firewall as it is without a word about it, apart from the log target.
    pub(crate) fn new(case: Case) -> Result<Self, Failed> {
        Self::with(case, Config::default())
    }

    /// A firewall with `config`.
    pub(crate) fn with(case: Case, config: Config) -> Result<Self, Failed> {
        let ground = Self::before_apply(World::new()?, case, config)?;
        ground.apply()?;
        Ok(ground)
    }

    /// A firewall with `config`, where tracking is kept away from TCP and UDP both ways, as people
    /// have it for a busy service.
    pub(crate) fn untracked(case: Case, config: Config) -> Result<Self, Failed> {
        let ground = Self::with(case, config)?;
        for protocol in ["tcp", "udp"] {
            for chain in ["PREROUTING", "OUTPUT"] {
                let place = ["-t", "raw", "-A", chain, "-p", protocol];
                ground.iptables(&[&place[..], &["-j", "CT", "--notrack"]].concat())?;
            }
        }
        Ok(ground)
    }

    /// A firewall with these services instead of ssh and https.
    pub(crate) fn with_services(case: Case, services: &'static [Service]) -> Result<Self, Failed> {
        Self::with(
            case,
            Config {
                services,
                ..Config::default()
            },
        )
    }

    /// A gateway whose firewall is not up yet.
    pub(crate) fn before_apply(world: World, case: Case, config: Config) -> Result<Self, Failed> {
        let log = match case.target {
            Target::Nflog => LogReader::Nflog(world.gateway.nflog(GROUP)?),
            Target::Log => LogReader::Kernel(KernelLog::open(&world)?),
        };
        let tap = world.attacker.tap("eth0")?;
        let any: IpAddr = case.family.pick([0; 4].into(), [0u16; 8].into());
        let listeners = world.gateway.run(|| {
            OPEN.iter()
                .map(|&port| TcpListener::bind((any, port)))
                .collect::<Result<_, _>>()
        })?;
        Ok(Self {
            world,
            case,
            config,
            tap,
            log,
            sentinels: 0,
            listeners,
        })
    }

    /// Puts the firewall up, and the sentinel's source into the whitelist.
    pub(crate) fn apply(&self) -> Result<(), Failed> {
        // No saved members: those of the machine that the test runs on are none of ours.
        self.firewall_apply(&["apply", "--saved", NOWHERE])?;
        self.whitelist_the_sentinel()
    }

    /// Puts up what a host gets that is started.
    pub(crate) fn apply_at_boot(&self) -> Result<String, Failed> {
        self.firewall_apply(&["apply", "--boot", "--saved", NOWHERE])
    }

    /// Puts the sentinel's source into the whitelist.
    pub(crate) fn whitelist_the_sentinel(&self) -> Result<(), Failed> {
        self.add("whitelist", self.source(SENTINEL), "")
    }

    /// Runs `firewall-apply` on the gateway.
    pub(crate) fn firewall_apply(&self, arguments: &[&str]) -> Result<String, Failed> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(self.config.toml(self.case).as_bytes())?;
        let path = file.path().display().to_string();
        let program = Tool::at(env!("CARGO_BIN_EXE_firewall-apply"));
        self.world
            .gateway
            .run(|| program.run(&[&["--config", &path], arguments].concat()))
    }

    /// What `firewall-apply print` says about the row's family.
    pub(crate) fn print(&self) -> Result<String, Failed> {
        self.firewall_apply(&["print", "--family", self.case.family.pick("inet", "inet6")])
    }

    /// Connection tracking forgets all that it knows.
    pub(crate) fn forget_connections(&self) -> Result<(), Failed> {
        let conntrack = Tool::require("conntrack")?;
        let family = self.case.family.pick("ipv4", "ipv6");
        self.world
            .gateway
            .run(|| conntrack.run(&["-D", "-f", family]))?;
        Ok(())
    }

    /// Runs the row's family of iptables on the gateway.
    pub(crate) fn iptables(&self, arguments: &[&str]) -> Result<String, Failed> {
        let iptables = Tool::require(self.case.family.pick("iptables", "ip6tables"))?;
        self.world.gateway.run(|| iptables.run(arguments))
    }

    /// The tables that we are in, in the order in which they are saved.
    pub(crate) fn tables(&self) -> &'static [&'static str] {
        if self.case.early {
            &["raw", "filter"]
        } else {
            &["filter"]
        }
    }

    /// What the row's family of iptables-save says about the tables that we are in.
    pub(crate) fn saved(&self) -> Result<String, Failed> {
        let save = Tool::require(self.case.family.pick("iptables-save", "ip6tables-save"))?;
        let of = |table: &&str| self.world.gateway.run(|| save.run(&["-t", table]));
        self.tables().iter().map(of).collect()
    }

    /// How many packets the rule of `FIREWALL_INPUT` that ends like this has matched.
    pub(crate) fn counted(&self, ending: &str) -> Result<u64, Failed> {
        let save = Tool::require(self.case.family.pick("iptables-save", "ip6tables-save"))?;
        let listing = self
            .world
            .gateway
            .run(|| save.run(&["-c", "-t", "filter"]))?;
        let rule = listing
            .lines()
            .find(|line| line.contains("-A FIREWALL_INPUT ") && line.ends_with(ending))
            .and_then(|line| line.strip_prefix('[')?.split(':').next()?.parse().ok());
        rule.ok_or_else(|| format!("no rule ends with {ending:?}:\n{listing}").into())
    }

    /// What the ipset tool says about all sets.
    pub(crate) fn saved_sets(&self) -> Result<String, Failed> {
        let ipset = Tool::require("ipset")?;
        self.world.gateway.run(|| ipset.run(&["save", "-sorted"]))
    }

    /// Adds a member to the set of the row's family, with the options of the `ipset` tool.
    pub(crate) fn add(&self, set: &str, member: impl Display, options: &str) -> Result<(), Failed> {
        let line = format!("add {} {member} {options}\n", self.set(set));
        let ipset = Tool::require("ipset")?.input(line);
        self.world
            .gateway
            .run(|| ipset.run(&["restore", "-exist"]))?;
        Ok(())
    }

    /// Adds a network of no more than 128 addresses, but for those that are excepted. To a set of
    /// single addresses it is these addresses.
    pub(crate) fn add_network(
        &self,
        set: &str,
        (network, length): (IpAddr, u8),
        except: &[IpAddr],
        options: &str,
    ) -> Result<(), Failed> {
        let name = self.set(set);
        let mut lines = String::new();
        let mut add = |member: &dyn Display, flag: &str| {
            let _ = writeln!(lines, "add {name} {member} {flag}{options}");
        };
        match self.case.sets {
            Sets::Net => {
                add(&format!("{network}/{length}"), "");
                for address in except {
                    add(address, "nomatch ");
                }
            }
            Sets::Ip => {
                let bits = self.case.family.pick(32, 128) - length;
                for n in 0..1_u32 << bits {
                    let address: IpAddr = match network {
                        IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits() + n).into(),
                        IpAddr::V6(first) => {
                            Ipv6Addr::from_bits(first.to_bits() + u128::from(n)).into()
                        }
                    };
                    if !except.contains(&address) {
                        add(&address, "");
                    }
                }
            }
        }
        let ipset = Tool::require("ipset")?.input(lines);
        self.world
            .gateway
            .run(|| ipset.run(&["restore", "-exist"]))?;
        Ok(())
    }

    /// The network of strangers that begins with this one; `length` is that of IPv4.
    pub(crate) fn strangers(&self, first: u8, length: u8) -> (IpAddr, u8) {
        (
            self.source(first),
            self.case.family.pick(length, length + 96),
        )
    }

    /// Removes a member.
    pub(crate) fn del(&self, set: &str, member: IpAddr) -> Result<(), Failed> {
        let ipset = Tool::require("ipset")?;
        self.world
            .gateway
            .run(|| ipset.run(&["del", &self.set(set), &member.to_string()]))?;
        Ok(())
    }

    /// The name of the set of the row's family.
    pub(crate) fn set(&self, set: &str) -> String {
        format!("{set}{}", self.case.family.pick("", "_v6"))
    }

    /// The address of a stranger.
    pub(crate) fn source(&self, n: u8) -> IpAddr {
        self.case.family.stranger(n)
    }

    /// The address of a stranger in another network than any other: in IPv6, sources of one /64 are
    /// counted as one.
    pub(crate) fn elsewhere(&self, n: u8) -> IpAddr {
        self.case.family.pick(
            self.source(n),
            Ipv6Addr::new(0x2001, 0xdb8, 0x66, n.into(), 0, 0, 0, 1).into(),
        )
    }

    /// A port of the gateway.
    pub(crate) fn gateway(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.world.gateway.address(self.case.family), port)
    }

    /// The gateway's end of the connection to an open port that was made first.
    pub(crate) fn accept(&self, port: u16) -> Result<TcpStream, Failed> {
        for listener in &self.listeners {
            if listener.local_addr()?.port() == port {
                return Ok(accept(listener, ENOUGH)?);
            }
        }
        Err(format!("nobody listens on port {port}").into())
    }

    /// `count` first packets of connections of `source` to `port`.
    pub(crate) fn connections(&self, source: IpAddr, port: u16, count: u16) -> Vec<Packet> {
        (0..count)
            .map(|n| Packet::tcp_syn(SocketAddr::new(source, 40000 + n), self.gateway(port)))
            .collect()
    }

    /// `count` echo requests of `source`, each one of its own.
    pub(crate) fn echo_requests(&self, source: IpAddr, count: u16) -> Vec<Packet> {
        (0..count)
            .map(|n| Packet::echo_request(source, self.gateway(0).ip(), 1000 + n, 1))
            .collect()
    }

    /// Sends a packet and asks for nothing.
    pub(crate) fn cast(&mut self, packet: &Packet) -> Result<(), Failed> {
        self.tap.send(packet)
    }

    /// Waits until what was sent is decided, and says what came back; the log is left alone.
    pub(crate) fn settle(&mut self) -> Result<Vec<Packet>, Failed> {
        self.sentinels += 1;
        let source = self.source(SENTINEL);
        let sentinel = Packet::echo_request(source, self.gateway(0).ip(), self.sentinels, 0);
        self.tap.send(&sentinel)?;
        self.tap
            .receive_until(ENOUGH, |answer| answers(answer, &sentinel))
    }

    /// Sends `packets`, and says what came back and what was logged up to now.
    pub(crate) fn send(&mut self, packets: &[Packet]) -> Result<Seen, Failed> {
        for packet in packets {
            self.tap.send(packet)?;
        }
        let source = self.source(SENTINEL);
        self.sentinels += 1;
        let sentinel = Packet::echo_request(source, self.gateway(0).ip(), self.sentinels, 0);
        self.tap.send(&sentinel)?;
        let mut answers_seen = self
            .tap
            .receive_until(ENOUGH, |answer| answers(answer, &sentinel))?;
        answers_seen.pop();

        let mut logged = Vec::new();
        loop {
            let line = self
                .log
                .next(ENOUGH)?
                .ok_or_else(|| format!("the sentinel was not logged, but {logged:#?}"))?;
            if line.source == source {
                assert_eq!(
                    Some(line.prefix.as_str()),
                    ALLOWED.log.map(|log| log.prefix(self.case.family))
                );
                return Ok(Seen {
                    answers: answers_seen,
                    logged,
                });
            }
            logged.push(line);
        }
    }

    /// Sends `packets` and gives the fate of each.
    pub(crate) fn fates(&mut self, packets: &[Packet]) -> Result<Vec<Fate>, Failed> {
        let family = self.case.family;
        let seen = self.send(packets)?;
        let mut logged = VecDeque::from(seen.logged);
        let mut fates = Vec::new();
        for packet in packets {
            let answered = seen.answers.iter().any(|answer| answers(answer, packet));
            let line = logged.pop_front_if_from(packet);
            fates.push(Fate {
                verdict: if answered {
                    Verdict::Accepted
                } else {
                    Verdict::Dropped
                },
                log: line.map(|line| log_of(family, &line)).transpose()?,
            });
        }
        if logged.is_empty() {
            Ok(fates)
        } else {
            Err(format!("also logged: {logged:#?}").into())
        }
    }

    /// Sends `packets`, which shall all have the same fate.
    pub(crate) fn expect(&mut self, packets: &[Packet], fate: Fate) -> Result<(), Failed> {
        let fates = self.fates(packets)?;
        assert_eq!(fates, vec![fate; packets.len()], "{packets:#?}");
        Ok(())
    }

    /// Sends `packets`, whose limit lets five pass at once and one more `every` so often: the first
    /// five have the fate `within`, and of the others no more than time can account for.
    pub(crate) fn expect_limit(
        &mut self,
        packets: &[Packet],
        every: Duration,
        within: Fate,
        over: Fate,
    ) -> Result<(), Failed> {
        self.expect_burst(BURST, packets, every, within, over)
    }

    /// Likewise, when it is not five that may pass at once.
    pub(crate) fn expect_burst(
        &mut self,
        burst: usize,
        packets: &[Packet],
        every: Duration,
        within: Fate,
        over: Fate,
    ) -> Result<(), Failed> {
        let started = Instant::now();
        let fates = self.fates(packets)?;
        let (first, rest) = fates.split_at(burst);
        assert_eq!(first, vec![within; burst]);
        only_as_time_allows(rest, started, every, within, over)
    }

    /// Sends `packets`, whose limit was used up at `since` and lets one pass `every` so often.
    pub(crate) fn expect_used_up(
        &mut self,
        packets: &[Packet],
        since: Instant,
        every: Duration,
        within: Fate,
        over: Fate,
    ) -> Result<(), Failed> {
        let fates = self.fates(packets)?;
        only_as_time_allows(&fates, since, every, within, over)
    }

    /// Since the last packets were sent, exactly these sources were logged, in this order.
    pub(crate) fn expect_logged(&mut self, expected: &[(IpAddr, Log)]) -> Result<(), Failed> {
        let family = self.case.family;
        let seen = self.send(&[])?;
        let logged: Result<Vec<_>, Failed> = seen
            .logged
            .iter()
            .map(|line| Ok((line.source, log_of(family, line)?)))
            .collect();
        assert_eq!(logged?, expected, "{:#?}", seen.logged);
        Ok(())
    }
}

/// `fates` are all `over`, but for one `within` for each time that `every` has passed since
/// `since`.
///
/// The clock cannot fail the row: it can only excuse what a slow machine lets through, and a
/// machine that is so slow that the limit was never exceeded proves nothing and says so.
fn only_as_time_allows(
    fates: &[Fate],
    since: Instant,
    every: Duration,
    within: Fate,
    over: Fate,
) -> Result<(), Failed> {
    let refilled = (since.elapsed() + TICK).as_millis() / every.as_millis();
    if usize::try_from(refilled).is_ok_and(|refilled| refilled < fates.len()) {
        let passed = fates.iter().filter(|&&fate| fate == within).count();
        assert!(
            passed as u128 <= refilled,
            "{passed} passed, time accounts for {refilled}: {fates:?}"
        );
        assert!(
            fates.iter().all(|&fate| fate == within || fate == over),
            "{fates:?}"
        );
        return Ok(());
    }
    Err(format!(
        "too slow to exceed the limit: {:?} for {} packets",
        since.elapsed(),
        fates.len()
    )
    .into())
}

/// What came back and what was logged.
pub(crate) struct Seen {
    pub(crate) answers: Vec<Packet>,
    pub(crate) logged: Vec<Logged>,
}

enum LogReader {
    Nflog(Nflog),
    Kernel(KernelLog),
}

impl LogReader {
    fn next(&mut self, timeout: Duration) -> Result<Option<Logged>, Failed> {
        match self {
            Self::Nflog(log) => log.next(timeout),
            Self::Kernel(log) => log.next(timeout),
        }
    }
}

/// The chain that logged a line; one with another prefix is a mistake.
fn log_of(family: Family, line: &Logged) -> Result<Log, Failed> {
    Log::of(family, &line.prefix).ok_or_else(|| format!("not a prefix of ours: {line:?}").into())
}

/// The next line, if it is about this packet's source.
trait PopFrom {
    fn pop_front_if_from(&mut self, packet: &Packet) -> Option<Logged>;
}

impl PopFrom for VecDeque<Logged> {
    fn pop_front_if_from(&mut self, packet: &Packet) -> Option<Logged> {
        if self.front()?.source == packet.source()? {
            self.pop_front()
        } else {
            None
        }
    }
}
