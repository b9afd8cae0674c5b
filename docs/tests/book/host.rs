//! A host of a chapter's own: installed, with its log written, and in front of the internet.
//!
//! It is the gateway of a [`World`]. Its files are a file system in memory, with this host's /usr in
//! it; so /etc, /var, /run and /ram are its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Process, World, program, skip};
use tempfile::TempDir;

use crate::traffic::Traffic;

/// How long a command may take, or a line until it is in the log.
const PATIENCE: Duration = Duration::from_secs(60);
/// The end of a command's output, and its exit status behind it.
const END: char = '\u{1}';

/// Makes the files and becomes the shell that the commands are given to, a line each. Exit status
/// 77: something cannot be mounted here.
const INSTALL: &str = r#"
set -eu
exec 3>&1 >&2
mount -t tmpfs -o mode=755 tmpfs "$root" || exit 77
cd "$root"
mkdir usr dev proc sys etc var run tmp ram home opt
chmod 1777 tmp
mkdir -p var/lib/rampart var/log run/rampart etc/rampart/firewall.d opt/rampart opt/given
for name in bin sbin lib lib32 lib64 libx32; do
    if [ -L "/$name" ]; then ln -s "$(readlink "/$name")" "$name"
    elif [ -d "/$name" ]; then mkdir "$name" && mount --rbind "/$name" "$name"
    fi
done
for name in usr dev proc sys; do mount --rbind "/$name" "$name" || exit 77; done
mount --bind "$programs" opt/rampart || exit 77
mount --bind "$given" opt/given || exit 77
mount -t tmpfs -o mode=755 tmpfs ram || exit 77
for name in alternatives ld.so.cache ld.so.conf ld.so.conf.d protocols services; do
    [ ! -e "/etc/$name" ] || cp -a "/etc/$name" etc/
done
echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
echo '127.0.0.1 localhost' >etc/hosts
cp "$packaging"/firewall.toml "$packaging"/scan.toml etc/rampart/
printf '[log]\ntarget = "NFLOG"\n' >etc/rampart/firewall.d/50-log.toml
exec chroot . /usr/bin/env -i PATH=/opt/rampart:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LC_ALL=C.UTF-8 TZ=UTC \
    /bin/sh -c 'cd /
    log-collector --output /ram/iptables.log 3>&- &
    trap "kill 0" EXIT
    exec >&3 2>&3 3>&-
    while IFS= read -r line; do eval "$line" </dev/null; printf "\n\001%s\n" $?; done'
"#;

/// The shell of a host, and what is sent to it.
pub(crate) struct Host {
    world: World,
    shell: Process,
    printed: Receiver<String>,
    given: TempDir,
    /// A directory that is removed takes away what others have mounted there.
    _root: TempDir,
}

/// What a command printed, and how it ended.
pub(crate) struct Printed {
    pub(crate) lines: Vec<String>,
    pub(crate) status: String,
}

impl Host {
    /// Comes up, with log-collector reading.
    pub(crate) fn new() -> Result<Self, Failed> {
        let world = World::new()?;
        let (root, given) = (TempDir::new()?, TempDir::new()?);
        let programs = program("firewall-apply");
        let programs = programs.parent().ok_or("the programs are nowhere")?;
        let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/rampart");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", INSTALL])
            // Whom the shell starts, it can end.
            .process_group(0)
            .env("root", root.path())
            .env("given", given.path())
            .env("programs", programs)
            .env("packaging", packaging)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut shell = world.gateway.start(&mut command)?;
        let out = shell.stdout.take().ok_or("no output")?;
        let (say, printed) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            // Nobody listens any more when this fails.
            lines.into_iter().all(|line| say.send(line).is_ok())
        });
        let mut host = Self {
            world,
            shell,
            printed,
            given,
            _root: root,
        };
        if host.run("true")?.is_none() {
            let mut why = String::new();
            if let Some(mut errors) = host.shell.stderr.take() {
                errors.read_to_string(&mut why)?;
            }
            let status = host.shell.wait()?;
            if status.code() == Some(77) {
                return Err(skip(format!("no files of its own: {}", why.trim())));
            }
            return Err(format!("the host does not come up: {status}: {why}").into());
        }
        host.wait_for("log-collector to listen", |host| {
            host.world.gateway.run(|| {
                let bound = fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_log");
                bound.is_ok_and(|bound| !bound.trim().is_empty())
            })
        })?;
        Ok(host)
    }

    /// Runs a line of a shell. `None` where the shell is gone.
    pub(crate) fn run(&mut self, line: &str) -> Result<Option<Printed>, Failed> {
        assert!(!line.contains('\n'), "{line}");
        let stdin = self.shell.stdin.as_mut().ok_or("no input")?;
        if writeln!(stdin, "{line}").is_err() {
            return Ok(None);
        }
        let mut lines = Vec::new();
        loop {
            match self.printed.recv_timeout(PATIENCE) {
                Ok(said) => match said.strip_prefix(END) {
                    Some(status) => {
                        // The end begins a line, so that it is one whatever came before.
                        if lines.last().is_some_and(String::is_empty) {
                            lines.pop();
                        }
                        let status = status.to_owned();
                        return Ok(Some(Printed { lines, status }));
                    }
                    None => lines.push(said),
                },
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("waited {PATIENCE:?} for {line}: {lines:?}").into());
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    /// Runs a line that has to succeed, and gives what it printed.
    pub(crate) fn done(&mut self, line: &str) -> Result<Vec<String>, Failed> {
        match self.run(line)? {
            Some(printed) if printed.status == "0" => Ok(printed.lines),
            Some(Printed { lines, status }) => {
                Err(format!("{line}: exit status {status}\n{}", lines.join("\n")).into())
            }
            None => Err(format!("{line}: the shell is gone").into()),
        }
    }

    /// Writes a file, and the directories it is in.
    pub(crate) fn write(&mut self, path: &str, text: &str) -> Result<(), Failed> {
        fs::write(self.given.path().join("file"), text)?;
        self.done(&format!(
            "mkdir -p \"$(dirname '{path}')\" && cp /opt/given/file '{path}'"
        ))?;
        Ok(())
    }

    /// Lets packets come, and waits until each is in the log.
    pub(crate) fn receive(&mut self, traffic: &Traffic) -> Result<(), Failed> {
        let of_source = format!("grep -c '{}' /ram/iptables.log || :", traffic.logged());
        let count = |host: &mut Self| -> Result<usize, Failed> {
            let lines = host.done(&of_source)?;
            Ok(lines.concat().parse()?)
        };
        let before = count(self)?;
        traffic.send(&self.world)?;
        let wanted = before + usize::from(traffic.count);
        let start = Instant::now();
        while count(self)? < wanted {
            if start.elapsed() > PATIENCE {
                return Err(format!("waited {PATIENCE:?} for {wanted} lines: {of_source}").into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn wait_for(
        &mut self,
        what: &str,
        mut is: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), Failed> {
        let start = Instant::now();
        while !is(self) {
            if start.elapsed() > PATIENCE {
                return Err(format!("waited {PATIENCE:?} for {what}").into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // With the end of its input the shell ends, and what it has started.
        self.shell.stdin = None;
        let start = Instant::now();
        while matches!(self.shell.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
