//! `import fail2ban`: the jails that look at lines of a firewall, as rules of log-scanner.

mod bans;
mod ini;
mod jail;
mod seconds;

use std::path::{Path, PathBuf};

use self::ini::Ini;
use self::jail::Jail;
use super::place::Place;
use super::translation::Translation;
use crate::findings::Problem;

/// Reads a directory such as /etc/fail2ban, and the bans that `fail2ban-client` has told, if there
/// is such a file.
pub(super) fn read(directory: &Path, bans: Option<&Path>) -> Result<Translation, Problem> {
    let mut made = Translation::of_a_part();
    let paths = in_order(directory, "jail")?;
    if paths.is_empty() {
        let why = format!(
            "{}: there is neither jail.conf nor jail.local",
            directory.display()
        );
        return Err(why.into());
    }
    let ini = Ini::read(&paths, &mut made)?;
    let mut jails = 0;
    for name in &ini.order {
        if name == "INCLUDES" {
            continue;
        }
        let enabled = match ini.get(name, "enabled") {
            Ok(enabled) => enabled,
            Err(why) => {
                let place = Place {
                    path: directory.into(),
                    line: 0,
                };
                made.left(&place, &format!("[{name}]"), &why);
                continue;
            }
        };
        let Some(enabled) = enabled.filter(|value| is_true(&value.text)) else {
            continue;
        };
        jails += 1;
        let jail = Jail {
            name,
            ini: &ini,
            place: enabled.place,
        };
        jail.translate(directory, &mut made)?;
    }
    if jails == 0 {
        let path = paths.first().map_or(directory, PathBuf::as_path);
        let place = Place {
            path: path.into(),
            line: 0,
        };
        made.note(&place, "jails", "none is enabled");
    }
    if let Some(bans) = bans {
        bans::read(bans, &ini, &mut made)?;
    }
    Ok(made)
}

/// fail2ban's own order: what it comes with, the additions, what the administrator says, and the
/// additions to that.
fn in_order(directory: &Path, name: &str) -> Result<Vec<PathBuf>, Problem> {
    let more = directory.join(format!("{name}.d"));
    let mut additions = Vec::new();
    if let Ok(entries) = std::fs::read_dir(&more) {
        for entry in entries {
            let entry =
                entry.map_err(|error| format!("cannot read {}: {error}", more.display()))?;
            additions.push(entry.path());
        }
    }
    additions.sort();
    let mut paths = Vec::new();
    for ending in ["conf", "local"] {
        paths.push(directory.join(format!("{name}.{ending}")));
        let of = additions.iter().filter(|path| {
            path.extension().is_some_and(|of| of == ending)
                && path
                    .file_name()
                    .is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."))
        });
        paths.extend(of.cloned());
    }
    paths.retain(|path| path.is_file());
    Ok(paths)
}

/// As configparser takes it.
fn is_true(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "1" | "yes" | "true" | "on"
    )
}
