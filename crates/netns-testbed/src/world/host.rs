//! One host of a world.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;

use crate::interface::{Family, Interface};
use crate::log::Nflog;
use crate::namespace::{Namespace, set_sysctl};
use crate::process::Process;
use crate::route::{Routing, host_prefix};
use crate::tap::Tap;

/// A host: a network namespace and its interfaces.
#[derive(Debug)]
pub struct Host {
    namespace: Namespace,
    interfaces: Vec<Interface>,
}

impl Host {
    pub(crate) fn new(namespace: Namespace, interfaces: Vec<Interface>) -> Self {
        Self {
            namespace,
            interfaces,
        }
    }

    /// Runs `body` on this host and waits for it; see [`Namespace::run`].
    ///
    /// Tools that `body` runs and sockets that it opens are this host's.
    pub fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        self.namespace.run(body)
    }

    /// The interface `eth0`, which every host has.
    ///
    /// # Panics
    ///
    /// Never: a world gives every host one.
    pub fn eth0(&self) -> &Interface {
        self.interface("eth0")
    }

    /// The interface called `name`.
    ///
    /// # Panics
    ///
    /// When the host has none of that name.
    pub fn interface(&self, name: &str) -> &Interface {
        let found = self
            .interfaces
            .iter()
            .find(|interface| interface.name == name);
        #[expect(clippy::expect_used, reason = "the names are the test's own")]
        found.expect("the host has an interface of that name")
    }

    /// The host's address on `eth0`.
    pub fn address(&self, family: Family) -> IpAddr {
        self.eth0().address(family)
    }

    /// Gives `eth0` one more address, of its own and in no network.
    ///
    /// # Errors
    ///
    /// What the kernel says, e.g. that it has it already.
    pub fn add_address(&self, address: IpAddr) -> Result<(), Failed> {
        let index = self.eth0().index;
        self.run(|| {
            let mut routing = Routing::open()?;
            routing.add_address(index, address, host_prefix(address))?;
            routing.wait_until_local(address)
        })
    }

    /// Sets a sysctl of the host's network, such as `net.netfilter.nf_conntrack_tcp_loose`.
    ///
    /// # Errors
    ///
    /// When there is none of that name or it does not take the value.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<(), Failed> {
        let name = name.replace('.', "/");
        self.run(|| set_sysctl(&name, value))
    }

    /// A raw socket on the interface `name`.
    ///
    /// # Errors
    ///
    /// When the socket cannot be opened.
    ///
    /// # Panics
    ///
    /// When the host has no such interface.
    pub fn tap(&self, name: &str) -> Result<Tap, Failed> {
        let interface = self.interface(name);
        self.run(|| Tap::open(interface))
    }

    /// A reader of what `NFLOG` rules send to `group`, from now on.
    ///
    /// # Errors
    ///
    /// When the group has a reader already.
    pub fn nflog(&self, group: u16) -> Result<Nflog, Failed> {
        self.run(|| Nflog::open(group))
    }

    /// Starts a program on this host; it is killed when the handle is dropped.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(&self, command: &mut Command) -> Result<Process, Failed> {
        let program = Path::new(command.get_program()).display().to_string();
        self.run(|| Process::start(command))
            .map_err(|error| format!("cannot start {program}: {error}").into())
    }
}
