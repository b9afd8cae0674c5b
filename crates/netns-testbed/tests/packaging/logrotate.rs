//! The logrotate rule, run by the real logrotate on a log that somebody is writing.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use netns_testbed::{Failed, Tool, Trial, trial};
use tempfile::TempDir;

use crate::{text_of, utf8, with_ram_at};

/// logrotate's `100M`.
const LIMIT: u64 = 100 << 20;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("logrotate::over_the_limit", over_the_limit),
        trial("logrotate::up_to_the_limit", up_to_the_limit),
        trial("logrotate::no_log_is_no_error", no_log_is_no_error),
        trial("logrotate::the_timer_is_fast_enough", timer_is_fast_enough),
    ]
}

struct Rule {
    directory: TempDir,
}

impl Rule {
    fn new() -> Result<Self, Failed> {
        let rule = Self {
            directory: TempDir::new()?,
        };
        with_ram_at(rule.directory.path(), "logrotate/rampart", &rule.file())?;
        // logrotate ignores a rule that others than its owner may write.
        fs::set_permissions(rule.file(), fs::Permissions::from_mode(0o644))?;
        Ok(rule)
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("rule")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("iptables.log")
    }

    /// A log of `size` bytes (a hole, which takes no room), open for appending as rsyslog has it.
    fn writer(&self, size: u64) -> Result<File, Failed> {
        let writer = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())?;
        writer.set_permissions(fs::Permissions::from_mode(0o640))?;
        writer.set_len(size)?;
        Ok(writer)
    }

    /// Runs logrotate as the service does.
    fn run(&self) -> Result<(), Failed> {
        let logrotate = Tool::require("logrotate")?;
        let service = text_of("systemd/rampart-logrotate.service")?;
        assert!(service.contains("/usr/sbin/logrotate --state /"));
        let state = self.directory.path().join("state");
        logrotate.run(&["--state", utf8(&state)?, utf8(&self.file())?])?;
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, Failed> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.directory.path())? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }
}

fn over_the_limit() -> Result<(), Failed> {
    let rule = Rule::new()?;
    let mut writer = rule.writer(LIMIT + 1)?;
    let inode = writer.metadata()?.ino();
    for round in 0..2 {
        rule.run()?;
        writer.write_all(b"the first line after\n")?;
        let log = fs::metadata(rule.log())?;
        assert_eq!(
            log.ino(),
            inode,
            "round {round}: the writer has another file"
        );
        assert_eq!(log.permissions().mode() & 0o7777, 0o640);
        assert_eq!(fs::read(rule.log())?, b"the first line after\n");
        assert_eq!(rule.names()?, ["iptables.log", "rule", "state"]);
        writer.set_len(LIMIT + 1)?;
    }
    Ok(())
}

fn up_to_the_limit() -> Result<(), Failed> {
    let rule = Rule::new()?;
    let writer = rule.writer(LIMIT - 1)?;
    rule.run()?;
    assert_eq!(writer.metadata()?.len(), LIMIT - 1);
    assert_eq!(rule.names()?, ["iptables.log", "rule", "state"]);
    Ok(())
}

fn no_log_is_no_error() -> Result<(), Failed> {
    let rule = Rule::new()?;
    rule.run()?;
    assert!(!rule.log().exists());
    Ok(())
}

/// The timer's own words, asked of systemd, against the room that the rule leaves on the disk.
fn timer_is_fast_enough() -> Result<(), Failed> {
    let analyze = Tool::require("systemd-analyze")?;
    let timer = text_of("systemd/rampart-logrotate.timer")?;
    let calendar = timer
        .lines()
        .find_map(|line| line.strip_prefix("OnCalendar="))
        .ok_or("the timer has no OnCalendar=")?;
    let said = analyze.run(&["calendar", "--iterations=3", calendar])?;
    let seconds: Vec<u32> = said
        .lines()
        .filter(|line| line.contains("elapse:") || line.contains("Iter. #"))
        .filter_map(|line| line.split(' ').find(|word| word.matches(':').count() == 2))
        .filter_map(|time| time.rsplit(':').next())
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [first, second, third] = *seconds else {
        return Err(format!("not three times of day in {said}").into());
    };
    let interval = u64::from((second + 60 - first) % 60);
    assert_eq!(u64::from((third + 60 - second) % 60), interval);

    let room = (1 << 30) - LIMIT;
    let line = 273;
    assert!(
        room / interval / line >= 350_000,
        "the rule's own comment promises 350,000 lines a second"
    );
    Ok(())
}
