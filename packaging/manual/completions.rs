//! Completions of the shells.

use clap::Command;
use clap_complete::{Shell, generate};

/// The scripts of a program, each by its path: `bash/NAME`, `zsh/_NAME`, `fish/NAME.fish`, as each
/// shell looks for it.
pub(crate) fn of(command: &mut Command) -> Vec<(String, String)> {
    let name = command.get_name().to_owned();
    let shells = [
        (Shell::Bash, format!("bash/{name}")),
        (Shell::Zsh, format!("zsh/_{name}")),
        (Shell::Fish, format!("fish/{name}.fish")),
    ];
    let scripts = shells.into_iter().map(|(shell, path)| {
        let mut script = Vec::new();
        generate(shell, command, &name, &mut script);
        (path, String::from_utf8_lossy(&script).into_owned())
    });
    scripts.collect()
}
