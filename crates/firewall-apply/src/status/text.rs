//! `status` as text: no line is wider than the terminal, or than 80 columns where there is none.

use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

use iptables_ruleset::match_::Time;
use iptables_ruleset::{Hook, UnixTime};
use jiff::Timestamp;

use super::report::{FamilyReport, Report, RuleReport};
use super::words::{BANNED, BANNED_ICMP, CROWDED, REQUESTS};
use crate::amount::{Bytes, Grouped, Rough};
use crate::set_fill::SetFill;
use crate::style::{Colour, Style};
use crate::words::join;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        for family in &self.families {
            if self.up {
                family_text(f, family, self.style)?;
            }
        }
        sets_text(f, &self.sets, self.style)
    }
}

impl Report {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (colour, word) = if self.up {
            (Colour::Good, "up")
        } else {
            (Colour::Bad, "not up")
        };
        write!(f, "firewall       {}", self.style.paint(colour, word))?;
        if let Some(at) = self.since {
            let ago = Timestamp::now().duration_since(at).as_secs();
            let ago = Rough(u64::try_from(ago).unwrap_or(0));
            write!(f, ", applied {at:.0}, {ago} ago")?;
        }
        writeln!(f, "\nconfiguration  {}", self.config)?;
        if self.changed == Some(true) {
            let changed = "changed since it went in; `firewall-apply` puts it in";
            writeln!(
                f,
                "               {}",
                self.style.paint(Colour::Odd, changed)
            )?;
        }
        Ok(())
    }
}

fn family_text(f: &mut Formatter<'_>, family: &FamilyReport, style: Style) -> fmt::Result {
    let policies = join(Hook::ALL.into_iter().filter_map(|hook| {
        let policy = family.policies.get(hook.chain())?.as_deref();
        Some(format!("{hook} {}", policy.unwrap_or("none")))
    }));
    let name = &family.place;
    writeln!(f, "\n{}  {policies}", style.paint(Colour::Strong, name))?;
    for jump in &family.jumps {
        let (from, to) = (&jump.from, &jump.to);
        match (jump.position, jump.others_before) {
            (None, _) => {
                let missing = format!("{from} does not jump to {to}");
                writeln!(f, "  {}", style.paint(Colour::Bad, &missing))?;
            }
            (Some(_), 0) => writeln!(f, "  {from} jumps to {to}, before all rules of others")?,
            (Some(_), others) => {
                let rules = if others == 1 { "rule" } else { "rules" };
                let behind = format!("behind {others} {rules} of others");
                let behind = style.paint(Colour::Odd, &behind);
                writeln!(f, "  {from} jumps to {to}, {behind}")?;
            }
        }
    }
    let (busy, quiet): (Vec<Group>, Vec<Group>) =
        groups(family).into_iter().partition(Group::says_something);
    for group in busy {
        group.write(f, style)?;
    }
    if quiet.is_empty() {
        return Ok(());
    }
    let labels: Vec<String> = quiet.into_iter().map(|group| group.label).collect();
    f.write_str("  nothing yet: ")?;
    listed(f, &labels, NOTHING_YET, style)
}

/// The items with commas between them, in lines that begin at `indent`.
fn listed(f: &mut Formatter<'_>, items: &[String], indent: usize, style: Style) -> fmt::Result {
    let mut column = indent;
    for (number, item) in items.iter().enumerate() {
        let length = item.chars().count();
        // The comma behind it included.
        if number > 0 && column + 2 + length + 1 > style.width {
            write!(f, ",\n{:indent$}", "")?;
            column = indent;
        } else if number > 0 {
            f.write_str(", ")?;
            column += 2;
        }
        f.write_str(item)?;
        column += length;
    }
    writeln!(f)
}

/// The rules that are there for one thing.
struct Group {
    label: String,
    bytes: u64,
    counts: Vec<Count>,
    /// When its rules match, where they ask for a time.
    times: Vec<Time>,
}

struct Count {
    what: &'static str,
    packets: u64,
    rate: Option<f64>,
}

