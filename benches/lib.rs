//! What the benches measure with: processor time and the clock of whole processes, as ratios.

use std::fs::File;
use std::ops::Add;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fmt, io};

use netns_testbed::Failed;
use nix::sys::resource::{Usage, UsageWho, getrusage};

/// Runs a program to its end; what it prints is thrown away.
///
/// # Errors
/// When it cannot be run, or its exit status is not 0.
pub fn run(program: &Path, arguments: &[&str], input: Option<&Path>) -> Result<Cost, Failed> {
    let mut command = command(program, arguments, input)?;
    let start = Start::now(UsageWho::RUSAGE_CHILDREN)?;
    let status = command.status()?;
    let cost = start.cost()?;
    if status.success() {
        Ok(cost)
    } else {
        Err(format!("{} {}: {status}", program.display(), arguments.join(" ")).into())
    }
}

/// The command that [`run`] runs.
///
/// # Errors
/// When the input cannot be read.
pub fn command(program: &Path, arguments: &[&str], input: Option<&Path>) -> io::Result<Command> {
    let input = input.map(File::open).transpose()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(input.map_or_else(Stdio::null, Stdio::from))
        .stdout(Stdio::null());
    Ok(command)
}

/// What something took, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// By the clock.
    pub clock: f64,
    /// Of the processor, the program's own and the kernel's for it.
    pub processor: f64,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            clock: self.clock + other.clock,
            processor: self.processor + other.processor,
        }
    }
}

/// What one side took of what the other took beside it, turn by turn.
#[derive(Debug, Default)]
pub struct Pairs {
    clock: Vec<f64>,
    processor: Vec<f64>,
}

impl Pairs {
    /// One turn of both.
    pub fn push(&mut self, one: Cost, other: Cost) {
        self.clock.push(one.clock / other.clock);
        self.processor.push(one.processor / other.processor);
    }
}

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (clock, processor) = (spread(&self.clock), spread(&self.processor));
        write!(f, "{clock} as long, {processor} the processor time")
    }
}

/// How often both sides run: `RAMPART_BENCH_TURNS`, or 5.
///
/// # Errors
/// When that is no number.
pub fn turns() -> Result<usize, Failed> {
    match env::var("RAMPART_BENCH_TURNS") {
        Ok(text) => Ok(text
            .parse::<usize>()
            .map_err(|_| "RAMPART_BENCH_TURNS is not a number")?
            .max(1)),
        Err(_) => Ok(5),
    }
}

/// When something began.
#[derive(Debug)]
pub struct Start {
    who: UsageWho,
    clock: Instant,
    processor: f64,
}

impl Start {
    /// Now; `who` does what is measured.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn now(who: UsageWho) -> Result<Self, Failed> {
        Ok(Self {
            who,
            processor: processor_time(&getrusage(who)?),
            clock: Instant::now(),
        })
    }

    /// What it took since.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn cost(&self) -> Result<Cost, Failed> {
        Ok(Cost {
            clock: self.clock.elapsed().as_secs_f64(),
            processor: processor_time(&getrusage(self.who)?) - self.processor,
        })
    }
}

fn processor_time(usage: &Usage) -> f64 {
    let time = [usage.user_time(), usage.system_time()]
        .map(|time| (time.tv_sec(), time.tv_usec()))
        .map(|(seconds, micros)| seconds.saturating_mul(1_000_000).saturating_add(micros))
        .iter()
        .sum::<i64>();
    Duration::from_micros(u64::try_from(time).unwrap_or(0)).as_secs_f64()
}

/// The median, and the least and the most in brackets.
fn spread(ratios: &[f64]) -> String {
    let mut ratios = ratios.to_vec();
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    let (least, most) = (ratios.first(), ratios.last());
    format!(
        "{median:.2} ({:.2} to {:.2}) times",
        least.unwrap_or(&median),
        most.unwrap_or(&median)
    )
}
