use std::os::unix::fs::PermissionsExt as _;

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
