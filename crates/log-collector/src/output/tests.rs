//! A log file that is written, rotated and full.

use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tempfile::TempDir;

use super::*;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn read(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap_or_else(|error| error.to_string())
}

fn output(directory: &TempDir, max_size: u64, keep: u8) -> Output {
    Output::open(&directory.path().join("log"), max_size, keep).unwrap()
}

fn write(output: &mut Output, lines: &str) {
    let written = output.write(lines.as_bytes());
    assert!(written.dropped.is_none() && written.not_rotated.is_none());
    assert_eq!(written.lines, count(lines.as_bytes()));
}

#[test]
fn appends_to_what_is_there() {
    let directory = directory();
    write(&mut output(&directory, 100, 1), "one\n");
    write(&mut output(&directory, 100, 1), "two\nthree\n");
    assert_eq!(read(&directory, "log"), "one\ntwo\nthree\n");
    let mode = fs::metadata(directory.path().join("log"))
        .unwrap()
        .permissions();
    assert_eq!(
        mode.mode() & 0o7137,
        0,
        "{mode:?}: more than group may read it"
    );
}

#[test]
fn a_torn_line_does_not_swallow_the_next() {
    let directory = directory();
    fs::write(directory.path().join("log"), "one\ntor").unwrap();
    write(&mut output(&directory, 100, 1), "two\n");
    assert_eq!(read(&directory, "log"), "one\ntor\ntwo\n");
}

#[test]
fn rotates_between_lines() {
    let directory = directory();
    let mut output = output(&directory, 10, 2);
    for line in ["aaaa\nbbbb\n", "cccc\ndddd\neeee\n", "ffff\n", "gggg\n"] {
        write(&mut output, line);
    }
    assert_eq!(read(&directory, "log"), "gggg\n");
    assert_eq!(read(&directory, "log.1"), "eeee\nffff\n");
    assert_eq!(read(&directory, "log.2"), "cccc\ndddd\n");
    assert!(!directory.path().join("log.3").exists());
}

