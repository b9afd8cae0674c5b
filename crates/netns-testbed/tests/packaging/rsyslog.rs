//! The rsyslog rule, in private instances of the real rsyslogd.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netns_testbed::{Failed, Family, KernelLog, Packet, Tool, Trial, World, trial};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use crate::{text_of, utf8, wait_for, with_ram_at};

/// What follows the prefix in a line of the kernel.
const PACKET: &str = "IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 SRC=203.0.113.7 DST=203.0.113.1 \
    LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 ";
const RULE: &str = "rsyslog/10-iptables.conf";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("rsyslog::accepts_it", accepts_it),
        trial("rsyslog::takes_the_kernels_lines", takes_the_kernels_lines),
        trial("rsyslog::takes_nobody_elses", takes_nobody_elses),
        trial("rsyslog::a_full_disk_stops_nothing", full_disk),
        trial("rsyslog::with_the_real_kernel", real_kernel),
    ]
}

/// rsyslog's own check, with the modules that Debian and Fedora load in their `rsyslog.conf`.
fn accepts_it() -> Result<(), Failed> {
    let rsyslogd = Tool::require("rsyslogd")?;
    let directory = TempDir::new()?;
    let configuration = directory.path().join("rsyslog.conf");
    let debian = "module(load=\"imuxsock\")\nmodule(load=\"imklog\")\n".to_owned();
    let fedora = format!(
        "module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         module(load=\"imjournal\" StateFile=\"{}/imjournal.state\")\n{}",
        utf8(directory.path())?,
        text_of("rsyslog/05-rampart-imklog.conf")?
    );
    for modules in [debian, fedora] {
        let rule = text_of(RULE)?;
        fs::write(&configuration, format!("{modules}{rule}"))?;
        let output = rsyslogd.output(&["-N1", "-f", utf8(&configuration)?])?;
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("imjournal") && said.contains("could not load module") {
            return Err(netns_testbed::skip("rsyslog's imjournal is not installed"));
        }
        assert!(
            output.status.success() && !said.contains("error"),
            "with {modules}{said}"
        );

        fs::write(
            &configuration,
            format!("{modules}{}", rule.replace("omfile", "omfiel")),
        )?;
        let output = rsyslogd.output(&["-N1", "-f", utf8(&configuration)?])?;
        assert!(!output.status.success(), "-N1 takes anything");
    }
    Ok(())
}

/// A private rsyslogd with our rule, whose kernel log is a pipe of ours.
struct Rsyslog {
    child: Child,
    kernel: File,
    directory: TempDir,
}

impl Rsyslog {
    fn start(prepare: impl FnOnce(&Path) -> Result<(), Failed>) -> Result<Self, Failed> {
        let directory = TempDir::new()?;
        let kmsg = directory.path().join("kmsg");
        mkfifo(&kmsg, Mode::S_IRUSR | Mode::S_IWUSR)?;
        Self::start_with(directory, &kmsg, prepare)
    }

