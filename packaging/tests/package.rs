//! The package: installed, upgraded, removed and purged by dpkg, into this host's files as another
//! file system is laid over them.

mod package {
    pub(crate) mod host;
    pub(crate) mod maintained;
    pub(crate) mod setup;
}

use netns_testbed::run;

fn main() -> std::process::ExitCode {
    let mut trials = package::maintained::trials();
    trials.extend(package::setup::trials());
    run(trials)
}
