//! `PATH.1`, which `PATH` was called before its last rotation, and files that are what their paths
//! name at one time.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{is_standard_input, standard_input};
use crate::error::Fatal;

/// A log that is open and not looked into yet.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// The length in bytes, where it is a file.
    pub(super) length: Option<u64>,
    /// How many bytes of it are read at most.
    pub(super) most: u64,
    /// A file that shows that lines before its first were rotated away: `iptables.log.1.gz`.
    pub(super) older: Option<PathBuf>,
    /// Which file it is, where its lines would count twice if it were given twice.
    identity: Option<Identity>,
}

/// What makes two paths one file: device and inode.
pub(super) type Identity = (u64, u64);

/// A path that is read if it can be.
struct Wanted<'a> {
    path: PathBuf,
    /// The path that was given, where this is its `PATH.1`; `None` where this was given itself.
    rotated_from: Option<&'a Path>,
    opened: Option<Opened>,
}

/// Opens all paths, so that a rotation meanwhile neither takes a line away nor shows one twice: if
/// the paths name something else once all are open, they are opened anew.
pub(super) fn open(paths: &[PathBuf], rotated: bool) -> Result<Vec<Opened>, Fatal> {
    let mut attempt = 1;
    let mut all = loop {
        let files = files(paths, rotated);
        let is_settled = match &files {
            Ok(files) => files.iter().all(Wanted::is_in_place),
            // Between its last name and its next there is a moment without one.
            Err(Fatal::OpenLog { path, source }) => {
                source.kind() != ErrorKind::NotFound || !with_suffix(path, ".1").is_file()
            }
            Err(_) => true,
        };
        if is_settled || attempt == ATTEMPTS {
            break files?;
        }
        attempt += 1;
        thread::sleep(PAUSE);
    };
    for wanted in &mut all {
        // What is no file cannot be opened a second time, and it may take until somebody writes.
        if wanted.opened.is_none() && wanted.rotated_from.is_none() {
            wanted.opened = Some(other(&wanted.path)?);
        }
    }
    distinct(all)
}

/// Opens the paths that are files, each `PATH.1` ahead of its `PATH`.
fn files(paths: &[PathBuf], rotated: bool) -> Result<Vec<Wanted<'_>>, Fatal> {
    let mut all = Vec::with_capacity(paths.len() * 2);
    for path in paths {
        let opened = if is_standard_input(path) {
            None
        } else {
            file(path).map_err(failed(path))?
        };
        let before = with_suffix(path, ".1");
        if rotated && opened.is_some() && !paths.contains(&before) {
            let is_file = fs::metadata(&before).map(|metadata| metadata.is_file());
            let older = match is_file {
                Ok(true) => unless_gone(file(&before)).map_err(failed(&before))?,
                Ok(false) => None,
                Err(error) => unless_gone(Err(error)).map_err(failed(&before))?,
            };
            all.push(Wanted {
                path: before,
                rotated_from: Some(path),
                opened: older,
            });
        }
        all.push(Wanted {
            path: path.clone(),
            rotated_from: None,
            opened,
        });
    }
    Ok(all)
}

/// Opens a file; `None` where the path names something else.
fn file(path: &Path) -> io::Result<Option<Opened>> {
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok(Some(Opened {
        path: path.to_owned(),
        file,
        length: Some(metadata.len()),
        most: u64::MAX,
        older: None,
        identity: Some(identity(&metadata)),
    }))
}

