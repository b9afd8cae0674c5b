//! Writing a file whole or not at all.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use thiserror::Error;

/// A file could not be written; what was there before is untouched.
#[derive(Debug, Error)]
#[error("cannot {operation} {path}")]
pub(crate) struct WriteError {
    operation: &'static str,
    path: String,
    #[source]
    source: io::Error,
}

/// Replaces `path` by `content`, with mode 0600: readers see the old file or the new one, also
/// after a crash.
///
/// A missing directory is created with mode 0700.
///
/// # Errors
///
/// When a directory, the temporary file beside `path` or `path` itself cannot be written, or when
/// `path` is something other than a regular file (replacing `/dev/null` would do more than was
/// asked). The old file is then as it was.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), WriteError> {
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
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed("create directory", directory))?;
    let mut temporary = tempfile::Builder::new()
        .prefix(".sets.save.")
        .tempfile_in(directory)
        // Its own text has the path once more.
        .map_err(|error| failed("create a temporary file in", directory)(error.kind().into()))?;
    temporary
        .as_file_mut()
        .write_all(content)
        .map_err(failed("write", temporary.path()))?;
    temporary
        .as_file()
        .sync_all()
        .map_err(failed("write", temporary.path()))?;
    temporary
        .persist(path)
        .map_err(|error| failed("replace", path)(error.error))?;
    // The new name is on disk only once the directory is.
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(failed("write directory", directory))
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

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn creates_the_directory_and_replaces_the_file() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("lib/rampart/sets.save");
        write_whole(&path, b"one").unwrap();
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn leaves_anything_but_a_regular_file_alone() {
        let base = tempfile::tempdir().unwrap();
        let target = base.path().join("target");
        fs::write(&target, b"old").unwrap();
        let link = base.path().join("link");
        symlink(&target, &link).unwrap();
        let error = write_whole(&link, b"new").unwrap_err();
        assert!(
            error
                .source()
                .unwrap()
                .to_string()
                .contains("symbolic link"),
            "{error}"
        );
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert!(write_whole(base.path(), b"new").is_err());
        let within = write_whole(Path::new("/proc/self/sets.save"), b"new").unwrap_err();
        let text = crate::findings::causes(&within);
        assert_eq!(text.matches("/proc/self").count(), 1, "{text}");
        assert!(write_whole(Path::new("/dev/null"), b"new").is_err());
    }

    #[test]
    fn a_parent_that_is_a_file_is_named() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = write_whole(&file.join("sets.save"), b"new").unwrap_err();
        assert!(
            error.to_string().contains(file.to_str().unwrap()),
            "{error}"
        );
    }
}
