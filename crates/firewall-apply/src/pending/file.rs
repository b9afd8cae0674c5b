//! Where a change that waits is written down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Pending, VERSION, absolute};
use crate::config::{MAX_SIZE as MAX_CONFIG, NO_FILE};
use crate::files;
use crate::findings::{Findings, causes};
use crate::save::file::write_whole;

/// The file of the change that waits, and beside it the configuration that was taken back last.
#[derive(Clone, Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    /// The file of this path; `None` where there is none to be.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        (path != Path::new(NO_FILE)).then(|| Self(path.to_owned()))
    }

    /// The file beside the saved sets; `None` where there is none to be.
    pub(crate) fn beside(saved: &Path) -> Option<Self> {
        (saved != Path::new(NO_FILE)).then(|| Self(saved.with_file_name(NAME)))
    }

    /// The same place, whatever directory a process works in.
    pub(super) fn absolute(&self) -> Result<Self, String> {
        absolute(&self.0).map(Self)
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What waits, if something does.
    ///
    /// # Errors
    ///
    /// When the file cannot be read; a sentence says why.
    pub(crate) fn read(&self) -> Result<Option<Pending>, String> {
        let failed = |why: String| format!("cannot read {}: {why}", self.0.display());
        let bytes = match files::read(&self.0, MAX_SIZE) {
            Ok(bytes) => bytes,
            // Who may not look there may not change the firewall either.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let pending: Pending =
            serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
        if pending.version != VERSION {
            let version = pending.version;
            return Err(failed(format!("its version is {version}, not {VERSION}")));
        }
        Ok(Some(pending))
    }

    /// What waits.
    ///
    /// # Errors
    ///
    /// When nothing does, or the file cannot be read; a sentence says which.
    pub(crate) fn waiting(&self) -> Result<Pending, String> {
        self.read()?.ok_or_else(|| {
            let what = if self.rejected().exists() {
                "; what waited last was taken back, because nobody confirmed it or somebody said so"
            } else {
                ""
            };
            format!(
                "nothing waits to be confirmed: there is no {}{what}",
                self.0.display()
            )
        })
    }

    /// What waits, told: as a warning, or where something went wrong as an error.
    ///
    /// # Errors
    ///
    /// When the file cannot be read; a sentence says why.
    pub(crate) fn note(&self, findings: &mut Findings) -> Result<Option<Pending>, String> {
        let pending = self.read()?;
        match pending.as_ref().map(Pending::notice) {
            None => {}
            Some(Ok(waits)) => findings.warn(waits),
            Some(Err(failed)) => findings.fail(failed),
        }
        Ok(pending)
    }

    /// Whether something waits.
    pub(super) fn is_taken(&self) -> bool {
        !matches!(self.0.try_exists(), Ok(false))
    }

    /// Writes down what waits.
    pub(super) fn write(&self, pending: &Pending) -> Result<(), String> {
        let text = serde_json::to_vec(pending).map_err(|error| error.to_string())?;
        write_whole(&self.0, &text).map_err(|error| causes(&error))
    }

    /// Nothing waits any more.
    ///
    /// # Errors
    ///
    /// When the file cannot be taken away; a sentence says why.
    pub(crate) fn clear(&self) -> Result<(), String> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("cannot remove {}: {error}", self.0.display()))
            }
            _ => Ok(()),
        }
    }

    /// Nothing waits any more, because it was taken back. Its configuration is remembered, so that
    /// it does not go in at the next start of the host.
    pub(crate) fn retire(&self, pending: &Pending, findings: &mut Findings) {
        let rejected = self.rejected();
        if let Err(error) = write_whole(&rejected, pending.config().as_bytes()) {
            findings.warn(format!(
                "the configuration that was taken back goes in at the next start of the host: {}",
                causes(&error)
            ));
        }
        if let Err(why) = self.clear() {
            findings.fail(why);
        }
    }

    /// Whether a configuration of this text was the last that was taken back.
    pub(crate) fn was_taken_back(&self, text: &str) -> bool {
        files::read(&self.rejected(), MAX_CONFIG).is_ok_and(|rejected| rejected == text.as_bytes())
    }

    /// Forgets what was taken back.
    pub(crate) fn forget(&self) {
        // What is left behind counts only at the start of a host, for the very same text.
        let _ = fs::remove_file(self.rejected());
    }

    fn rejected(&self) -> PathBuf {
        self.0.with_file_name(REJECTED)
    }
}

/// The names of the files, which lie beside the saved sets.
const NAME: &str = "firewall.pending.json";
const REJECTED: &str = "firewall.rejected.toml";
/// Bytes of a file: the kernel takes a tenth of it in one transaction.
const MAX_SIZE: u64 = 1 << 30;
