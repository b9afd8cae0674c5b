//! Adding many entries at once: ipset-netlink against `ipset restore`, in a private network namespace.
//!
//! ```text
//! cargo bench -p rampart-benches --bench ipset_add            # as root or as an ordinary user
//! RAMPART_BENCH_ENTRIES=1000000 cargo bench -p rampart-benches --bench ipset_add
//! ```
//!
//! Both sides get the same addresses in the form they read: entries in memory here, the text of a save file on standard
//! input there. What counts is the ratio at the end; the times are those of the machine and of what
//! else it does. Where the stock `ipset` is missing, only our side runs.

use std::{
    env,
    net::Ipv4Addr,
    process::ExitCode,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput};
use ipset_netlink::{CreateSet, Entry, Family, IfExists, IfMissing, IpSet, SetName, SetType, Timeout};
use netns_testbed::{Failed, Tool};

fn main() -> ExitCode {
    // Nothing is measured, and no set is made, in the network of the host.
    if let Err(reason) = netns_testbed::enter() {
        eprintln!("ipset_add: no private network namespace: {reason}");
        return ExitCode::FAILURE;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("ipset_add: {}", failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failed> {
    let entries = match env::var("RAMPART_BENCH_ENTRIES") {
        Ok(number) => number.parse()?,
        Err(_) => 100_000,
    };
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    for timeout in [None, Some(Timeout::from_secs(86_400)?)] {
        compare(&mut criterion, &Work::new(entries, timeout)?)?;
    }
    criterion.final_summary();
    Ok(())
}

/// Measures both sides, and then both in turns for the ratio.
fn compare(criterion: &mut Criterion, work: &Work) -> Result<(), Failed> {
    let mut sets = IpSet::connect()?;
    let mut failure = None;
    let name = if work.create.options.timeout.is_some() {
        "add with timeout"
    } else {
        "add"
    };
    let size = work.entries.len();
    let ipset = Tool::find("ipset").map(|ipset| ipset.input(work.saved()));
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(size as u64));
    group.bench_function(BenchmarkId::new("ipset-netlink", size), |bencher| {
        bencher.iter_custom(|times| repeat(times, &mut failure, || work.with_us(&mut sets)));
    });
    if let Some(ipset) = &ipset {
        group.bench_function(BenchmarkId::new("ipset restore", size), |bencher| {
            bencher.iter_custom(|times| {
                repeat(times, &mut failure, || work.with_ipset(&mut sets, ipset))
            });
        });
    }
    group.finish();
    if let Some(failed) = failure {
        return Err(failed);
    }
    let Some(ipset) = ipset else {
        println!("{name}: ipset is not installed, there is nothing to compare with");
        return Ok(());
    };
    let mut ratios = Vec::new();
    for _ in 0..TURNS {
        let ours = work.with_us(&mut sets)?;
        let theirs = work.with_ipset(&mut sets, &ipset)?;
        ratios.push(theirs.as_secs_f64() / ours.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    if let [least, .., most] = ratios.as_slice() {
        let median = ratios.get(TURNS / 2).unwrap_or(most);
        println!(
            "{name}, {size} entries: ipset restore takes {median:.1} times as long ({least:.1} to {most:.1})\n"
        );
    }
    Ok(())
}

/// How often the two take turns for the ratio.
const TURNS: usize = 7;

/// The time of so many runs, and the first failure.
fn repeat(
    times: u64,
    failure: &mut Option<Failed>,
    mut run: impl FnMut() -> Result<Duration, Failed>,
) -> Duration {
    let mut total = Duration::ZERO;
    for _ in 0..times {
        // Criterion wants a time to go on with, also after a failure.
        total += run().unwrap_or_else(|failed| {
            failure.get_or_insert(failed);
            Duration::from_nanos(1)
        });
    }
    total
}

/// What is added, and to what.
struct Work {
    create: CreateSet,
    entries: Vec<Entry>,
}

impl Work {
    fn new(entries: u32, timeout: Option<Timeout>) -> Result<Self, Failed> {
        let name: SetName = "bench".parse()?;
        let mut create = CreateSet::new(name, SetType::HashIp, Family::Inet)
            .max_elements(entries.saturating_mul(2).max(1));
        create.options.timeout = timeout;
        // Odd multiples of an odd number are all different; 0.0.0.0 is not among them.
        let entries = (0..entries)
            .map(|n| {
                Entry::new(
                    Ipv4Addr::from(
                        n.wrapping_mul(2)
                            .wrapping_add(1)
                            .wrapping_mul(2_654_435_761),
                    )
                    .into(),
                )
            })
            .collect();
        Ok(Self { create, entries })
    }

    /// The file that `ipset restore` reads.
    fn saved(&self) -> String {
        let line = |entry: &Entry| format!("add {} {}\n", self.create.name, entry.key);
        let lines: Vec<_> = self.entries.iter().map(line).collect();
        lines.concat()
    }

    fn with_us(&self, sets: &mut IpSet) -> Result<Duration, Failed> {
        self.in_a_new_set(sets, |sets| {
            let outcome = sets.add_all(&self.create.name, &self.entries, IfExists::Fail)?;
            match outcome.failures.first() {
                None => Ok(()),
                Some(failure) => Err(failure.error.to_string().into()),
            }
        })
    }

    fn with_ipset(&self, sets: &mut IpSet, ipset: &Tool) -> Result<Duration, Failed> {
        self.in_a_new_set(sets, |_| ipset.run(&["restore"]).map(drop))
    }

    /// How long `add` takes. That all entries are in the set is checked outside of the time.
    fn in_a_new_set(
        &self,
        sets: &mut IpSet,
        add: impl FnOnce(&mut IpSet) -> Result<(), Failed>,
    ) -> Result<Duration, Failed> {
        sets.create(&self.create, IfExists::Fail)?;
        let start = Instant::now();
        let added = add(sets);
        let took = start.elapsed();
        let elements = sets.header(&self.create.name)?.elements;
        sets.destroy(&self.create.name, IfMissing::Fail)?;
        added?;
        if elements.map(u64::from) == Some(self.entries.len() as u64) {
            Ok(took)
        } else {
            Err(format!(
                "{elements:?} of {} entries are in the set",
                self.entries.len()
            )
            .into())
        }
    }
}
