//! Writing a file whole or not at all.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// A file could not be written; what was there before is untouched.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {path}")]
pub struct WriteError {
    operation: &'static str,
    path: String,
    #[source]
    source: io::Error,
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone, mode 0600. A directory that is missing is created with mode 0700.
    Owner,
    /// Everybody, mode 0644. The directory has to be there: somebody else reads in it.
    Everybody,
}

/// Replaces `path` by `content`: readers see the old file or the new one, also after a crash.
///
/// # Errors
///
/// When a directory, the temporary file beside `path` or `path` itself cannot be written, or when
/// `path` is something other than a regular file (replacing `/dev/null` would do more than was
/// asked). The old file is then as it was.
pub fn write(path: &Path, content: &[u8], readers: Readers) -> Result<(), WriteError> {
    let failed = |operation, at: &Path| {
        let path = at.display().to_string();
        move |source| WriteError {
            operation,
            path,
            source,
        }
    };
    refuse_special(path).map_err(failed("replace", path))?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if readers == Readers::Owner {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(failed("create directory", directory))?;
    }
    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(directory)
        // Its own text has the path once more.
        .map_err(|error| failed("create a temporary file in", directory)(error.kind().into()))?;
    let file = temporary.as_file_mut();
    let written = file
        .write_all(content)
        // Whatever the umask says.
        .and_then(|()| file.set_permissions(Permissions::from_mode(readers.mode())))
        .and_then(|()| file.sync_all());
    written.map_err(failed("write", temporary.path()))?;
    temporary
        .persist(path)
        .map_err(|error| failed("replace", path)(error.error))?;
    // The new name is on disk only once the directory is.
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(failed("write directory", directory))
}

impl Readers {
    fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everybody => 0o644,
        }
    }
}

fn refuse_special(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(metadata) if metadata.is_symlink() => Err(io::Error::other(
            "it is a symbolic link; name the file itself",
        )),
        Ok(_) => Err(io::Error::other("it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the name of a temporary file begins with: hidden, and with no ending that anybody looks for.
const TEMPORARY: &str = ".rampart.";

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn creates_the_directory_and_replaces_the_file() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("lib/rampart/sets.save");
        write(&path, b"one", Readers::Owner).unwrap();
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        write(&path, b"two", Readers::Owner).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn what_everybody_reads_is_readable_and_its_directory_is_not_made_up() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("rampart.prom");
        write(&path, b"one", Readers::Everybody).unwrap();
        assert_eq!(mode(&path), 0o644);
        let missing = base.path().join("collector/rampart.prom");
        assert!(write(&missing, b"one", Readers::Everybody).is_err());
        assert!(!missing.parent().unwrap().exists());
    }

    #[test]
    fn leaves_anything_but_a_regular_file_alone() {
        let base = tempfile::tempdir().unwrap();
        let target = base.path().join("target");
        fs::write(&target, b"old").unwrap();
        let link = base.path().join("link");
        symlink(&target, &link).unwrap();
        for readers in [Readers::Owner, Readers::Everybody] {
            let error = write(&link, b"new", readers).unwrap_err();
            let why = error.source().unwrap().to_string();
            assert!(why.contains("symbolic link"), "{error}");
            assert_eq!(fs::read(&target).unwrap(), b"old");
            assert!(write(base.path(), b"new", readers).is_err());
            assert!(write(Path::new("/dev/null"), b"new", readers).is_err());
        }
        let within = Path::new("/proc/self/sets.save");
        let error = write(within, b"new", Readers::Owner).unwrap_err();
        let cause = error.source().unwrap();
        let text = format!("{error}: {cause}");
        assert_eq!(text.matches("/proc/self").count(), 1, "{text}");
    }

    #[test]
    fn a_parent_that_is_a_file_is_named() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = write(&file.join("sets.save"), b"new", Readers::Owner).unwrap_err();
        assert!(
            error.to_string().contains(file.to_str().unwrap()),
            "{error}"
        );
    }
}
