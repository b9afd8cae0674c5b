//! What is refused before anything is done.

use netns_testbed::{Failed, Tool, skip};

use crate::support::{PROGRAM, Ran, Scanner, Sets, V4, V6, blocked};

crate::trials!(
    missing_sets,
    one_missing_set,
    sets_that_cannot_be_filled,
    a_set_that_masks_its_members,
    without_privilege,
    logs_that_cannot_be_read,
    the_same_log_twice,
    half_a_compressed_log,
);

fn scanner() -> Scanner {
    Scanner::new(blocked(&[V4, V6], 0..5)).rule().at(60)
}

fn missing_sets() -> Result<(), Failed> {
    let sets = Sets::none()?;
    let ran = scanner().run();
    ran.done(2)
        .complains("[ERROR] cannot add to set \"blacklist\": it does not exist")
        .complains("[ERROR] cannot add to set \"blacklist_v6\": it does not exist")
        .complains("nothing was changed");
    assert_eq!(ran.stdout, "");
    assert_eq!(sets.ipset("list -name")?, "");

    scanner()
        .with("--dryrun")
        .run()
        .done(0)
        .says("[WARNING] cannot add to set \"blacklist\": it does not exist")
        .says("[WARNING] cannot add to set \"blacklist_v6\": it does not exist")
        .says("[DRYRUN] 203.0.113.7: would be added");
    Ok(())
}

fn one_missing_set() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist", "hash:ip timeout 0")?;
    let ran = scanner().run();
    ran.done(2)
        .complains("cannot add to set \"blacklist_v6\": it does not exist");
    assert!(!ran.stderr.contains("\"blacklist\""), "{}", ran.stderr);
    assert!(sets.names("blacklist")?.is_empty(), "nothing is half done");
    Ok(())
}

fn sets_that_cannot_be_filled() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist_v6", "hash:ip family inet6 timeout 0")?;
    for (options, why) in [
        (
            "hash:ip family inet6 timeout 0",
            "is of family inet6, not inet",
        ),
        ("hash:ip", "was created without a timeout"),
        (
            "hash:ip,port timeout 0",
            "is of type hash:ip,port, not hash:ip or hash:net",
        ),
        ("list:set timeout 0", "it is of "),
        (
            "bitmap:ip range 203.0.113.0/24 timeout 0",
            "is of type bitmap:ip, not hash:ip or hash:net",
        ),
        ("hash:ip netmask 24 timeout 0", "has a netmask of 24 bits"),
    ] {
        sets.create("blacklist", options)?;
        let before = sets.all()?;
        let ran = scanner().run();
        ran.done(2)
            .complains("[ERROR] cannot add to set \"blacklist\": ")
            .complains(why);
        assert_eq!(ran.stdout, "");
        assert_eq!(sets.all()?, before);
        scanner()
            .with("--dryrun")
            .run()
            .done(0)
            .says("[WARNING] cannot add to set \"blacklist\": ")
            .says(why);
        sets.ipset("destroy blacklist")?;
    }
    Ok(())
}

/// One violator would ban a whole network.
fn a_set_that_masks_its_members() -> Result<(), Failed> {
    let sets = Sets::none()?;
    sets.create("blacklist_v6", "hash:ip family inet6 timeout 0")?;
    let options = "hash:ip timeout 0 bitmask 255.255.0.255";
    sets.create("blacklist", options)
        .map_err(|_| skip("this kernel or this ipset knows no bitmask"))?;
    scanner()
        .run()
        .done(2)
        .complains("has a bitmask of 255.255.0.255: each member would be many addresses");
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}

/// In a user namespace that does not own the network namespace, so that neither root nor
/// capabilities help.
fn without_privilege() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let unshare = Tool::require("unshare")?;
    let program = [
        unshare.path().to_str().ok_or("not UTF-8")?,
        "--user",
        PROGRAM,
    ];
    let run = |scanner: Scanner| {
        let output = scanner.command_of(&program).output();
        output.map(|output| Ran::new(&output)).map_err(Failed::from)
    };
    run(scanner().with("--dryrun"))?
        .done(0)
        .says("[WARNING] cannot ")
        .says("CAP_NET_ADMIN")
        .says("[DRYRUN] 203.0.113.7: would be added");
    run(scanner())?
        .done(2)
        .complains("[ERROR] cannot ")
        .complains("CAP_NET_ADMIN");
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}

fn logs_that_cannot_be_read() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    for (log, why) in [
        (
            "--log gone.log",
            "[ERROR] cannot open log \"gone.log\": No such file",
        ),
        ("--log .", "[ERROR] cannot open log \".\": is a directory"),
        (
            "--log torn.gz",
            "[ERROR] cannot read log \"torn.gz\" after line 0: ",
        ),
    ] {
        for dry in ["", "--dryrun"] {
            let ran = scanner()
                .write("torn.gz", "not gzip")
                .with(log)
                .with(dry)
                .run();
            ran.done(2).complains(why).complains("nothing was changed");
            assert_eq!(ran.stdout, "");
        }
    }
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}

fn the_same_log_twice() -> Result<(), Failed> {
    let _sets = Sets::blacklist()?;
    let scanner = Scanner::new(blocked(&[V4], 0..3)).rule().at(60);
    std::os::unix::fs::symlink("fw.log", scanner.path("link.log"))?;
    let scanner = scanner.with("--log link.log");
    scanner
        .run()
        .done(2)
        .complains("log \"link.log\" is given twice, its lines would count twice");
    Ok(())
}

fn half_a_compressed_log() -> Result<(), Failed> {
    let sets = Sets::blacklist()?;
    let whole = crate::support::compressed(&blocked(&[V4, V6], 0..200));
    let half = whole.get(..whole.len() - 20).unwrap_or_default();
    let ran = scanner().write("half.gz", half).with("--log half.gz").run();
    ran.done(2)
        .complains("[ERROR] cannot read log \"half.gz\" after line ");
    assert!(sets.names("blacklist")?.is_empty());
    Ok(())
}
