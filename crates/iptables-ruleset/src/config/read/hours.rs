//! The keys of hours, and points in time.

use toml::de::DeTable;

use super::service::not_empty;
use super::set;
use crate::config::document::{Key, Section, Value};
use crate::config::hours::{Hours, MINUTES_PER_DAY};
use crate::config::{Action, ConfigError};
use crate::match_::Time;
use crate::{UnixTime, Weekday};

const HOURS: &[Key<Hours>] = &[
    ("from", |to, value| {
        set(&mut to.from, minute(value, 0..=MINUTES_PER_DAY - 1))
    }),
    ("until", |to, value| {
        set(&mut to.until, minute(value, 0..=MINUTES_PER_DAY))
    }),
    ("days", |to, value| set(&mut to.days, days(value))),
    ("zone", |to, value| set(&mut to.utc_offset, zone(value))),
];

/// The value of `when`: hours, or a list of them.
pub(super) fn hours(value: &Value<'_>) -> Result<Vec<Hours>, ConfigError> {
    let all = value.one_or_several();
    if all.is_empty() {
        return Err(value.error("an empty list: leave the key out for always"));
    }
    all.iter().map(|one| hours_of(&one.section()?)).collect()
}

fn hours_of(section: &Section<'_>) -> Result<Hours, ConfigError> {
    section.only(HOURS)?;
    let limits = ["from", "until", "days"];
    if limits.iter().all(|key| section.get(key).is_none()) {
        return Err(section.error(
            "when says no time: it wants from, until or days, as in { from = \"08:00\", until = \"18:00\", days = [\"mon-fri\"], zone = \"UTC\" }",
        ));
    }
    if section.get("zone").is_none() {
        return Err(section.error(format!(
            "when has no zone: say by which clock, zone = \"UTC\" or zone = \"+01:00\"; {NO_SUMMER_TIME}"
        )));
    }
    let mut hours = Hours::new(0);
    section.read(&mut hours, HOURS)?;
    if hours.from == hours.until {
        return Err(section.error("from and until are the same; for the whole day leave both out"));
    }
    Ok(hours)
}

/// `08:00`, as minutes.
fn minute(value: &Value<'_>, range: std::ops::RangeInclusive<u16>) -> Result<u16, ConfigError> {
    let text = value.string()?;
    clock(text)
        .filter(|minute| range.contains(minute))
        .ok_or_else(|| {
            let last = format!("{:02}:{:02}", range.end() / 60, range.end() % 60);
            value.error(format!(
                "{text:?} is no time of day: expected hours and minutes, \"00:00\" to \"{last}\""
            ))
        })
}

/// Two digits each of hours and minutes.
fn clock(text: &str) -> Option<u16> {
    let number = |digits: &str| -> Option<u16> {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        two.then(|| digits.parse().ok()).flatten()
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60).then_some(hours * 60 + minutes)
}

/// Days, and spans of days: `mon-fri`.
fn days(value: &Value<'_>) -> Result<Vec<Weekday>, ConfigError> {
    let mut days = Vec::new();
    for value in not_empty(value, "every day")? {
        let text = value.string()?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let day = |name: &str| name.parse::<Weekday>().ok();
        let (Some(first), Some(last)) = (day(first), day(last)) else {
            return Err(value.error(format!(
                "{text:?} is no day: expected mon, tue, wed, thu, fri, sat, sun, or several in a row, \"mon-fri\""
            )));
        };
        let from_first = Weekday::ALL.into_iter().cycle();
        let from_first = from_first
            .skip_while(|day| *day != first)
            .take(Weekday::ALL.len());
        for day in from_first {
            if !days.contains(&day) {
                days.push(day);
            }
            if day == last {
                break;
            }
        }
    }
    days.sort_unstable();
    Ok(days)
}

/// `UTC`, or how far a clock is before it: `+01:00`.
fn zone(value: &Value<'_>) -> Result<i16, ConfigError> {
    let text = value.string()?;
    if matches!(text, "UTC" | "utc" | "Z") {
        return Ok(0);
    }
    let signed = text
        .strip_prefix('+')
        .map(|rest| (1, rest))
        .or_else(|| Some((-1, text.strip_prefix('-')?)));
    let offset = signed.and_then(|(sign, rest)| {
        let minutes = clock(rest).filter(|minutes| *minutes <= FURTHEST)?;
        Some(sign * i16::try_from(minutes).ok()?)
    });
    offset.ok_or_else(|| {
        value.error(format!(
            "zone {text:?}: expected \"UTC\" or how far the clock is before it, \"-15:00\" to \"+15:00\", as in \"+01:00\"; {NO_SUMMER_TIME}"
        ))
    })
}

/// The value of `open-until`.
pub(super) fn open_until(value: &Value<'_>, action: Action) -> Result<UnixTime, ConfigError> {
    if action != Action::Accept {
        return Err(value.error(
            "open-until is about what is let in, and this lets nothing in; hours in which it is said are when",
        ));
    }
    let end: UnixTime = value.parse_time()?;
    if end > Time::MAX {
        return Err(value.error(format!(
            "open-until {end}: iptables and its rules know no time after {}; leave it out for what stays open",
            Time::MAX
        )));
    }
    if end.seconds() < 2 {
        return Err(value.error(format!("open-until {end}: no rule can end that early")));
    }
    Ok(end)
}

/// Each `open-until` of a file that is over by `now`.
pub(in crate::config) fn over(text: &str, now: UnixTime) -> Vec<ConfigError> {
    // Most files have none.
    if !text.contains(OPEN_UNTIL) {
        return Vec::new();
    }
    let Ok(document) = DeTable::parse(text) else {
        return Vec::new();
    };
    let whole = Section::whole(text, document.get_ref());
    let below = |table: &str, key: &str| whole.get(table)?.section().ok()?.get(key);
    let lists = [
        whole.get("service"),
        below("output", "service"),
        below("forward", "allow"),
        below("forward", "port"),
    ];
    let tables = lists
        .iter()
        .flatten()
        .filter_map(|list| list.sections().ok());
    let ends = tables.flatten().filter_map(|table| table.get(OPEN_UNTIL));
    ends.filter_map(|value| {
        let end: UnixTime = value.parse_time().ok()?;
        (end <= now).then(|| {
            value.error(format!(
                "open-until {end} is over: this is closed; take it out of the file, or give it a later end"
            ))
        })
    })
    .collect()
}

const OPEN_UNTIL: &str = "open-until";
const NO_SUMMER_TIME: &str = "a rule cannot follow a clock that is changed for the summer, and no rule knows the names of zones";
/// Minutes; no zone is that far from UTC.
const FURTHEST: u16 = 15 * 60;
