//! What a user of the host can have the kernel print, with the real kernel.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use netns_testbed::{Failed, Family, KernelLog, Packet, Tool, Trial, World, trial};
use nix::mount::{MsFlags, mount};
use tempfile::TempDir;

use super::{Input, KMSG, Kernel, Rsyslog, Setup};
use crate::wait_for;

const PROC_KMSG: &str = "/proc/kmsg";

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("rsyslog::with_the_real_kernel", real_kernel),
        trial("rsyslog::imklog_can_be_made_to_lie", imklog_lies),
    ]
}

/// A line that names `interface` and bans whoever its owner likes.
fn line(interface: &str) -> String {
    format!(
        "IPTABLES-BLOCKED: IN={interface} OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 \
         DF PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 "
    )
}

/// An overlay over a directory that is not there, by a name with a line break: any user may try it
/// in a namespace of his own, as often as he likes.
fn by_an_overlay(name: &str) -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let options = format!("lowerdir=/,workdir=/,upperdir=/x\n{}", line(name));
    let mounted = mount(
        Some("none"),
        directory.path(),
        Some("overlay"),
        MsFlags::empty(),
        Some(options.as_str()),
    );
    assert!(mounted.is_err(), "there is such a directory");
    Ok(())
}

/// Whether this kernel has overlays.
fn has_overlays() -> bool {
    fs::read_to_string("/proc/filesystems")
        .is_ok_and(|known| known.lines().any(|line| line.ends_with("\toverlay")))
}

/// A program that crashes, run by nobody from a file with a line break in its name.
fn by_a_crash(name: &str) -> Result<(), Failed> {
    let directory = TempDir::new()?;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
    let file = directory.path().join(format!("x\n{}", line(name)));
    fs::write(&file, crashing_program())?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    let run = Command::new(&file)
        .uid(65534)
        .gid(65534)
        .stderr(Stdio::null())
        .status();
    match run {
        // Still open for writing in a child that another trial has forked at this moment.
        Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => Ok(()),
        run => {
            assert!(!run?.success(), "it did not crash");
            Ok(())
        }
    }
}

/// A program for `x86_64` that writes to address 0.
fn crashing_program() -> Vec<u8> {
    const AT: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let mut program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |value: u16| value.to_le_bytes().to_vec();
    let word = |value: u32| value.to_le_bytes().to_vec();
    let long = |value: u64| value.to_le_bytes().to_vec();
    // xor eax, eax; mov [rax], eax
    let code = [0x31, 0xc0, 0x89, 0x00];
    let size = HEADERS + 4;
    for field in [
        [half(2), half(62), word(1)].concat(), // ET_EXEC, EM_X86_64, EV_CURRENT
        [long(AT + HEADERS), long(64), long(0)].concat(), // entry, program headers, no sections
        [
            word(0),
            half(64),
            half(56),
            half(1),
            half(0),
            half(0),
            half(0),
        ]
        .concat(),
        [word(1), word(5)].concat(), // PT_LOAD, readable and executable
        [
            long(0),
            long(AT),
            long(AT),
            long(size),
            long(size),
            long(0x1000),
        ]
        .concat(),
        code.to_vec(),
    ] {
        program.extend(field);
    }
    program
}

/// Whether this kernel says that a program of an ordinary user crashed.
fn tells_of_crashes() -> bool {
    cfg!(target_arch = "x86_64")
        && fs::read_to_string("/proc/sys/debug/exception-trace").is_ok_and(|on| on.trim() == "1")
}

