//! Text for people.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use iptables_ruleset::Hook;

use super::Body;
use crate::config::Source;
use crate::print::Text;
use crate::save::format::CreateLine;
use crate::{apply, check, print, reset, restore, save};

/// What was done; what went wrong is told elsewhere, line by line.
impl Display for Body {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply(report) => report.fmt(f),
            Self::Check(report) => report.fmt(f),
            Self::Print(report) => report.fmt(f),
            Self::Reset(report) => report.fmt(f),
            Self::Restore(report) => report.fmt(f),
            Self::Save(report) => report.fmt(f),
        }
    }
}

impl Display for apply::Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Nothing was done; the errors say why.
        if self.families.is_empty() {
            return Ok(());
        }
        match self.applied {
            Some(apply::Applied::Last) => writeln!(f, "configuration     the last that went in")?,
            Some(apply::Applied::Floor) => writeln!(f, "configuration     none, only a floor")?,
            _ => writeln!(f, "configuration     {}", Origin(&self.config))?,
        }
        match &self.saved {
            Some(saved) if saved.found => {
                write!(f, "saved members     {}", saved.path.display())?;
                match saved.saved {
                    Some(at) => writeln!(f, ", saved at {at}, {} ago", Span(saved.elapsed))?,
                    None => writeln!(f)?,
                }
            }
            Some(saved) => writeln!(
                f,
                "saved members     none, {} does not exist",
                saved.path.display()
            )?,
            None => {}
        }
        for set in &self.sets {
            write!(f, "{:<16}  ", set.name)?;
            match set.outcome {
                apply::Outcome::Created => write!(f, "created, {}", set.set_type)?,
                apply::Outcome::Kept => write!(f, "kept as it was")?,
            }
            let members = [
                (set.restored, "put back"),
                (set.expired, "over by now"),
                (set.refused, "refused"),
            ];
            let mut separator = "; saved members: ";
            for (count, what) in members.into_iter().filter(|(count, _)| *count > 0) {
                write!(f, "{separator}{count} {what}")?;
                separator = ", ";
            }
            let configured = [(set.added, "put in"), (set.removed, "taken out")];
            let mut separator = "; by the configuration: ";
            for (count, what) in configured.into_iter().filter(|(count, _)| *count > 0) {
                write!(f, "{separator}{count} {what}")?;
                separator = ", ";
            }
            writeln!(f)?;
        }
        for family in &self.families {
            let chains = family
                .chains
                .iter()
                .map(|chain| format!("{} {}", chain.name, Count(chain.rules as u64, "rule")));
            writeln!(f, "{:<16}  {}", family.protocol.to_string(), join(chains))?;
            let jumps = family
                .jumps
                .iter()
                .map(|jump| format!("{} jumps to {}", jump.from, jump.to));
            writeln!(
                f,
                "{:<16}  {}; policies {}",
                "",
                join(jumps),
                policies(&family.policies)
            )?;
        }
        Ok(())
    }
}

impl Display for check::Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(services) = self.services else {
            return Ok(());
        };
        let services = Count(services as u64, "service");
        writeln!(f, "{}: {services}, no errors", Origin(&self.config))
    }
}

impl Display for print::Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.text {
            Text::IptablesSave(rulesets) => {
                for ruleset in rulesets {
                    if rulesets.len() > 1 {
                        writeln!(f, "# {}", ruleset.family())?;
                    }
                    write!(f, "{}", ruleset.to_iptables_save())?;
                }
                Ok(())
            }
            Text::IpsetSave(sets) => sets
                .iter()
                .try_for_each(|set| writeln!(f, "{}", CreateLine(set))),
        }
    }
}

impl Display for reset::Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for family in &self.families {
            let chains = join(family.chains.iter().cloned());
            writeln!(f, "{:<16}  without {chains}", family.protocol.to_string())?;
            writeln!(f, "{:<16}  policies {}", "", policies(&family.policies))?;
        }
        for set in &self.sets {
            let what = match set.outcome {
                reset::Outcome::Destroyed => "destroyed",
                reset::Outcome::Missing => "there was none",
                reset::Outcome::Refused => "still there",
            };
            writeln!(f, "{:<16}  {what}", set.name)?;
        }
        Ok(())
    }
}

/// The file of the configuration, or that there is none.
struct Origin<'a>(&'a Source);

impl Display for Origin<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let path = self.0.path.display();
        if self.0.found {
            write!(f, "{path}")
        } else {
            write!(f, "the built-in defaults ({path} does not exist)")
        }
    }
}

fn policies(of: &BTreeMap<&'static str, Option<String>>) -> String {
    join(Hook::ALL.into_iter().map(|hook| {
        let policy = of.get(hook.chain()).and_then(Option::as_deref);
        format!("{hook} {}", policy.unwrap_or("left as it was"))
    }))
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

impl Display for save::Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(saved) = self.saved else {
            return Ok(());
        };
        // Standard output has the file itself.
        if self.path.as_os_str() == "-" {
            return Ok(());
        }
        for set in &self.sets {
            let what = match set.outcome {
                save::Outcome::Saved => Count(set.members as u64, "member").to_string(),
                save::Outcome::Missing => "there is no such set".to_owned(),
                save::Outcome::Unsaved => "not saved".to_owned(),
            };
            writeln!(f, "{:<16}  {what}", set.name)?;
        }
        writeln!(f, "saved to {} at {saved}", self.path.display())
    }
}

impl Display for restore::Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.sets.is_empty() {
            return Ok(());
        }
        let path = if self.path.as_os_str() == "-" {
            "standard input".to_owned()
        } else {
            self.path.display().to_string()
        };
        match self.saved {
            Some(saved) => writeln!(f, "{path} was saved at {saved}, {} ago", Span(self.elapsed))?,
            None => writeln!(
                f,
                "{path} does not say when it was saved: no time is taken off"
            )?,
        }
        for set in &self.sets {
            let outcome = match set.outcome {
                restore::Outcome::Created => "created",
                restore::Outcome::Kept => "was there",
            };
            writeln!(f, "{:<16}  {outcome}; {}", set.name, Members(&set.members))?;
        }
        Ok(())
    }
}

/// Members as "3 put back, 1 prolonged, 2 kept, 4 expired, 1 refused"; zeros are left out.
struct Members<'a>(&'a restore::Counts);

impl Display for Members<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let counts = self.0;
        write!(f, "{} put back", Count(counts.added, "member"))?;
        let rest = [
            (counts.prolonged, "prolonged"),
            (counts.kept, "kept as they were"),
            (counts.expired, "over by now"),
            (counts.refused, "refused"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

/// A number of things, with the plural where it belongs.
struct Count<'a>(u64, &'a str);

impl Display for Count<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)?;
        match self.0 {
            1 => Ok(()),
            _ => f.write_str("s"),
        }
    }
}

/// Seconds in the form durations are given in: `1h30m`.
struct Span(u32);

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, seconds) in [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)] {
            if left >= seconds {
                write!(f, "{}{unit}", left / seconds)?;
                left %= seconds;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_they_are_given() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (5400, "1h30m"),
            (86400, "1d"),
            (90061, "1d1h1m1s"),
        ] {
            assert_eq!(Span(seconds).to_string(), text);
        }
    }

    #[test]
    fn nothing_is_said_of_what_did_not_happen() {
        let mut counts = restore::Counts {
            added: 1,
            ..restore::Counts::default()
        };
        assert_eq!(Members(&counts).to_string(), "1 member put back");
        counts.expired = 2;
        assert_eq!(
            Members(&counts).to_string(),
            "1 member put back, 2 over by now"
        );
    }
}
