//! The rsyslog rule, in private instances of the real rsyslogd: the first in `PATH`, so that
//! another version is tried with `PATH=its/directory:$PATH`.

mod forged;
mod lines;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netns_testbed::{Failed, Tool, Trial, trial};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use crate::{text_of, utf8, wait_for, with_ram_at};

/// What follows the prefix in a line of the kernel.
pub(crate) const PACKET: &str = "IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC=203.0.113.7 DST=203.0.113.1 \
    LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ";
const RULE: &str = "rsyslog/10-iptables.conf";
/// The file that lets imklog's lines count.
const OPT_IN: &str = "rsyslog/08-rampart-imklog.conf";
const KMSG: &str = "/dev/kmsg";
/// How the rule says for how long what was logged before rsyslog started is left out.
const REPLAY: &str = "cnum($/firewall_start) < 5";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("rsyslog::accepts_it", accepts_it)];
    trials.extend(lines::trials());
    trials.extend(forged::trials());
    trials
}

/// What rsyslogd's own check of `configuration` says, and whether it passes.
fn checked(rsyslogd: &Tool, configuration: &Path, text: &str) -> Result<(bool, String), Failed> {
    fs::write(configuration, text)?;
    let output = rsyslogd.output(&["-N1", "-f", utf8(configuration)?])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.success() && !said.contains("error"), said))
}

/// rsyslog's own check, with the modules that Debian and Fedora load in their `rsyslog.conf`.
fn accepts_it() -> Result<(), Failed> {
    let rsyslogd = Tool::require("rsyslogd")?;
    let directory = TempDir::new()?;
    let configuration = directory.path().join("rsyslog.conf");
    let socket = "module(load=\"imuxsock\" SysSock.Use=\"off\")\n";
    let imkmsg = text_of("rsyslog/05-rampart-imkmsg.conf")?;
    let imklog = text_of("rsyslog/05-rampart-imklog.conf")?;
    let journal = format!(
        "module(load=\"imjournal\" StateFile=\"{}/imjournal.state\")\n",
        utf8(directory.path())?
    );
    let (opt_in, rule) = (text_of(OPT_IN)?, text_of(RULE)?);
    for (modules, needs) in [
        (format!("{socket}{imkmsg}"), "imkmsg"),
        (format!("{socket}{imklog}{opt_in}"), "imklog"),
        (format!("{socket}{journal}{imklog}{opt_in}"), "imjournal"),
    ] {
        let (fine, said) = checked(&rsyslogd, &configuration, &format!("{modules}{rule}"))?;
        if said.contains(needs) && said.contains("could not load module") {
            return Err(netns_testbed::skip(format!(
                "rsyslog's {needs} is not installed"
            )));
        }
        assert!(fine, "with {modules}{said}");

        let broken = rule.replace("omfile", "omfiel");
        let (fine, _) = checked(&rsyslogd, &configuration, &format!("{modules}{broken}"))?;
        assert!(!fine, "-N1 takes anything");
    }
    // What the file says of a host that goes on loading imklog.
    let both = format!("{imklog}{imkmsg}{rule}");
    let (fine, said) = checked(&rsyslogd, &configuration, &both)?;
    assert!(!fine && said.contains("could not load module"), "{said}");
    Ok(())
}

/// Which input hands the kernel's log to rsyslog.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Input {
    /// `imkmsg`, as packaged.
    Kmsg,
    /// `imklog`, and the file that makes its lines count.
    KlogOptedIn,
    /// `imklog`, and nothing but the rule.
    Klog,
}

/// Whose log is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kernel {
    /// A pipe of ours.
    Pipe,
    /// The log of the kernel we run on.
    Real,
}

/// The kernel's log as a pipe of ours.
struct KernelPipe {
    file: File,
    input: Input,
    said: u64,
}

impl KernelPipe {
    fn make(path: &Path, input: Input) -> Result<Self, Failed> {
        mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Opened for reading too, so that neither this nor rsyslogd waits for the other.
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if input == Input::Kmsg {
            // A record a read, as the device has it.
            fcntl(&file, FcntlArg::F_SETFL(OFlag::O_DIRECT))?;
        }
        let said = 0;
        Ok(Self { file, input, said })
    }

