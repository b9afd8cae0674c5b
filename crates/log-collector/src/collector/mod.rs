//! From the socket to the file, until told to end.

mod figures;
mod lines;

use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fmt, io};

use netfilter_host::nflog::{self, Gathering, Group, Received};
use netfilter_host::signals::{Signals, wait};

use self::figures::Figures;
use self::lines::Lines;
use crate::args::Args;
use crate::output::{self, Output, Written};
use crate::say::say;

/// Datagrams taken before signals are looked at again.
const AT_ONCE: usize = 64;
/// How long after the last packet it is said that some were lost whose number no later packet
/// tells.
const UNTOLD: Duration = Duration::from_secs(1);
/// How often it is said at most that the disk is full.
const SAID_FOR: Duration = Duration::from_secs(60);
/// How long the last packets may take once the end has been asked for.
const LAST: Duration = Duration::from_secs(2);

/// What ends the program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Group(#[from] nflog::Error),
    #[error(transparent)]
    Output(#[from] output::Error),
    #[error("cannot take signals")]
    Signals(#[source] io::Error),
    #[error("cannot wait for packets")]
    Wait(#[source] io::Error),
    #[error("cannot start what writes the file of --textfile")]
    Textfile(#[source] io::Error),
}

/// What has been done, for the last line.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    written: u64,
    lost: u64,
    dropped: u64,
    given_up: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            written,
            lost,
            dropped,
            given_up,
        } = self;
        write!(
            f,
            "{written} lines written, {lost} packets lost before they were read, {dropped} lines dropped for want of room"
        )?;
        if *given_up > 0 {
            write!(f, ", and {given_up} that had been written before")?;
        }
        Ok(())
    }
}

pub(crate) struct Collector {
    group: Group,
    signals: Signals,
    output: Output,
    path: PathBuf,
    lines: Lines,
    totals: Totals,
    /// Lines dropped since the file last took some.
    outage: u64,
    /// Older lines that went for want of room, of which the file does not tell yet.
    given_up: u64,
    /// When it was said last that they go.
    said_full: Option<Instant>,
    /// It has been said that the file cannot be rotated.
    too_large: bool,
    /// The file of `--textfile`.
    figures: Option<Figures>,
}

impl Collector {
    /// Everything that can be refused is asked for here; the file last, so that a refusal leaves
    /// none behind.
    pub(crate) fn start(args: &Args) -> Result<Self, Error> {
        let signals = Signals::register().map_err(Error::Signals)?;
        let group = Group::bind(args.group, Gathering::LONG)?;
        let output = Output::open(&args.output, args.max_size, args.keep)?;
        if let Some(limit) = output.cramped() {
            say(&format_args!(
                "the disk of {} is too full for {} files of {} bytes: until there is more room, each may have {limit}",
                args.output.display(),
                u32::from(args.keep) + 1,
                args.max_size
            ));
        }
        let figures = args.textfile.as_ref().map(Figures::start).transpose();
        Ok(Self {
            figures: figures.map_err(Error::Textfile)?,
            group,
            signals,
            output,
            path: args.output.clone(),
            lines: Lines::new(),
            totals: Totals::default(),
            outage: 0,
            given_up: 0,
            said_full: None,
            too_large: false,
        })
    }

    /// Collects until a signal ends it.
    pub(crate) fn run(mut self) -> Result<Totals, Error> {
        while !self.signals.stop() {
            if self.signals.take_reopen() {
                self.reopen();
            }
            self.take(AT_ONCE, None)?;
            let rest = self.write_figures();
            let untold = self.lines.has_untold_loss();
            let timeout = if untold { Some(UNTOLD) } else { rest };
            if !self.wait(timeout)? && untold {
                self.lines.tell_loss();
                self.write();
            }
        }
        self.finish()?;
        if let Some(figures) = self.figures.take() {
            figures.end(&self.totals);
        }
        Ok(self.totals)
    }

    /// Writes the figures where it is time to; how long it is until then.
    fn write_figures(&mut self) -> Option<Duration> {
        let figures = self.figures.as_mut()?;
        figures.write(&self.totals);
        Some(figures.rest())
    }

    /// Writes what the kernel still has.
    fn finish(&mut self) -> Result<(), Error> {
        let request = self.group.unbind()?;
        let end = Instant::now() + LAST;
        while !self.take(AT_ONCE, Some(request))? {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !wait(&[self.group.as_fd()], Some(left)).map_err(Error::Wait)? {
                break;
            }
        }
        self.lines.tell_loss();
        self.write();
        Ok(())
    }

    /// Takes up to `most` datagrams, and writes what is in them; tells whether the answer to
    /// `request` was there.
    fn take(&mut self, most: usize, request: Option<u32>) -> Result<bool, Error> {
        for _ in 0..most {
            match self.group.receive()? {
                Received::Nothing => return Ok(false),
                Received::Overrun => self.lines.overrun(),
                Received::Datagram => {
                    let answered = self.lines.add(&self.group);
                    self.write();
                    if answered.is_some() && answered == request {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Writes the lines gathered. What cannot be written is counted: nothing waits for a disk.
    fn write(&mut self) {
        self.totals.lost += self.lines.take_lost();
        self.write_notes();
        let written = self.output.write(self.lines.text());
        self.lines.clear();
        self.totals.written += written.lines;
        self.look_after(&written);
        if let Some((lines, error)) = written.dropped {
            if self.outage == 0 {
                let path = self.path.display();
                say(&format_args!(
                    "cannot write to {path}, lines are dropped: {error}"
                ));
            }
            self.outage += lines;
            self.totals.dropped += lines;
        } else {
            self.write_notes();
        }
        match written.not_rotated {
            Some(error) if !self.too_large => {
                self.too_large = true;
                let path = self.path.display();
                say(&format_args!("cannot rotate {path}, it grows on: {error}"));
            }
            _ => {}
        }
    }

    /// Writes down which lines are missing.
    fn write_notes(&mut self) {
        let path = self.path.display();
        if self.given_up > 0 {
            let note = self.lines.note(&format_args!(
                "{} older lines removed: no room for {path} on its disk",
                self.given_up
            ));
            let written = self.output.write(&note);
            if written.dropped.is_none() {
                self.given_up = 0;
            }
            self.look_after(&written);
        }
        if self.outage > 0 {
            let note = self.lines.note(&format_args!(
                "{} lines dropped: {} could not be written",
                self.outage,
                self.path.display()
            ));
            let written = self.output.write(&note);
            if written.dropped.is_none() {
                self.outage = 0;
            }
            self.look_after(&written);
        }
    }

    /// Counts older lines that had to go, and says so from time to time.
    fn look_after(&mut self, written: &Written) {
        self.given_up += written.given_up;
        self.totals.given_up += written.given_up;
        let said_lately = self.said_full.is_some_and(|said| said.elapsed() < SAID_FOR);
        if written.given_up > 0 && !said_lately {
            self.said_full = Some(Instant::now());
            say(&format_args!(
                "no room for {} on its disk: {} older lines were removed",
                self.path.display(),
                written.given_up
            ));
        }
    }

    fn reopen(&mut self) {
        self.lines.ask_host();
        self.too_large = false;
        if let Err(error) = self.output.reopen() {
            say(&format_args!("{error}; the open one is written on"));
        }
    }

    /// Waits for a packet or a signal; `false` if `timeout` passed without.
    fn wait(&mut self, timeout: Option<Duration>) -> Result<bool, Error> {
        let ready =
            wait(&[self.group.as_fd(), self.signals.as_fd()], timeout).map_err(Error::Wait)?;
        self.signals.rest();
        Ok(ready)
    }
}
