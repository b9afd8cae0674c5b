//! A jail that is enabled.

use std::path::Path;

use iptables_ruleset::Network;

use super::super::address::{Unusable, address};
use super::super::place::Place;
use super::super::translation::{ScanRule, Translation, shortened};
use super::ini::{Ini, Value};
use super::seconds::seconds;
use super::{in_order, is_true};
use crate::findings::Problem;

/// A jail.
pub(super) struct Jail<'a> {
    pub(super) name: &'a str,
    pub(super) ini: &'a Ini,
    /// Where it is enabled.
    pub(super) place: Place,
}

impl Jail<'_> {
    /// Makes a rule of it, if its filter is one for lines of a firewall; names it otherwise.
    pub(super) fn translate(
        &self,
        directory: &Path,
        made: &mut Translation,
    ) -> Result<(), Problem> {
        let what = format!("[{}]", self.name);
        let filter = self
            .text("filter", made)
            .unwrap_or_else(|| self.name.to_owned());
        // `sshd[mode=aggressive]`
        let filter = filter
            .split('[')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let lines = self.lines(directory, &filter, made)?;
        let Some(lines) = lines else {
            let why = match filter.as_str() {
                "recidive" => {
                    "who comes back is banned for longer by `repeat` of a rule, without a jail of its own"
                }
                _ => {
                    "it looks at another program's log, and log-scanner at the firewall's alone: keep fail2ban for it"
                }
            };
            made.left(&self.place, &what, why);
            return Ok(());
        };
        let mut rule = ScanRule {
            remarks: vec![format!("{}: jail {}", self.place, self.name)],
            rule: lines.rule,
            protocol: lines.protocol,
            howmany: 5,
            ..ScanRule::default()
        };
        if let Some(retries) = self.value("maxretry", made) {
            match retries.text.trim().parse() {
                Ok(number) if number > 0 => rule.howmany = number,
                _ => made.left(
                    &retries.place,
                    &format!("{what} maxretry = {}", retries.text),
                    "expected a number from 1 on",
                ),
            }
            rule.remarks.push(format!("{}: maxretry", retries.place));
        }
        rule.within = self.span("findtime", 600, &mut rule.remarks, made);
        rule.removeafter = self.span("bantime", 600, &mut rule.remarks, made);
        if rule.removeafter > ScanRule::LONGEST {
            rule.removeafter = ScanRule::LONGEST;
            made.note(
                &self.place,
                &format!("{what} bantime"),
                "a ban lasts 24 days at most; who goes on is banned again",
            );
        }
        self.repeat(&mut rule, made);
        rule.exempt = self.exempt(made);
        self.differences(made);
        made.rules.push(rule);
        Ok(())
    }

    fn value(&self, key: &str, made: &mut Translation) -> Option<Value> {
        match self.ini.get(self.name, key) {
            Ok(value) => value,
            Err(why) => {
                made.left(&self.place, &format!("[{}] {key}", self.name), &why);
                None
            }
        }
    }

    fn text(&self, key: &str, made: &mut Translation) -> Option<String> {
        let value = self.value(key, made)?;
        Some(value.text).filter(|text| !text.is_empty())
    }

    /// Seconds, at least 1; what is for ever is more than the longest ban.
    fn span(
        &self,
        key: &str,
        otherwise: u64,
        remarks: &mut Vec<String>,
        made: &mut Translation,
    ) -> u64 {
        let Some(value) = self.value(key, made) else {
            return otherwise;
        };
        remarks.push(format!(
            "{}: {key} = {}",
            value.place,
            shortened(&value.text)
        ));
        match seconds(&value.text) {
            Some(-1) => ScanRule::LONGEST + 1,
            Some(number @ 1..) => u64::try_from(number).unwrap_or(otherwise).min(MOST),
            _ => {
                let what = format!("[{}] {key} = {}", self.name, value.text);
                made.left(
                    &value.place,
                    &what,
                    "it is no span that is known here; 10 minutes were put in its place",
                );
                otherwise
            }
        }
    }

    /// `bantime.increment`.
    fn repeat(&self, rule: &mut ScanRule, made: &mut Translation) {
        let Some(value) = self.value("bantime.increment", made) else {
            return;
        };
        if !is_true(&value.text) || rule.removeafter >= ScanRule::LONGEST {
            return;
        }
        let longest = self.text("bantime.maxtime", made);
        let longest = longest.and_then(|text| seconds(&text));
        let longest = longest.and_then(|longest| u64::try_from(longest).ok());
        let longest = longest
            .unwrap_or(ScanRule::LONGEST)
            .clamp(rule.removeafter, ScanRule::LONGEST);
        // Longer than the longest ban, as a rule wants it.
        rule.repeat = Some((ScanRule::REMEMBERED, 2, longest));
        rule.remarks
            .push(format!("{}: bantime.increment", value.place));
        for key in [
            "bantime.formula",
            "bantime.multipliers",
            "bantime.factor",
            "bantime.overalljails",
        ] {
            if let Some(other) = self.value(key, made).filter(|other| !other.text.is_empty()) {
                let what = format!("[{}] {key} = {}", self.name, other.text);
                made.left(&other.place, &what, "each ban is twice as long as the one before: `repeat` of a rule has another factor");
            }
        }
    }

    fn exempt(&self, made: &mut Translation) -> Vec<Network> {
        let mut exempt = Vec::new();
        let Some(value) = self.value("ignoreip", made) else {
            return exempt;
        };
        let words = value.text.split([' ', ',', '\n', '\t']);
        for word in words.filter(|word| !word.is_empty()) {
            match address(word) {
                Some(Ok(network)) => exempt.push(network),
                // This host is never banned in any case.
                Some(Err(Unusable::Loopback)) => {}
                Some(Err(Unusable::Because(why))) => {
                    made.left(&value.place, &format!("ignoreip {word}"), &why);
                }
                None => made.left(
                    &value.place,
                    &format!("ignoreip {word}"),
                    "it is no address, and names are not looked up",
                ),
            }
        }
        exempt.truncate(ScanRule::MOST_EXEMPT);
        exempt
    }

    /// What the jail has besides that a rule has not.
    fn differences(&self, made: &mut Translation) {
        if let Some(value) = self
            .value("ignorecommand", made)
            .filter(|value| !value.text.is_empty())
        {
            let what = format!("[{}] ignorecommand", self.name);
            made.left(
                &value.place,
                &what,
                "no program is started: `exempt` of the rule, or the whitelist",
            );
        }
        if let Some(value) = self.value("port", made) {
            if !matches!(value.text.as_str(), "" | "0:65535" | "any") {
                let what = format!("[{}] port = {}", self.name, value.text);
                made.note(
                    &value.place,
                    &what,
                    "who is banned is banned from every port",
                );
            }
        }
        // What bans by the firewall is what a rule does.
        let firewalls = [
            "iptables",
            "nftables",
            "firewallcmd",
            "ufw",
            "shorewall",
            "pf",
            "ipfw",
        ];
        let other = self.value("banaction", made).filter(|value| {
            !value.text.is_empty() && !firewalls.iter().any(|known| value.text.starts_with(known))
        });
        if let Some(value) = other {
            let what = format!("[{}] banaction = {}", self.name, value.text);
            made.left(&value.place, &what, "no program is started: log-scanner --notify-socket hands bans to a program of yours");
        }
    }

    /// Which lines the jail's filter is for; `None` where they are none of a firewall.
    fn lines(
        &self,
        directory: &Path,
        filter: &str,
        made: &mut Translation,
    ) -> Result<Option<Lines>, Problem> {
        let mut regex = self.text("failregex", made).unwrap_or_default();
        // A name, and no way to another place.
        if regex.is_empty() && !filter.contains('/') {
            let paths = in_order(&directory.join("filter.d"), filter)?;
            let mut ignored = Translation::default();
            let ini = Ini::read(&paths, &mut ignored)?;
            made.read.append(&mut ignored.read);
            regex = ini.raw_text("Definition", "failregex").unwrap_or_default();
        }
        Ok(Lines::of(&regex))
    }
}

/// Which lines of the firewall a filter is for.
struct Lines {
    rule: &'static str,
    protocol: String,
}

impl Lines {
    /// What a regular expression for lines of the kernel's LOG target asks for: they have `SRC=`.
    fn of(regex: &str) -> Option<Self> {
        let hosts = ["<HOST>", "<ADDR>", "<IP4>", "<IP6>", "<SUBNET>"];
        let is_source = |line: &str| {
            hosts
                .iter()
                .any(|host| line.contains(&format!("SRC={host}")))
        };
        let line = regex.lines().find(|line| is_source(line))?;
        let lower = line.to_ascii_lowercase();
        let rule = ["invalid", "limited", "allowed"]
            .into_iter()
            .find(|name| lower.contains(name));
        let protocol = ["tcp", "udp", "icmp"]
            .into_iter()
            .find(|name| lower.contains(&format!("proto={name}")));
        Some(Self {
            // Whatever the prefix was, it is ours from now on.
            rule: rule.unwrap_or("blocked"),
            protocol: protocol.unwrap_or("all").to_owned(),
        })
    }
}

/// Seconds; the longest that a rule is written with.
const MOST: u64 = 0xffff_ffff;
