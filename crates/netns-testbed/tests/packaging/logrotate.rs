//! The logrotate rules, run by the real logrotate.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use netns_testbed::{Failed, Tool, Trial, program, trial};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::rsyslog::{Input, PACKET, Rsyslog};
use crate::{text_of, utf8, wait_for, with_ram_at};

/// logrotate's `100M`.
const LIMIT: u64 = 100 << 20;
/// logrotate's `512M`: what was put aside, and is written to nevertheless.
const ASTRAY: u64 = 512 << 20;
const RULE: &str = "rampart/logrotate.conf";
const PID: &str = "/run/rsyslogd.pid";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("logrotate::over_the_limit", over_the_limit),
        trial("logrotate::up_to_the_limit", up_to_the_limit),
        trial("logrotate::no_log_is_no_error", no_log_is_no_error),
        trial("logrotate::on_a_full_disk", on_a_full_disk),
        trial("logrotate::rsyslog_goes_on_in_the_new_log", rsyslog_goes_on),
        trial(
            "logrotate::who_missed_the_signal_fills_no_disk",
            missed_signal,
        ),
        trial("logrotate::the_timer_is_fast_enough", timer_is_fast_enough),
        trial("logrotate::the_report_of_cron", report_of_cron),
    ]
}

/// Our rule for a directory of its own and a rsyslogd of its own.
struct Rule {
    directory: TempDir,
}

impl Rule {
    fn new() -> Result<Self, Failed> {
        Self::changed(|text| text)
    }

    fn changed(change: impl FnOnce(String) -> String) -> Result<Self, Failed> {
        let rule = Self {
            directory: TempDir::new()?,
        };
        let ram = rule.ram();
        fs::create_dir(&ram)?;
        // logrotate refuses a directory that others may write to.
        fs::set_permissions(&ram, fs::Permissions::from_mode(0o755))?;
        with_ram_at(&ram, RULE, &rule.file())?;
        let text = fs::read_to_string(rule.file())?;
        assert!(text.contains(PID) && text.contains("/run/systemd/system"));
        // This host's rsyslog has nothing to do with it.
        let text = text
            .replace(PID, utf8(&rule.pid())?)
            .replace("/run/systemd/system", "/nowhere");
        fs::write(rule.file(), change(text))?;
        // logrotate ignores a rule that others than its owner may write.
        fs::set_permissions(rule.file(), fs::Permissions::from_mode(0o644))?;
        Ok(rule)
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("rule")
    }

    fn pid(&self) -> PathBuf {
        self.directory.path().join("pid")
    }

    fn ram(&self) -> PathBuf {
        self.directory.path().join("ram")
    }

    fn log(&self) -> PathBuf {
        self.ram().join("iptables.log")
    }

    fn aside(&self) -> PathBuf {
        self.ram().join("iptables.log.1")
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

    /// A program in rsyslogd's place, which ends when it is told to open the log anew.
    fn listener(&self) -> Result<Listener, Failed> {
        // Under nohup the signal is ignored, and what is ignored is inherited.
        let child = Command::new("env")
            .args(["--default-signal=HUP", "sleep", "600"])
            .spawn()?;
        fs::write(self.pid(), format!("{}\n", child.id()))?;
        Ok(Listener(child))
    }

    /// Runs logrotate as the service does.
    fn run(&self) -> Result<(), Failed> {
        let output = self.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        Ok(())
    }

    fn output(&self) -> Result<Output, Failed> {
        let logrotate = Tool::require("logrotate")?;
        let service = text_of("systemd/rampart-logrotate.service")?;
        // Not one that logrotate's daily run reads, too: of two runs at once the second takes an
        // empty log for the evidence.
        let start = "/usr/sbin/logrotate --state /var/lib/logrotate/rampart.status /etc/rampart/logrotate.conf\n";
        assert!(service.contains(start), "{service}");
        let state = self.directory.path().join("state");
        logrotate.output(&["--state", utf8(&state)?, utf8(&self.file())?])
    }

    fn names(&self) -> Result<Vec<String>, Failed> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.ram())? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }
}