/// The rules by what they are there for, in the order of the packets' way.
fn groups(family: &FamilyReport) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut chains: Vec<_> = family.chains.iter().collect();
    let rank = |name: &str| match name {
        "FIREWALL_INPUT" | "FIREWALL_EARLY" => 0,
        CROWDED | BANNED | BANNED_ICMP => 1,
        "FIREWALL_FORWARD_BANS" => 2,
        "FIREWALL_FORWARD" => 3,
        "FIREWALL_OUTPUT" => 4,
        _ => 5,
    };
    chains.sort_by_key(|chain| rank(&chain.name));
    for chain in chains {
        for rule in &chain.rules {
            let label = label(&chain.name, rule);
            let at = groups.iter().position(|group| group.label == label);
            let at = at.unwrap_or_else(|| {
                groups.push(Group {
                    label,
                    bytes: 0,
                    counts: Vec::new(),
                    times: Vec::new(),
                });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(at) {
                group.add(rule);
            }
        }
    }
    groups
}

/// What the rule is there for, in words.
fn label(chain: &str, rule: &RuleReport) -> String {
    let way = match chain {
        "FIREWALL_OUTPUT" => ", out",
        "FIREWALL_PREROUTING" => ", sent on",
        "FIREWALL_FORWARD" | "FIREWALL_FORWARD_BANS" => ", through",
        _ => "",
    };
    match (rule.purpose, &rule.of) {
        ("trusted", Some(interface)) => format!("trusted {interface}"),
        ("instant", Some(of)) => format!("instant {of}"),
        (_, Some(of)) => format!("{of}{way}"),
        ("masquerade", _) => "masqueraded".to_owned(),
        ("loopback", _) => format!("loopback{way}"),
        ("known-connections", _) => {
            format!("known{}", if way.is_empty() { " connections" } else { way })
        }
        ("link", _) => format!("the link{way}"),
        ("local", _) => "rules of your own".to_owned(),
        ("invalid", _) => "of no connection".to_owned(),
        ("instant", _) => "instant".to_owned(),
        ("rest", _) if chain == CROWDED => "while it was crowded".to_owned(),
        ("rest", _) if [BANNED, BANNED_ICMP].contains(&chain) => "banned".to_owned(),
        ("rest", _) if chain == "FIREWALL_INPUT" || !way.is_empty() => {
            format!("anything else{way}")
        }
        ("log" | "rest", _) => chain.to_owned(),
        _ if chain.starts_with("LOG_AND_") => chain.to_owned(),
        _ => format!("{chain} rule {}", rule.number),
    }
}

impl Group {
    fn add(&mut self, rule: &RuleReport) {
        // What goes on to a chain of ours, or was only logged, is counted where its way ends.
        if !matches!(rule.counts, "while it was crowded" | "logged") && rule.purpose != "instant" {
            self.bytes = self.bytes.saturating_add(rule.bytes);
        }
        let time = rule.time.as_ref().map(|one| one.time);
        self.times
            .extend(time.filter(|time| !self.times.contains(time)));
        match self
            .counts
            .iter_mut()
            .find(|count| count.what == rule.counts)
        {
            Some(count) => {
                count.packets = count.packets.saturating_add(rule.packets);
                count.rate = count.rate.zip(rule.rate).map(|(one, other)| one + other);
            }
            None => self.counts.push(Count {
                what: rule.counts,
                packets: rule.packets,
                rate: rule.rate,
            }),
        }
    }

    fn says_something(&self) -> bool {
        !self.times.is_empty() || self.counts.iter().any(|count| count.packets > 0)
    }

    /// Whether it is there now, where that depends on the time, and until when.
    fn hours(&self, now: UnixTime) -> Option<String> {
        let mut times = self.times.iter();
        let holds = times.try_fold(false, |any, time| Some(time.holds_at(now)? || any));
        let holds = holds.filter(|_| !self.times.is_empty())?;
        let lets_in = self
            .counts
            .iter()
            .any(|count| REQUESTS.contains(&count.what));
        let word = match (lets_in, holds) {
            (true, true) => "open",
            (true, false) => "closed",
            (false, true) => "on",
            (false, false) => "off",
        };
        Some(match Time::change_after(&self.times, now) {
            Some(end) => format!("{word} until {end}"),
            None => format!("{word} for good"),
        })
    }

    fn write(&self, f: &mut Formatter<'_>, style: Style) -> fmt::Result {
        let bytes = Bytes(self.bytes).to_string();
        write!(f, "  {:<LABEL$} {bytes:>BYTES$}  ", self.label)?;
        let counts = self.counts.iter().filter(|count| count.packets > 0);
        let mut said: Vec<String> = counts.map(Count::to_string).collect();
        said.extend(self.hours(SystemTime::now().into()));
        let label = self.label.chars().count().max(LABEL);
        listed(f, &said, label + BYTES + 5, style)
    }
}

/// `33 over the limit (1.2/s)`
impl Display for Count {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Grouped(self.packets), self.what)?;
        match self.rate {
            Some(rate) if rate > 0.0 && rate < 9.95 => write!(f, " ({rate:.1}/s)"),
            Some(rate) if rate > 0.0 => write!(f, " ({rate:.0}/s)"),
            _ => Ok(()),
        }
    }
}

