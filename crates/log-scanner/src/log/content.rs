//! What a log is, told by its first bytes and not by its name.

use std::fs::File;
use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use firewall_log::Journal;
use flate2::bufread::MultiGzDecoder;

use super::{BUFFER, Text};
use crate::error::Fatal;

const GZIP: &[u8] = b"\x1f\x8b";

/// What only other programs read: the name of each form, the command that writes its text to
/// standard output, given the file, and how it begins. From the files' own specifications, and
/// file(1).
const UNREAD: [(&str, &str, &[u8]); 15] = [
    ("xz", "xzcat", b"\xfd7zXZ\0"),
    ("zstd", "zstdcat", b"\x28\xb5\x2f\xfd"),
    ("bzip2", "bzcat", b"BZh"),
    ("lz4", "lz4 -dc", b"\x04\x22\x4d\x18"),
    ("lz4", "lz4 -dc", b"\x02\x21\x4c\x18"),
    ("lzma", "xzcat", b"\x5d\0\0"),
    ("lzip", "lzip -dc", b"LZIP\x01"),
    ("lzop", "lzop -dc", b"\x89LZO\0\r\n\x1a\n"),
    ("compress", "zcat", b"\x1f\x9d"),
    ("pack", "zcat", b"\x1f\x1e"),
    ("zip", "unzip -p", b"PK\x03\x04"),
    ("7z", "7z x -so", b"7z\xbc\xaf\x27\x1c"),
    ("rar", "unrar p -inul", b"Rar!\x1a\x07"),
    // A journal of systemd.
    ("journald", "journalctl -k -o short-iso --file", b"LPKSHHRH"),
    // A frame that zstd and lz4 skip, which pzstd begins its files with.
    ("zstd", "zstdcat", b"\x50\x2a\x4d\x18"),
];

/// The text of a log, and whether it differs from the log's bytes: what was compressed and the
/// records of a journal do. `file` is the log where it can be looked into without reading it.
/// `named` says that the log's name ends with `.gz`: what is no gzip is a damaged one then.
///
/// # Errors
///
/// The first bytes cannot be read, or only another program reads what they begin.
pub(super) fn read(
    path: &Path,
    mut log: impl Read + Send + 'static,
    file: Option<&File>,
    named: bool,
) -> Result<(Text, bool), Fatal> {
    let begin = match file {
        Some(file) => look(file),
        None => begin(&mut log),
    };
    let begin = begin.map_err(|source| Fatal::ReadLog {
        path: path.to_owned(),
        line: 0,
        source,
    })?;
    let mut unread = UNREAD.into_iter();
    if let Some((name, command, _)) = unread.find(|(name, _, magic)| is(name, magic, &begin)) {
        return Err(Fatal::Compressed {
            path: path.to_owned(),
            name,
            command,
        });
    }
    let start = begin
        .get(..LONGEST.min(begin.len()))
        .unwrap_or_default()
        .to_vec();
    let is_gzip = named || begin.starts_with(GZIP);
    // Nothing of a pipe can be read again.
    let read = file.map_or(begin, |_| Vec::new());
    let whole = Cursor::new(read).chain(log);
    Ok(if is_gzip {
        let compressed = BufReader::with_capacity(BUFFER, whole);
        (
            Text::new(Journal::new(MultiGzDecoder::new(compressed))),
            true,
        )
    } else if Journal::begins(&start) {
        (Text::new(Journal::new(whole)), true)
    } else {
        (Text::new(whole), false)
    })
}

/// Whether a log that begins like this has a format, by its magic.
fn is(name: &str, magic: &[u8], begin: &[u8]) -> bool {
    let Some(rest) = begin.strip_prefix(magic) else {
        return false;
    };
    // Three letters are too little: they may be the begin of a word.
    name != "bzip2"
        || rest
            .get(1..)
            .is_some_and(|rest| BZIP2.iter().any(|next| rest.starts_with(next)))
}

/// What follows the magic and the level of a bzip2 file: a block, or the end.
const BZIP2: [&[u8]; 2] = [b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"];

/// The bytes that the longest magic has, with what follows it.
const LONGEST: usize = 10;

fn look(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; LONGEST];
    let length = file.read_at(&mut bytes, 0)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The first bytes of a log that cannot be looked into: at least [`LONGEST`], where it has as many.
/// They are read in one piece where that can be: a device such as /dev/kmsg gives no record to a
/// reader without room for it.
fn begin(log: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; BUFFER];
    let mut length = 0;
    while length < LONGEST {
        let room = bytes.get_mut(length..).unwrap_or_default();
        match log.read(room) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow(&'static [u8]);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(1);
            self.0.read(buffer.get_mut(..length).unwrap_or_default())
        }
    }

    fn format(begin: &'static [u8]) -> Option<&'static str> {
        match read(Path::new("log"), Slow(begin), None, false) {
            Err(Fatal::Compressed { name, .. }) => Some(name),
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        }
    }

    #[test]
    fn what_comes_in_single_bytes_is_told_all_the_same() {
        assert_eq!(format(b"\xfd7zXZ\0\0\x04"), Some("xz"));
        assert_eq!(format(b"BZh91AY&SY\x01"), Some("bzip2"));
        assert_eq!(format(b"BZh9\x17\x72\x45\x38\x50\x90"), Some("bzip2"));
        assert_eq!(format(b"BZh9 kernel: "), None);
        assert_eq!(format(b"PK kernel: "), None);
        for log in [&b""[..], b"\x1f", b"N", b"Nov 22 08:00:00 fw kernel: x\n"] {
            let (mut text, is_compressed) =
                read(Path::new("log"), Slow(log), None, false).expect("text");
            let mut bytes = Vec::new();
            text.read_to_end(&mut bytes).expect("read");
            assert_eq!((bytes.as_slice(), is_compressed), (log, false));
            assert_eq!(text.begin(), log);
        }
    }

    #[test]
    fn a_name_that_says_gzip_makes_the_rest_a_damaged_one() {
        let (mut text, is_compressed) =
            read(Path::new("log"), Slow(b"text"), None, true).expect("opened");
        assert!(is_compressed);
        assert!(text.read(&mut [0; 8]).is_err());
    }
}
