//! Putting a firewall in: iptables-ruleset against `iptables-restore` and `ip6tables-restore`, in a
//! private network namespace.
//!
//! ```text
//! cargo bench -p rampart-benches --bench apply            # as root or as an ordinary user
//! RAMPART_BENCH_RULES=3000 cargo bench -p rampart-benches --bench apply
//! ```
//!
//! Both sides replace the same rules of both families again and again: here from the configuration
//! file's text to one transaction, there from the text of `iptables-save` on standard input to one
//! transaction a family. The stock tools also start two processes, which is what replacing rules
//! costs their users. What counts is the ratio at the end; the times are those of the machine and
//! of what else it does. Where the stock tools are missing, only our side runs.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, io};

use criterion::{BenchmarkId, Criterion};
use iptables_ruleset::{Config, Family, Kernel as _, KernelSet, Nftables, Plan, Ruleset};
use netns_testbed::{Failed, Tool};

fn main() -> ExitCode {
    // Nothing is measured, and no rule is made, in the network of the host.
    if let Err(reason) = netns_testbed::enter() {
        eprintln!("apply: no private network namespace: {reason}");
        return ExitCode::FAILURE;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("apply: {}", failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failed> {
    let rules = match env::var("RAMPART_BENCH_RULES") {
        Ok(number) => number.parse()?,
        Err(_) => 500,
    };
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    make_sets()?;
    compare(&mut criterion, "the default firewall", "")?;
    compare(&mut criterion, "many services", &many_services(rules))?;
    criterion.final_summary();
    Ok(())
}

/// Measures both sides, and prints the ratio of their mean times.
fn compare(criterion: &mut Criterion, name: &str, file: &str) -> Result<(), Failed> {
    let rules: usize = rulesets(file)?.iter().map(size).sum();
    let mut ours = Runs::default();
    let mut theirs = Runs::default();
    let mut failure = None;
    let mut group = criterion.benchmark_group(name);
    group.bench_function(BenchmarkId::new("iptables-ruleset", rules), |bencher| {
        bencher.iter_custom(|times| repeat(times, &mut failure, &mut ours, || ourselves(file)));
    });
    if let Some(stock) = Stock::find(file)? {
        group.bench_function(BenchmarkId::new("iptables-restore", rules), |bencher| {
            bencher
                .iter_custom(|times| repeat(times, &mut failure, &mut theirs, || stock.restore()));
        });
    } else {
        println!("{name}: iptables is not installed, nothing to compare with");
    }
    group.finish();
    if let Some(failed) = failure {
        return Err(failed);
    }
    if let (Some(our_mean), Some(their_mean)) = (ours.mean(), theirs.mean()) {
        let ratio = their_mean / our_mean;
        println!(
            "{name}, {rules} rules: iptables-restore and ip6tables-restore take {ratio:.1} times as long\n"
        );
    }
    // A filter on the command line may have left both out.
    if ours.count + theirs.count > 0 {
        check(file)?;
    }
    Ok(())
}

/// How long one side took in all, and how often it ran. The mean counts and not the fastest run:
/// much of the time goes into waiting until no processor uses the old rules any more, and a lucky
/// run waits for nothing.
#[derive(Default)]
struct Runs {
    total: Duration,
    count: u32,
}

impl Runs {
    /// In seconds.
    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.total.as_secs_f64() / f64::from(self.count))
    }
}

/// The time of so many runs; the first failure is kept.
fn repeat(
    times: u64,
    failure: &mut Option<Failed>,
    runs: &mut Runs,
    mut run: impl FnMut() -> Result<(), Failed>,
) -> Duration {
    let mut total = Duration::ZERO;
    for _ in 0..times {
        let start = Instant::now();
        let result = run();
        let took = start.elapsed();
        total += took;
        match result {
            Ok(()) => {
                runs.total += took;
                runs.count += 1;
            }
            Err(failed) => drop(failure.get_or_insert(failed)),
        }
    }
    total
}

fn ourselves(file: &str) -> Result<(), Failed> {
    let plan = Plan::install(&rulesets(file)?, &mut set)?;
    plan.apply(&mut Nftables::connect()?)?;
    Ok(())
}

/// What was measured is in the kernel, whoever came last.
fn check(file: &str) -> Result<(), Failed> {
    let snapshot = Nftables::connect()?.snapshot()?;
    for ruleset in &rulesets(file)? {
        let table = snapshot.table(ruleset.family()).ok_or("no table")?;
        let there: usize = table.chains().map(|(_, chain)| chain.rules().len()).sum();
        if there != size(ruleset) {
            return Err(format!(
                "{there} of {} {} rules are there",
                size(ruleset),
                ruleset.family()
            )
            .into());
        }
    }
    Ok(())
}

struct Stock([Tool; 2]);

impl Stock {
    fn find(file: &str) -> Result<Option<Self>, Failed> {
        let [v4, v6] = rulesets(file)?.map(|ruleset| ruleset.to_iptables_save().to_string());
        let tools = Tool::find("iptables-restore").zip(Tool::find("ip6tables-restore"));
        Ok(
            tools
                .map(|(restore_v4, restore_v6)| Self([restore_v4.input(v4), restore_v6.input(v6)])),
        )
    }

    fn restore(&self) -> Result<(), Failed> {
        self.0.iter().try_for_each(|tool| tool.run(&[]).map(drop))
    }
}

fn rulesets(file: &str) -> Result<[Ruleset; 2], Failed> {
    let config = Config::parse(file)?;
    Ok([config.ruleset(Family::Ipv4)?, config.ruleset(Family::Ipv6)?])
}

/// All rules, the jump among them.
fn size(ruleset: &Ruleset) -> usize {
    1 + ruleset
        .chains()
        .map(|chain| chain.rules().len())
        .sum::<usize>()
}

fn many_services(rules: u32) -> String {
    let mut file = String::new();
    for number in 0..rules {
        let port = 1 + number % 65_000;
        let _ = write!(
            file,
            "[[service]]\nname = \"service-{number}\"\nprotocol = \"tcp\"\nports = [{port}]\n"
        );
    }
    file
}

/// The sets that the rules name, made in this order in a new namespace: the kernel counts them from
/// 0.
const SETS: [&str; 8] = [
    "whitelist",
    "blacklist",
    "throttle-soft",
    "throttle-hard",
    "whitelist_v6",
    "blacklist_v6",
    "throttle-soft_v6",
    "throttle-hard_v6",
];

fn make_sets() -> Result<(), Failed> {
    let mut text = String::new();
    for name in SETS {
        let family = if name.ends_with("_v6") {
            "inet6"
        } else {
            "inet"
        };
        let _ = writeln!(text, "create {name} hash:net family {family} timeout 0");
    }
    Tool::require("ipset")?.input(text).run(&["restore"])?;
    Ok(())
}

fn set(name: &str) -> io::Result<KernelSet> {
    let index = SETS.iter().position(|known| *known == name);
    let index = index.ok_or(io::ErrorKind::NotFound)?;
    let family = if name.ends_with("_v6") {
        Family::Ipv6
    } else {
        Family::Ipv4
    };
    Ok(KernelSet::new(
        u16::try_from(index).map_err(io::Error::other)?,
        Some(family),
    ))
}
