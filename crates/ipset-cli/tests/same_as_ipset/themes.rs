//! The scripts written by hand, one file a theme.

use netns_testbed::{Failed, Trial, trial};

use crate::pair::Pair;
use crate::script::{parse, written};

macro_rules! themes {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("scripts/", $name, ".txt")))),*]
    };
}

pub(crate) fn trials() -> Vec<Trial> {
    themes![
        "commands",
        "help",
        "options",
        "list",
        "interactive",
        "restore",
        "files",
        "bitmap",
        "hash_ip",
        "hash_net",
        "hash_port",
        "hash_iface",
        "hash_mark",
        "hash_mac",
        "list_set",
        "extensions",
        "ports",
        "names",
    ]
    .into_iter()
    .map(|(name, text)| trial(name, move || all(text)))
    .collect()
}

/// Every case is run, so that one run shows all that is different.
fn all(text: &str) -> Result<(), Failed> {
    let pair = Pair::new()?;
    let mut different = Vec::new();
    for case in parse(text) {
        if let Err(failed) = pair.run(&case) {
            if failed
                .message()
                .is_some_and(|message| message.contains("cannot clear"))
            {
                return Err(failed);
            }
            let message = failed.message().unwrap_or("failed").trim_end().to_owned();
            different.push(format!("{}-- {message}", written(&case)));
        }
    }
    if different.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} cases differ:\n\n{}",
        different.len(),
        different.join("\n\n")
    )
    .into())
}
