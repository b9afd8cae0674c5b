//! While a firewall is replaced, every packet is judged by the old one or the new one.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use netns_testbed::{Failed, Packet};

use crate::cases::Within;
use crate::config::{Config, Service};
use crate::fate::answers;
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[(
    "no_packet_is_judged_by_half_a_firewall",
    no_packet_is_judged_by_half_a_firewall,
)];

/// How often one firewall takes the place of the other.
const TIMES: usize = 50;
/// So many packets of each kind in one go, which the sockets have room for.
const BURST: usize = 64;
/// The ports that packets come from: enough of them that none comes twice.
const PORTS: std::ops::Range<u16> = 10_000..60_000;

/// What both firewalls let in, and whom both drop.
fn no_packet_is_judged_by_half_a_firewall(case: Case) -> Result<(), Failed> {
    let one = Config {
        services: &[Service::Unheard],
        log: "rate = \"1/minute\"",
        ..Config::default()
    };
    let other = Config {
        services: &[
            Service::Udp,
            Service::ForSome,
            Service::Icmp,
            Service::Unheard,
        ],
        policy: "forward = \"accept\"\nposition = \"first\"",
        ..one
    };
    let mut ground = Ground::with(case, one)?;
    let directory = tempfile::tempdir()?;
    let mut files = Vec::new();
    let within = match case.within {
        Within::Continue => Within::Accept,
        Within::Accept => Within::Continue,
    };
    let changed = Case { within, ..case };
    for (name, config, case) in [("other", other, changed), ("one", one, case)] {
        let path = directory.path().join(name);
        fs::write(&path, config.toml(case))?;
        files.push(path);
    }
    let (stranger, enemy) = (ground.source(1), ground.source(2));
    ground.add("blacklist", enemy, "")?;
    let mut ports = PORTS;
    let mut sent = 0;
    for config in files.iter().cycle().take(TIMES) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firewall-apply"));
        command.arg("--config").arg(config);
        command.args(["apply", "--saved", "/dev/null"]);
        command.stdout(Stdio::null());
        let mut apply = ground.world.gateway.start(&mut command)?;
        loop {
            let ended = apply.try_wait()?;
            let mut packets = Vec::new();
            for port in ports.by_ref().take(BURST) {
                let syn = |source| {
                    Packet::tcp_syn(
                        SocketAddr::new(source, port),
                        ground.gateway(Service::UNHEARD),
                    )
                };
                packets.push((syn(stranger), syn(enemy)));
            }
            for (friend, enemy) in &packets {
                ground.cast(enemy)?;
                ground.cast(friend)?;
            }
            let back = ground.settle()?;
            for (friend, enemy) in &packets {
                let answered = |packet| back.iter().any(|answer| answers(answer, packet));
                assert!(answered(friend), "dropped: {friend:?}");
                assert!(!answered(enemy), "accepted: {enemy:?}");
            }
            sent += packets.len();
            if let Some(status) = ended {
                assert!(status.success(), "{status}");
                break;
            }
        }
    }
    assert!(sent > TIMES * BURST, "nothing was sent meanwhile");
    Ok(())
}
