//! Our own programs, as cargo built them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, io};

/// The program `name` of this workspace, built in the same profile as the running test.
///
/// In the tests of the package that has the program, `env!("CARGO_BIN_EXE_name")` is better: cargo
/// then builds it first.
///
/// # Panics
///
/// When it has not been built; the message has the command that builds it.
pub fn program(name: &str) -> PathBuf {
    match find(name) {
        Ok(path) => path,
        #[expect(
            clippy::panic,
            reason = "a test that lacks its program has failed, wherever it asks for it"
        )]
        Err(reason) => panic!("{reason}"),
    }
}

/// Looks in `target/<profile>`, which is the parent of the `deps` or `examples` that we run from.
fn find(name: &str) -> Result<PathBuf, String> {
    let this =
        this_program().map_err(|error| format!("cannot tell where this program is: {error}"))?;
    let tried: Vec<PathBuf> = this
        .ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join(name))
        .collect();
    tried
        .iter()
        .find(|path| path.is_file())
        .cloned()
        .ok_or_else(|| {
            let places: Vec<_> = tried
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            format!(
                "{name} is not built (looked for {}): run `cargo build --bin {name}` first",
                places.join(" and ")
            )
        })
}

/// Where the running program is, found out once: in a chroot the kernel no longer tells the right
/// path after [`enter`](crate::enter), because the file is open in the mount namespace that was
/// left.
pub(crate) fn this_program() -> io::Result<&'static Path> {
    static THIS: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = THIS.get() {
        return Ok(path);
    }
    let path = env::current_exe()?;
    Ok(THIS.get_or_init(|| path))
}