#[test]
fn keeps_none() {
    let directory = directory();
    let mut output = output(&directory, 10, 0);
    write(&mut output, "aaaa\nbbbb\ncccc\n");
    assert_eq!(read(&directory, "log"), "cccc\n");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_line_longer_than_the_file_may_be_is_written_all_the_same() {
    let directory = directory();
    let mut output = output(&directory, 4, 1);
    write(&mut output, "a\nlonger\nb\n");
    assert_eq!(read(&directory, "log"), "b\n");
    assert_eq!(read(&directory, "log.1"), "longer\n");
}

#[test]
fn follows_its_name() {
    let directory = directory();
    let path = directory.path().join("log");
    let mut output = output(&directory, 100, 1);
    write(&mut output, "one\n");
    fs::rename(&path, directory.path().join("moved")).unwrap();
    write(&mut output, "two\n");
    fs::remove_file(&path).unwrap();
    write(&mut output, "three\n");
    assert_eq!(read(&directory, "log"), "three\n");
    assert_eq!(read(&directory, "moved"), "one\n");
    // As logrotate's copytruncate does.
    File::create(&path).unwrap();
    write(&mut output, "four\n");
    assert_eq!(read(&directory, "log"), "four\n");
}

#[test]
fn a_directory_that_cannot_be_written_stops_rotation_but_not_the_log() {
    let directory = directory();
    // A directory in the place of the old file, which a file cannot replace.
    fs::create_dir(directory.path().join("log.1")).unwrap();
    let mut output = output(&directory, 10, 1);
    write(&mut output, "aaaa\nbbbb\n");
    let written = output.write(b"cccc\ndddd\n");
    assert!(written.not_rotated.is_some());
    assert!(written.dropped.is_none());
    assert_eq!(written.lines, 2);
    assert_eq!(read(&directory, "log"), "aaaa\nbbbb\ncccc\ndddd\n");
}

/// A scan that has the file open when it is rotated reads every line once, and one that watches for
/// `log.1` is told.
#[test]
fn rotation_is_a_rename_that_readers_and_watchers_see() {
    let directory = directory();
    let mut output = output(&directory, 10, 2);
    let moved_here = || {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
        let watch = AddWatchFlags::IN_MOVED_TO;
        inotify.add_watch(directory.path(), watch).unwrap();
        inotify
    };
    let told = |inotify: Inotify| {
        let events = inotify.read_events().unwrap_or_default();
        events
            .iter()
            .any(|event| event.name.as_deref() == Some("log.1".as_ref()))
    };
    write(&mut output, "aaaa\nbb\n");
    for (line, rotates) in [
        ("c\n", false),
        ("dddd\n", true),
        ("eeee\n", false),
        ("ffff\n", true),
    ] {
        let watcher = moved_here();
        let mut reader = File::open(directory.path().join("log")).unwrap();
        let before = read(&directory, "log");
        write(&mut output, line);
        assert_eq!(told(watcher), rotates, "{line}");
        let mut seen = String::new();
        reader.read_to_string(&mut seen).unwrap();
        if rotates {
            assert_eq!(seen, before);
            assert_eq!(read(&directory, "log.1"), before);
            assert_eq!(read(&directory, "log"), line);
        } else {
            assert_eq!(seen, before + line);
        }
    }
}

#[test]
fn a_link_is_not_followed() {
    let directory = directory();
    let elsewhere = directory.path().join("elsewhere");
    fs::write(&elsewhere, "keep me\n").unwrap();
    let log = directory.path().join("log");
    for target in [&elsewhere, &directory.path().join("missing")] {
        symlink(target, &log).unwrap();
        let error = Output::open(&log, 4096, 1).unwrap_err();
        assert!(matches!(error, Error::Link { .. }), "{error}");
        fs::remove_file(&log).unwrap();
    }
    assert_eq!(read(&directory, "elsewhere"), "keep me\n");
    // Nor is one that somebody puts there later.
    let mut output = output(&directory, 4096, 1);
    fs::remove_file(&log).unwrap();
    symlink(&elsewhere, &log).unwrap();
    assert!(output.write(b"no\n").dropped.is_some());
    assert_eq!(read(&directory, "elsewhere"), "keep me\n");
    // An old file is replaced, whatever it is.
    fs::remove_file(&log).unwrap();
    symlink(&elsewhere, directory.path().join("log.1")).unwrap();
    write(&mut output, &"x\n".repeat(4000));
    assert_eq!(read(&directory, "elsewhere"), "keep me\n");
    assert!(
        fs::symlink_metadata(directory.path().join("log.1"))
            .unwrap()
            .is_file()
    );
}

#[test]
fn no_place_where_others_can_write() {
    let directory = directory();
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let log = inner.join("log");
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for refused in [0o777, 0o1777, 0o775, 0o757, 0o702] {
        mode(&inner, refused);
        let error = Output::open(&log, 4096, 1).unwrap_err();
        assert!(
            matches!(error, Error::Shared { mode, .. } if mode == refused),
            "{error}"
        );
        let said = format!("others can write {} (mode {refused:04o})", inner.display());
        assert!(error.to_string().contains(&said), "{error}");
        assert!(!log.exists(), "a refusal made a file");
    }
    // Nor one that others can move away; what is ours in a directory such as /tmp they cannot.
    mode(&inner, 0o755);
    mode(directory.path(), 0o777);
    assert!(matches!(
        Output::open(&log, 4096, 1),
        Err(Error::Shared { .. })
    ));
    let link = TempDir::new().unwrap();
    symlink(&inner, link.path().join("link")).unwrap();
    let linked = link.path().join("link/log");
    assert!(matches!(
        Output::open(&linked, 4096, 1),
        Err(Error::Shared { .. })
    ));
    mode(directory.path(), 0o1777);
    drop(Output::open(&log, 4096, 1).unwrap());
    drop(Output::open(&linked, 4096, 1).unwrap());
    for refused in [0o666, 0o660, 0o642] {
        mode(&log, refused);
        let error = Output::open(&log, 4096, 1).unwrap_err();
        assert!(matches!(error, Error::SharedFile { .. }), "{error}");
    }
}

#[test]
fn only_regular_files() {
    let directory = directory();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let error = Output::open(&fifo, 100, 1).unwrap_err();
    assert!(
        error.to_string().ends_with("it is not a regular file"),
        "{error}"
    );
    assert!(Output::open(directory.path(), 100, 1).is_err());
    assert!(Output::open(&directory.path().join("no/log"), 100, 1).is_err());
}
