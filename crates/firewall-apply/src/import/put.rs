//! The files that were made, into a directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::write::Made;
use crate::findings::Problem;

/// Writes the files into a directory that is new or empty.
pub(crate) fn into(directory: &Path, files: &[Made]) -> Result<Vec<PathBuf>, Problem> {
    let cannot = |path: &Path, error: &io::Error| -> Problem {
        format!("cannot write {}: {error}", path.display()).into()
    };
    if files.is_empty() {
        return Ok(Vec::new());
    }
    match fs::read_dir(directory) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Problem::from(format!(
                    "{} is not empty, and nothing is overwritten: name another directory with --to, or move it away",
                    directory.display()
                )));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(directory).map_err(|error| cannot(directory, &error))?;
        }
        Err(error) => return Err(cannot(directory, &error)),
    }
    let mut written = Vec::new();
    for file in files {
        let path = directory.join(&file.name);
        let put = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&path)
            .and_then(|mut to| to.write_all(file.text.as_bytes()));
        put.map_err(|error| cannot(&path, &error))?;
        written.push(path);
    }
    Ok(written)
}
