//! csf.allow, csf.deny and csf.ignore: an address, a network or a filter a line.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ipset_netlink::address_list::AddressList;
use iptables_ruleset::{Family, Network};

use super::super::address::{Unusable, address};
use super::super::place::Place;
use super::super::source::Source;
use super::super::translation::{FilledSet, Member, MemberFile, Translation, short, shortened};
use super::advanced::Filter;
use crate::findings::Problem;
use crate::lists::private;

/// What stands in such a file, and in those that it includes.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) members: Vec<Member>,
    pub(super) filters: Vec<Filter>,
}

/// Reads a file of the directory, if it is there.
pub(super) fn read(directory: &Path, name: &str, made: &mut Translation) -> Result<List, Problem> {
    let mut list = List::default();
    let Some(source) = Source::read_if_there(&directory.join(name))? else {
        return Ok(list);
    };
    let mut seen = BTreeSet::from([source.path().to_owned()]);
    let mut sources = vec![source];
    while let Some(source) = sources.pop() {
        made.read.push(source.path().to_owned());
        for (place, text) in source.lines() {
            if let Some(include) = text.strip_prefix("Include") {
                let path = included(directory, include.trim());
                if !seen.insert(path.clone()) {
                    continue;
                }
                match Source::read_if_there(&path) {
                    Ok(Some(source)) if seen.len() <= MOST_FILES => sources.push(source),
                    Ok(Some(_)) => made.left(&place, text, "too many files are included"),
                    Ok(None) => made.left(&place, text, "there is no such file"),
                    Err(problem) => made.left(&place, text, &problem.to_string()),
                }
                continue;
            }
            // csf passes over each line with this word.
            if text.is_empty() || text.starts_with('#') || text.contains("Include") {
                continue;
            }
            line(&mut list, &place, text, made);
        }
    }
    Ok(list)
}

/// What a file of /etc/csf includes from there is beside it, also in a copy.
fn included(directory: &Path, path: &str) -> PathBuf {
    match path.strip_prefix("/etc/csf/") {
        Some(rest) => directory.join(rest),
        None => directory.join(path),
    }
}

fn line(list: &mut List, place: &Place, text: &str, made: &mut Translation) {
    let (entry, comment) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let comment = comment.trim().trim_start_matches('#').trim();
    match address(entry) {
        Some(Ok(network)) => list.members.push(Member {
            network,
            place: place.clone(),
            comment: comment.to_owned(),
        }),
        // csf leaves this host to itself.
        Some(Err(Unusable::Loopback)) => {}
        Some(Err(Unusable::Because(why))) => made.left(place, entry, &why),
        None if entry.contains(['|', ':']) => match Filter::parse(entry, place, comment) {
            Ok(filter) => list.filters.push(filter),
            Err(why) => made.left(place, entry, why),
        },
        None => {
            let why = "it is no address; csf does not look names up here, either";
            made.left(place, entry, why);
        }
    }
}

/// Puts who is allowed onto the whitelist.
pub(super) fn allow(list: &List, made: &mut Translation) {
    let everybody = Family::BOTH
        .into_iter()
        .any(|family| Network::cover_all(list.members.iter().map(|member| member.network), family));
    for member in &list.members {
        if everybody && member.network.prefix_length() < 8 {
            let what = member.network.to_string();
            made.left(&member.place, &what, "together they are every address");
        } else {
            made.firewall.whitelist.push(member.clone());
        }
    }
}

/// Puts who is denied into a block list, and its name; who has a private address, which no block
/// list takes, onto the blacklist.
pub(super) fn deny(list: &List, made: &mut Translation) -> Option<String> {
    let mut text = String::new();
    let private = private();
    for member in &list.members {
        let ends = [member.network.address(), member.network.last_address()];
        if ends.into_iter().all(|end| private.contains(end)) {
            made.firewall.blacklist.push(member.clone());
            continue;
        }
        let place = &member.place;
        let file = place.path.file_name().unwrap_or_default().to_string_lossy();
        let _ = write!(text, "{} # {file}:{}", short(&member.network), place.line);
        if !member.comment.is_empty() {
            text.push(' ');
            text.push_str(&shortened(&member.comment));
        }
        text.push('\n');
    }
    let first = list.members.first()?;
    if text.is_empty() {
        return None;
    }
    let name = made.set_name("csf-deny");
    let file = format!("{name}.txt");
    made.firewall.blocklists.push(FilledSet {
        name: name.clone(),
        remarks: vec![
            format!("{}: who is denied for good. Edit the file, then: firewall-apply refresh", first.place.path.display()),
            "It is as long as it is: there is no DENY_IP_LIMIT here, and nothing needs \"do not delete\".".to_owned(),
        ],
        file: Some(file.clone()),
        // Its owner edits it by hand.
        more: vec![("max-shrink", "\"100%\"".to_owned())],
    });
    made.files.push(MemberFile { name: file, text });
    Some(name)
}

/// Names who is let in by a filter of csf.allow and denied: csf asks the filter first, we the list.
pub(super) fn contradictions(allowed: &List, denied: &List, made: &mut Translation) {
    let of = |list: &List| -> AddressList {
        let networks = list.members.iter().map(|member| member.network);
        networks.filter_map(as_ipset).collect()
    };
    let closed = of(denied).without(&of(allowed));
    if closed.is_empty() {
        return;
    }
    for filter in allowed.filters.iter().filter(|filter| !filter.out) {
        let Some(source) = filter.source().and_then(as_ipset) else {
            continue;
        };
        let source: AddressList = [source].into_iter().collect();
        if !source.common(&closed).is_empty() {
            let why = "it is in csf.deny, too; csf lets it in by this line, here the block list goes first: take it out of that";
            made.left(&filter.place, &filter.text, why);
        }
    }
}

fn as_ipset(network: Network) -> Option<ipset_netlink::Network> {
    ipset_netlink::Network::new(network.address(), network.prefix_length()).ok()
}

/// Files that include each other.
const MOST_FILES: usize = 100;
