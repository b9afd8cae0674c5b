//! From a line of one host's log to the kernels of the others.

use std::fs;
use std::path::Path;

use netns_testbed::{Failed, Trial, program, trial};

use crate::host::{Host, fleet};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("whom_one_scan_bans_all_hosts_ban", scans)]
}

const RULES: &str = "\
[[rule]]
rule = \"blocked\"
type = \"tcp\"
howmany = 5
within = \"1m\"
distinct-ports = 5
ipset = \"throttle-soft\"
removeafter = \"1h\"

[[rule]]
rule = \"blocked\"
type = \"tcp\"
howmany = 5
within = \"1m\"
distinct-ports = 5
ipset = \"blacklist\"
removeafter = \"1h\"

[[rule]]
rule = \"blocked\"
type = \"udp\"
howmany = 5
within = \"1m\"
ipset = \"throttle-soft\"
removeafter = \"1h\"
";

/// Five ports of a host are knocked at by TCP by now, and five times one by UDP.
fn log(tcp: &[&str], udp: &[&str]) -> String {
    let mut log = String::new();
    let now = jiff::Timestamp::now();
    for port in 21..26 {
        let begin = |source: &str| {
            format!(
                "{now:.0} fw kernel: [ 1836.585591] IPTABLES-BLOCKED: IN=eth0 OUT= MAC= SRC={source} DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF "
            )
        };
        let of_tcp = tcp.iter().map(|source| {
            let begin = begin(source);
            format!("{begin}PROTO=TCP SPT=40000 DPT={port} WINDOW=64240 RES=0x00 SYN URGP=0 \n")
        });
        log.extend(of_tcp);
        let of_udp = udp.iter().map(|source| {
            let begin = begin(source);
            format!("{begin}PROTO=UDP SPT=40000 DPT=5060 LEN=40 \n")
        });
        log.extend(of_udp);
    }
    log
}

fn scan(host: &Host, log: &str) {
    let path = |name: &str| host.path(name).display().to_string();
    fs::write(path("scan.toml"), RULES).unwrap();
    fs::write(path("fw.log"), log).unwrap();
    let (rules, of, outbox) = (path("scan.toml"), path("fw.log"), path("outbox"));
    let log_scanner = program("log-scanner");
    let args = ["--rules", &rules, "--log", &of, "--share", &outbox];
    let scanned = host.run(Path::new(&log_scanner), &args);
    assert!(scanned.status.success(), "{scanned:?}");
}

fn networks(host: &Host, set: &str) -> Vec<String> {
    let members = host.members(set).into_iter();
    let networks = members.map(|member| member.split(' ').next().unwrap().to_owned());
    networks.collect()
}

fn scans() -> Result<(), Failed> {
    let (mut server, [web1, web2, web3]) = fleet(["web1", "web2", "web3"])?;
    web3.ipset(&["add", "whitelist", "203.0.113.9"])?;
    // A scan waits for no engine.
    server.end();
    let knocked = log(&["203.0.113.7", "203.0.113.9"], &["198.51.100.1"]);
    scan(&web1, &knocked);
    assert_eq!(
        networks(&web1, "throttle-soft"),
        ["198.51.100.1", "203.0.113.7", "203.0.113.9"]
    );
    web1.sync(1);
    server.run();
    web1.sync(0);
    web2.sync(0);
    let report = web3.sync(0);
    // One host's word slows down, what could be forged is not told, and the whitelist wins.
    assert_eq!(
        networks(&web2, "throttle-soft"),
        ["203.0.113.7", "203.0.113.9"]
    );
    assert_eq!(networks(&web3, "throttle-soft"), ["203.0.113.7"]);
    let refused: Vec<_> = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| (&refused["prefix"], &refused["why"]))
        .collect();
    assert!(
        refused.contains(&(
            &"203.0.113.9".into(),
            &"203.0.113.9 is protected here".into()
        )),
        "{report}"
    );
    assert!(networks(&web2, "blacklist").is_empty());
    // A second host finds who is in the one set already, and both have him shut out.
    scan(&web2, &log(&["203.0.113.7"], &[]));
    web2.sync(0);
    web1.sync(0);
    web3.sync(0);
    for host in [&web1, &web2, &web3] {
        assert!(
            networks(host, "blacklist").contains(&"203.0.113.7".to_owned()),
            "{}",
            host.name
        );
    }
    // The next scan of the same log takes the other hosts' ban for what it is: longer or not.
    scan(&web1, &knocked);
    web1.sync(0);
    web2.sync(0);
    assert_eq!(
        networks(&web2, "throttle-soft"),
        ["203.0.113.7", "203.0.113.9"]
    );
    Ok(())
}
