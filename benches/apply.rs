//! Putting a firewall in: `firewall-apply` beside `iptables-restore` and `ip6tables-restore`, whole
//! processes, each side in a private network namespace of its own.
//!
//! ```text
//! cargo build --release -p firewall-apply
//! cargo bench -p rampart-benches --bench apply            # as root or as an ordinary user
//! RAMPART_BENCH_SERVICES=3000 RAMPART_BENCH_TURNS=21 cargo bench -p rampart-benches --bench apply
//! ```
//!
//! In turns, both sides put in the same rules of both families: here from the configuration file,
//! there from the text of `iptables-save`. Two configurations, which differ in the level of a log
//! line, take turns too, so that each run has something to change; what a run costs that finds
//! nothing to change, and one that finds every service to be another, is told apart. By the clock
//! much of the time goes into waiting until no processor uses the old rules any more; the processor
//! time has no such waits.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use iptables_ruleset::{Config, Family};
use netns_testbed::{Failed, Namespace, Tool, program};
use rampart_benches::{Cost, Pairs, run};

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
    let services = match env::var("RAMPART_BENCH_SERVICES") {
        Ok(number) => number.parse()?,
        Err(_) => 2000,
    };
    println!("firewall-apply takes, of what iptables-restore and ip6tables-restore take together:");
    let levels = |file: &str| [4, 5].map(|level| format!("[log]\nblocked-level = {level}\n{file}"));
    compare("the default firewall", &levels(""))?;
    let many = many_services(services, 0);
    compare(&format!("{services} services"), &levels(&many))?;
    let others = many_services(services, 30_000);
    compare(
        &format!("{services} services, each another"),
        &[many, others],
    )
}

/// Measures both sides in turns, and prints the ratios.
fn compare(name: &str, sides: &[String; 2]) -> Result<(), Failed> {
    let files = Files::new(sides)?;
    let ours = Ours::new(&files)?;
    let Some(stock) = Stock::find(&files)? else {
        println!("  {name}: iptables is not installed, there is nothing to compare with");
        return Ok(());
    };
    let mut changed = Pairs::default();
    let mut unchanged = Pairs::default();
    for turn in 0..rampart_benches::turns()? {
        let side = if turn % 2 == 0 { Side::A } else { Side::B };
        let (we, they) = (ours.apply(side)?, stock.restore(side)?);
        // The first ones make the sets, and find tables that are empty.
        if turn > 0 {
            changed.push(we, they);
            unchanged.push(ours.apply(side)?, they);
        }
    }
    println!("  {name}: {changed}");
    println!("  {name}, unchanged: {unchanged}");
    Ok(())
}

/// One of the two configurations.
#[derive(Clone, Copy)]
enum Side {
    A,
    B,
}

/// The two configurations and their rules, in files.
struct Files {
    directory: PathBuf,
}

impl Files {
    fn new(sides: &[String; 2]) -> Result<Self, Failed> {
        let name = format!("rampart-bench-apply-{}", std::process::id());
        let files = Self {
            directory: env::temp_dir().join(name),
        };
        fs::create_dir_all(&files.directory)?;
        for (side, text) in [Side::A, Side::B].into_iter().zip(sides) {
            fs::write(files.config(side), text)?;
            let config = Config::parse(text)?;
            for family in Family::BOTH {
                let rules = config.ruleset(family)?.to_iptables_save().to_string();
                fs::write(files.rules(side, family), rules)?;
            }
        }
        Ok(files)
    }

    fn config(&self, side: Side) -> PathBuf {
        self.directory.join(match side {
            Side::A => "a.toml",
            Side::B => "b.toml",
        })
    }

    fn rules(&self, side: Side, family: Family) -> PathBuf {
        let family = match family {
            Family::Ipv4 => "v4",
            Family::Ipv6 => "v6",
        };
        self.config(side).with_extension(family)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What cannot be removed stays in the directory for such files.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Our side, with a namespace of its own.
struct Ours<'a> {
    namespace: Namespace,
    program: PathBuf,
    files: &'a Files,
}

impl<'a> Ours<'a> {
    fn new(files: &'a Files) -> Result<Self, Failed> {
        Ok(Self {
            namespace: Namespace::new()?,
            program: program("firewall-apply"),
            files,
        })
    }

    fn apply(&self, side: Side) -> Result<Cost, Failed> {
        let config = self.files.config(side).to_string_lossy().into_owned();
        let arguments = ["--config", &config, "apply", "--saved", "/dev/null"];
        self.namespace.run(|| run(&self.program, &arguments, None))
    }
}

/// The stock tools, with a namespace of their own in which the sets are.
struct Stock<'a> {
    namespace: Namespace,
    tools: [(Family, PathBuf); 2],
    files: &'a Files,
}

impl<'a> Stock<'a> {
    fn find(files: &'a Files) -> Result<Option<Self>, Failed> {
        let path = |name| Tool::find(name).map(|tool| tool.path().to_owned());
        let (Some(v4), Some(v6)) = (path("iptables-restore"), path("ip6tables-restore")) else {
            return Ok(None);
        };
        let stock = Self {
            namespace: Namespace::new()?,
            tools: [(Family::Ipv4, v4), (Family::Ipv6, v6)],
            files,
        };
        stock.make_sets()?;
        Ok(Some(stock))
    }

    fn make_sets(&self) -> Result<(), Failed> {
        let config = fs::read_to_string(self.files.config(Side::A))?;
        let sets = Config::parse(&config)?.required_sets()?;
        let lines = sets.iter().map(|set| {
            let family = match set.family {
                Family::Ipv4 => "inet",
                Family::Ipv6 => "inet6",
            };
            format!("create {} hash:net family {family} timeout 0\n", set.name)
        });
        let ipset = Tool::require("ipset")?.input(lines.collect::<String>());
        self.namespace.run(|| ipset.run(&["restore"]))?;
        Ok(())
    }

    fn restore(&self, side: Side) -> Result<Cost, Failed> {
        let mut both = Cost::default();
        for (family, tool) in &self.tools {
            let rules = self.files.rules(side, *family);
            let restore = |tool: &Path| run(tool, &[], Some(&rules));
            both = both + self.namespace.run(|| restore(tool))?;
        }
        Ok(both)
    }
}

/// Services on ports from the one behind `behind` on.
fn many_services(services: u32, behind: u32) -> String {
    let service = |number| {
        let port = 1 + (behind + number) % 65_000;
        format!("[[service]]\nname = \"service-{number}\"\nprotocol = \"tcp\"\nports = [{port}]\n")
    };
    (0..services).map(service).collect()
}
