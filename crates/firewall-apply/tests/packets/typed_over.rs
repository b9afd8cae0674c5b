//! The session that `apply` is typed over: who would be locked out by it is told before.

use std::net::IpAddr;

use netns_testbed::{Failed, World};

use crate::config::Config;
use crate::connections::Session;
use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[
    (
        "session_typed_over_to_no_service",
        session_typed_over_to_no_service,
    ),
    (
        "session_typed_over_by_who_is_banned",
        session_typed_over_by_who_is_banned,
    ),
    (
        "session_typed_over_by_who_will_be_banned",
        session_typed_over_by_who_will_be_banned,
    ),
];

/// Also where the firewall stands: what bans the administrator is asked as the new rules would ask.
fn session_typed_over_by_who_is_banned(case: Case) -> Result<(), Failed> {
    let ground = Ground::new(case)?;
    let session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    let (peer, local) = (session.client.local_addr()?, session.client.peer_addr()?);
    let apply = |more: &[&str]| -> Result<(Option<i32>, String), Failed> {
        let env = netns_testbed::Tool::require("env")?;
        let variable = format!(
            "SSH_CONNECTION={} {} {} {}",
            peer.ip(),
            peer.port(),
            local.ip(),
            local.port()
        );
        let program = env!("CARGO_BIN_EXE_firewall-apply");
        let fixed = [&*variable, program, "--config", "/dev/null", "apply"];
        let arguments = [&fixed[..], &["--saved", "/dev/null"], more].concat();
        let done = ground.world.gateway.run(|| env.output(&arguments))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        Ok((done.status.code(), said))
    };
    let (status, said) = apply(&[])?;
    assert_eq!(status, Some(0), "{said}");
    let rules = || -> Result<Vec<String>, Failed> {
        let saved = ground.saved()?;
        let rules = saved.lines().filter(|line| line.starts_with('-'));
        Ok(rules.map(str::to_owned).collect())
    };
    let before = rules()?;
    // The network that the peer is in, from its first address.
    let network = case.family.pick(
        (IpAddr::from([203, 0, 113, 0]), 28),
        (IpAddr::from([0x2001, 0xdb8, 1, 0, 0, 0, 0, 0_u16]), 124),
    );
    ground.add_network("blacklist", network, &[], "timeout 600")?;
    let (status, said) = apply(&[])?;
    assert_eq!(status, Some(2), "{said}");
    let set = ground.set("blacklist");
    assert!(
        said.contains("to port 22: once it ends you are locked out by rule ")
            && said.contains(&format!("--match-set {set} src -j LOG_AND_DROP")),
        "{said}"
    );
    assert_eq!(rules()?, before);
    assert_eq!(apply(&["--force"])?.0, Some(0));
    ground.add("whitelist", peer.ip(), "")?;
    let (status, said) = apply(&[])?;
    assert_eq!(status, Some(0), "{said}");
    Ok(())
}

