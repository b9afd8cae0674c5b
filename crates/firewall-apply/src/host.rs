//! Files of the host, below a directory that tests can choose. Nothing is started to find out.

use std::fs::{self, Metadata};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use netfilter_host::distribution::Distribution;

use crate::files;

/// The host's files.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    root: PathBuf,
}

impl Host {
    /// Those of the system that this runs on.
    pub(crate) fn of_this_system() -> Self {
        Self::below(Path::new("/"))
    }

    /// Those below a directory that stands for `/`.
    pub(crate) fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Where a file is that has this path from `/` on.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The text of a file, of which at most 1 MiB are read; `None` where it cannot be read.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        let bytes = files::read(&self.path(path), MAX_SIZE).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The number in a file of the kernel's.
    pub(crate) fn number(&self, path: &str) -> Option<u64> {
        self.read(path)?.trim().parse().ok()
    }

    /// The last bytes of a file, at most `most`, without the line that they begin in the middle of.
    pub(crate) fn tail(&self, path: &str, most: u64) -> Option<Vec<u8>> {
        let mut file = files::open(&self.path(path), u64::MAX).ok()?;
        let size = file.metadata().ok()?.len();
        let from = size.saturating_sub(most);
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).ok()?;
        if from > 0 {
            let line = bytes.iter().position(|byte| *byte == b'\n');
            bytes.drain(..line.map_or(bytes.len(), |at| at + 1));
        }
        Some(bytes)
    }

    /// What the system says of a file; a link is followed.
    pub(crate) fn metadata(&self, path: &str) -> Option<Metadata> {
        fs::metadata(self.path(path)).ok()
    }

    /// Whether there is something of this path, be it a link that leads nowhere.
    pub(crate) fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// The paths of the files of a directory whose names end in `ending`, sorted.
    pub(crate) fn files_in(&self, directory: &str, ending: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).into_iter().flatten();
        let names = entries
            .flatten()
            .take(MOST_FILES)
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut paths: Vec<String> = names
            .filter(|name| name.ends_with(ending))
            .map(|name| format!("{directory}/{name}"))
            .collect();
        paths.sort_unstable();
        paths
    }

    /// Whether systemd starts a unit by itself: something wants it.
    pub(crate) fn is_enabled(&self, unit: &str) -> bool {
        let wants = ["/etc/systemd/system", "/usr/lib/systemd/system"];
        wants.iter().any(|directory| {
            self.files_in(directory, ".wants")
                .iter()
                .any(|wants| self.exists(&format!("{wants}/{unit}")))
        })
    }

    /// The release of the kernel, as `uname -r` says it.
    pub(crate) fn release(&self) -> String {
        let release = self.read("/proc/sys/kernel/osrelease");
        release.unwrap_or_default().trim().to_owned()
    }

    /// The distribution.
    pub(crate) fn distribution(&self) -> Distribution {
        let text = self
            .read("/etc/os-release")
            .or_else(|| self.read("/usr/lib/os-release"));
        Distribution::parse(&text.unwrap_or_default())
    }
}

/// Bytes of a file that settings stand in.
const MAX_SIZE: u64 = 1 << 20;
/// Entries of a directory.
const MOST_FILES: usize = 10_000;

#[cfg(test)]
pub(crate) mod testing {
    use super::Host;

    /// A host with these files.
    pub(crate) struct Made {
        pub(crate) directory: tempfile::TempDir,
    }

    impl Made {
        pub(crate) fn new(files: &[(&str, &str)]) -> Self {
            let made = Self {
                directory: tempfile::tempdir().unwrap(),
            };
            for (path, content) in files {
                made.write(path, content);
            }
            made
        }

        pub(crate) fn write(&self, path: &str, content: &str) {
            let path = self.host().path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }

        pub(crate) fn host(&self) -> Host {
            Host::below(self.directory.path())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Made;

    #[test]
    fn files_are_those_below_the_root() {
        let made = Made::new(&[
            ("/etc/systemd/system/timers.target.wants/a.timer", ""),
            ("/etc/os-release", "ID=debian\n"),
            ("/log", "one\ntwo\nthree\n"),
        ]);
        let host = made.host();
        assert!(host.is_enabled("a.timer") && !host.is_enabled("b.timer"));
        assert_eq!(host.distribution().id, "debian");
        assert_eq!(host.tail("/log", 8).unwrap(), b"three\n");
        assert_eq!(host.tail("/log", 80).unwrap(), b"one\ntwo\nthree\n");
        assert_eq!(host.read("/etc/none"), None);
    }
}
