//! The outbox: what a host has to tell, until it is told and for as long as it holds.

mod damage;

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

pub use damage::Damage;
use nix::fcntl::{Flock, FlockArg, OFlag};

use crate::name::Host;
use crate::record::Record;
use crate::state::State;
use crate::time::Time;
use crate::wire::MAX_LINE;

/// A file of records, a line each, to which a scan appends and that is read by who tells them on.
///
/// What is appended is on disk when [`append`](Self::append) is done. What is over is left out when
/// the file has grown to twice what held when that was done last, and 64 KiB; the smaller file takes
/// the name of the larger one in one step. Who appends and who prunes wait for each other by a lock
/// on a file beside it, whose name ends in `.lock`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ban_fleet::{Outbox, Record, Time};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("outbox");
/// let outbox = Outbox::new(&path);
/// let ban = Record::parse(b"ban blacklist 203.0.113.7 end=2000 last=1000 hand why=")?;
/// outbox.append(&[ban.clone()], Time::from_millis(1000))?;
/// assert_eq!(outbox.read(Time::from_millis(1999))?.records, [ban]);
/// assert!(outbox.read(Time::from_millis(2000))?.records.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Outbox {
    path: PathBuf,
}

/// What is in an outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The records that hold, none of which another makes needless.
    pub records: Vec<Record>,
    /// What of the file is no record.
    pub damage: Damage,
}

/// Why an outbox was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The kernel refused.
    #[error("cannot {what} \"{}\"", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file is something else.
    #[error("\"{}\" is no outbox: its first line is not `{HEADER}`", .0.display())]
    Foreign(PathBuf),
}

/// The first line, which is followed by how long the file was when it was pruned last.
const HEADER: &str = "rampart-outbox 1";
/// A file may grow to twice its length and so many bytes before it is pruned.
const SLACK: u64 = 64 * 1024;
/// What is behind so many bytes is not read.
const MOST: u64 = 256 * 1024 * 1024;

impl Outbox {
    /// The outbox of this path; the file is made when something is appended.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends records and waits until they are on disk.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be written, or is none of ours; then it is as it was, or has some
    /// of the records.
    pub fn append(&self, records: &[Record], now: Time) -> Result<(), OutboxError> {
        if records.is_empty() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let mut file = self.open(OpenOptions::new().read(true).append(true).create(true))?;
        let begin = self.begin(&mut file)?;
        let mut text = String::new();
        match begin {
            Begin::Empty => {
                let emptied = file.set_len(0);
                emptied.map_err(|source| self.failed("write", source))?;
                text = header(0);
            }
            // A line that was cut short is no part of the next one, and with a tab no record,
            // whatever was cut off.
            Begin::Pruned { is_cut: true, .. } => text.push_str("\t\n"),
            Begin::Pruned { .. } => {}
        }
        for record in records {
            text.push_str(&record.to_string());
            text.push('\n');
        }
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(|source| self.failed("write", source))?;
        if begin == Begin::Empty {
            self.sync_directory()?;
        }
        let length = file
            .metadata()
            .map_err(|source| self.failed("read", source))?
            .len();
        let pruned = match begin {
            Begin::Empty => 0,
            Begin::Pruned { length, .. } => length,
        };
        if length > pruned.saturating_mul(2).saturating_add(SLACK) {
            drop(file);
            self.replace(now)?;
        }
        Ok(())
    }

    /// What is in it and not over. A file that is not there holds nothing.
    ///
    /// Whatever the file holds, the records in it are given and the rest is named.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be read, or is none of ours.
    pub fn read(&self, now: Time) -> Result<Contents, OutboxError> {
        let mut file = match self.open(OpenOptions::new().read(true)) {
            Ok(file) => file,
            Err(OutboxError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(Contents::default());
            }
            Err(error) => return Err(error),
        };
        self.begin(&mut file)?;
        let mut bytes = Vec::new();
        let length = file.seek(SeekFrom::Start(0)).and_then(|_| {
            (&mut file).take(MOST).read_to_end(&mut bytes)?;
            file.metadata().map(|about| about.len())
        });
        let length = length.map_err(|source| self.failed("read", source))?;
        let mut contents = parse(&bytes, now);
        if length > MOST {
            contents
                .damage
                .add(0, &format!("what is behind {MOST} bytes is not read"));
        }
        Ok(contents)
    }

    /// Leaves out what is over and what is no record.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be read or replaced, or is none of ours; then it is as it was.
    pub fn prune(&self, now: Time) -> Result<(), OutboxError> {
        let _lock = self.lock()?;
        self.replace(now)
    }