/// A packet that a LOG rule saw counts, and nothing does that a program only had the kernel say.
fn real_kernel() -> Result<(), Failed> {
    let world = World::new()?;
    // Skips this for everybody who may not read the kernel's log.
    let _all_namespaces = KernelLog::open(&world)?;
    let iptables = Tool::require("iptables")?;
    world.gateway.run(|| {
        let prefix = ["--log-prefix", "IPTABLES-BLOCKED: "];
        iptables.run(&[&["-A", "INPUT", "-i", "eth0", "-j", "LOG"][..], &prefix].concat())
    })?;
    let rsyslog = Rsyslog::start_with(&Setup::of(Input::Kmsg, Kernel::Real), |_| Ok(()))?;
    let mac = world
        .gateway
        .eth0()
        .mac
        .map(|byte| format!("{byte:02x}"))
        .join(":");
    let to = SocketAddr::new(world.gateway.address(Family::V4), 22);
    let mut tap = world.attacker.tap("eth0")?;
    let mut sees_a_packet_from = |stranger: u8| {
        let from = SocketAddr::new(Family::V4.stranger(stranger), 40000);
        let said = format!(" SRC={} DST=203.0.113.1 ", from.ip());
        let real = format!(" kernel: IPTABLES-BLOCKED: IN=eth0 OUT= MAC={mac}:");
        wait_for("the kernel's line", || {
            // For some seconds after its start rsyslog may take lines for older ones.
            let sent = tap.send(&Packet::tcp_syn(from, to));
            std::thread::sleep(Duration::from_millis(100));
            let logged = rsyslog.logged();
            sent.is_ok()
                && logged
                    .lines()
                    .any(|line| line.contains(&real) && line.contains(&said))
        })
    };
    sees_a_packet_from(77)?;
    let id = std::process::id();
    let [told, overlay, crash] = ["t", "o", "c"].map(|way| format!("{way}{id}"));
    fs::write(KMSG, format!("<4>{}", line(&told)))?;
    by_an_overlay(&overlay)?;
    let kept = |name: &str| format!("x\\x0aIPTABLES-BLOCKED: IN={name}");
    if tells_of_crashes() {
        // The kernel tells of some crashes a second only, whoever's they are.
        wait_for("the kernel to tell of a crash", || {
            let crashed = by_a_crash(&crash);
            std::thread::sleep(Duration::from_millis(100));
            crashed.is_ok() && rsyslog.logged_elsewhere().contains(&kept(&crash))
        })?;
    }
    sees_a_packet_from(78)?;
    let (logged, rest) = (rsyslog.logged(), rsyslog.logged_elsewhere());
    for name in [&told, &overlay, &crash] {
        assert!(!logged.contains(&format!("IN={name}")), "{logged}");
    }
    // They were there to be taken.
    assert!(
        rest.contains(&format!("kernel:IPTABLES-BLOCKED: IN={told}")),
        "{rest}"
    );
    assert!(!has_overlays() || rest.contains(&kept(&overlay)), "{rest}");
    Ok(())
}

/// Why the packaged rule does not take imklog's lines: one record is two lines to it.
fn imklog_lies() -> Result<(), Failed> {
    let world = World::new()?;
    let _may_read_it = KernelLog::open(&world)?;
    if let Some(reader) = reader_of(PROC_KMSG) {
        // A record goes to one reader only: here this host's own log would miss it.
        return Err(netns_testbed::skip(format!(
            "process {reader} reads {PROC_KMSG}"
        )));
    }
    if !tells_of_crashes() && !has_overlays() {
        return Err(netns_testbed::skip("this kernel prints no file names"));
    }
    for input in [Input::KlogOptedIn, Input::Klog] {
        let rsyslog = Rsyslog::start_with(&Setup::of(input, Kernel::Real), |_| Ok(()))?;
        let name = format!("l{}", std::process::id());
        let forged = format!("IPTABLES-BLOCKED: IN={name}");
        let said = |text: &str| text.lines().any(|line| line.contains(&forged));
        let wanted = || match input {
            Input::Klog => said(&rsyslog.logged_elsewhere()),
            Input::Kmsg | Input::KlogOptedIn => said(&rsyslog.logged()),
        };
        wait_for("the forged line", || {
            let crashed = !tells_of_crashes() || by_a_crash(&name).is_ok();
            std::thread::sleep(Duration::from_millis(100));
            crashed && by_an_overlay(&name).is_ok() && wanted()
        })?;
        if input == Input::Klog {
            assert!(!said(&rsyslog.logged()), "taken without being asked for");
        }
    }
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
