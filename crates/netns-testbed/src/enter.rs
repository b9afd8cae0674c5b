//! Entering namespaces of our own, once, before there is a second thread.

use std::fs;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use crate::entered::{loopback_up, settle};
use crate::namespace::Namespace;
use crate::program::this_program;

/// Where the process was started.
static HOST: OnceLock<Namespace> = OnceLock::new();

/// Puts the whole process into a network and a mount namespace of its own, and into a user
/// namespace in which it is root where it is not already.
///
/// To be called first in `main`, while there is a single thread; [`run`](crate::run) does it for
/// tests. Repeating it changes nothing.
///
/// # Errors
///
/// The reason why this host does not allow it, with the cure.
pub fn enter() -> Result<(), &'static str> {
    settle(|| try_enter().err())
}

/// The network namespace that the process was started in, where that is not to be seen from ours.
pub(crate) fn host_network() -> Option<&'static Namespace> {
    HOST.get()
}

fn try_enter() -> Result<(), String> {
    // Whoever asks for a program later is told then why it cannot be found.
    let _ = this_program();
    if let Ok(host) = Namespace::current() {
        let _ = HOST.set(host);
    }
    let private = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    match unshare(private) {
        Ok(()) => {}
        Err(Errno::EPERM) => become_root(private)?,
        Err(error) => return Err(refusal(error)),
    }
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    match mount(None::<&str>, "/", None::<&str>, flags, None::<&str>) {
        // In a plain chroot `/` is no mount of its own and cannot be made private; a trial takes
        // away what it mounts.
        Ok(()) | Err(Errno::EINVAL) => {}
        Err(error) => return Err(format!("cannot make the mounts private: {error}")),
    }
    loopback_up().map_err(|failed| {
        format!(
            "cannot set up loopback: {}",
            failed.message().unwrap_or("?")
        )
    })
}

fn become_root(private: CloneFlags) -> Result<(), String> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | private).map_err(refusal)?;
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("0 {user} 1"))?;
    write("/proc/self/gid_map", &format!("0 {group} 1"))
}

fn write(path: &str, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| {
        format!(
            "cannot write {path}: {error}{}",
            cure().map(|cure| format!("; {cure}")).unwrap_or_default()
        )
    })
}

fn refusal(error: Errno) -> String {
    let user = geteuid();
    let cure = cure().unwrap_or_else(|| match error {
        // user_namespaces(7), network_namespaces(7): a limit is reached.
        Errno::ENOSPC | Errno::EUSERS => {
            "user.max_user_namespaces or user.max_net_namespaces is used up: raise it".to_owned()
        }
        _ => "run as root, or in a container that may (seccomp and AppArmor unconfined)".to_owned(),
    });
    format!("user {user} may not make user and network namespaces on this host ({error}); {cure}")
}

/// The setting of this host that forbids it, and the command that changes it.
fn cure() -> Option<String> {
    let sysctls = [
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("user.max_user_namespaces", "0", "10000"),
        ("user.max_net_namespaces", "0", "10000"),
    ];
    sysctls.into_iter().find_map(|(name, forbids, allows)| {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        let value = fs::read_to_string(path).ok()?;
        (value.trim() == forbids)
            .then(|| format!("{name} is {forbids}: run as root, or `sysctl -w {name}={allows}`"))
    })
}
