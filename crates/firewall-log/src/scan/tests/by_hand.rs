//! What a scan finds is what counting every window by hand finds.

use super::*;

/// What is no event, and must not matter.
const DIRT: [&str; 8] = [
    "\n",
    "\r\n",
    "\0\0\0\0\n",
    "Nov 22 09:25:54 fw sshd[1]: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.2 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 \n",
    "Nov 22 09:25:54 fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.2 DST=\n",
    "\u{fffd}\u{e9}IPTABLES-\n",
    "[ 1.0] IN=eth0 OUT= SRC=203.0.113.2 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 \n",
    "Nov 22 23:00:00 fw kernel: XIN=eth0 OUT= SRC=203.0.113.2 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=47 \n",
];

/// Gives as many bytes at a time as it is told to, over and over.
struct Portions<'a>(&'a [u8], Vec<usize>, usize);

impl Read for Portions<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.2 += 1;
        if self.2 % 7 == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let portion = self.1[self.2 % self.1.len()]
            .min(to.len())
            .min(self.0.len());
        let (now, later) = self.0.split_at(portion);
        to[..portion].copy_from_slice(now);
        self.0 = later;
        Ok(portion)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_counting_by_hand(
        shots in prop::collection::vec(shot(), 0..120),
        rules in prop::collection::vec(rule(), 1..6),
        dirt in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..8), 0..10),
        workers in 1_usize..4,
        portions in prop::collection::vec(1_usize..3000, 1..5),
        split in any::<prop::sample::Index>(),
        (max_line, block) in (1_usize..400, 1_usize..1000),
    ) {
        let mut lines: Vec<String> = shots.iter().map(Shot::line).collect();
        for (place, which) in dirt {
            lines.insert(place.index(lines.len() + 1), DIRT[which].to_owned());
        }
        let log = lines.concat().into_bytes();
        let mut scan = Scan::new(rules.iter().map(Rule::threshold), clock())
            .workers(NonZeroUsize::new(workers).unwrap())
            .latest(at(3600))
            .max_line(max_line)
            .block(block);
        // As two logs, the second of which was written first or not.
        let (one, other) = lines.split_at(split.index(lines.len() + 1));
        let mut summaries = Vec::new();
        for part in [other, one] {
            let part = part.concat().into_bytes();
            summaries.push(scan.read(Portions(&part, portions.clone(), 0)).unwrap());
        }
        let mut reader = LogReader::new(log.as_slice()).max_line(max_line);
        while reader.next_event().is_some() {}
        let oldest = summaries.iter().filter_map(|summary| summary.oldest).min();
        let second = summaries[1].clone();
        summaries[0].join(&second);
        prop_assert_eq!(summaries[0].counts, reader.counts());
        // A line too long to be looked at is as if it were not there.
        let fits = |line: &str| line.len() <= max_line + 1;
        lines.retain(|line| fits(line));
        let shots: Vec<Shot> = shots.into_iter().filter(|shot| fits(&shot.line())).collect();
        let ahead = lines.iter().filter(|line| **line == DIRT[7]).count() as u64;
        let undated = lines.iter().filter(|line| **line == DIRT[6]).count() as u64;
        prop_assert_eq!((summaries[0].ahead, summaries[0].undated), (ahead, undated));
        prop_assert_eq!(oldest, shots.iter().map(|shot| at(shot.second.into())).min());
        let newest = summaries[0].newest.max(second.newest);
        prop_assert_eq!(newest, shots.iter().map(|shot| at(shot.second.into())).max());
        for (rule, finding) in rules.iter().zip(scan.finish()) {
            let (matched, sources, violators) = expected(rule, &shots);
            prop_assert_eq!(finding.matched, matched);
            prop_assert_eq!((finding.sources, finding.sources_exact), (sources.len() as u64, true));
            let mut found = finding.violators;
            found.sort_by_key(|tally| tally.source);
            prop_assert_eq!(found, violators, "{:?}", rule);
        }
    }
}

#[test]
fn many_blocks_by_many_workers_are_one_log() {
    let shots: Vec<Shot> = (0..9000_u32)
        .map(|number| Shot {
            source: u8::try_from(number % 251).unwrap(),
            second: (number * number % 7919) * number % 3600,
            prefix: usize::from(number % 2 == 0),
            port: u16::try_from(number % 50).unwrap(),
            what: if number % 5 > 0 { What::Syn } else { What::Udp },
            way: Way::In,
        })
        .collect();
    let log: String = shots.iter().map(Shot::line).collect();
    assert!(log.len() > 4 * BLOCK);
    let rule = Rule {
        hits: 4,
        within: 300,
        prefix: Some(0),
        types: Types::One(Protocol::Tcp),
        ports: Some(2),
        ..RULE
    };
    let (matched, sources, violators) = expected(&rule, &shots);
    assert!(!violators.is_empty() && violators.len() < sources.len());
    for workers in 1..5 {
        let mut scan = Scan::new([rule.threshold()], Clock::new(at(3600), TimeZone::UTC))
            .workers(NonZeroUsize::new(workers).unwrap());
        assert_eq!(scan.read(log.as_bytes()).unwrap().counts.events, 9000);
        let mut finding = scan.finish().remove(0);
        finding.violators.sort_by_key(|tally| tally.source);
        assert_eq!(
            (finding.matched, finding.sources),
            (matched, sources.len() as u64)
        );
        assert_eq!(finding.violators, violators);
    }
}

#[test]
fn more_rules_than_bits_are_all_judged() {
    let log: String = (0..10)
        .map(|second| {
            Shot {
                source: 2,
                second,
                prefix: 0,
                port: 1,
                what: What::Syn,
                way: Way::In,
            }
            .line()
        })
        .collect();
    let rules = (1..=150).map(|hits| {
        Rule {
            hits: hits % 12 + 1,
            within: 100,
            ..RULE
        }
        .threshold()
    });
    let mut scan = Scan::new(rules, clock());
    scan.read(log.as_bytes()).unwrap();
    for (number, finding) in (1..=150).zip(scan.finish()) {
        assert_eq!(
            finding.violators.len(),
            usize::from(number % 12 < 10),
            "{number}"
        );
        assert_eq!((finding.matched, finding.sources), (10, 1));
    }
}
