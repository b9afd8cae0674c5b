//! Reads commands from a file.
//!
//! Entries of one set that come one after the other are collected and sent together. They are with
//! the kernel before anything else is done or said, so that the lines take effect in their order,
//! up to the first that fails. They are also sent when there is nothing more to read at the moment:
//! whoever writes to a pipe and keeps it open can rely on the lines written so far.

mod batch;
mod input;

use std::fs::File;

use batch::Batch;
use input::{Input, Read};

use crate::command_line::{self, Command, Stop};
use crate::session::Session;
use crate::{error_text, text};

/// Runs the lines of a file, up to the first that fails.
pub(crate) fn restore(session: &mut Session, input: File) -> Result<(), Stop> {
    let mut input = Input::new(input);
    let mut restore = Restore {
        session,
        batch: None,
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = loop {
            match input.read_line(&mut line) {
                Ok(Read::Dry) => {
                    restore.send()?;
                    input.wait();
                }
                read => break read,
            }
        };
        match read {
            Ok(Read::Line | Read::Dry) => restore.line(number, &line)?,
            Ok(Read::End) => break,
            Err(error) => {
                restore.send()?;
                let text = format!("Cannot read: {}", error_text::without_number(&error));
                return Err(Stop::Failed(text).in_line(number));
            }
        }
    }
    restore.send()
}

struct Restore<'a> {
    session: &'a mut Session,
    /// The entries that were read last and are not with the kernel yet.
    batch: Option<Batch>,
}

impl Restore<'_> {
    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), Stop> {
        if let Some(batch) = &mut self.batch {
            if let Some(entry) = batch.read(line) {
                batch.push(number, entry);
                return if batch.is_full() { self.send() } else { Ok(()) };
            }
        }
        self.session.report.set_line(Some(number));
        let Err(stop) = self.any_line(number, line) else {
            return Ok(());
        };
        // What this line made of the report is told only if all lines before it succeed.
        let report = std::mem::take(&mut self.session.report);
        self.send()?;
        self.session.report = report;
        Err(stop.in_line(number))
    }

    fn any_line(&mut self, number: u64, line: &[u8]) -> Result<(), Stop> {
        let line = line.trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        if matches!(line, b"COMMIT\n" | b"COMMIT\r\n") {
            return self.send();
        }
        let Some(call) = self.session.read(command_line::split(&text::of(line))?)? else {
            return Ok(());
        };
        if matches!(call.command, Command::Add | Command::Del) {
            let change = self.session.read_change(&call)?;
            if !Batch::takes(call.command, &change.entry) {
                self.send()?;
                self.session.report.set_line(Some(number));
                return self.session.make(call.command, &change);
            }
            let belongs = |batch: &Batch| batch.is_of(self.session, call.command, &change.set);
            if !self.batch.as_ref().is_some_and(belongs) {
                self.send()?;
                let known = self.session.known_set(&change.set)?;
                self.batch = Some(Batch::new(self.session, call.command, change.set, known));
            }
            if let Some(batch) = &mut self.batch {
                batch.push(number, change.entry);
            }
            return Ok(());
        }
        self.send()?;
        self.batch = None;
        self.session.report.set_line(Some(number));
        self.session.call(&call)?;
        self.session.tell_report();
        Ok(())
    }

    /// Sends what was collected.
    fn send(&mut self) -> Result<(), Stop> {
        match &mut self.batch {
            Some(batch) => batch.send(self.session),
            None => Ok(()),
        }
    }
}