/// Opens standard input, a pipe or a device.
pub(super) fn other_file(path: &Path) -> Result<File, Fatal> {
    let file = if is_standard_input(path) {
        standard_input()
    } else {
        File::open(path)
    };
    let file = file.map_err(failed(path))?;
    let metadata = file.metadata().map_err(failed(path))?;
    if metadata.is_dir() {
        return Err(failed(path)(ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

/// What [`other_file`] opens, and what is known of it.
fn other(path: &Path) -> Result<Opened, Fatal> {
    let stdin = is_standard_input(path);
    let file = other_file(path)?;
    let metadata = file.metadata().map_err(failed(path))?;
    // Of a terminal or /dev/null there is not one text that would count twice.
    let is_device = metadata.file_type().is_char_device();
    Ok(Opened {
        path: path.to_owned(),
        file,
        length: (metadata.is_file() && !stdin).then_some(metadata.len()),
        most: u64::MAX,
        older: None,
        identity: (!(stdin && is_device)).then(|| identity(&metadata)),
    })
}

/// Leaves out each `PATH.1` that is read already, and says where lines are missing.
fn distinct(all: Vec<Wanted<'_>>) -> Result<Vec<Opened>, Fatal> {
    let mut seen = HashSet::new();
    let (given, before): (Vec<_>, Vec<_>) =
        all.iter().partition(|wanted| wanted.rotated_from.is_none());
    for opened in given.iter().filter_map(|wanted| wanted.opened.as_ref()) {
        if opened
            .identity
            .is_some_and(|identity| !seen.insert(identity))
        {
            return Err(Fatal::SameLog {
                path: opened.path.clone(),
            });
        }
    }
    let mut copies = HashSet::new();
    for wanted in before {
        let Some(opened) = &wanted.opened else {
            continue;
        };
        let of = given
            .iter()
            .find(|other| wanted.rotated_from == Some(&other.path));
        let of = of.and_then(|wanted| wanted.opened.as_ref());
        let is_copy = of.map_or(Ok(false), |of| is_copy(&opened.file, &of.file));
        if is_copy.map_err(failed(&opened.path))? {
            copies.insert(opened.path.clone());
        }
    }
    let mut logs: Vec<Opened> = Vec::with_capacity(all.len());
    for wanted in all {
        let Some(mut opened) = wanted.opened else {
            continue;
        };
        if wanted.rotated_from.is_some() {
            let is_read = opened
                .identity
                .is_some_and(|identity| !seen.insert(identity));
            if is_read || copies.contains(&opened.path) {
                continue;
            }
            // It may be a copy that is being made.
            opened.most = opened.length.unwrap_or(u64::MAX);
        } else if opened.length.is_some() {
            opened.older = older(&opened.path);
        }
        logs.push(opened);
    }
    Ok(logs)
}

/// A file that shows that `path` has been rotated.
fn older(path: &Path) -> Option<PathBuf> {
    SUFFIXES.iter().find_map(|suffix| {
        let path = with_suffix(path, suffix);
        path.is_file().then_some(path)
    })
}

impl Wanted<'_> {
    /// Whether its path names what was opened.
    fn is_in_place(&self) -> bool {
        if is_standard_input(&self.path) {
            return true;
        }
        let now = fs::metadata(&self.path);
        let now = now.ok().filter(Metadata::is_file);
        let opened = self.opened.as_ref().and_then(|opened| opened.identity);
        now.as_ref().map(identity) == opened
    }
}

/// Whether `before` is a copy of the log that is still being made, as while logrotate's copytruncate
/// copies: as far as a page shows, it is the begin of the log. No two logs begin at the same time with
/// the same line; but a log that has just been begun, with half a line, may well begin as the one
/// before it did.
fn is_copy(before: &File, log: &File) -> io::Result<bool> {
    let begin = |file: &File| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 4096];
        let length = file.read_at(&mut bytes, 0)?;
        bytes.truncate(length);
        Ok(bytes)
    };
    // In this order: the log grows meanwhile, and its copy is no longer than it.
    let before = begin(before)?;
    Ok(!before.is_empty() && begin(log)?.starts_with(&before))
}

fn unless_gone(opened: io::Result<Option<Opened>>) -> io::Result<Option<Opened>> {
    match opened {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other,
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Fatal {
    let path = path.to_owned();
    move |source| Fatal::OpenLog {
        path: path.clone(),
        source,
    }
}

pub(super) fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// What the names of rotated logs end with.
const SUFFIXES: [&str; 5] = [".1", ".1.gz", ".1.xz", ".1.zst", ".1.bz2"];

/// How often logs are opened that are rotated meanwhile, and the pause in between.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(2);