    /// A line in the form of `/proc/kmsg`: `<4>[ 1755.400292] text`.
    fn says(&mut self, line: &str) -> Result<(), Failed> {
        let line = match self.input {
            Input::Kmsg => {
                record(line, self.said).ok_or_else(|| format!("not of the kernel: {line}"))?
            }
            Input::Klog | Input::KlogOptedIn => line.to_owned(),
        };
        self.said += 1;
        self.file.write_all(format!("{line}\n").as_bytes())?;
        Ok(())
    }
}

/// The same line in the form of `/dev/kmsg`.
fn record(line: &str, number: u64) -> Option<String> {
    let (level, line) = line.strip_prefix('<')?.split_once('>')?;
    let (stamp, text) = match line.strip_prefix('[') {
        Some(line) => line.split_once(']')?,
        None => ("0.000000", line),
    };
    let (caller, text) = match text.strip_prefix('[') {
        Some(text) => {
            let (caller, text) = text.split_once(']')?;
            (format!(",caller={}", caller.trim()), text)
        }
        None => (String::new(), text),
    };
    let microseconds: u64 = stamp.trim().replace('.', "").parse().ok()?;
    let text = text.strip_prefix(' ').unwrap_or(text);
    Some(format!("{level},{number},{microseconds},-{caller};{text}"))
}

/// A private rsyslogd with our rule.
pub(crate) struct Rsyslog {
    child: Child,
    kernel: Option<KernelPipe>,
    settled: u32,
    directory: TempDir,
}

/// How an instance differs from the packaged one.
struct Setup {
    input: Input,
    kernel: Kernel,
    /// Put before everything else in the configuration.
    first: &'static str,
    /// Whether what was logged before the start is left out, as packaged; in trials that do not
    /// wait it is not.
    replay: bool,
    /// Said before rsyslogd starts.
    before: Vec<String>,
}

impl Setup {
    const fn of(input: Input, kernel: Kernel) -> Self {
        Self {
            input,
            kernel,
            first: "",
            replay: matches!(kernel, Kernel::Real),
            before: Vec::new(),
        }
    }
}

impl Rsyslog {
    fn start(input: Input) -> Result<Self, Failed> {
        Self::start_with(&Setup::of(input, Kernel::Pipe), |_| Ok(()))
    }

    /// With the RAM disk at `ram`.
    pub(crate) fn start_at(input: Input, ram: &Path) -> Result<Self, Failed> {
        Self::start_with(&Setup::of(input, Kernel::Pipe), |link| {
            fs::remove_dir(link)?;
            symlink(ram, link)?;
            Ok(())
        })
    }