    /// With the kernel log at `kmsg`.
    fn start_with(
        directory: TempDir,
        kmsg: &Path,
        prepare: impl FnOnce(&Path) -> Result<(), Failed>,
    ) -> Result<Self, Failed> {
        let rsyslogd = Tool::require("rsyslogd")?;
        let home = utf8(directory.path())?;
        let ram = directory.path().join("ram");
        fs::create_dir(&ram)?;
        prepare(&ram)?;
        with_ram_at(&ram, RULE, &directory.path().join("10-iptables.conf"))?;
        fs::write(
            directory.path().join("rsyslog.conf"),
            format!(
                r#"global(workDirectory="{home}")
module(load="imklog" logPath="{kmsg}")
module(load="imuxsock" sysSock.use="off")
input(type="imuxsock" socket="{home}/socket")
include(file="{home}/10-iptables.conf")
template(name="origin" type="string" string="%inputname% %syslogtag%%msg%\n")
action(type="omfile" file="{home}/rest.log" template="origin")
"#,
                kmsg = utf8(kmsg)?
            ),
        )?;
        let child = Command::new(rsyslogd.path())
            .args(["-n", "-f"])
            .arg(directory.path().join("rsyslog.conf"))
            .arg("-i")
            .arg(directory.path().join("pid"))
            .stderr(Stdio::null())
            .spawn()?;
        // A pipe is opened for reading too, so that this does not wait for rsyslog.
        let kernel = OpenOptions::new()
            .read(true)
            .write(kmsg.starts_with(directory.path()))
            .open(kmsg)?;
        let started = Self {
            child,
            kernel,
            directory,
        };
        let socket = started.path("socket");
        wait_for("rsyslogd's socket", || socket.exists())?;
        Ok(started)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A line as `/proc/kmsg` gives it.
    fn kernel_says(&mut self, line: &str) -> Result<(), Failed> {
        self.kernel.write_all(format!("{line}\n").as_bytes())?;
        Ok(())
    }

    /// A datagram to the socket that programs log to.
    fn program_says(&self, datagram: &str) -> Result<(), Failed> {
        UnixDatagram::unbound()?.send_to(datagram.as_bytes(), self.path("socket"))?;
        Ok(())
    }

    /// The firewall's log, once everything said so far has been dealt with.
    fn log(&mut self) -> Result<String, Failed> {
        self.settle()?;
        Ok(fs::read_to_string(self.path("ram/iptables.log")).unwrap_or_default())
    }

    /// What else was logged, each line with the input that received it.
    fn rest(&mut self) -> Result<String, Failed> {
        self.settle()?;
        Ok(fs::read_to_string(self.path("rest.log"))?)
    }

    /// Each input hands on in order, so a marker that has come through tells that all before it has.
    fn settle(&mut self) -> Result<(), Failed> {
        let rest = self.path("rest.log");
        let count = |word: &str| {
            let text = fs::read_to_string(&rest).unwrap_or_default();
            text.lines().filter(|line| line.ends_with(word)).count()
        };
        for (round, word) in [(true, "kernel marker"), (false, "program marker")] {
            let before = count(word);
            if round {
                self.kernel.write_all(b"<6>[ 1.000000] kernel marker\n")?;
            } else {
                self.program_says("<14>test: program marker")?;
            }
            wait_for("rsyslogd to write", || count(word) > before)?;
        }
        Ok(())
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

fn takes_the_kernels_lines() -> Result<(), Failed> {
    let mut rsyslog = Rsyslog::start(|_| Ok(()))?;
    let said = [
        format!("<4>[ 1755.400292] IPTABLES-BLOCKED: {PACKET}"),
        format!("<6>[    1.000001] IPTABLES-ALLOWED: {PACKET}"),
        format!("<4>[1234567.000001] IP6TABLES-BLOCKED: {PACKET}"),
        format!("<6>IP6TABLES-ALLOWED: {PACKET}"),
    ];
    for line in &said {
        rsyslog.kernel_says(line)?;
    }
    let log = rsyslog.log()?;
    assert_eq!(log.lines().count(), said.len(), "{log}");
    for (written, said) in log.lines().zip(&said) {
        let (before, after) = written.split_once(" kernel: ").ok_or("no kernel: tag")?;
        let (_, said) = said.split_once('>').ok_or("no level")?;
        assert_eq!(after, said);
        // 2026-11-22T09:25:54.194069+00:00 host
        let stamp = before.as_bytes();
        assert!(
            matches!(stamp, [b'2', _, _, _, b'-', _, _, b'-', _, _, b'T', ..]),
            "{before}: not a stamp with its year"
        );
    }
    let rest = rsyslog.rest()?;
    assert!(!rest.contains("TABLES-"), "also written elsewhere: {rest}");
    Ok(())
}

/// Lines that look like the firewall's and are not by the kernel, or not by its firewall.
fn takes_nobody_elses() -> Result<(), Failed> {
    let mut rsyslog = Rsyslog::start(|_| Ok(()))?;
    let forged = format!("IPTABLES-BLOCKED: {PACKET}");
    for datagram in [
        format!("<4>kernel: {forged}"),
        format!("<4>Nov 22 09:25:54 kernel: [ 1755.400292] {forged}"),
        format!("<4>Nov 22 09:25:54 host kernel: {forged}"),
        format!("<38>sshd[77]: Invalid user kernel: {forged} from 198.51.100.9 port 1"),
        // A line feed, where a program lets one through.
        format!("<38>sshd[77]: Invalid user x\n<4>[ 1.0] {forged}"),
    ] {
        rsyslog.program_says(&datagram)?;
    }
    for line in [
        // A program wrote to /dev/kmsg: the kernel then gives it the facility of users, 1.
        format!("<12>[ 1755.400292] {forged}"),
        // A process by this name crashed.
        format!("<6>[ 1755.400292] traps: {forged}"),
        "<6>[ 1755.400292] IPTABLES-BLOCKE[4711]: segfault at 0 ip 0 sp 0 error 4".to_owned(),
    ] {
        rsyslog.kernel_says(&line)?;
    }
    assert_eq!(rsyslog.log()?, "");
    let rest = rsyslog.rest()?;
    let others = rest.lines().filter(|line| line.contains("TABLES-"));
    // imklog drops what is not of the kernel's facility; everything else goes where it always went.
    assert_eq!(others.count(), 7, "{rest}");
    Ok(())
}

/// Lines for a full RAM disk are dropped, other logs go on, and so does this one as soon as there is room.
fn full_disk() -> Result<(), Failed> {
    let mut rsyslog = Rsyslog::start(|ram| {
        let options = Some("size=64k,mode=0755");
        mount(Some("tmpfs"), ram, Some("tmpfs"), MsFlags::empty(), options)?;
        Ok(())
    })?;
    for number in 0..1000 {
        rsyslog.kernel_says(&format!("<4>[ 1.{number:06}] IPTABLES-BLOCKED: {PACKET}"))?;
    }
    assert_eq!(rsyslog.log()?.len(), 64 << 10);
    rsyslog.kernel_says("<4>[ 2.000000] something else")?;
    assert!(rsyslog.rest()?.contains("something else"));

    File::create(rsyslog.path("ram/iptables.log"))?; // as logrotate does
    let mut number = 0;
    let log = rsyslog.path("ram/iptables.log");
    wait_for("the first line after the disk was full", || {
        number += 1;
        let line = format!("<4>[ 3.{number:06}] IPTABLES-BLOCKED: {PACKET}");
        rsyslog.kernel_says(&line).is_ok()
            && fs::read_to_string(&log).is_ok_and(|log| log.contains("] IPTABLES-BLOCKED: IN="))
    })
}

/// A packet that a LOG rule saw, and one that a program of root only told the kernel's log about.
fn real_kernel() -> Result<(), Failed> {
    const KMSG: &str = "/proc/kmsg";
    let world = World::new()?;
    // Skips this for everybody who may not read the kernel's log.
    let _all_namespaces = KernelLog::open(&world)?;
    if let Some(reader) = reader_of(KMSG) {
        // A record goes to one reader only: here this host's own log would miss it.
        return Err(netns_testbed::skip(format!(
            "process {reader} reads {KMSG}"
        )));
    }
    let iptables = Tool::require("iptables")?;
    world.gateway.run(|| {
        let prefix = ["--log-prefix", "IPTABLES-BLOCKED: "];
        iptables.run(&[&["-A", "INPUT", "-i", "eth0", "-j", "LOG"][..], &prefix].concat())
    })?;
    let rsyslog = Rsyslog::start_with(TempDir::new()?, Path::new(KMSG), |_| Ok(()))?;
    let log = rsyslog.path("ram/iptables.log");
    let mac = world
        .gateway
        .eth0()
        .mac
        .map(|byte| format!("{byte:02x}"))
        .join(":");
    let forged = format!("IPTABLES-BLOCKED: IN=forged OUT= MAC={mac} {PACKET}");
    fs::write("/dev/kmsg", format!("<4>{forged}"))?;

    let from = SocketAddr::new(Family::V4.stranger(77), 40000);
    let to = SocketAddr::new(world.gateway.address(Family::V4), 22);
    let mut tap = world.attacker.tap("eth0")?;
    let real = format!("IPTABLES-BLOCKED: IN=eth0 OUT= MAC={mac}:");
    let sent = Packet::tcp_syn(from, to);
    tap.send(&sent)?;
    let logged = || fs::read_to_string(&log).unwrap_or_default();
    wait_for("the kernel's line", || logged().contains(&real))?;
    let logged = logged();
    assert!(
        logged.contains(" SRC=198.51.100.77 DST=203.0.113.1 "),
        "{logged}"
    );
    assert!(!logged.contains("IN=forged"), "{logged}");
    Ok(())
}

/// A process that has `file` open.
fn reader_of(file: &str) -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let mut open = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        open.any(|descriptor| {
            fs::read_link(descriptor.path()).is_ok_and(|open| open == Path::new(file))
        })
        .then(|| process.file_name().to_string_lossy().into_owned())
    })
}
