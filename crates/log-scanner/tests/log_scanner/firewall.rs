//! Hosts around a firewall that accepts what is established, and live connections between them.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use netns_testbed::{Failed, Family, Host, Tool, World, accept, connect};

use crate::support::{Ran, Scanner, Sets, blocked};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const PORT: u16 = 443;
/// The attacker is the gateway of the hosts of a [`World`], and is to be banned all the same.
pub(crate) const RULE: &str = "--rule blocked --type tcp --howmany 5 --within 10s --ipset blacklist --removeafter 1h --log fw.log --protect none";

/// A gateway with the firewall's order: established first, then the blacklist, then everything
/// else. It listens, and so does the server behind it.
pub(crate) struct Firewall {
    pub(crate) world: World,
    pub(crate) listeners: [TcpListener; 2],
    pub(crate) behind: TcpListener,
}

/// A connection from outside, seen from both ends.
pub(crate) struct Live {
    pub(crate) client: TcpStream,
    pub(crate) server: TcpStream,
}

impl Firewall {
    pub(crate) fn new() -> Result<Self, Failed> {
        let world = World::new()?;
        let listeners = world.gateway.run(|| -> Result<_, Failed> {
            let _sets = Sets::of_networks()?;
            for (iptables, set) in [("iptables", "blacklist"), ("ip6tables", "blacklist_v6")] {
                let iptables = Tool::require(iptables)?;
                for rule in [
                    "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT".to_owned(),
                    format!("-m set --match-set {set} src -j DROP"),
                ] {
                    for chain in ["INPUT", "FORWARD"] {
                        let rule = format!("-A {chain} {rule}");
                        iptables.run(&rule.split(' ').collect::<Vec<_>>())?;
                    }
                }
            }
            let listen = |family| TcpListener::bind((world.gateway.address(family), PORT));
            Ok([listen(Family::V4)?, listen(Family::V6)?])
        })?;
        let server = &world.server;
        let behind = server.run(|| TcpListener::bind((server.address(Family::V4), PORT)))?;
        Ok(Self {
            world,
            listeners,
            behind,
        })
    }

    /// The stranger number `n` as one more address of the attacker's host.
    pub(crate) fn stranger(&self, family: Family, n: u8) -> Result<IpAddr, Failed> {
        let address = family.stranger(n);
        self.world.attacker.add_address(address)?;
        Ok(address)
    }

    pub(crate) fn connection(&self, source: IpAddr) -> Result<Live, Failed> {
        let [v4, v6] = &self.listeners;
        self.connection_to(Family::of(source).pick(v4, v6), source)
    }

    pub(crate) fn is_shut_to(&self, source: IpAddr) -> Result<bool, Failed> {
        let [v4, v6] = &self.listeners;
        let destination = Family::of(source).pick(v4, v6).local_addr()?;
        let source = SocketAddr::new(source, 0);
        let moment = Duration::from_millis(300);
        let connected = self
            .world
            .attacker
            .run(|| connect(source, destination, moment));
        Ok(connected.is_err())
    }

    pub(crate) fn connection_to(
        &self,
        listener: &TcpListener,
        source: IpAddr,
    ) -> Result<Live, Failed> {
        let destination = listener.local_addr()?;
        let client = self
            .world
            .attacker
            .run(|| connect(SocketAddr::new(source, 0), destination, PATIENCE))?;
        let server = accept(listener, PATIENCE)?;
        let mut live = Live { client, server };
        live.client.set_nodelay(true)?;
        live.server.set_read_timeout(Some(PATIENCE))?;
        live.assert_alive()?;
        Ok(live)
    }

    /// Scans a log in which these sources broke the rule.
    pub(crate) fn scan(&self, sources: &[IpAddr], more: &str) -> Ran {
        self.scan_log(&log_of(sources), more)
    }

    pub(crate) fn scan_log(&self, log: &str, more: &str) -> Ran {
        let scanner = Scanner::new(log).with(RULE).with(more).at(60);
        self.gateway().run(|| scanner.run())
    }

    pub(crate) fn gateway(&self) -> &Host {
        &self.world.gateway
    }

    /// How many connections from a source the stock tool lists.
    pub(crate) fn tracked(&self, source: IpAddr) -> Result<usize, Failed> {
        let family = Family::of(source).pick("ipv4", "ipv6");
        let conntrack = Tool::require("conntrack")?;
        self.gateway().run(|| {
            let listed = conntrack.run(&["-L", "-f", family, "--orig-src", &source.to_string()])?;
            Ok(listed.lines().count())
        })
    }
}

pub(crate) fn log_of(sources: &[IpAddr]) -> String {
    let sources: Vec<_> = sources.iter().map(ToString::to_string).collect();
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    blocked(&sources, 0..5)
}

impl Live {
    /// What the client says is heard.
    pub(crate) fn assert_alive(&mut self) -> io::Result<()> {
        self.client.write_all(b"?")?;
        let mut heard = [0];
        self.server.read_exact(&mut heard)?;
        assert_eq!(&heard, b"?");
        Ok(())
    }

    pub(crate) fn speak(&mut self) -> io::Result<()> {
        self.client.write_all(b"!")
    }

    /// Nothing has come of what the client said. Whoever asks has seen that what was sent later has
    /// come.
    pub(crate) fn assert_unheard(&mut self) -> io::Result<()> {
        self.server.set_nonblocking(true)?;
        let error = self.server.read(&mut [0]).expect_err("it was heard");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        Ok(())
    }

    /// Both ends have been told that it is over.
    pub(crate) fn assert_dead(&mut self) -> io::Result<()> {
        let error = self.server.read(&mut [0]).expect_err("it is open here");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        self.client.set_read_timeout(Some(PATIENCE))?;
        let error = self.client.read(&mut [0]).expect_err("it is open there");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        Ok(())
    }

    /// The socket of this host was ended.
    pub(crate) fn assert_ended_here(&mut self) {
        let error = self.server.write(b".").expect_err("it goes on");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }
}