    fn replace(&self, now: Time) -> Result<(), OutboxError> {
        let Contents { records, .. } = self.read(now)?;
        let mut text = String::new();
        for record in &records {
            text.push_str(&record.to_string());
            text.push('\n');
        }
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let beside = self.beside(".new");
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(&beside)
            .and_then(|mut file| {
                file.write_all(header(length).as_bytes())?;
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&beside, &self.path));
        written.map_err(|source| self.failed("replace", source))?;
        self.sync_directory()
    }

    fn open(&self, options: &mut OpenOptions) -> Result<File, OutboxError> {
        // A path in a directory that others can write is not followed elsewhere; a pipe is not
        // waited for.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = options
            .mode(0o600)
            .custom_flags(flags.bits())
            .open(&self.path);
        let file = file.map_err(|source| self.failed("open", source))?;
        let about = file
            .metadata()
            .map_err(|source| self.failed("read", source))?;
        if about.is_file() {
            Ok(file)
        } else {
            Err(OutboxError::Foreign(self.path.clone()))
        }
    }

    /// What the first line says, and whether the last one is whole.
    fn begin(&self, file: &mut File) -> Result<Begin, OutboxError> {
        let read = (|| {
            let mut line = Vec::new();
            let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
            file.seek(SeekFrom::Start(0))?;
            (&mut *file).take(most).read_to_end(&mut line)?;
            let mut last = [b'\n'];
            if !line.is_empty() {
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
            }
            Ok((line, last == *b"\n"))
        })();
        let (line, is_whole) = read.map_err(|source| self.failed("read", source))?;
        if line.is_empty() {
            return Ok(Begin::Empty);
        }
        let first = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let first = std::str::from_utf8(first).unwrap_or_default();
        let behind = first.strip_prefix(HEADER);
        let length = behind.and_then(|behind| behind.strip_prefix(' ')?.parse::<u64>().ok());
        let is_cut = line == first.as_bytes();
        match length {
            // A crash came between the making of the file and the end of its first line.
            _ if is_cut && header(0).starts_with(first) => Ok(Begin::Empty),
            Some(length) if !is_cut => Ok(Begin::Pruned {
                length,
                is_cut: !is_whole,
            }),
            _ => Err(OutboxError::Foreign(self.path.clone())),
        }
    }

    fn lock(&self) -> Result<Flock<File>, OutboxError> {
        let path = self.beside(".lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(&path);
        let lock = file.and_then(|file| {
            Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
        });
        lock.map_err(|source| OutboxError::Io {
            what: "lock",
            path,
            source,
        })
    }

    /// A path beside it, in the same directory.
    fn beside(&self, end: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(end);
        path.into()
    }

    /// Has the directory on disk, so that the file's name is.
    fn sync_directory(&self) -> Result<(), OutboxError> {
        let parent = self
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let directory = File::open(parent.unwrap_or(Path::new(".")));
        let synced = directory.and_then(|directory| directory.sync_all());
        synced.map_err(|source| self.failed("write the directory of", source))
    }

    fn failed(&self, what: &'static str, source: io::Error) -> OutboxError {
        OutboxError::Io {
            what,
            path: self.path.clone(),
            source,
        }
    }
}

/// What an outbox begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    Empty,
    Pruned { length: u64, is_cut: bool },
}

fn header(length: u64) -> String {
    format!("{HEADER} {length}\n")
}

/// The records in the bytes of an outbox, without those that are over or needless, and what else
/// there is.
fn parse(bytes: &[u8], now: Time) -> Contents {
    let mut damage = Damage::default();
    let mut state = State::default();
    // Whose they are is no question here.
    let Ok(own) = "own".parse::<Host>() else {
        return Contents::default();
    };
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .zip(1_u64..)
        .skip(1)
        .peekable();
    while let Some((line, number)) = lines.next() {
        let is_last = lines.peek().is_none();
        if is_last && line.is_empty() {
            break;
        }
        match Record::parse(line) {
            Ok(record) if is_last => {
                // Its end may be missing, and with it a digit.
                drop(record);
                damage.add(number, "the line is cut short");
            }
            Ok(record) if record.end() > now => {
                state.insert(&own, record);
            }
            Ok(_) => {}
            Err(error) => damage.add(number, &error.to_string()),
        }
    }
    Contents {
        records: state.records_of(&own).collect(),
        damage,
    }
}
