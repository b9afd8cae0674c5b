//! The files that a translation becomes.

mod firewall;
mod scan;
mod toml;

use std::path::Path;

use super::saved::SavedMembers;
use super::translation::Translation;
use crate::args::Origin;

/// The name of the configuration.
pub(crate) const FIREWALL: &str = "firewall.toml";
/// The name of the rules of the scans.
pub(crate) const SCAN: &str = "scan.toml";

/// A file that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// All of them, the configuration first.
pub(crate) fn files(origin: Origin, from: &Path, made: &Translation) -> Vec<Made> {
    let head = format!(
        "Made by `firewall-apply import {}` of {}. Above each part stands where it came from.",
        origin.name(),
        from.display()
    );
    let mut files = Vec::new();
    if !made.is_a_part || firewall::says_something(made) {
        files.push(Made {
            name: FIREWALL.to_owned(),
            text: firewall::text(&head, made),
        });
    }
    if !made.rules.is_empty() {
        files.push(Made {
            name: SCAN.to_owned(),
            text: scan::text(&head, made),
        });
    }
    if made.saved.count() > 0 {
        files.push(Made {
            name: SavedMembers::FILE.to_owned(),
            text: made.saved.text(),
        });
    }
    files.extend(made.files.iter().map(|file| Made {
        name: file.name.clone(),
        text: file.text.clone(),
    }));
    files
}
