//! `ipset-netlink`, `ipset-cli` and the block lists of `firewall-apply` beside the stock `ipset`, in a
//! private network namespace.
//!
//! ```text
//! cargo build --release -p ipset-cli -p firewall-apply
//! cargo bench -p rampart-benches --bench ipset                # as root or as an ordinary user
//! RAMPART_BENCH_ENTRIES=100000 RAMPART_BENCH_TURNS=9 cargo bench -p rampart-benches --bench ipset
//! ```
//!
//! Both sides do the same work in turns, and what counts are the ratios: how many times as long the
//! stock program takes, by the clock and in processor time (its own and the kernel's). The clock
//! says little on a machine that is busy with other things; processor time says more. The kernel's
//! part is the same on both sides and is what remains of ours.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ipset_netlink::{
    CreateSet, Entry, Family, IfExists, IfMissing, IpSet, SetName, SetType, Timeout,
};
use netns_testbed::{Failed, Tool, program};
use nix::sys::ptrace;
use nix::sys::resource::UsageWho;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use rampart_benches::{Cost, Pairs, Start, command, run, turns};

fn main() -> ExitCode {
    // Nothing is measured, and no set is made, in the network of the host.
    if let Err(reason) = netns_testbed::enter() {
        eprintln!("ipset: no private network namespace: {reason}");
        return ExitCode::FAILURE;
    }
    match Bench::new().and_then(|mut bench| bench.measure()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("ipset: {}", failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

struct Bench {
    sets: IpSet,
    set: SetName,
    ours: PathBuf,
    stock: Option<PathBuf>,
    entries: u32,
    turns: usize,
    directory: PathBuf,
}

impl Bench {
    fn new() -> Result<Self, Failed> {
        let number = |name, default| match env::var(name) {
            Ok(text) => text.parse().map_err(|_| format!("{name} is not a number")),
            Err(_) => Ok(default),
        };
        let stock = Tool::find("ipset").map(|tool| tool.path().to_owned());
        if stock.is_none() {
            println!("ipset is not installed, there is nothing to compare with");
        }
        Ok(Self {
            sets: IpSet::connect()?,
            set: "bench".parse()?,
            ours: program("ipset-cli"),
            stock,
            entries: number("RAMPART_BENCH_ENTRIES", 1_000_000)?,
            turns: turns()?,
            directory: env::temp_dir(),
        })
    }

    fn measure(&mut self) -> Result<(), Failed> {
        let n = self.entries;
        println!(
            "{n} entries of a hash:ip, {} turns: the stock ipset takes",
            self.turns
        );
        self.memory()?;

        let timeout = Timeout::from_secs(86_400)?;
        let plain = Work::new(self, n, None)?;
        let timed = Work::new(self, n, Some(timeout))?;
        self.compare(
            "restore, against ipset-cli restore",
            |bench, program| match program {
                Program::Ours => bench.restore(&bench.ours.clone(), &plain),
                Program::Stock(ipset) => bench.restore(ipset, &plain),
            },
        )?;
        self.compare(
            "restore, against values with the capacity given",
            |bench, program| match program {
                Program::Ours => bench.add_values(&plain, Capacity::Given),
                Program::Stock(ipset) => bench.restore(ipset, &plain),
            },
        )?;
        self.compare(
            "restore, against values with the capacity given, both with timeouts",
            |bench, program| match program {
                Program::Ours => bench.add_values(&timed, Capacity::Given),
                Program::Stock(ipset) => bench.restore(ipset, &timed),
            },
        )?;
        self.compare(
            "restore, against values, both with timeouts and with sets that grow",
            |bench, program| match program {
                Program::Ours => bench.add_values(&timed, Capacity::Grows),
                Program::Stock(ipset) => bench.restore(ipset, &timed),
            },
        )?;
        self.compare(
            "restore, against ipset-cli restore, both with timeouts",
            |bench, program| match program {
                Program::Ours => bench.restore(&bench.ours.clone(), &timed),
                Program::Stock(ipset) => bench.restore(ipset, &timed),
            },
        )?;
        let list = BlockList::new(&self.directory, n)?;
        self.compare(
            "restore of networks, against firewall-apply refresh of a block list",
            |bench, program| match program {
                Program::Ours => list.refresh(bench),
                Program::Stock(ipset) => list.restore(bench, ipset),
            },
        )?;
        drop(list);
        let ours = self.ours.clone();
        run(&ours, &["restore"], Some(&plain.file))?;
        self.compare(
            "save, against ipset-cli save",
            |bench, program| match program {
                Program::Ours => run(&bench.ours, &["save"], None),
                Program::Stock(ipset) => run(ipset, &["save"], None),
            },
        )?;
        self.sets.flush(&self.set)?;
        self.compare(
            "100 processes that add one entry each",
            |bench, program| match program {
                Program::Ours => bench.add_one_by_one(&bench.ours.clone()),
                Program::Stock(ipset) => bench.add_one_by_one(ipset),
            },
        )?;
        self.sets.destroy(&self.set, IfMissing::Fail)?;
        Ok(())
    }

    /// Runs both sides in turns and says how they compare.
    fn compare(
        &mut self,
        name: &str,
        mut work: impl FnMut(&mut Self, Program<'_>) -> Result<Cost, Failed>,
    ) -> Result<(), Failed> {
        let mut pairs = Pairs::default();
        let stock = self.stock.clone();
        for _ in 0..self.turns {
            let ours = work(self, Program::Ours)?;
            let Some(stock) = &stock else {
                println!(
                    "  {name}: {:.3} s, {:.3} s of the processor",
                    ours.clock, ours.processor
                );
                return Ok(());
            };
            let theirs = work(self, Program::Stock(stock))?;
            pairs.push(theirs, ours);
        }
        println!("  {name}: {pairs}");
        Ok(())
    }

    /// Restores a file into a set that is removed again.
    fn restore(&mut self, program: &Path, work: &Work) -> Result<Cost, Failed> {
        let cost = run(program, &["restore"], Some(&work.file))?;
        self.check_and_destroy(work)?;
        Ok(cost)
    }

    fn add_values(&mut self, work: &Work, capacity: Capacity) -> Result<Cost, Failed> {
        let create = work.create.clone().hash_size(match capacity {
            Capacity::Given => (work.entries / 2).next_power_of_two(),
            Capacity::Grows => SMALL_HASH,
        });
        self.sets.create(&create, IfExists::Fail)?;
        let start = Start::now(UsageWho::RUSAGE_SELF)?;
        let outcome = self
            .sets
            .add_all(&self.set, work.values(), IfExists::Fail)?;
        let cost = start.cost()?;
        if let Some(failure) = outcome.failures.first() {
            return Err(failure.error.to_string().into());
        }
        self.check_and_destroy(work)?;
        Ok(cost)
    }

    fn add_one_by_one(&mut self, program: &Path) -> Result<Cost, Failed> {
        let mut total = Cost::default();
        for n in 1..=100_u32 {
            let address = Ipv4Addr::from(n).to_string();
            let cost = run(program, &["add", self.set.as_str(), &address], None)?;
            total = total + cost;
        }
        self.sets.flush(&self.set)?;
        Ok(total)
    }

    fn check_and_destroy(&mut self, work: &Work) -> Result<(), Failed> {
        let elements = self.sets.header(&self.set)?.elements;
        self.sets.destroy(&self.set, IfMissing::Fail)?;
        if elements == Some(work.entries) {
            Ok(())
        } else {
            Err(format!("{elements:?} of {} entries are in the set", work.entries).into())
        }
    }

    /// The most memory that restore and save take, with a tenth of the entries and with all.
    fn memory(&mut self) -> Result<(), Failed> {
        for program in [Some(self.ours.clone()), self.stock.clone()]
            .into_iter()
            .flatten()
        {
            let mut said = Vec::new();
            for entries in [self.entries / 10, self.entries] {
                let work = Work::new(self, entries, None)?;
                let restore = most_memory(&program, "restore", Some(&work.file))?;
                let save = most_memory(&program, "save", None)?;
                self.check_and_destroy(&work)?;
                said.push(format!("{entries} entries: restore {restore}, save {save}"));
            }
            println!("  memory of {}: {}", program.display(), said.join("; "));
        }
        Ok(())
    }
}

/// The most memory that a program had, as the kernel writes it.
///
/// What the system says of a child that has ended counts from the size of the program that started
/// it. So it is stopped right before its end, when its own number can still be read.
fn most_memory(program: &Path, argument: &str, input: Option<&Path>) -> Result<String, Failed> {
    let child = command(program, &[argument], input)?.spawn()?;
    let id = Pid::from_raw(i32::try_from(child.id())?);
    ptrace::seize(id, ptrace::Options::PTRACE_O_TRACEEXIT)?;
    let stopped = waitpid(id, None)?;
    let WaitStatus::PtraceEvent(..) = stopped else {
        return Err(format!("{}: {stopped:?}", program.display()).into());
    };
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    ptrace::cont(id, None)?;
    let ended = waitpid(id, None)?;
    if ended != WaitStatus::Exited(id, 0) {
        return Err(format!("{} {argument}: {ended:?}", program.display()).into());
    }
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.ok_or_else(|| format!("/proc/{id}/status has no VmHWM"))?;
    Ok(most.trim().to_owned())
}

/// Whether a set is made as large as it will be.
#[derive(Clone, Copy)]
enum Capacity {
    Given,
    Grows,
}

#[derive(Clone, Copy)]
enum Program<'a> {
    Ours,
    Stock(&'a Path),
}

/// What is added, and the file that `restore` reads.
struct Work {
    create: CreateSet,
    entries: u32,
    timeout: Option<Timeout>,
    file: PathBuf,
}

impl Work {
    fn new(bench: &Bench, entries: u32, timeout: Option<Timeout>) -> Result<Self, Failed> {
        let mut create = CreateSet::new(bench.set.clone(), SetType::HashIp, Family::Inet)
            .max_elements(entries.saturating_mul(2).max(1));
        create.options.timeout = timeout.map(|_| Timeout::PERMANENT);
        let kind = if timeout.is_some() {
            "timeout"
        } else {
            "plain"
        };
        let name = format!("rampart-bench-{}-{kind}-{entries}", std::process::id());
        let work = Self {
            create,
            entries,
            timeout,
            file: bench.directory.join(name),
        };
        work.write()?;
        Ok(work)
    }

    /// Odd multiples of an odd number are all different; 0.0.0.0 is not among them.
    fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + use<> {
        (0..self.entries).map(|n| {
            Ipv4Addr::from(
                n.wrapping_mul(2)
                    .wrapping_add(1)
                    .wrapping_mul(2_654_435_761),
            )
        })
    }

    fn values(&self) -> impl Iterator<Item = Entry> + use<> {
        let timeout = self.timeout;
        self.addresses().map(move |address| {
            let mut entry = Entry::new(address.into());
            entry.timeout = timeout;
            entry
        })
    }

    fn write(&self) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(&self.file)?);
        let (set, most) = (&self.create.name, self.entries.saturating_mul(2).max(1));
        let (with, each) = match self.timeout {
            Some(timeout) => (" timeout 0", format!(" timeout {}", timeout.as_secs())),
            None => ("", String::new()),
        };
        writeln!(
            file,
            "create {set} hash:ip family inet hashsize {SMALL_HASH} maxelem {most}{with}"
        )?;
        for address in self.addresses() {
            writeln!(file, "add {set} {address}{each}")?;
        }
        file.flush()
    }
}

/// A block list of networks of which no two touch, and the same as `restore` reads it.
struct BlockList {
    entries: u32,
    program: PathBuf,
    config: String,
    list: PathBuf,
    full: PathBuf,
    restored: PathBuf,
}

impl BlockList {
    fn new(directory: &Path, entries: u32) -> Result<Self, Failed> {
        let path =
            |name: &str| directory.join(format!("rampart-bench-{}-{name}", std::process::id()));
        let list = Self {
            entries,
            program: program("firewall-apply"),
            config: path("firewall.toml").display().to_string(),
            list: path("list"),
            full: path("list.full"),
            restored: path("list.restore"),
        };
        let text = format!(
            "service = []\n[[blocklist]]\nname = \"blocked\"\nfile = \"{}\"\n",
            list.list.display()
        );
        fs::write(&list.config, text)?;
        fs::write(&list.list, "")?;
        let mut full = BufWriter::new(File::create(&list.full)?);
        let mut restored = BufWriter::new(File::create(&list.restored)?);
        let most = entries.saturating_mul(2).max(1);
        writeln!(
            restored,
            "create bench hash:net family inet hashsize {SMALL_HASH} maxelem {most}"
        )?;
        for network in networks().take(usize::try_from(entries)?) {
            writeln!(full, "{network}/24")?;
            writeln!(restored, "add bench {network}/24")?;
        }
        full.flush()?;
        restored.flush()?;
        list.run(&["apply", "--saved", "/dev/null"])?;
        Ok(list)
    }

    fn run(&self, arguments: &[&str]) -> Result<Cost, Failed> {
        let config = ["--config", &self.config];
        run(&self.program, &[&config[..], arguments].concat(), None)
    }

    /// From an empty list to the whole.
    fn refresh(&self, bench: &mut Bench) -> Result<Cost, Failed> {
        fs::write(&self.list, "")?;
        self.run(&["refresh", "--allow-shrink"])?;
        fs::copy(&self.full, &self.list)?;
        let cost = self.run(&["refresh"])?;
        self.check(bench, &"blocked".parse()?)?;
        Ok(cost)
    }

    fn restore(&self, bench: &mut Bench, ipset: &Path) -> Result<Cost, Failed> {
        let cost = run(ipset, &["restore"], Some(&self.restored))?;
        let set = bench.set.clone();
        self.check(bench, &set)?;
        bench.sets.destroy(&set, IfMissing::Fail)?;
        Ok(cost)
    }

    fn check(&self, bench: &mut Bench, set: &SetName) -> Result<(), Failed> {
        let elements = bench.sets.header(set)?.elements;
        if elements == Some(self.entries) {
            Ok(())
        } else {
            Err(format!("{elements:?} of {} networks are in the set", self.entries).into())
        }
    }
}

/// Networks of 256 addresses in no order, none of which touches another or is private: every other
/// one from 128.0.0.0 on.
fn networks() -> impl Iterator<Item = Ipv4Addr> {
    (0..1_u32 << 21)
        .map(|n| {
            let place = n.wrapping_mul(2_654_435_761) % (1 << 21);
            Ipv4Addr::from((1 << 31) + (place << 9))
        })
        .filter(|network| !network.is_private() && !network.is_link_local())
}

impl Drop for BlockList {
    fn drop(&mut self) {
        let config = PathBuf::from(&self.config);
        for file in [&config, &self.list, &self.full, &self.restored] {
            // What cannot be removed stays in the directory for such files.
            let _ = fs::remove_file(file);
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What cannot be removed stays in the directory for such files.
        let _ = fs::remove_file(&self.file);
    }
}

/// What sets begin with, and `ipset create` too.
const SMALL_HASH: u32 = 1024;