struct Listener(Child);

impl Listener {
    fn was_told(mut self) -> Result<(), Failed> {
        let mut ended = None;
        wait_for("the signal", || {
            ended = self.0.try_wait().ok().flatten();
            ended.is_some()
        })?;
        let signal = ended.and_then(|status| status.signal());
        assert_eq!(signal, Some(Signal::SIGHUP as i32));
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Both fail where it has been told.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn over_the_limit() -> Result<(), Failed> {
    let rule = Rule::new()?;
    for round in 0..3 {
        let writer = rule.writer(LIMIT + 1)?;
        let listener = rule.listener()?;
        rule.run()?;
        listener.was_told()?;
        assert_eq!(rule.names()?, ["iptables.log", "iptables.log.1"]);
        let (log, aside) = (fs::metadata(rule.log())?, fs::metadata(rule.aside())?);
        assert_eq!(aside.ino(), writer.metadata()?.ino(), "round {round}");
        assert_eq!((log.len(), aside.len()), (0, LIMIT + 1));
        assert_eq!(log.permissions().mode() & 0o7777, 0o640);
        assert_eq!((log.uid(), log.gid()), (aside.uid(), aside.gid()));
    }
    Ok(())
}

fn up_to_the_limit() -> Result<(), Failed> {
    let rule = Rule::new()?;
    let writer = rule.writer(LIMIT - 1)?;
    rule.run()?;
    assert_eq!(writer.metadata()?.len(), LIMIT - 1);
    assert_eq!(rule.names()?, ["iptables.log"]);
    Ok(())
}

fn no_log_is_no_error() -> Result<(), Failed> {
    let rule = Rule::new()?;
    rule.run()?;
    assert!(!rule.log().exists());
    Ok(())
}

/// A tmpfs that is gone with this.
struct Disk<'a>(&'a Path);

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // What was not mounted is not to be taken away.
        let _ = umount2(self.0, MntFlags::MNT_DETACH);
    }
}

fn on_a_full_disk() -> Result<(), Failed> {
    let rule = Rule::changed(|text| text.replace("size 100M", "size 100k"))?;
    let ram = rule.ram();
    let options = Some("size=256k,mode=0755");
    mount(
        Some("tmpfs"),
        &ram,
        Some("tmpfs"),
        MsFlags::empty(),
        options,
    )?;
    let _disk = Disk(&ram);
    assert!(fs::write(rule.log(), vec![b'x'; 300 << 10]).is_err());
    let size = fs::metadata(rule.log())?.len();
    let listener = rule.listener()?;
    rule.run()?;
    listener.was_told()?;
    assert_eq!(fs::metadata(rule.aside())?.len(), size);
    // The next one makes room: what was put aside first goes.
    fs::write(rule.log(), vec![b'y'; 120 << 10]).err();
    assert_eq!(fs::metadata(rule.log())?.len(), 0, "there is room already");
    rule.writer(100 << 10)?.set_len((100 << 10) + 1)?;
    let listener = rule.listener()?;
    rule.run()?;
    listener.was_told()?;
    fs::write(rule.log(), vec![b'z'; 200 << 10])?;
    Ok(())
}

