//! Links of the book, and of the texts that stand around it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use netns_testbed::Failed;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::chapter;

/// Texts of the repository whose links are followed, too.
const AROUND: [&str; 5] = [
    "README.md",
    "DESIGN.md",
    "CONTRIBUTING.md",
    "crates/firewall-apply/README.md",
    "crates/log-scanner/README.md",
];

pub(crate) fn summary() -> Result<(), Failed> {
    let text = fs::read_to_string(chapter::folder().join("SUMMARY.md"))?;
    let links = links(&text);
    let linked: BTreeSet<&String> = links.iter().collect();
    assert_eq!(linked.len(), links.len(), "a page is there twice");
    let names = chapter::names()?;
    let pages: BTreeSet<&String> = names.iter().filter(|name| *name != "SUMMARY.md").collect();
    assert_eq!(linked, pages);
    Ok(())
}

pub(crate) fn all() -> Result<(), Failed> {
    let folder = chapter::folder();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("no repository")?;
    let mut texts: Vec<PathBuf> = chapter::names()?
        .iter()
        .map(|name| folder.join(name))
        .collect();
    texts.extend(AROUND.iter().map(|path| repository.join(path)));
    let mut wrong = Vec::new();
    let mut followed = 0;
    for path in texts {
        let text = fs::read_to_string(&path)?;
        let in_book = path.starts_with(&folder);
        for link in links(&text) {
            if link.starts_with("https://") || link.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            if let Err(why) = follow(&path, &text, &link, in_book) {
                wrong.push(format!("{}: {link}: {why}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(followed > 40, "only {followed} links");
    Ok(())
}

fn follow(from: &Path, text: &str, link: &str, in_book: bool) -> Result<(), &'static str> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    // What lies beside the book is not in what mdBook makes of it.
    if in_book && path.contains("..") {
        return Err("leads out of the book");
    }
    let target = from.parent().unwrap_or(from).join(path);
    if !path.is_empty() && !target.exists() {
        return Err("is not there");
    }
    if anchor.is_empty() {
        return Ok(());
    }
    let read;
    let target = if path.is_empty() {
        text
    } else {
        read = fs::read_to_string(target).map_err(|_| "cannot be read")?;
        &read
    };
    if anchors(target).contains(anchor) {
        Ok(())
    } else {
        Err("has no such heading")
    }
}

fn links(text: &str) -> Vec<String> {
    let links = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    });
    links.collect()
}

/// What mdBook and hosts of repositories make of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                anchors.extend(heading.take().map(|words| anchor(&words)));
            }
            Event::Text(more) | Event::Code(more) => {
                if let Some(words) = &mut heading {
                    words.push_str(&more);
                }
            }
            _ => {}
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|sign| match sign {
        ' ' => Some('-'),
        '-' | '_' => Some(sign),
        _ => sign.is_alphanumeric().then(|| sign.to_ascii_lowercase()),
    });
    kept.collect()
}
