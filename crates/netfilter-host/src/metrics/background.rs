//! A textfile that a program keeps up to date without waiting for a disk.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
use std::thread::{self, JoinHandle};

use super::{Metrics, Textfile};

/// A textfile and the thread that writes it.
#[derive(Debug)]
pub struct Background {
    /// `None` once there is no more to come.
    texts: Option<SyncSender<String>>,
    failures: Receiver<String>,
    writer: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system has no room for one.
    pub fn start(file: Textfile) -> std::io::Result<Self> {
        let (texts, to_write) = sync_channel::<String>(1);
        let (failed, failures) = channel();
        let writer = thread::Builder::new().name("textfile".to_owned());
        let writer = writer.spawn(move || {
            for text in to_write {
                if let Err(error) = file.write_text(&text) {
                    let cause = std::error::Error::source(&error);
                    let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
                    // Who has ended does not ask any more.
                    let _ = failed.send(format!("{error}{cause}"));
                }
            }
        })?;
        Ok(Self {
            texts: Some(texts),
            failures,
            writer: Some(writer),
        })
    }

    /// Has the file written, unless the disk has not taken what was to be written before.
    pub fn write(&self, metrics: &Metrics) {
        let Some(texts) = &self.texts else { return };
        match texts.try_send(metrics.prometheus()) {
            // The next has newer figures, and a thread that is gone has said why.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Why the file could not be written, since this was asked last.
    pub fn failure(&self) -> Option<String> {
        let mut last = None;
        loop {
            match self.failures.try_recv() {
                Ok(failure) => last = Some(failure),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return last,
            }
        }
    }

    /// Writes the last figures, and waits until they are on the disk; why they are not.
    pub fn end(mut self, metrics: &Metrics) -> Option<String> {
        if let Some(texts) = self.texts.take() {
            // They are the last, so they may wait for those before.
            let _ = texts.send(metrics.prometheus());
        }
        if let Some(writer) = self.writer.take() {
            // One that has panicked has written nothing, which the monitoring system sees.
            let _ = writer.join();
        }
        self.failure()
    }
}
