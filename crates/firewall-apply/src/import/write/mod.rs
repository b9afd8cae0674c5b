//! The files that a translation becomes.

mod firewall;
mod scan;
mod toml;

use std::path::Path;

use super::translation::Translation;
use crate::args::Origin;

/// The name of the configuration.
pub(crate) const FIREWALL: &str = "firewall.toml";
/// The name of the rules of the scans.
const SCAN: &str = "scan.toml";

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
    let mut files = vec![Made {
        name: FIREWALL.to_owned(),
        text: firewall::text(&head, made),
    }];
    if !made.rules.is_empty() {
        files.push(Made {
            name: SCAN.to_owned(),
            text: scan::text(&head, made),
        });
    }
    files.extend(made.files.iter().map(|file| Made {
        name: file.name.clone(),
        text: file.text.clone(),
    }));
    files
}
