//! Every trial has a network of its own.

use netns_testbed::{Failed, Tool, run, trial};

fn main() -> std::process::ExitCode {
    run(vec![
        trial("loopback_is_up_and_alone", loopback_is_up_and_alone),
        trial(
            "sets_stay_in_their_namespace::first",
            sets_stay_in_their_namespace,
        ),
        trial(
            "sets_stay_in_their_namespace::second",
            sets_stay_in_their_namespace,
        ),
    ])
}

fn loopback_is_up_and_alone() -> Result<(), Failed> {
    let ip = Tool::require("ip")?;
    let links = ip.run(&["-o", "link", "show", "up"])?;
    assert_eq!(links.lines().count(), 1, "{links}");
    assert!(links.starts_with("1: lo:"), "{links}");
    Ok(())
}

fn sets_stay_in_their_namespace() -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    assert_eq!(ipset.run(&["list", "-name"])?, "");
    ipset.run(&["create", "ours", "hash:ip"])?;
    assert_eq!(ipset.run(&["list", "-name"])?, "ours\n");
    ipset
        .input("add ours 192.0.2.1\nadd ours 192.0.2.2\n")
        .run(&["restore"])?;
    assert!(ipset.run(&["test", "ours", "192.0.2.2"]).is_ok());
    Ok(())
}
