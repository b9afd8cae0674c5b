//! The limits as the kernel has them: what a burst cannot show is how much time gives back.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use netns_testbed::Failed;

use crate::ground::Ground;
use crate::{Case, Row};

pub(crate) const ROWS: &[Row] = &[("the_kernel_has_the_rates", the_kernel_has_the_rates)];

fn the_kernel_has_the_rates(case: Case) -> Result<(), Failed> {
    let mut ground = Ground::new(case)?;
    let [ordinary, soft, hard] = [1, 2, 3].map(|n| ground.elsewhere(n));
    ground.add("throttle-soft", soft, "")?;
    ground.add("throttle-hard", hard, "")?;
    for source in [ordinary, soft, hard] {
        let packets = [22, 443]
            .map(|port| ground.connections(source, port, 1))
            .concat();
        ground.send(&packets)?;
        ground.send(&ground.echo_requests(source, 1))?;
    }
    let icmp = case.family.pick("-p icmp ", "-p ipv6-icmp ");
    // Which rule, who was counted, how many pass at once, and how long one takes to be given back.
    let limits = [
        (["-p tcp ", "--dport 22 "], ordinary, 5, 6_000),
        (["-p tcp ", "--dport 443 "], ordinary, 60, 1_000),
        (["-p tcp ", "throttle-soft"], soft, 5, 600),
        (["-p tcp ", "throttle-hard"], hard, 5, 36_000),
        ([icmp, "throttle-soft"], soft, 5, 36_000),
        ([icmp, "throttle-hard"], hard, 5, 60_000),
    ];
    let rules = ground.iptables(&["-S", "FIREWALL_INPUT"])?;
    let mut units = Vec::new();
    for (parts, source, burst, milliseconds) in limits {
        let bucket = bucket(&ground, &name(&rules, parts)?, source)?;
        assert_eq!(
            bucket.capacity,
            burst * bucket.cost,
            "{parts:?}: {bucket:?}"
        );
        units.push(unit(&bucket, Duration::from_millis(milliseconds))?);
    }
    // What the kernel counts in depends on how it was built, but it is the same for all; it may
    // round.
    let most = units.iter().max().copied().unwrap_or_default();
    let alike = units.iter().all(|unit| (most - unit) * 1000 <= most);
    assert!(alike, "costs of a millisecond: {units:?}");
    Ok(())
}

/// What the kernel keeps of one source.
#[derive(Debug)]
struct Bucket {
    /// What a full one has.
    capacity: u64,
    /// What a packet takes, and time gives back.
    cost: u64,
}

/// What a millisecond gives back.
fn unit(bucket: &Bucket, every: Duration) -> Result<u64, Failed> {
    Ok(bucket.cost / u64::try_from(every.as_millis())?)
}

/// The name of the limit in the rule that has these parts; not of one that everybody shares.
fn name(rules: &str, parts: [&str; 2]) -> Result<String, Failed> {
    let rule = rules.lines().find(|rule| {
        parts.iter().all(|part| rule.contains(part))
            && rule.contains("--hashlimit-mode srcip ")
            && !rule.contains("-all-")
    });
    let name = rule.and_then(|rule| rule.split_once("--hashlimit-name ")?.1.split(' ').next());
    name.map(str::to_owned)
        .ok_or_else(|| format!("no limit in a rule with {parts:?}:\n{rules}").into())
}

/// Reads `59 198.51.100.1:0->0.0.0.0:0 128000 160000 32000`: the last are what is left, the
/// capacity, the cost.
fn bucket(ground: &Ground, name: &str, source: IpAddr) -> Result<Bucket, Failed> {
    let directory = ground.case.family.pick("ipt_hashlimit", "ip6t_hashlimit");
    let path = format!("/proc/thread-self/net/{directory}/{name}");
    let text = ground
        .world
        .gateway
        .run(|| fs::read_to_string(&path))
        .map_err(|error| format!("{path}: {error}"))?;
    let start = match source {
        IpAddr::V4(source) => format!("{source}:"),
        IpAddr::V6(source) => {
            let [a, b, c, d, ..] = source.segments();
            [a, b, c, d, 0, 0, 0, 0]
                .map(|segment| format!("{segment:04x}:"))
                .concat()
        }
    };
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next()?.starts_with(&start).then_some(())?;
        let mut numbers = fields.skip(1).map(str::parse);
        Some(Bucket {
            capacity: numbers.next()?.ok()?,
            cost: numbers.next()?.ok()?,
        })
    });
    found.ok_or_else(|| format!("nothing about {source} in {path}:\n{text}").into())
}