/// What was logged before a cut is evidence after it, and not a line is lost or in both.
fn rsyslog_goes_on() -> Result<(), Failed> {
    let rule = Rule::changed(|text| text.replace("size 100M", "size 1k"))?;
    let mut rsyslog = Rsyslog::start_at(Input::Kmsg, &rule.ram())?;
    let says = |rsyslog: &mut Rsyslog, range: std::ops::Range<u32>| {
        range.into_iter().try_for_each(|number| {
            let packet = PACKET.replace("ID=4660", &format!("ID={number}"));
            rsyslog.kernel_says(&format!("<4>[ 1.{number:06}] IPTABLES-BLOCKED: {packet}"))
        })
    };
    says(&mut rsyslog, 0..60)?;
    rsyslog.settle()?;
    fs::copy(rsyslog.path("pid"), rule.pid())?;
    rule.run()?;
    // rsyslogd writes on where it did until it has read the signal.
    let mut number = 60;
    wait_for("rsyslogd to open the new log", || {
        number += 1;
        says(&mut rsyslog, number - 1..number).is_ok()
            && rsyslog.settle().is_ok()
            && fs::metadata(rule.log()).is_ok_and(|log| log.len() > 0)
    })?;
    let (log, aside) = (rule.log(), rule.aside());
    let both = format!(
        "{}{}",
        fs::read_to_string(&aside)?,
        fs::read_to_string(&log)?
    );
    let ids: Vec<&str> = both
        .lines()
        .filter_map(|line| line.split(" ID=").nth(1)?.split(' ').next())
        .collect();
    let all: Vec<String> = (0..number).map(|number| number.to_string()).collect();
    assert_eq!(ids, all);

    let scan = "--rule blocked --type tcp --howmany 60 --within 1m --ipset blacklist --removeafter 1d --dryrun";
    let output = Command::new(program("log-scanner"))
        .args(scan.split(' '))
        .args(["--log", utf8(&log)?])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("[VIOLATION] 203.0.113.7: "), "{said}");
    Ok(())
}

/// Whoever goes on writing to what was put aside is cut there, and told again.
fn missed_signal() -> Result<(), Failed> {
    let rule = Rule::new()?;
    let mut writer = rule.writer(LIMIT + 1)?;
    let listener = rule.listener()?;
    rule.run()?;
    listener.was_told()?;
    writer.set_len(ASTRAY - 1)?;
    rule.run()?;
    assert_eq!(writer.metadata()?.len(), ASTRAY - 1, "cut too early");

    writer.write_all(b"x")?;
    let listener = rule.listener()?;
    let output = rule.output()?;
    listener.was_told()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("iptables.log.1"),
        "{said}"
    );
    writer.write_all(b"the first line after\n")?;
    assert_eq!(fs::read(rule.aside())?, b"the first line after\n");
    assert_eq!(rule.names()?, ["iptables.log", "iptables.log.1"]);

    // Nobody to be told is an error that the service shows.
    writer.set_len(ASTRAY + 1)?;
    assert!(!rule.output()?.status.success());
    assert_eq!(writer.metadata()?.len(), 0);
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

    // Two generations, each with what came between two runs.
    let room = (1 << 30) - 2 * LIMIT;
    let lines = 150_000;
    let line = 273;
    assert!(
        room / (2 * interval) / line >= lines,
        "the rule's own comment promises {lines} lines a second"
    );
    assert!(LIMIT + lines * line * interval < ASTRAY);
    Ok(())
}

/// The report of cron's scans: renamed, compressed a day later.
fn report_of_cron() -> Result<(), Failed> {
    let logrotate = Tool::require("logrotate")?;
    let directory = TempDir::new()?;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
    let report = directory.path().join("log_scanner.log");
    let text = text_of("logrotate/rampart-report")?;
    assert!(text.contains("/var/log/log_scanner.log"));
    // An ordinary user in a namespace of his own has nobody to give the file to.
    let text = text
        .replace("/var/log/log_scanner.log", utf8(&report)?)
        .replace("create 0640 root adm", "create 0640");
    let rule = directory.path().join("rule");
    fs::write(&rule, text)?;
    fs::set_permissions(&rule, fs::Permissions::from_mode(0o644))?;
    let state = directory.path().join("state");
    for round in 0..9 {
        File::create(&report)?.set_len((10 << 20) + 1)?;
        logrotate.run(&["--state", utf8(&state)?, utf8(&rule)?])?;
        assert_eq!(fs::metadata(&report)?.len(), 0, "round {round}");
    }
    let kept = fs::read_dir(directory.path())?.count();
    // The report, seven older ones, the rule and logrotate's state.
    assert_eq!(kept, 10);
    assert!(directory.path().join("log_scanner.log.2.gz").exists());
    Ok(())
}
