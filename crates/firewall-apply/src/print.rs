//! `print`: what apply would install.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use ipset_netlink::{CreateSet, Timeout};
use iptables_ruleset::{Family, Rule, Ruleset};
use serde::Serialize;

use crate::args::{FamilyArg, Format, PrintArgs};
use crate::config::{Source, Wanted};
use crate::configured::List;
use crate::instants::{self, InstantReport};
use crate::report;
use crate::rules::FamilyRules;
use crate::words::join;

/// What `print` has to print.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The configuration it comes from.
    pub(crate) config: Source,
    /// The sets.
    pub(crate) sets: Vec<SetText>,
    /// The lists, whose files say what is in their sets.
    pub(crate) lists: Vec<ListText>,
    /// What the kernel does by itself.
    pub(crate) instants: Vec<InstantReport>,
    /// The rules.
    pub(crate) families: Vec<FamilyRules<ChainText>>,
    /// The form that people asked for.
    #[serde(skip)]
    pub(crate) text: Text,
}

impl report::Report for Report {
    const COMMAND: &'static str = "print";
    const TEXT_IS_WANTED: bool = true;
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.text {
            Text::IptablesSave(rulesets) => {
                for line in self.instants.iter().flat_map(InstantReport::lines) {
                    writeln!(f, "# {line}")?;
                }
                let mut before = None;
                let is_one = |family| rulesets.iter().all(|ruleset| ruleset.family() == family);
                for ruleset in rulesets {
                    let family = ruleset.family();
                    if !is_one(family) && before != Some(family) {
                        writeln!(f, "# {family}")?;
                    }
                    before = Some(family);
                    write!(f, "{}", ruleset.to_iptables_save())?;
                }
                Ok(())
            }
            Text::IpsetSave(sets) => {
                for set in sets {
                    writeln!(f, "{set}")?;
                }
                for list in &self.lists {
                    let files = list.files.iter().map(|file| file.display().to_string());
                    write!(f, "# {}: what stands in {}", list.name, join(files))?;
                    match list.max_shrink {
                        Some(most) => writeln!(f, ", max-shrink {most}%")?,
                        None => writeln!(f)?,
                    }
                }
                Ok(())
            }
        }
    }
}

/// The forms that are not JSON.
#[derive(Debug)]
pub(crate) enum Text {
    /// Rules, with the family as a heading when there are two.
    IptablesSave(Vec<Ruleset>),
    /// Sets.
    IpsetSave(Vec<CreateSet>),
}

/// A set.
#[derive(Debug, Serialize)]
pub(crate) struct SetText {
    /// Its name.
    pub(crate) name: String,
    /// `inet` or `inet6`.
    pub(crate) family: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) set_type: String,
    /// The most members.
    pub(crate) maxelem: Option<u32>,
    /// The timeout of members that are added without one; 0 for permanent.
    pub(crate) timeout: Option<u32>,
    /// Whether members can have a comment.
    pub(crate) comment: bool,
    /// Whether packets are counted for each member.
    pub(crate) counters: bool,
}

/// A list.
#[derive(Debug, Serialize)]
pub(crate) struct ListText {
    /// Its name.
    pub(crate) name: String,
    /// Its files.
    pub(crate) files: Vec<PathBuf>,
    /// Of a block list, how many per cent of its networks may go at once; null for another.
    pub(crate) max_shrink: Option<u8>,
}

/// A chain of ours.
#[derive(Debug, Serialize)]
pub(crate) struct ChainText {
    /// Its name.
    pub(crate) name: String,
    /// Its rules in the words of iptables.
    pub(crate) rules: Vec<String>,
}

/// Prepares the sets and rules in the form that was asked for.
pub(crate) fn run(config: Source, wanted: Option<Wanted>, args: &PrintArgs) -> Report {
    let instants = wanted.as_ref().map(instants::of).unwrap_or_default();
    let (mut sets, lists, mut rulesets): (Vec<CreateSet>, _, _) = match wanted {
        Some(wanted) => {
            let sets = wanted.sets.into_iter().map(|set| set.create);
            (sets.collect(), wanted.lists, wanted.rulesets)
        }
        None => (Vec::new(), Vec::new(), Vec::new()),
    };
    if let Some(only) = args.family {
        let (of_sets, of_rules) = match only {
            FamilyArg::Inet => (ipset_netlink::Family::Inet, Family::Ipv4),
            FamilyArg::Inet6 => (ipset_netlink::Family::Inet6, Family::Ipv6),
        };
        sets.retain(|set| set.family == of_sets);
        rulesets.retain(|ruleset| ruleset.family() == of_rules);
    }
    Report {
        config,
        sets: sets.iter().map(SetText::from).collect(),
        lists: lists.into_iter().map(ListText::from).collect(),
        instants,
        families: rulesets.iter().map(rules).collect(),
        text: match args.format {
            Some(Format::IpsetSave) => Text::IpsetSave(sets),
            _ => Text::IptablesSave(rulesets),
        },
    }
}

fn rules(ruleset: &Ruleset) -> FamilyRules<ChainText> {
    let family = ruleset.family();
    let text = |rule: &Rule| rule.to_iptables_save(family).to_string();
    FamilyRules::new(ruleset, |chain| ChainText {
        name: chain.name().to_string(),
        rules: chain.rules().iter().map(text).collect(),
    })
}

impl From<List> for ListText {
    fn from(list: List) -> Self {
        Self {
            name: list.name,
            files: list.files,
            max_shrink: list.max_shrink,
        }
    }
}

impl From<&CreateSet> for SetText {
    fn from(set: &CreateSet) -> Self {
        Self {
            name: set.name.to_string(),
            family: set.family.to_string(),
            set_type: set.set_type.to_string(),
            maxelem: set.options.max_elements,
            timeout: set.options.timeout.map(Timeout::as_secs),
            comment: set.options.comments,
            counters: set.options.counters,
        }
    }
}