/// Who would be in a set once it is made: by what was saved of it, or by the file of a list.
fn session_typed_over_by_who_will_be_banned(case: Case) -> Result<(), Failed> {
    let ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let session = Session::open(&ground, &ground.world.attacker, ground.gateway(22))?;
    let (peer, local) = (session.client.local_addr()?, session.client.peer_addr()?);
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: &str| -> Result<String, Failed> {
        let path = directory.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let apply = |config: &str, saved: &str| -> Result<(Option<i32>, String), Failed> {
        let env = netns_testbed::Tool::require("env")?;
        let (peer_port, local_port) = (peer.port(), local.port());
        let variable = format!(
            "SSH_CONNECTION={} {peer_port} {} {local_port}",
            peer.ip(),
            local.ip()
        );
        let program = env!("CARGO_BIN_EXE_firewall-apply");
        let arguments = [
            &variable, program, "--config", config, "apply", "--saved", saved,
        ];
        let done = ground.world.gateway.run(|| env.output(&arguments))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        Ok((done.status.code(), said))
    };
    let locked_out = |(status, said): (Option<i32>, String), set: &str| {
        assert_eq!(status, Some(2), "{said}");
        let rule = format!("--match-set {} src -j LOG_AND_DROP", ground.set(set));
        assert!(
            said.contains("you are locked out by rule ") && said.contains(&rule),
            "{said}"
        );
    };
    let (network, bits) = case.family.pick(("203.0.113.0", 24), ("2001:db8:1::", 64));
    let member = format!(
        "add {} {network}/{bits} timeout 0\n",
        ground.set("blacklist")
    );
    let banned = write("banned.save", &member)?;
    locked_out(apply("/dev/null", &banned)?, "blacklist");
    let rules = ground
        .world
        .gateway
        .run(|| netns_testbed::Tool::require("iptables-save")?.run(&[]))?;
    assert!(!rules.contains("FIREWALL_INPUT"), "{rules}");
    // An exception in it comes back as well, and so does who is whitelisted.
    for more in [
        format!(
            "add {} {} timeout 0 nomatch\n",
            ground.set("blacklist"),
            peer.ip()
        ),
        format!("add {} {} timeout 0\n", ground.set("whitelist"), peer.ip()),
    ] {
        let saved = write("saved.save", &(member.clone() + &more))?;
        let (status, said) = apply("/dev/null", &saved)?;
        assert_eq!(status, Some(0), "{said}");
        ground.firewall_apply(&["reset", "--sets"])?;
    }

    let list = write("list.txt", &format!("{network}/{bits}\n"))?;
    let config = format!("[[blocklist]]\nname = \"others\"\nfile = \"{list}\"\n");
    let config = write("firewall.toml", &config)?;
    locked_out(apply(&config, "/dev/null")?, "others");
    write("list.txt", "198.51.100.0/24\n2001:db8:66::/64\n")?;
    let (status, said) = apply(&config, "/dev/null")?;
    assert_eq!(status, Some(0), "{said}");
    // Also where the set is there, with others in it.
    write(
        "list.txt",
        &format!("198.51.100.0/24\n2001:db8:66::/64\n{network}/{bits}\n"),
    )?;
    locked_out(apply(&config, "/dev/null")?, "others");
    Ok(())
}

/// The one that apply is typed over would be the last.
fn session_typed_over_to_no_service(case: Case) -> Result<(), Failed> {
    let ground = Ground::before_apply(World::new()?, case, Config::default())?;
    let session = Session::open(&ground, &ground.world.attacker, ground.gateway(9999))?;
    let (peer, local) = (session.client.local_addr()?, session.client.peer_addr()?);
    let typed_over = |port: u16| {
        let value = format!("{} {} {} {}", peer.ip(), peer.port(), local.ip(), port);
        netns_testbed::Tool::require("env").map(|env| (env, format!("SSH_CONNECTION={value}")))
    };
    let apply = |port, more: &[&str]| -> Result<std::process::Output, Failed> {
        let (env, variable) = typed_over(port)?;
        let program = env!("CARGO_BIN_EXE_firewall-apply");
        let arguments = [
            &variable,
            program,
            "--config",
            "/dev/null",
            "apply",
            "--saved",
            "/dev/null",
        ];
        ground
            .world
            .gateway
            .run(|| env.output(&[&arguments[..], more].concat()))
    };
    let refused = apply(9999, &[])?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("to port 9999: once it ends you are locked out"),
        "{said}"
    );
    let rules = ground
        .world
        .gateway
        .run(|| netns_testbed::Tool::require("iptables-save")?.run(&[]))?;
    assert!(!rules.contains("FIREWALL_INPUT"), "{rules}");
    // Another one is told of.
    let done = apply(9998, &[])?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(
        said.contains(&format!("no new one gets in: {} to port 9999", peer.ip())),
        "{said}"
    );
    ground.firewall_apply(&["reset"])?;
    assert_eq!(apply(9999, &["--force"])?.status.code(), Some(0));
    Ok(())
}
