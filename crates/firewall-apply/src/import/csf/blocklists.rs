//! csf.blocklists: `NAME|INTERVAL|MAX|URL`.

use std::path::Path;

use super::super::source::Source;
use super::super::translation::{FilledSet, MemberFile, Translation};
use crate::findings::Problem;

/// The lists that are fetched from somewhere: each becomes a block list with an empty file.
pub(super) fn read(directory: &Path, made: &mut Translation) -> Result<(), Problem> {
    let Some(source) = Source::read_if_there(&directory.join("csf.blocklists"))? else {
        return Ok(());
    };
    made.read.push(source.path().to_owned());
    for (place, text) in source.lines() {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = text.splitn(4, '|').collect();
        let [name, interval, most, url] = parts.as_slice() else {
            made.left(&place, text, "expected NAME|INTERVAL|MAX|URL");
            continue;
        };
        // It is put into quotes of a shell.
        if url.contains(|c: char| c == '\'' || c.is_control() || c.is_whitespace()) {
            made.left(
                &place,
                text,
                "the address has a letter that a command line would not survive",
            );
            continue;
        }
        let list = made.set_name(name);
        let file = format!("{list}.txt");
        let hours = interval
            .trim()
            .parse()
            .unwrap_or(86_400_u64)
            .div_ceil(3600)
            .max(1);
        let every = match hours {
            1 => "17 *".to_owned(),
            2..=23 => format!("17 */{hours}"),
            _ => "17 4".to_owned(),
        };
        let fetched = format!("/etc/rampart/{list}.new");
        let kept = format!("/etc/rampart/{file}");
        let fetch = format!(
            "curl -fsS -o {fetched} '{url}' && mv {fetched} {kept} && firewall-apply refresh {list}"
        );
        let remarks = vec![
            super::from(&place, &format!("{name}, from {url}")),
            "No program of Rampart fetches anything. The file is empty until cron has done it, in /etc/cron.d/rampart-lists:".to_owned(),
            format!("{every} * * * root {fetch}"),
        ];
        made.firewall.blocklists.push(FilledSet {
            name: list.clone(),
            remarks,
            file: Some(file.clone()),
            more: Vec::new(),
        });
        made.files.push(MemberFile {
            name: file,
            text: format!("# {list}: not fetched yet; see firewall.toml\n"),
        });
        made.note(
            &place,
            name,
            "who fetches it is curl, from cron or a timer; the line for it stands above its [[blocklist]]",
        );
        if !matches!(most.trim(), "" | "0") {
            let what = format!("{name}: at most {} addresses", most.trim());
            made.note(&place, &what, "a list is taken whole");
        }
    }
    Ok(())
}
