//! More sources than are counted one by one.

use super::*;

/// A log of so many sources that hit once, among them three that hit ten times.
fn flood(sources: u32) -> String {
    let line = |source: u32, second: u32| {
        let [_, a, b, c] = source.to_be_bytes();
        format!(
            "Nov 22 09:{:02}:{:02} fw kernel: [ 1.0] IPTABLES-BLOCKED: IN=eth0 OUT= SRC=10.{a}.{b}.{c} DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 \n",
            second / 60 % 60,
            second % 60
        )
    };
    let few = (0..30).map(|hit| line(hit % 3, hit));
    let many = (3..sources).map(|source| line(source, source));
    many.clone()
        .take(sources as usize / 2)
        .chain(few)
        .chain(many.skip(sources as usize / 2))
        .collect()
}

#[test]
fn of_sources_without_number_there_is_an_estimate_and_every_violator() {
    let rule = |hits| {
        let rule = Rule {
            hits,
            within: 60,
            prefix: Some(0),
            ..RULE
        };
        rule.threshold()
    };
    for (sources, exact) in [(3000_u32, true), (30_000, false)] {
        let log = flood(sources);
        for workers in 1..3 {
            // The last counts nothing.
            let rules = [
                rule(10),
                rule(9),
                rule(1).prefix("none").protocol(Protocol::Tcp),
            ];
            let mut scan = Scan::new(rules, Clock::new(at(3600), TimeZone::UTC))
                .workers(NonZeroUsize::new(workers).unwrap());
            scan.read(log.as_bytes()).unwrap();
            let findings = scan.finish();
            for finding in &findings[..2] {
                assert_eq!(finding.matched, u64::from(sources) + 27);
                assert_eq!(finding.sources_exact, exact);
                let error = finding.sources.abs_diff(sources.into());
                assert!(error * 50 <= u64::from(sources), "{}", finding.sources);
                assert!(!exact || error == 0);
                let mut violators: Vec<_> =
                    finding.violators.iter().map(|tally| tally.source).collect();
                violators.sort();
                assert_eq!(
                    violators,
                    [0, 1, 2].map(|host| IpAddr::from([10, 0, 0, host]))
                );
                assert!(finding.violators.iter().all(|tally| tally.hits == 10));
            }
            assert_eq!((findings[2].matched, findings[2].sources), (0, 0));
        }
    }
}
