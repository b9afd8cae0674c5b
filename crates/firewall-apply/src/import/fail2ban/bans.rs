//! The bans of fail2ban, as `fail2ban-client` tells them.
//!
//! Its database is not read: it is that of `SQLite`, of which the reader that is kept well is
//! written in C and as large as this program.

use std::net::IpAddr;
use std::path::Path;

use ipset_netlink::{Entry, Family, Key, Network, Timeout};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::place::Place;
use super::super::saved::SavedMembers;
use super::super::source::Source;
use super::super::translation::{Translation, shortened};
use super::ini::Ini;
use super::seconds::seconds;
use crate::findings::Problem;

/// Reads what `fail2ban-client get JAIL banip --with-time` says (lines), or what
/// `fail2ban-client banned` does (a list of jails).
pub(super) fn read(path: &Path, ini: &Ini, made: &mut Translation) -> Result<(), Problem> {
    let source = Source::read(path)?;
    made.read.push(path.to_owned());
    let now = Timestamp::now();
    let mut bans = 0_u64;
    for (place, text) in source.lines() {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if text.starts_with(['[', '{']) {
            bans += all_jails(text, ini, made);
            if text.contains('\'') {
                made.note(&place, "bans without their ends", "each lasts as long as its jail's bantime from now on; `fail2ban-client get JAIL banip --with-time` tells the ends");
            }
            continue;
        }
        match with_time(text, now) {
            Ok(Some((address, left))) => {
                bans += 1;
                ban(address, left, "fail2ban", made);
            }
            // It is over.
            Ok(None) => {}
            Err(why) => made.left(&place, text, why),
        }
    }
    if bans > 0 {
        made.saved.at = Some(now);
        let what = format!("{bans} bans");
        let why = format!(
            "they are put in by `firewall-apply restore --file {}`, behind apply",
            SavedMembers::FILE
        );
        made.note(
            &Place {
                path: path.into(),
                line: 0,
            },
            &what,
            &why,
        );
    }
    Ok(())
}

/// `192.0.2.1  2026-11-22 10:00:00 + 600 = 2026-11-22 10:10:00`, in local time; the time that is
/// left.
fn with_time(text: &str, now: Timestamp) -> Result<Option<(IpAddr, Option<u64>)>, &'static str> {
    let (address, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let address: IpAddr = address.parse().map_err(|_| EXPECTED)?;
    if rest.contains("+ -1 ") {
        return Ok(Some((address, None)));
    }
    let (_, end) = rest.rsplit_once('=').ok_or(EXPECTED)?;
    let end: DateTime = end.trim().parse().map_err(|_| EXPECTED)?;
    let end = TimeZone::system().to_ambiguous_zoned(end).compatible();
    let end = end.map_err(|_| EXPECTED)?.timestamp();
    let left = end.duration_since(now);
    if left <= SignedDuration::ZERO {
        return Ok(None);
    }
    Ok(Some((
        address,
        u64::try_from(left.as_secs()).ok().map(|left| left.max(1)),
    )))
}

/// `[{'sshd': ['192.0.2.1', '192.0.2.2']}, {'web': []}]`: a name behind which a colon stands is a
/// jail.
fn all_jails(text: &str, ini: &Ini, made: &mut Translation) -> u64 {
    let mut bans = 0;
    let mut left = Some(600);
    let mut jail = String::new();
    let mut parts = text.split(['\'', '"']).skip(1);
    while let (Some(word), behind) = (parts.next(), parts.next().unwrap_or_default()) {
        if behind.trim_start().starts_with(':') {
            word.clone_into(&mut jail);
            let bantime = ini.get(word, "bantime").ok().flatten();
            let bantime = bantime.and_then(|value| seconds(&value.text));
            left = match bantime {
                Some(-1) => None,
                Some(seconds) => u64::try_from(seconds).ok().map(|left| left.max(1)),
                None => Some(600),
            };
        } else if let Ok(address) = word.parse() {
            bans += 1;
            ban(address, left, &jail, made);
        }
    }
    bans
}

/// An entry of the blacklist, with the time that is left; `None` is for good.
fn ban(address: IpAddr, left: Option<u64>, why: &str, made: &mut Translation) {
    let prefix = if address.is_ipv4() { 32 } else { 128 };
    let Ok(network) = Network::new(address, prefix) else {
        return;
    };
    let mut entry = Entry::new(Key::from(network));
    let seconds = left.map_or(0, |left| u32::try_from(left).unwrap_or(u32::MAX));
    entry.timeout = Timeout::from_secs(seconds.min(Timeout::MAX.as_secs())).ok();
    entry.comment = format!("was banned by fail2ban: {}", shortened(why))
        .parse()
        .ok();
    let family = match address {
        IpAddr::V4(_) => Family::Inet,
        IpAddr::V6(_) => Family::Inet6,
    };
    made.saved.add("blacklist", family, entry);
}

const EXPECTED: &str = "expected lines of `fail2ban-client get JAIL banip --with-time`, or the list of `fail2ban-client banned`";
