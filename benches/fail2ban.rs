//! fail2ban as it comes, with its action for ipsets and a filter for the firewall's lines, on a log of
//! the bench: in the network namespace of the calling thread, with its files in a directory of the
//! bench's own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netns_testbed::{Failed, Tool};

/// The set that its action fills.
pub(crate) const SET: &str = "f2b-rampart";

/// One that runs.
pub(crate) struct Fail2ban(Child);

impl Fail2ban {
    /// Whether it can be run here; else why not.
    pub(crate) fn missing() -> Option<String> {
        let tools = ["fail2ban-server", "iptables", "ipset", "cp"];
        let missing = tools.into_iter().find(|tool| Tool::find(tool).is_none());
        missing.map(|tool| format!("no {tool}; apt-get install fail2ban"))
    }

    /// Starts it on a log, and waits until it follows it. As `log-scanner` in this bench it bans at
    /// the fifth line in a minute, for an hour.
    pub(crate) fn start(directory: &Path, log: &Path, hits: usize) -> Result<Self, Failed> {
        let own = directory.join("fail2ban");
        let path = own.display();
        Tool::require("cp")?.run(&["-r", "/etc/fail2ban", &path.to_string()])?;
        // Debian enables a jail for sshd here.
        fs::remove_dir_all(own.join("jail.d"))?;
        fs::write(
            own.join("fail2ban.local"),
            format!("[Definition]\nlogtarget = {path}/log\nsyslogsocket = auto\ndbfile = None\n"),
        )?;
        fs::write(
            own.join("filter.d/rampart.conf"),
            "[Definition]\nfailregex = ^\\s*\\S+ kernel: (?:\\[[ \\d.]+\\] )?IP6?TABLES-BLOCKED: IN=\\S+ OUT= .*SRC=<HOST> \n",
        )?;
        fs::write(
            own.join("jail.local"),
            format!(
                "[rampart]\nenabled = true\nfilter = rampart\nlogpath = {}\nbackend = auto\nmaxretry = {hits}\n\
                 findtime = 60\nbantime = 3600\nignoreself = false\n\
                 action = iptables-ipset-proto6-allports[name=rampart, ipsettime=3600]\n",
                log.display()
            ),
        )?;
        let child = Command::new("fail2ban-server")
            .args(["-xf", "-c", &path.to_string()])
            .args([
                "-s",
                &format!("{path}/socket"),
                "-p",
                &format!("{path}/pid"),
            ])
            .arg("start")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut started = Self(child);
        let since = Instant::now();
        let said = || fs::read_to_string(own.join("log")).unwrap_or_default();
        while !said().contains("Jail 'rampart' started") {
            let ended = started.0.try_wait()?.is_some();
            if ended || since.elapsed() > Duration::from_secs(60) {
                return Err(format!("fail2ban does not start: {}", said()).into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(started)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Fail2ban {
    fn drop(&mut self) {
        // Both fail only for a process that has ended and been waited for. It leaves its rules to a
        // network namespace that goes with the bench.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