    fn start_with(
        setup: &Setup,
        prepare: impl FnOnce(&Path) -> Result<(), Failed>,
    ) -> Result<Self, Failed> {
        let rsyslogd = Tool::require("rsyslogd")?;
        let directory = TempDir::new()?;
        let home = utf8(directory.path())?;
        let ram = directory.path().join("ram");
        fs::create_dir(&ram)?;
        prepare(&ram)?;
        let rule = directory.path().join("10-iptables.conf");
        with_ram_at(&ram, RULE, &rule)?;
        if !setup.replay {
            let text = fs::read_to_string(&rule)?;
            assert!(text.contains(REPLAY), "the rule no longer has {REPLAY}");
            fs::write(&rule, text.replace(REPLAY, "cnum($/firewall_start) < 0"))?;
        }
        let opt_in = match setup.input {
            Input::KlogOptedIn => text_of(OPT_IN)?,
            Input::Kmsg | Input::Klog => String::new(),
        };
        let pipe = directory.path().join("kmsg");
        let module = match (setup.input, setup.kernel) {
            (Input::Kmsg, _) => text_of("rsyslog/05-rampart-imkmsg.conf")?,
            (_, Kernel::Real) => text_of("rsyslog/05-rampart-imklog.conf")?,
            (_, Kernel::Pipe) => format!("module(load=\"imklog\" logPath=\"{}\")\n", utf8(&pipe)?),
        };
        fs::write(
            directory.path().join("rsyslog.conf"),
            format!(
                r#"global(workDirectory="{home}")
{first}
{module}
module(load="imuxsock" sysSock.use="off")
input(type="imuxsock" socket="{home}/socket")
{opt_in}
include(file="{home}/10-iptables.conf")
template(name="origin" type="string" string="%inputname% %syslogtag%%msg%\n")
action(type="omfile" file="{home}/rest.log" template="origin")
"#,
                first = setup.first,
            ),
        )?;
        let mut command = Command::new(rsyslogd.path());
        let mut kernel = None;
        if setup.kernel == Kernel::Pipe {
            let mut made = KernelPipe::make(&pipe, setup.input)?;
            for line in &setup.before {
                made.says(line)?;
            }
            kernel = Some(made);
        }
        if (setup.input, setup.kernel) == (Input::Kmsg, Kernel::Pipe) {
            // imkmsg reads nothing but the device: the pipe takes its place, for nobody but this
            // rsyslogd.
            if !Path::new(KMSG).exists() {
                return Err(netns_testbed::skip(format!("there is no {KMSG} here")));
            }
            let script = format!("mount --bind \"$1\" {KMSG} && shift && exec \"$@\"");
            command = Command::new(Tool::require("unshare")?.path());
            command.args(["--mount", "sh", "-c", &script, "sh"]);
            command.arg(&pipe).arg(rsyslogd.path());
        }
        let child = command
            .args(["-n", "-f"])
            .arg(directory.path().join("rsyslog.conf"))
            .arg("-i")
            .arg(directory.path().join("pid"))
            .stderr(Stdio::null())
            .spawn()?;
        let started = Self {
            child,
            kernel,
            settled: 0,
            directory,
        };
        let socket = started.path("socket");
        wait_for("rsyslogd's socket", || socket.exists())?;
        Ok(started)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A line as `/proc/kmsg` gives it.
    pub(crate) fn kernel_says(&mut self, line: &str) -> Result<(), Failed> {
        let kernel = self.kernel.as_mut();
        kernel.ok_or("the real kernel's log is read")?.says(line)
    }

    /// A datagram to the socket that programs log to.
    fn program_says(&self, datagram: &str) -> Result<(), Failed> {
        UnixDatagram::unbound()?.send_to(datagram.as_bytes(), self.path("socket"))?;
        Ok(())
    }

    /// What is in the firewall's log.
    fn logged(&self) -> String {
        fs::read_to_string(self.path("ram/iptables.log")).unwrap_or_default()
    }

    /// The firewall's log, once everything said so far has been dealt with.
    fn log(&mut self) -> Result<String, Failed> {
        self.settle()?;
        Ok(self.logged())
    }

    /// What else has been logged, each line with the input that received it.
    fn logged_elsewhere(&self) -> String {
        fs::read_to_string(self.path("rest.log")).unwrap_or_default()
    }

    /// What else was logged, once everything said so far has been dealt with.
    fn rest(&mut self) -> Result<String, Failed> {
        self.settle()?;
        Ok(self.logged_elsewhere())
    }

    /// Each input hands on in order, so a marker that has come through tells that all before it
    /// has.
    pub(crate) fn settle(&mut self) -> Result<(), Failed> {
        // No two are equal: equal ones may be summed up.
        self.settled += 1;
        let (kernel, program) = (
            format!("kernel marker {}.", self.settled),
            format!("program marker {}.", self.settled),
        );
        self.kernel_says(&format!("<6>[ 1.000000] {kernel}"))?;
        self.program_says(&format!("<14>test: {program}"))?;
        wait_for("rsyslogd to write", || {
            let rest = self.logged_elsewhere();
            rest.contains(&kernel) && rest.contains(&program)
        })
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        // It may have ended by itself, which the trial has then seen.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = umount2(&self.path("ram"), MntFlags::MNT_DETACH);
    }
}
