//! Being woken when something happens to a log.

use std::fs;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use crate::log::rotated::{Identity, identity};

/// Watches directories, by their names.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Inotify,
    directories: Vec<Directory>,
}

#[derive(Debug)]
struct Directory {
    path: PathBuf,
    /// What has the name now and is watched.
    watched: Option<(Identity, WatchDescriptor)>,
}

impl Watch {
    /// Watches what the logs are in, and what those are in that they are links to. `None` where the
    /// system watches nothing more.
    pub(super) fn of<'p>(logs: impl Iterator<Item = &'p Path>) -> Option<Self> {
        let flags = InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC;
        let inotify = Inotify::init(flags).ok()?;
        let mut watch = Self {
            inotify,
            directories: Vec::new(),
        };
        for log in logs {
            let target = fs::canonicalize(log).ok();
            for path in [Some(log), target.as_deref()].into_iter().flatten() {
                let directory = match path.parent() {
                    Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
                    Some(parent) => parent,
                    None => continue,
                };
                watch.add(directory);
            }
        }
        watch.look();
        Some(watch)
    }

    fn add(&mut self, directory: &Path) {
        if self.directories.iter().all(|known| known.path != directory) {
            self.directories.push(Directory {
                path: directory.to_owned(),
                watched: None,
            });
        }
    }

    /// Watches what has the names now: a directory may have been made, or mounted anew.
    pub(super) fn look(&mut self) {
        for directory in &mut self.directories {
            let found = fs::metadata(&directory.path).ok();
            let found = found.as_ref().map(identity);
            let known = directory.watched.map(|(known, _)| known);
            if found == known {
                continue;
            }
            if let Some((_, watched)) = directory.watched.take() {
                // It is gone with its directory.
                let _ = self.inotify.rm_watch(watched);
            }
            let watched = self.inotify.add_watch(&directory.path, EVENTS);
            directory.watched = found.zip(watched.ok());
        }
    }

    /// Takes note of what happened. What there is beyond one look ends the next wait at once: a
    /// neighbour that is written without a pause keeps nobody here.
    pub(super) fn rest(&self) {
        let _ = self.inotify.read_events();
    }

    /// Readable when something happened.
    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// A log was written, made, or got its name.
const EVENTS: AddWatchFlags = AddWatchFlags::IN_MODIFY
    .union(AddWatchFlags::IN_CREATE)
    .union(AddWatchFlags::IN_MOVED_TO);