fn sets_text(f: &mut Formatter<'_>, sets: &[SetFill], style: Style) -> fmt::Result {
    if sets.is_empty() {
        return Ok(());
    }
    let names = sets.iter().map(|set| set.name.chars().count());
    let longest = names.max().unwrap_or(0).max(SET);
    // A longer name has a line to itself.
    let column = if longest + FILL <= style.width {
        longest
    } else {
        SET
    };
    let heading = format!(
        "{:<column$}    entries  room              memory  next end  last end",
        "set"
    );
    writeln!(f, "\n{}", style.paint(Colour::Strong, &heading))?;
    for set in sets {
        write!(f, "{:<column$}", set.name)?;
        if set.name.chars().count() > column {
            write!(f, "\n{:column$}", "")?;
        }
        if !set.is_there() {
            writeln!(f, "  {}", style.paint(Colour::Bad, "missing"))?;
            continue;
        }
        let entries = Grouped(set.entries).to_string();
        let (bar, percent) = bar(set, style);
        let memory = Bytes(set.memory.into()).to_string();
        let end = |seconds: Option<u32>| match seconds {
            Some(seconds) => Rough(seconds.into()).to_string(),
            None if set.permanent > 0 => "never".to_owned(),
            None => "-".to_owned(),
        };
        let last = if set.permanent > 0 {
            "never".to_owned()
        } else {
            end(set.last_expiry)
        };
        writeln!(
            f,
            "{entries:>11}  {bar} {percent:>4} {memory:>9}  {:>8}  {last:>8}",
            end(set.next_expiry),
        )?;
    }
    Ok(())
}

/// How full a set is, as a bar of ten and as a number.
fn bar(set: &SetFill, style: Style) -> (String, String) {
    let Some(percent) = set.percent() else {
        return (" ".repeat(12), String::new());
    };
    // Who is there shows, be he the only one.
    let full = percent.div_ceil(10).max(u64::from(set.entries > 0)).min(10);
    let full = usize::try_from(full).unwrap_or(10);
    let colour = match percent {
        ..80 => Colour::Good,
        80..95 => Colour::Odd,
        _ => Colour::Bad,
    };
    let bar = format!(
        "[{}{}]",
        style.paint(colour, &"#".repeat(full)),
        ".".repeat(10_usize.saturating_sub(full))
    );
    (bar, format!("{percent}%"))
}

/// Columns of what a rule is there for: the longest name of a service.
const LABEL: usize = 20;
/// Where the list of what has not come begins.
const NOTHING_YET: usize = 15;
/// Columns of a set's name, unless there is room for more.
const SET: usize = 17;
/// Columns of what is said of a set behind its name.
const FILL: usize = 60;
/// Columns of a number of bytes: `1023.9 MiB`.
const BYTES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str) -> SetFill {
        SetFill {
            name: name.to_owned(),
            family: "inet".to_owned(),
            set_type: Some("hash:net".to_owned()),
            entries: 1_048_576,
            permanent: 0,
            maxelem: Some(1_048_576),
            memory: 1_048_576,
            next_expiry: Some(60),
            last_expiry: Some(60),
            is_tight: false,
        }
    }

    struct Sets(Vec<SetFill>, usize);

    impl Display for Sets {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            let style = Style {
                width: self.1,
                ..Style::PLAIN
            };
            sets_text(f, &self.0, style)
        }
    }

    /// Whatever the names, each column is one, and no line is wider than the terminal.
    #[test]
    fn columns_of_sets_stand_below_each_other() {
        let longest = "of-someone-who-likes-long-names";
        for (names, width) in [
            (vec!["whitelist", "blacklist-instant"], 80),
            (vec!["whitelist", "blacklist-instant_v6"], 80),
            (vec!["whitelist", longest], 80),
            (vec!["whitelist", longest], 100),
        ] {
            let sets = Sets(names.iter().map(|name| set(name)).collect(), width);
            let text = sets.to_string();
            let starts: Vec<usize> = text
                .lines()
                .filter_map(|line| line.find("  [").or_else(|| line.find("  room")))
                .collect();
            assert_eq!(starts.len(), names.len() + 1, "{text}");
            assert!(starts.windows(2).all(|two| two[0] == two[1]), "{text}");
            assert!(text.lines().all(|line| line.len() <= width), "{text}");
            let names = names.iter().filter(|name| !text.contains(**name));
            assert_eq!(names.count(), 0, "{text}");
        }
    }
}
