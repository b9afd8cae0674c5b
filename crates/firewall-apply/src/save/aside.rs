//! Lines of a saved file that came to nothing, kept beside it: the next `save` writes the file
//! anew.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::file::write_whole;
use crate::files;
use crate::findings::{Findings, causes};

/// Copies those lines of `path` to `path.bad`, behind what is there already, and says so.
pub(crate) fn keep(path: &Path, lines: &BTreeSet<usize>, findings: &mut Findings) {
    if lines.is_empty() {
        return;
    }
    let bad = beside(path);
    match copy(path, &bad, lines) {
        Ok(0) => {}
        Ok(count) => findings.warn(format!(
            "{count} lines of {} that were not put back are kept in {}",
            path.display(),
            bad.display()
        )),
        Err(why) => findings.warn(format!(
            "the lines of {} that were not put back are lost with the next `save`: {why}",
            path.display()
        )),
    }
}

/// `sets.save.bad` for `sets.save`.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".bad");
    name.into()
}

/// Returns how many lines are new there.
fn copy(path: &Path, bad: &Path, lines: &BTreeSet<usize>) -> Result<usize, String> {
    let mut content = match files::read(bad, MAX_SIZE) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(format!("cannot read {}: {error}", bad.display())),
    };
    let failed = |error: io::Error| format!("cannot read {}: {error}", path.display());
    let mut input = BufReader::new(files::open(path, u64::MAX).map_err(failed)?);
    let known: BTreeSet<Vec<u8>> = content
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let mut new = Vec::new();
    let (mut number, mut count) = (0, 0);
    let mut line = Vec::new();
    while lines.last().is_some_and(|last| number < *last) {
        number += 1;
        line.clear();
        let whole = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if whole.map_err(failed)? == 0 {
            break;
        }
        if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
            input.skip_until(b'\n').map_err(failed)?;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if lines.contains(&number) && !known.contains(text) {
            new.extend_from_slice(text);
            new.push(b'\n');
            count += 1;
        }
        if content.len() + new.len() > ROOM {
            return Err(format!(
                "{} is full: look through it and remove it",
                bad.display()
            ));
        }
    }
    if count == 0 {
        return Ok(0);
    }
    let from = path.display();
    let now = Timestamp::now();
    content.extend_from_slice(format!("# of {from}, not put back at {now:.0}\n").as_bytes());
    content.extend_from_slice(&new);
    write_whole(bad, &content).map_err(|error| causes(&error))?;
    Ok(count)
}

/// Bytes of a line that are kept.
const MAX_LINE: u64 = 4096;
/// Bytes that are kept in all.
const ROOM: usize = 16 << 20;
const MAX_SIZE: u64 = 2 * ROOM as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_kept_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sets.save");
        std::fs::write(&path, b"one\ntwo\n\xff\xfe\nfour").unwrap();
        let mut findings = Findings::default();
        keep(&path, &BTreeSet::new(), &mut findings);
        assert!(findings.warnings.is_empty());
        for lines in [[2, 3], [2, 4], [2, 9]] {
            keep(&path, &lines.into(), &mut findings);
        }
        let kept = std::fs::read(directory.path().join("sets.save.bad")).unwrap();
        let kept: Vec<&[u8]> = kept
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.starts_with(b"#"))
            .collect();
        assert_eq!(kept, [&b"two"[..], b"\xff\xfe", b"four", b""]);
        assert_eq!(findings.warnings.len(), 2, "{findings:?}");
    }
}
